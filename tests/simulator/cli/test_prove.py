"""`paxsim prove`: its verdicts, statuses and JSON; and what its page shows runs."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.cli.main import main

HOUSE = Path(__file__).parents[3]
Captured = pytest.CaptureFixture[str]
DUPLICATES = ["duplicates-fill-quorum", "--nodes", "5", "--writes", "1", "--elections", "1", "--duplicates", "2"]
SMALL = ["prove", "--writes", "1", "--elections", "1", "--crashes", "0"]


def test_a_complete_search_has_status_0_and_one_document(capsys: Captured) -> None:
    """The fields that scripts read, and the number of states."""
    status = main([*SMALL, "--json"])

    shown = json.loads(capsys.readouterr().out)
    assert status == 0
    assert (shown["states"], shown["complete"], shown["violation"]) == (49, True, None)


@pytest.mark.parametrize("bound", [["--depth", "4"], ["--states", "20"], ["--time-limit", "1ms"]])
def test_a_search_that_is_cut_off_is_no_success(bound: list[str], capsys: Captured) -> None:
    """Status 4, and the bound is named."""
    status = main([*SMALL, *bound])

    assert status == 4
    assert f"cut off by {bound[0].strip('-').split('-')[0]}" in capsys.readouterr().out


def test_a_violation_is_told_step_by_step(capsys: Captured) -> None:
    """Status 1, and each step is a line."""
    status = main([*SMALL, "--break", "small-accept-quorum"])

    shown = capsys.readouterr().out.splitlines()
    assert status == 1
    assert shown[0] == "  1  a client posts t1 at node 1"
    assert shown[3].startswith("violated after 3 steps: decision: ")


@pytest.mark.parametrize(
    ("rule", "invariant"),
    [
        (["small-accept-quorum"], "decision"),
        (["accept-ignores-promise"], "promise"),
        (["small-promise-quorum"], "agreement"),
        (["ignore-reported-values"], "proposal"),  # Where it first went wrong; the block of too few nodes follows.
        (DUPLICATES, "proposal"),
    ],
    ids=str,
)
def test_the_run_that_is_found_shows_its_violation_in_the_virtual_world(
    rule: list[str], invariant: str, tmp_path: Path, capsys: Captured
) -> None:
    """-o writes a scenario, which `run` takes as it is, and a trace, which `check` takes."""
    main(["prove", "--crashes", "0", "--break", *rule, "-o", str(tmp_path)])
    capsys.readouterr()

    run = main(["run", "--world", "virtual", "-q", str(tmp_path / "every-schedule.paxsim")])
    ran = capsys.readouterr().out
    check = main(["check", str(tmp_path / "every-schedule.jsonl")])
    checked = capsys.readouterr().out

    assert (run, check) == (1, 1)
    assert f"  {invariant}: " in ran
    assert invariant in checked


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["prove", "--nodes", "0"], "from 1 to 5"),
        (["prove", "--depth", "deep"], "'deep' is not a number"),
        (["prove", "--break", "small-acept-quorum"], "small-accept-quorum"),
    ],
)
def test_a_wrong_bound_is_one_sentence(words: list[str], sentence: str, capsys: Captured) -> None:
    """Status 2, and what would be right."""
    status = main(words)

    shown = capsys.readouterr()
    assert status == 2
    assert shown.out == ""
    assert sentence in shown.err
    assert shown.err.count("\n") == 1


def test_a_search_goes_on_with_the_same_command(tmp_path: Path, capsys: Captured) -> None:
    """Cut off, complete, and complete at once; each number of processes is right."""
    for more, status, states in (
        (["--states", "20"], 4, None),
        (["--workers", "2"], 0, 49),
        (["--workers", "1"], 0, 49),
    ):
        assert main([*SMALL, "--json", "--resume", str(tmp_path / "kept"), *more]) == status
        shown = json.loads(capsys.readouterr().out)
        assert states in {None, shown["states"]}
        assert shown["complete"] == (status == 0)


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path, capsys: Captured) -> None:
    """Status 2 and one sentence: another search, other files, a file."""
    main([*SMALL, "--resume", str(tmp_path / "kept")])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter").write_text("Dear Ann")
    capsys.readouterr()
    for words, sentence in (
        (
            ["prove", "--writes", "2", "--resume", str(tmp_path / "kept")],
            "keeps another search, with --crashes 0 and not 1",
        ),
        (
            [*SMALL, "--break", "promise-goes-down", "--resume", str(tmp_path / "kept")],
            "--break not given and not promise-",
        ),
        ([*SMALL, "--resume", str(tmp_path / "mine")], "holds other files ('letter')"),
        ([*SMALL, "--resume", str(tmp_path / "mine" / "letter")], "is a file"),
        ([*SMALL, "--resume", "/proc/nothing"], "'/proc/nothing'"),
        ([*SMALL, "--workers", "0"], "--workers"),
    ):
        assert main(words) == 2
        shown = capsys.readouterr()
        assert (shown.out, shown.err.count("\n")) == ("", 1)
        assert sentence in shown.err
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["letter"]


def test_ctrl_c_keeps_what_was_done(tmp_path: Path) -> None:
    """Status 130; the same command goes on."""
    words = [sys.executable, "-m", "simulator", "prove", "--resume", str(tmp_path / "kept")]
    running = subprocess.Popen(words, cwd=HOUSE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "kept" / "search.json").exists():  # It is written before the search begins.
        assert running.poll() is None
    running.send_signal(signal.SIGINT)
    shown, _ = running.communicate(timeout=60)

    assert running.returncode == 130
    assert shown.startswith("cut off by an interrupt, nothing is shown") or not shown
    again = subprocess.run([*words, "--states", "300"], cwd=HOUSE, capture_output=True, text=True, check=False)
    assert again.returncode == 4
    assert again.stdout.startswith("cut off by states, nothing is shown")


def test_the_model_of_the_page_runs() -> None:
    """Two-phase commit, from an empty file, in some sixty lines."""
    page = (HOUSE / "docs" / "prove.md").read_text(encoding="utf-8")
    (program,) = re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)

    done = subprocess.run([sys.executable, "-c", program], cwd=HOUSE, capture_output=True, text=True, check=True)

    assert done.stdout == "197 states, depth 11\n"
    assert program.count("\n") <= 60
