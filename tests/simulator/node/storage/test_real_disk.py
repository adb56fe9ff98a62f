"""The real disk: the same contract as the simulated one, and failures that only a kernel causes."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from paxos.ballot import NO_BALLOT, Ballot
from simulator.node.storage import real_disk
from simulator.node.storage.disk import Disk, place_of
from simulator.node.storage.real_disk import RealDisk
from simulator.settings import SyncMode
from tests.simulator.node.storage.builder import BareNode, busy_batches, request
from tests.simulator.node.storage.crash_disk import CrashDisk

MakeDisk = Callable[[Path], Disk]
DISKS = pytest.mark.parametrize("make", [RealDisk, lambda path: RealDisk(path, "flush"), lambda _path: CrashDisk()])


@DISKS
def test_all_disks_keep_one_contract(make: MakeDisk, tmp_path: Path) -> None:
    """Appends, reads, cuts and replacements give the same bytes on each disk."""
    disk = make(tmp_path)

    assert not disk.exists("a.txt")
    disk.append("a.txt", b"")
    assert disk.exists("a.txt")
    disk.append("a.txt", b"one\n")
    disk.append("a.txt", b"two\n")
    disk.sync("a.txt")
    assert disk.read("a.txt") == b"one\ntwo\n"
    assert (disk.read_at("a.txt", 4, 3), disk.read_at("a.txt", 6, 99), disk.read_at("a.txt", 99, 1)) == (
        b"two",
        b"o\n",
        b"",
    )
    assert list(disk.stream("a.txt", 3)) == [b"one", b"\ntw", b"o\n"]
    disk.truncate("a.txt", 4)
    disk.append("a.txt", b"three\n")
    assert disk.read("a.txt") == b"one\nthree\n"
    disk.replace("a.txt", b"new\n")
    disk.append("a.txt", b"and more\n")
    assert disk.read("a.txt") == b"new\nand more\n"
    assert disk.size("a.txt") == 13


@DISKS
def test_a_missing_file_is_an_error_of_the_disk(make: MakeDisk, tmp_path: Path) -> None:
    """Reading a missing file raises `FileNotFoundError`."""
    disk = make(tmp_path)
    for ask in (disk.size, disk.read, lambda name: disk.truncate(name, 0), lambda name: list(disk.stream(name, 9))):
        with pytest.raises(FileNotFoundError):
            ask("none.txt")


@pytest.mark.parametrize("mode", ["fsync", "flush"])
def test_a_node_restarts_from_real_files(mode: SyncMode, tmp_path: Path) -> None:
    """The files are the same bytes as on the simulated disk."""
    real, simulated = RealDisk(tmp_path / "node-1", mode), CrashDisk()
    for disk in (real, simulated):
        writer = BareNode(disk)
        writer.decide(*busy_batches())
        writer.storage.compact(Ballot(1, 1), NO_BALLOT, {})
        writer.decide([request(30)])
        writer.storage.close()
    real.close()

    again = BareNode(RealDisk(tmp_path / "node-1"))

    assert {path.name: path.read_bytes() for path in (tmp_path / "node-1").iterdir()} == simulated.files
    assert again.recovered.height == 6


def test_a_replacement_leaves_no_temporary_file(tmp_path: Path) -> None:
    """The temporary name is gone after the rename."""
    disk = RealDisk(tmp_path)
    disk.append("a.txt", b"old")
    disk.replace("a.txt", b"new")

    assert [path.name for path in tmp_path.iterdir()] == ["a.txt"]


def test_a_failed_sync_is_never_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel may report a lost page once and then mark the file clean."""
    disk = RealDisk(tmp_path)
    disk.append("a.txt", b"line\n")

    def fail(_fd: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(real_disk, "_sync_data", fail)
    with pytest.raises(OSError, match="Input/output error"):
        disk.sync("a.txt")
    monkeypatch.undo()

    retries: list[Callable[[], None]] = [
        lambda: disk.sync("a.txt"),
        lambda: disk.append("a.txt", b"x"),
        lambda: disk.replace("a.txt", b""),
    ]
    for retry in retries:
        with pytest.raises(OSError, match="an earlier write or sync failed"):
            retry()
    assert disk.read("a.txt") == b"line\n"


def test_a_full_disk_fails_and_stays_failed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half a line may have been written, so no write may follow it."""
    disk = RealDisk(tmp_path)
    taken: list[int] = []

    def nearly_full(fd: int, data: bytes) -> int:
        if taken:
            raise OSError(28, "No space left on device")
        taken.append(os.pwrite(fd, bytes(data)[:3], 0))
        return 3

    monkeypatch.setattr(os, "write", nearly_full)
    with pytest.raises(OSError, match="No space left"):
        disk.append("a.txt", b"a long line\n")
    monkeypatch.undo()

    with pytest.raises(OSError, match="an earlier write or sync failed"):
        disk.append("a.txt", b"rest")
    assert (tmp_path / "a.txt").read_bytes() == b"a l"


def test_a_write_that_the_kernel_takes_in_parts_is_completed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A signal or a nearly full disk may cut one write into several."""
    disk = RealDisk(tmp_path)
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, bytes(data)[:5]))

    disk.append("a.txt", b"a line in parts\n")
    disk.replace("b.txt", b"another in parts\n")

    assert disk.read("a.txt") == b"a line in parts\n"
    assert disk.read("b.txt") == b"another in parts\n"


def test_a_new_file_is_listed_before_its_first_sync_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first sync also syncs the folder, which holds the name; later ones do not."""
    synced: list[str] = []

    def note(fd: int) -> None:
        synced.append(Path(f"/proc/self/fd/{fd}").readlink().name)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(real_disk, "_sync_data", note)
    disk = RealDisk(tmp_path)
    disk.append("a.txt", b"x")
    disk.sync("a.txt")
    disk.sync("a.txt")
    disk.replace("b.txt", b"y")

    assert synced == ["a.txt", tmp_path.name, "a.txt", "b.txt.new", tmp_path.name]


def test_flush_waits_for_no_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With --sync flush no sync is ever called."""
    monkeypatch.delattr(os, "fsync")
    monkeypatch.delattr(real_disk, "_sync_data")
    disk = RealDisk(tmp_path, "flush")

    disk.append("a.txt", b"x")
    disk.sync("a.txt")
    disk.replace("a.txt", b"y")

    assert (tmp_path / "a.txt").read_bytes() == b"y"


def test_the_folder_of_another_lab_is_not_opened(tmp_path: Path) -> None:
    """A node that starts late finds a directory of the same name, and leaves it as it is."""
    data, aside = tmp_path / "data", tmp_path / "aside"
    data.mkdir()
    home = place_of(data)
    early = RealDisk(data / "node-1", home=home)
    data.rename(aside)
    data.mkdir()

    with pytest.raises(OSError, match="removed or replaced"):
        RealDisk(data / "node-2", home=home)
    early.append("paxos.txt", b"ours")

    assert [*data.iterdir()] == []
    assert (aside / "node-1" / "paxos.txt").read_bytes() == b"ours"
    with pytest.raises(OSError, match="removed or replaced"):
        early.check_present()
