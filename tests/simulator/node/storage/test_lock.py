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


@pytest.mark.parametrize("stands", ["link", "dangling", "pipe", "directory", "text"])
def test_what_is_no_lock_is_neither_followed_nor_changed(tmp_path: Path, stands: str) -> None:
    """A link named `lock` may lead to anything, and a pipe would be waited for."""
    data, other, lock = tmp_path / "data", tmp_path / "other", tmp_path / "data" / "lock"
    data.mkdir()
    other.write_text("mine")
    match stands:
        case "link":
            lock.symlink_to(other)
        case "dangling":
            lock.symlink_to(tmp_path / "new")
        case "pipe":
            os.mkfifo(lock)
        case "directory":
            lock.mkdir()
        case _:
            lock.write_text("locked by the office\n")

    with pytest.raises(InputError, match="is no lock of a lab, and it was left as it is"):
        DirectoryLock(data)

    assert other.read_text() == "mine"
    assert not (tmp_path / "new").exists()
    assert stands != "text" or lock.read_text() == "locked by the office\n"
