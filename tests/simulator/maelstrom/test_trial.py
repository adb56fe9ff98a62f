"""Node programs under our faults: one in Perl that is right, one that is wrong, and commands that are no programs."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest

from simulator.checks.command import check_files
from simulator.cli.main import main
from simulator.errors import InputError
from simulator.maelstrom import trial
from simulator.maelstrom.timetable import drawn_timetable, read_timetable

PROGRAM = Path(__file__).parent / "programs" / "single_leader.pl"
SHORT = """
set nodes 3
net delay 1ms jitter 20ms drop 5% duplicate 5%
load 300/s for 3s clients 9 &
at 500ms partition 1,2/3
at 1s heal
at 1200ms pause 2
at 1500ms resume 2
at 2s crash 3
at 2300ms restart 3
"""
Captured = pytest.CaptureFixture[str]
needs_perl = pytest.mark.skipif(
    shutil.which("perl") is None, reason="the node program of another language is in Perl, and there is no perl here"
)


@pytest.fixture
def story(tmp_path: Path) -> Path:
    """A scenario of three seconds."""
    path = tmp_path / "story.paxsim"
    path.write_text(SHORT, encoding="utf-8")
    return path


def try_program(command: str, *words: object) -> int:
    """`paxsim run --world maelstrom`."""
    return main(["run", "--world", "maelstrom", "--bin", command, "-q", "--json", *map(str, words)])


@needs_perl
def test_a_store_with_one_leader_passes(story: Path, tmp_path: Path, capsys: Captured) -> None:
    """Losses, duplicates, a partition, a pause and a kill: what was answered is linearizable."""
    history = tmp_path / "history.jsonl"

    status = try_program(f"perl {PROGRAM}", story, "-o", history)

    found = json.loads(capsys.readouterr().out)
    assert (status, found["checks"]) == (0, {"linearizability": "ok", "programs": "ok", "recovery": "ok"})
    assert found["operations"]["ok"] > 0
    assert check_files([str(history)], model="cas-register")[0]["verdict"] == "ok"


@needs_perl
def test_a_store_with_stale_reads_is_refused(story: Path, tmp_path: Path, capsys: Captured) -> None:
    """The followers answer reads from copies that are behind: the history says so, also when it is judged again."""
    history = tmp_path / "history.jsonl"

    status = try_program(f"perl {PROGRAM} --stale", story, "-o", history)

    found = json.loads(capsys.readouterr().out)
    assert status == 1
    assert not found["passed"]
    assert found["checks"]["linearizability"].startswith("The first")
    assert check_files([str(history)], model="cas-register")[0]["verdict"] == "violation"


def test_our_own_node_passes(story: Path, capsys: Captured) -> None:
    """The gateway, judged by the reverse of it."""
    status = try_program(f"{sys.executable} -m simulator maelstrom --sync flush --difficulty 0", story)

    found = json.loads(capsys.readouterr().out)
    assert (status, found["checks"]["linearizability"], found["checks"]["programs"]) == (0, "ok", "ok")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        ("nosuch-program", "cannot be run"),
        ("true", "is no node of the Maelstrom protocol"),
        ("echo hello", "what is no message"),
        ("", "names no command"),
        ("'", "cannot be split"),
    ],
)
def test_what_is_no_node_program_is_told(
    command: str, sentence: str, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Status 2, and a sentence."""
    monkeypatch.setattr(trial, "INIT_WITHIN_S", 1.0)

    status = try_program(command)

    assert status == 2
    assert sentence in capsys.readouterr().err


def test_a_program_that_ends_by_itself_fails(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    """The failure quotes the end of its log."""
    monkeypatch.setattr(trial, "RECOVER_WITHIN_MS", 1_000)
    program = tmp_path / "node.py"
    program.write_text(
        "import json, sys\n"
        "asked = json.loads(input())\n"
        "body = {'type': 'init_ok', 'in_reply_to': asked['body']['msg_id']}\n"
        "print(json.dumps({'src': asked['dest'], 'dest': asked['src'], 'body': body}), flush=True)\n"
        "input()\n"
        "sys.exit('no more')\n",
        encoding="utf-8",
    )
    story = tmp_path / "story.paxsim"
    story.write_text("set nodes 1\nload 20/s for 1s clients 1", encoding="utf-8")

    status = try_program(f"{sys.executable} {program}", story)

    found = json.loads(capsys.readouterr().out)
    assert status == 1
    assert "n1 ended by itself with status 1; its log ends with 'no more'" in found["checks"]["programs"]


def test_commands_of_the_blog_mean_nothing_to_programs(tmp_path: Path) -> None:
    """Every such line is named."""
    story = tmp_path / "story.paxsim"
    story.write_text("post alice Hello hi\ncrash leader\nat step 9 heal", encoding="utf-8")

    wrong = r"line 1: 'post'[^\n]*\n[^\n]*line 2: who is 'leader'[^\n]*\n[^\n]*line 3: node programs have no steps"
    with pytest.raises(InputError, match=wrong):
        read_timetable(str(story), 3)


def test_the_seed_draws_the_faults() -> None:
    """The same seed gives the same timetable, another one another."""
    assert drawn_timetable(7, 5) == drawn_timetable(7, 5)
    assert len({drawn_timetable(seed, 5) for seed in range(10)}) > 1
    assert drawn_timetable(1, 1)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--world", "maelstrom"], "--bin COMMAND"),
        (["--bin", "x", "five-nodes-agree"], "belongs to --world maelstrom"),
        (["--world", "maelstrom", "--bin", "x", "--watch"], "--watch is for our own nodes"),
        ([], "FILE"),
    ],
)
def test_options_that_do_not_fit_are_refused(words: list[str], sentence: str, capsys: Captured) -> None:
    """Status 2, and a sentence."""
    assert main(["run", *words]) == 2
    assert sentence in capsys.readouterr().err
