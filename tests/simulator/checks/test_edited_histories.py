"""Whatever somebody changes in a history, plain or inside a trace, `check` ends with a verdict or with one sentence."""

from __future__ import annotations

import json
import os
import random
from pathlib import Path

import pytest

from simulator.checks.command import check_files
from simulator.errors import InputError
from tests.simulator.trace.test_trace import altered

HISTORIES = Path(__file__).parents[2] / "histories"
EDITS = int(os.environ.get("PAXSIM_EDITS", "10"))
"""Edits of each file; thousands by hand."""
MODELS = {
    "blog": "blog",
    "random-register": "register",
    "random-kv": "kv",
    "random-set": "set",
    "random-mutex": "mutex",
}
FILES = [
    (model, path)
    for folder, model in MODELS.items()
    for path in sorted((HISTORIES / folder).glob("*.jsonl"), key=lambda path: (path.stat().st_size, path.name))[:4]
]


def edited(lines: list[str], dice: random.Random) -> list[str]:
    """The lines with a few of them changed, cut short, repeated or removed."""
    lines = list(lines)
    for _ in range(dice.choice((1, 1, 2, 4))):
        place = dice.randrange(len(lines))
        match dice.randrange(6):
            case 0 if len(lines) > 1:
                del lines[place]
            case 1:
                lines.insert(dice.randrange(len(lines) + 1), lines[place])
            case 2:
                lines[place] = lines[place][: dice.randrange(len(lines[place]) + 1)]
            case _:
                try:
                    lines[place] = json.dumps(altered(json.loads(lines[place]), dice))
                except ValueError:  # An edit before has torn this line.
                    lines[place] += "]"
    return lines


def judged_or_refused(path: Path, model: str) -> None:
    """Check the file: it gets a verdict, or one sentence that names it."""
    refusal, verdict = "", "unknown"
    try:
        verdict = check_files([str(path)], model=model, time_limit_s=2)[0]["verdict"]
    except InputError as error:
        refusal = str(error)
    assert not refusal or (str(path) in refusal and "\n" not in refusal)
    assert verdict in {"ok", "violation", "unknown"}


@pytest.mark.parametrize(("model", "source"), FILES, ids=[f"{path.parent.name}-{path.stem}" for _, path in FILES])
def test_an_edited_history_is_judged_or_refused(model: str, source: Path, tmp_path: Path) -> None:
    """Any field, any type, any size; cut short anywhere."""
    dice = random.Random(source.name)
    lines = source.read_text(encoding="utf-8").splitlines()
    path = tmp_path / "edited.jsonl"
    for _ in range(EDITS):
        path.write_text("\n".join(edited(lines, dice)) + dice.choice(("\n", "")), encoding="utf-8")
        judged_or_refused(path, model)


def test_an_edited_history_inside_a_trace_is_judged_or_refused(tmp_path: Path) -> None:
    """The same with the lines of a client's history in a trace."""
    dice = random.Random(0)
    header = '{"trace":2,"world":"virtual","seed":0,"settings":{"nodes":3}}'
    source = (HISTORIES / "blog" / "ok-user-view-mixes-posts-and-comments.jsonl").read_text(encoding="utf-8")
    events = [
        {"event": "history", "at_ms": at, "entry": json.loads(line)} for at, line in enumerate(source.splitlines())
    ]
    lines = [header, *map(json.dumps, events)]
    path = tmp_path / "edited.jsonl"
    for _ in range(2 * EDITS):
        path.write_text("\n".join(edited(lines, dice)) + "\n", encoding="utf-8")
        judged_or_refused(path, "blog")
