"""`paxsim check` as a script uses it: stdout, stderr and exit status."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

HISTORIES = Path(__file__).parents[2] / "histories"


def paxsim(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command."""
    command = [sys.executable, "-m", "simulator", "check", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


def test_several_files_give_a_json_list() -> None:
    """In order; progress goes to stderr; one violation makes the exit status 1."""
    files = [
        str(HISTORIES / "blog" / name) for name in ("ok-info-then-retry-ok.jsonl", "bad-minority-stale-read.jsonl")
    ]

    done = paxsim("--json", *files)

    verdicts = msgspec.json.decode(done.stdout)
    assert [(verdict["file"], verdict["verdict"]) for verdict in verdicts] == [
        (files[0], "ok"),
        (files[1], "violation"),
    ]
    assert done.returncode == 1
    assert "judging (2 of 2)" in done.stderr


def test_one_file_gives_one_json_document() -> None:
    """It has the keys that scripts need, and stderr is empty."""
    done = paxsim(
        "--json", "--model", "register", "--init", "0", str(HISTORIES / "units" / "porcupine-register-0.jsonl")
    )

    verdict = msgspec.json.decode(done.stdout)
    assert list(verdict) == ["file", "model", "operations", "verdict", "why"]
    assert (verdict["verdict"], verdict["operations"], verdict["why"]) == ("ok", 3, "")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_violation_is_explained_in_words() -> None:
    """The reason follows the verdict on stdout."""
    done = paxsim(str(HISTORIES / "blog" / "bad-split-brain-two-pasts.jsonl"))

    first, why = done.stdout.splitlines()
    assert first.endswith(": violation (4 operations)")
    assert why.startswith("The first 6 of 8 events fail already")
    assert done.returncode == 1


def test_bad_files_end_with_status_2(tmp_path: Path) -> None:
    """A sentence on stderr, nothing on stdout."""
    done = paxsim(str(tmp_path / "nowhere.jsonl"), str(Path(__file__)))

    assert done.returncode == 2
    assert done.stdout == ""
    assert "nowhere.jsonl' cannot be read" in done.stderr
    assert "test_check_command.py, lines 1, " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("wrong", [["--init", "{"], ["--model", "blok"], ["--time-limit", "5"], ["--init", "5"]])
def test_a_wrong_option_ends_with_status_2(wrong: list[str]) -> None:
    """The error names the valid values."""
    done = paxsim(*wrong, str(HISTORIES / "blog" / "bad-split-brain-two-pasts.jsonl"))

    assert done.returncode == 2
    assert done.stderr.startswith("paxsim: ")


def test_an_interrupt_ends_with_status_130(tmp_path: Path) -> None:
    """Ctrl-C during a long search ends it at once, without a traceback."""
    powers = [(process, kind, 2**process) for kind in ("invoke", "ok") for process in range(24)]
    lines = [f'{{"process":{process},"type":"{kind}","f":"add","value":{power}}}' for process, kind, power in powers]
    lines += ['{"process":0,"type":"invoke","f":"read"}', '{"process":0,"type":"ok","f":"read","value":-1}']
    path = tmp_path / "hard.jsonl"
    path.write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "simulator", "check", "-v", "--model", "counter", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        assert "judging" in running.stderr.readline()
        running.send_signal(signal.SIGINT)
        rest = running.stderr.read()

    assert running.returncode == 130
    assert "Traceback" not in rest
