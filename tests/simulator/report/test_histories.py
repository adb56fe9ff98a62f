"""`paxsim check --report`: the operations as bars, the prefix, and what cannot be placed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from simulator.cli.main import main
from simulator.report.html import HISTORY_SCRIPTS
from tests.simulator.report.test_report import PAGE, data_in

STALE = [
    {"process": 0, "type": "invoke", "f": "write", "value": 1},
    {"process": 0, "type": "ok", "f": "write", "value": 1},
    {"process": 1, "type": "invoke", "f": "read"},
    {"process": 1, "type": "ok", "f": "read", "value": 0},
    {"process": 2, "type": "invoke", "f": "write", "value": 5},
    {"process": 2, "type": "info", "f": "write", "value": 5},
]


def written(events: list[dict[str, Any]], path: Path) -> Path:
    """A history file."""
    path.write_text("".join(json.dumps(event) + "\n" for event in events), encoding="utf-8")
    return path


def drawn(*arguments: str, out: Path) -> tuple[int, list[dict[str, Any]]]:
    """The status of `check`, and the histories of its page."""
    status = main(["check", "-q", *arguments, "--report", str(out)])
    histories: list[dict[str, Any]] = data_in(out.read_bytes())["histories"]
    return status, histories


def test_what_cannot_be_placed_is_marked(tmp_path: Path) -> None:
    """The stale read is the misfit; the write before it is placed, and stands in the prefix."""
    path = written(STALE, tmp_path / "stale.jsonl")

    status, (history,) = drawn(str(path), "--model", "register", "--init", "0", out=tmp_path / "out.html")

    assert status == 1
    assert (history["verdict"], history["prefix"], history["misfit"]) == ("violation", 3, 2)
    assert set(history["conflict"]) == {0, 2}
    assert history["points"] == [[0, 0]]
    assert history["why"]
    assert history["operations"] == [
        [0, "write 1", "ok", "1", 0, 1, 0],
        [1, "read", "ok", "0", 2, 3, 0],
        [2, "write 5", "info", "5", 4, 5, 0],
    ]


def test_a_linearizable_history_shows_an_order(tmp_path: Path) -> None:
    """Each operation that returned has a point between its call and its return."""
    path = written(STALE[:2] + STALE[4:], tmp_path / "fine.jsonl")

    status, (history,) = drawn(str(path), "--model", "register", out=tmp_path / "out.html")

    assert status == 0
    assert history["prefix"] == history["events"] == 4
    assert history["misfit"] == -1
    assert [call for call, _ in history["points"]] == [0]


def test_several_files_share_a_page(tmp_path: Path) -> None:
    """Each has a section of its own, in the order of the command line."""
    first = written(STALE, tmp_path / "first.jsonl")
    second = written(STALE[:2], tmp_path / "second.jsonl")

    _, histories = drawn(str(second), str(first), "--model", "register", out=tmp_path / "out.html")

    assert [Path(history["file"]).name for history in histories] == ["second.jsonl", "first.jsonl"]


def test_a_weaker_promise_is_drawn_without_an_order(tmp_path: Path) -> None:
    """Points are those of linearizability."""
    path = written(STALE[:2], tmp_path / "weak.jsonl")

    _, (history,) = drawn(str(path), "--model", "register", "--consistency", "sequential", out=tmp_path / "out.html")

    assert history["consistency"] == "sequential"
    assert history["points"] is None


def test_values_of_strangers_stay_text(tmp_path: Path) -> None:
    """A value that looks like markup cannot leave the data."""
    hostile = "</script><script>alert(1)</script>\u202e"
    events = [{**event, "value": hostile} for event in STALE[:2]]
    path = written(events, tmp_path / "hostile.jsonl")

    _, (history,) = drawn(str(path), "--model", "register", out=tmp_path / "out.html")

    html = (tmp_path / "out.html").read_bytes()
    assert html.count(b"</script>") == 2
    assert "alert(1)" in history["operations"][0][1]
    assert "\u202e" not in history["operations"][0][1]


@pytest.mark.parametrize("name", HISTORY_SCRIPTS)
def test_its_scripts_make_no_markup_from_text(name: str) -> None:
    """They show text as text nodes."""
    script = (PAGE / name).read_text(encoding="utf-8")

    assert not any(word in script for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write"))
