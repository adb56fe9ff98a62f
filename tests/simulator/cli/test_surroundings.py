"""Trouble of the system is no bug of ours: one sentence, a documented status, nothing left behind."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from simulator.cli.failures import BAD_INPUT, INTERRUPTED, explain
from tests.simulator.worlds.processes.test_no_orphans import all_end

HOUSE = Path(__file__).parents[3]


def paxsim(
    words: Sequence[str], tmp_path: Path, *, before: Callable[[], None] | None = None, **options: object
) -> tuple[int, str]:
    """Run a command with its own TMPDIR; its status, and what it wrote on stderr."""
    options = {"stdout": subprocess.DEVNULL, **options}
    done = subprocess.run(
        [sys.executable, "-m", "simulator", *words],
        preexec_fn=before, stderr=subprocess.PIPE, text=True, timeout=60, cwd=tmp_path, check=False,
        env={**os.environ, "PYTHONPATH": str(HOUSE), "TMPDIR": str(tmp_path)}, **options,  # type: ignore[call-overload]
    )  # fmt: skip
    assert not list(tmp_path.glob("paxsim-*"))
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", [["scenarios"], ["scenarios", "--json"], ["--help"], ["completion", "bash"]])
def test_a_full_device_behind_stdout_is_told(tmp_path: Path, words: list[str]) -> None:
    """Python would say so a second time when it ends, with a status of its own."""
    with Path("/dev/full").open("w") as full:
        status, complaint = paxsim(words, tmp_path, stdout=full)

    assert (status, complaint) == (
        BAD_INPUT, "paxsim: there is no space left where this writes: make room, or write elsewhere.\n"
    )  # fmt: skip


def test_a_closed_stdout_is_told(tmp_path: Path) -> None:
    """The next file to be opened would get its number, and what is printed."""
    status, complaint = paxsim(["scenarios"], tmp_path, before=lambda: os.close(1), stdout=None)

    assert (status, complaint.count("\n")) == (BAD_INPUT, 1)
    assert "stdout is closed" in complaint


def test_a_closed_stdin_is_an_empty_one(tmp_path: Path) -> None:
    """`paxsim console <&-` has no commands."""
    assert paxsim(["console"], tmp_path, before=lambda: os.close(0)) == (0, "")


def test_nothing_is_lost_when_stderr_is_full(tmp_path: Path) -> None:
    """The status tells at least."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([sys.executable, "-m", "simulator", "check", "none"], stderr=full, cwd=HOUSE, check=False)

    assert done.returncode == BAD_INPUT
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("files", [12, 20, 32])
def test_too_few_files_are_told(tmp_path: Path, files: int) -> None:
    """Wherever the limit is met: at the lock, at a pipe, at the third node. No node is left."""
    status, complaint = paxsim(
        ["run", "normal-operation"], tmp_path, before=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    )

    assert status == BAD_INPUT
    assert "may not open as many files as are needed" in complaint


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (MemoryError(), "there is not enough memory"),
        (OSError(28, "No space left on device"), "there is no space left"),
        (OSError(12, "Cannot allocate memory"), "there is not enough memory"),
        (BlockingIOError(11, "Resource temporarily unavailable"), "as many processes"),
        (RuntimeError("can't start new thread"), "as many processes or threads"),
        (FileNotFoundError(2, "No usable temporary directory found in ['/tmp']"), "set TMPDIR"),
        (OSError(24, "Too many open files", "/lib/python3/x.py"), "as many files"),
        (PermissionError(13, "Permission denied", "/data"), "'/data' cannot be used: permission denied"),
    ],
)
def test_what_the_system_refuses_is_no_bug_of_ours(error: Exception, sentence: str) -> None:
    """Also when it is the cause of another error: the supervisor's thread met it."""
    wrapped = RuntimeError("the supervisor stopped because of a bug of ours")
    wrapped.__cause__ = error

    assert sentence in explain(error, []).sentence
    assert explain(error, []).status == BAD_INPUT
    assert not isinstance(error, OSError) or error.filename or explain(wrapped, []).status == BAD_INPUT


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_a_run_in_order(tmp_path: Path, number: signal.Signals) -> None:
    """One sentence, status 130, no temporary directory, no node. A second signal does not disturb the end."""
    if signal.getsignal(number) == signal.SIG_IGN:
        pytest.skip("whoever started the tests ignores this signal, as nohup does, and so must their children")
    story = tmp_path / "story.paxsim"
    story.write_text("set nodes 1\nsleep 60s\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "simulator", "run", str(story)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(HOUSE), "TMPDIR": str(tmp_path)},
    )  # fmt: skip
    assert process.stderr is not None
    while "sleep" not in process.stderr.readline():
        pass

    process.send_signal(number)
    time.sleep(0.05)
    process.send_signal(number)
    _, complaint = process.communicate(timeout=30)

    how = "interrupted" if number == signal.SIGINT else f"ended by {number.name}"
    assert (process.returncode, complaint) == (INTERRUPTED, f"paxsim: {how}.\n")
    assert [path.name for path in tmp_path.iterdir()] == ["story.paxsim"]
    assert all_end(process.pid)


def test_a_signal_after_the_work_does_not_change_the_status(tmp_path: Path) -> None:
    """The result is written, and the interpreter ends: Ctrl-C comes too late to count."""
    late = (
        "import atexit, os, signal, sys\n"
        "from simulator.cli.main import main\n"
        "atexit.register(lambda: os.kill(os.getpid(), signal.SIGINT))\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", late, "scenarios"],
        capture_output=True, text=True, timeout=60, cwd=tmp_path, check=False,
        env={**os.environ, "PYTHONPATH": str(HOUSE)},
    )  # fmt: skip

    assert (done.returncode, done.stderr) == (0, "")


def test_an_unknown_request_of_completion_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable belongs to the completion scripts."""
    monkeypatch.setenv("_PAXSIM_COMPLETE", "junk")

    status, complaint = paxsim([], tmp_path)

    assert status == BAD_INPUT
    assert "_PAXSIM_COMPLETE" in complaint
