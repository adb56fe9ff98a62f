"""The lock of a data directory: only one lab uses it at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from simulator.errors import DirectoryHeld, InputError
from simulator.node.storage.lock import DirectoryLock

HOLD = """
import sys
from simulator.node.storage.lock import DirectoryLock
lock = DirectoryLock(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_lab_is_refused_with_the_process_that_holds_the_first(tmp_path: Path) -> None:
    """The error names the directory, the process and the remedy."""
    with DirectoryLock(tmp_path / "data"), pytest.raises(DirectoryHeld) as error:
        DirectoryLock(tmp_path / "data")

    assert str(error.value) == (
        f"'{tmp_path / 'data'}' is held by another running lab (process {os.getpid()}): "
        "end it, or choose another with --data."
    )
    assert isinstance(error.value, InputError)


def test_a_released_directory_is_free(tmp_path: Path) -> None:
    """A refused attempt does not release the lock of the holder."""
    first = DirectoryLock(tmp_path)
    for _ in range(2):
        with pytest.raises(DirectoryHeld):
            DirectoryLock(tmp_path)
    first.release()
    first.release()

    with DirectoryLock(tmp_path):
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"


def test_a_killed_lab_holds_nothing(tmp_path: Path) -> None:
    """The kernel releases the lock of a dead process; the file that is left locks nothing."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DirectoryHeld, match=f"process {holder.pid}"):
            DirectoryLock(tmp_path)
        holder.send_signal(signal.SIGKILL)
        holder.wait(10)

    DirectoryLock(tmp_path).release()
