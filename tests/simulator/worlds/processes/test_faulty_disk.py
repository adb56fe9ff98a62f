"""Damage to a node's files, and a disk that refuses: as the system would tell it."""

from __future__ import annotations

import errno
from functools import partial
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.faults.faults import DiskFault, DiskFaultKind
from simulator.node.storage.real_disk import RealDisk
from simulator.worlds.processes.faulty_disk import FaultyDisk, damage_file


class Person:
    """Decides what the disk does."""

    disk_fault_mode: DiskFaultKind = "ok"
    disk_delay_ms: int = 0


@pytest.mark.parametrize(
    ("fault_mode", "number"), [("full", errno.ENOSPC), ("readonly", errno.EROFS), ("failing-write", errno.EIO)]
)
def test_a_disk_that_takes_nothing_more_can_still_be_read(
    tmp_path: Path, fault_mode: DiskFaultKind, number: int
) -> None:
    """Every way to write is refused with the error of the system, and nothing is written."""
    person = Person()
    disk = FaultyDisk(RealDisk(tmp_path), person)
    disk.append("a.txt", b"one\n")
    person.disk_fault_mode = fault_mode

    for attempt in (
        partial(disk.append, "a.txt", b"two\n"),
        partial(disk.truncate, "a.txt", 1),
        partial(disk.replace, "a.txt", b"three"),
    ):
        with pytest.raises(OSError) as failure:  # noqa: PT011  Its number is looked at.
            attempt()
        assert failure.value.errno == number

    person.disk_fault_mode = "ok"
    disk.sync("a.txt")
    assert (disk.exists("a.txt"), disk.size("a.txt"), disk.read("a.txt")) == (True, 4, b"one\n")
    assert (disk.read_at("a.txt", 1, 2), list(disk.stream("a.txt", 3))) == (b"ne", [b"one", b"\n"])


def test_a_sync_can_fail_after_a_write_that_did_not(tmp_path: Path) -> None:
    """The most treacherous failure: what was written may be there or not."""
    person = Person()
    disk = FaultyDisk(RealDisk(tmp_path), person)
    person.disk_fault_mode = "failing-sync"
    disk.append("a.txt", b"one\n")

    with pytest.raises(OSError, match="Input/output error"):
        disk.sync("a.txt")


def test_corruption_changes_one_letter_of_one_line(tmp_path: Path) -> None:
    """The named line, or one in the middle."""
    path = tmp_path / "blog.txt"
    path.write_text("aaaa\nbbbb\ncccc\n")

    damage_file(tmp_path, DiskFault(1, "corrupt", "blog.txt", 3), up=True)
    damage_file(tmp_path, DiskFault(1, "corrupt", "blog.txt"), up=True)

    assert path.read_text() == "aaaa\nbbXb\nccXc\n"
    with pytest.raises(InputError, match="has 3 lines, and so no line 4"):
        damage_file(tmp_path, DiskFault(1, "corrupt", "blog.txt", 4), up=True)


def test_a_tear_leaves_the_beginning_of_a_line_that_nobody_has_heard_of(tmp_path: Path) -> None:
    """What was finished stays; and only a dead writer tears a line."""
    path = tmp_path / "blog.txt"
    path.write_text('{"height":1,"op":"POST"}\n')

    with pytest.raises(InputError, match="Node 1 is alive"):
        damage_file(tmp_path, DiskFault(1, "tear", "blog.txt"), up=True)
    damage_file(tmp_path, DiskFault(1, "tear", "blog.txt"), up=False)

    assert path.read_text() == '{"height":1,"op":"POST"}\n{"height":'


def test_a_wiped_file_is_gone(tmp_path: Path) -> None:
    """And cannot be wiped twice."""
    (tmp_path / "paxos.txt").write_text("x\n")

    damage_file(tmp_path, DiskFault(1, "wipe", "paxos.txt"), up=True)

    assert not (tmp_path / "paxos.txt").exists()
    with pytest.raises(InputError, match=r"Node 1 has no file 'paxos.txt'"):
        damage_file(tmp_path, DiskFault(1, "wipe", "paxos.txt"), up=True)
