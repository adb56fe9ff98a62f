"""A real disk that fails on request, and damage done to a node's real files."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from simulator.faults.disk_damage import check_writable, damage, disk_error
from simulator.faults.faults import ALL_FILES, DiskFault, DiskFaultKind
from simulator.node.storage.blog_file import BLOG
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.disk import Disk
from simulator.node.storage.identity import META
from simulator.node.storage.journal import JOURNAL

NODE_FILES = (CHAIN, BLOG, JOURNAL, META)


class FaultMode(Protocol):
    """Holds the fault mode of a disk: "ok", or one of the kinds of `DiskFault` that damage no file.

    `disk_delay_ms` is how much longer each sync of a "slow" one takes.
    """

    disk_fault_mode: DiskFaultKind
    disk_delay_ms: int


class FaultyDisk:
    """A `Disk` that fails as its fault mode says, with the errors of the system."""

    def __init__(self, disk: Disk, mode: FaultMode) -> None:
        self._disk = disk
        self._mode = mode

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
        self._check_writable(name)
        self._disk.append(name, data)

    def truncate(self, name: str, size: int) -> None:
        """See `Disk`."""
        self._check_writable(name)
        self._disk.truncate(name, size)

    def replace(self, name: str, data: bytes) -> None:
        """See `Disk`."""
        self._check_writable(name)
        self._disk.replace(name, data)

    def sync(self, name: str) -> None:
        """See `Disk`."""
        if self._mode.disk_fault_mode == "failing-sync":
            raise disk_error(errno.EIO, name)
        if self._mode.disk_fault_mode == "slow":
            time.sleep(self._mode.disk_delay_ms / 1000)
        self._disk.sync(name)

    def check_present(self) -> None:
        """See `Disk`."""
        self._disk.check_present()

    def _check_writable(self, name: str) -> None:
        if self._mode.disk_fault_mode != "ok":
            check_writable(self._mode.disk_fault_mode, name)


def damage_file(directory: Path, fault: DiskFault, *, up: bool) -> None:
    """Corrupt, zero, tear or wipe a file in a node's directory. `up` says whether the node runs.

    Raises:
        InputError: see `damage`.
    """
    if fault.kind == "wipe" and fault.file == ALL_FILES:
        for found in node_files(directory):
            found.unlink()
        return
    path = directory / fault.file
    patch = damage(fault, path.read_bytes() if path.is_file() else None, up=up)
    if patch is None:
        path.unlink()
        return
    with path.open("r+b") as file:  # In place: a node that runs has the file open.
        file.seek(patch.offset)
        file.write(patch.data)
        os.fsync(file.fileno())


def node_files(directory: Path) -> list[Path]:
    """The files that a node keeps in its folder, without those that were set aside."""
    return [file for name in NODE_FILES if (file := directory / name).is_file()]
