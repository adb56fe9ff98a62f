"""Trouble with a real disk: damage done to a node's files, and a disk that refuses to write."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from simulator.errors import InputError
from simulator.faults.faults import DiskFault, DiskFaultKind
from simulator.node.storage.disk import Disk

REFUSALS: dict[DiskFaultKind, int] = {"full": errno.ENOSPC, "readonly": errno.EROFS, "failing-write": errno.EIO}


class FaultMode(Protocol):
    """Whoever knows what the disk does now: "ok" or one of the kinds of `DiskFault` that are no damage."""

    disk_fault_mode: DiskFaultKind


class FaultyDisk:
    """A `Disk` that fails as its mood says, with the errors that the system gives for it."""

    def __init__(self, disk: Disk, fault_mode: FaultMode) -> None:
        self._disk = disk
        self._fault_mode = fault_mode

    def exists(self, name: str) -> bool:
        """See `Disk`."""
        return self._disk.exists(name)

    def size(self, name: str) -> int:
        """See `Disk`."""
        return self._disk.size(name)

    def read(self, name: str) -> bytes:
        """See `Disk`."""
        return self._disk.read(name)

    def read_at(self, name: str, offset: int, length: int) -> bytes:
        """See `Disk`."""
        return self._disk.read_at(name, offset, length)

    def stream(self, name: str, chunk: int) -> Iterator[bytes]:
        """See `Disk`."""
        return self._disk.stream(name, chunk)

    def append(self, name: str, data: bytes) -> None:
        """See `Disk`."""
        self._refuse(name)
        self._disk.append(name, data)

    def truncate(self, name: str, size: int) -> None:
        """See `Disk`."""
        self._refuse(name)
        self._disk.truncate(name, size)

    def replace(self, name: str, data: bytes) -> None:
        """See `Disk`."""
        self._refuse(name)
        self._disk.replace(name, data)

    def sync(self, name: str) -> None:
        """See `Disk`."""
        if self._fault_mode.disk_fault_mode == "failing-sync":
            raise OSError(errno.EIO, os.strerror(errno.EIO), name)
        self._disk.sync(name)

    def _refuse(self, name: str) -> None:
        if self._fault_mode.disk_fault_mode != "ok":
            number = REFUSALS.get(self._fault_mode.disk_fault_mode)
            if number is not None:
                raise OSError(number, os.strerror(number), name)


def damage(directory: Path, fault: DiskFault, *, up: bool) -> None:
    """Corrupt, tear or wipe a file of a node. `up` tells whether the node runs.

    Raises:
        InputError: there is no such file or line, or the node that should have torn a line is alive.
    """
    path = directory / fault.file
    if not path.is_file():
        raise InputError(f"Node {fault.node} has no file {fault.file!r}.")
    if fault.kind == "wipe":
        path.unlink()
    elif fault.kind == "corrupt":
        _corrupt(path, fault)
    elif up:
        raise InputError(f"Node {fault.node} is alive: a line is torn by the death of its writer, so crash it first.")
    else:
        _tear(path)


def _corrupt(path: Path, fault: DiskFault) -> None:
    """Change one letter in the middle of a line, of the middle one unless a line is named."""
    lines = path.read_bytes().splitlines(keepends=True)
    number = fault.line_number if fault.line_number is not None else len(lines) // 2 + 1
    if not 1 <= number <= len(lines):
        raise InputError(f"{fault.file} of node {fault.node} has {len(lines)} lines, and so no line {number}.")
    line = lines[number - 1]
    offset = sum(len(earlier) for earlier in lines[: number - 1]) + len(line) // 2
    letter = line[len(line) // 2]
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"X" if letter != ord("X") else b"Y")
        os.fsync(file.fileno())


def _tear(path: Path) -> None:
    """Leave the beginning of a line at the end, as a writer that died in mid-write does.

    What is there already was finished, and others may rely on it: tearing that would not be a crash but a lie.
    """
    last = path.read_bytes().rpartition(b"\n")[0].rpartition(b"\n")[2]
    with path.open("ab") as file:
        file.write(last[:10] or b"{")  # No further than to where the next line would differ from the last.
        os.fsync(file.fileno())
