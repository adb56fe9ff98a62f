"""A simulated disk: after a crash, data that was not synced may be lost, in whole, in part, or not at all.

It is the worst disk on which storage must still work. The end of an incarnation counts as a loss of power, also when
the node stopped itself: a page that could not be written may seem to be there until it is evicted (Rebello et al., *Can
Applications Recover from fsync Failures?*, USENIX ATC 2020). Data that a failed sync should have made durable is lost,
even if a later sync of the same file succeeds. It knows nothing of nodes. `spend` tells how long a sync takes.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from simulator.errors import InputError
from simulator.faults.disk_damage import REFUSALS, check_writable, damage, disk_error
from simulator.faults.faults import ALL_FILES, CrashPoint, DiskFault, DiskFaultKind
from simulator.node.storage.disk import gone
from simulator.node.storage.journal import JOURNAL
from simulator.worlds.virtual.simulated_file import SimulatedFile


class Killed(BaseException):
    """The node dies now. A `BaseException`, so that no error handler of the node catches it, as with SIGKILL."""

    def __init__(self, point: CrashPoint) -> None:
        super().__init__(point)
        self.point = point


class SimulatedDisk:
    """A `Disk` in memory. `fault_mode` is its present fault mode; `crash_at` is the moment at which its node must die.

    Each sync calls `spend`, which returns the time of its end (0: at once). A loss of power before that time undoes the
    sync; `settle` gives the time. A file that is removed or replaced while a node has it open stays open to that node.
    `on_replace` is called when a file has been replaced.
    """

    def __init__(self, dice: Random, spend: Callable[[], int], on_replace: Callable[[], None] = lambda: None) -> None:
        self.files: dict[str, SimulatedFile] = {}
        self.fault_mode: DiskFaultKind = "ok"
        self.crash_at: CrashPoint | None = None
        self._dice = dice
        self._spend = spend
        self._on_replace = on_replace
        self._open: dict[str, SimulatedFile] = {}
        self._undo: list[tuple[int, Callable[[], None]]] = []
        self._copy: dict[str, bytes] | None = None

    # The interface of `Disk`

    def exists(self, name: str) -> bool:
        """See `Disk`."""
        return name in self.files

    def size(self, name: str) -> int:
        """See `Disk`."""
        return len(self._file(name).data)

    def read(self, name: str) -> bytes:
        """See `Disk`."""
        return bytes(self._file(name).data)

    def read_at(self, name: str, offset: int, length: int) -> bytes:
        """See `Disk`."""
        return bytes(self._file(name).data[offset : offset + length])

    def stream(self, name: str, chunk: int) -> Iterator[bytes]:
        """See `Disk`."""
        data = self._file(name).data
        offset = 0
        while piece := bytes(data[offset : offset + chunk]):
            offset += len(piece)
            yield piece

    def append(self, name: str, data: bytes) -> None:
        """See `Disk`. A disk that refuses may have written a part first."""
        file = self._open.get(name) or self._file(name, make=True)
        if self._undo:  # It follows a sync that has not ended: if the node dies before, it did not happen.
            over_ms, size = self._undo[-1][0], len(file.data)
            self._undo.append((over_ms, lambda: file.unappend(size)))
        if name == JOURNAL and self.crash_at == "before-record":
            raise Killed(self.crash_at)
        if self.fault_mode != "ok":
            number = REFUSALS.get(self.fault_mode)
            if number is not None:
                if number != errno.EROFS:
                    file.data += data[: self._dice.randint(0, len(data))]
                raise disk_error(number, name)
        file.data += data

    def check_present(self) -> None:
        """See `Disk`."""
        for name, file in self._open.items():
            if self.files.get(name) is not file:
                raise gone(name)

    def truncate(self, name: str, size: int) -> None:
        """See `Disk`."""
        file = self._file(name)
        check_writable(self.fault_mode, name)
        file.truncate(size)

    def sync(self, name: str) -> None:
        """See `Disk`."""
        file = self._open.get(name) or self._file(name)
        if name == JOURNAL and self.crash_at == "before-sync":
            raise Killed(self.crash_at)
        if self.files.get(name) is not file:
            raise gone(name)
        if self.fault_mode == "failing-sync":
            file.doomed.append((file.synced, len(file.data)))
            raise disk_error(errno.EIO, name)
        over_ms = self._spend()
        if over_ms:
            before = (file.synced, file.removed, file.listed)
            self._undo.append((over_ms, lambda: file.unsync(*before)))
        file.synced = len(file.data)
        file.removed = b""
        file.listed = True
        if name == JOURNAL and self.crash_at == "before-send":
            raise Killed(self.crash_at)

    def replace(self, name: str, data: bytes) -> None:
        """See `Disk`. The directory is synced too, which makes all its entries durable."""
        check_writable(self.fault_mode, name)
        if self.fault_mode == "failing-sync":
            raise disk_error(errno.EIO, name)
        if name == JOURNAL and self.crash_at in {"before-record", "before-sync"}:
            raise Killed(self.crash_at)
        before = self.files.get(name)
        over_ms = self._spend()
        if over_ms:
            unlisted = [file for file in self.files.values() if not file.listed]
            self._undo.append((over_ms, lambda: self._unreplace(name, before, unlisted)))
        self.files[name] = SimulatedFile(data, listed=True)
        self._open.pop(name, None)
        for file in self.files.values():
            file.listed = True
        self._on_replace()
        if name == JOURNAL and self.crash_at == "before-send":
            raise Killed(self.crash_at)

    # Time and power

    def settle(self, now_ms: int | None = None) -> None:
        """Keep what had ended by `now_ms`; None: everything."""
        self._undo = [] if now_ms is None else [entry for entry in self._undo if entry[0] > now_ms]

    def end_process(self) -> None:
        """Undo what had not ended, and keep everything else, unsynced data too: the kernel has it."""
        for _, undo in reversed(self._undo):
            undo()
        self._undo.clear()
        self._open.clear()
        self.crash_at = None

    def lose_power(self) -> None:
        """Undo what had not ended, and lose unsynced data as the random source decides."""
        self.end_process()
        for name in sorted(self.files):
            file = self.files[name]
            if not file.listed and self._dice.random() < 0.5:
                del self.files[name]
            else:
                file.listed = True
                file.lose_power(self._dice)

    # Damage and inspection

    def damage(self, fault: DiskFault, *, up: bool) -> None:
        """Corrupt, tear or wipe a file. `up` says whether the node runs.

        Raises:
            InputError: there is no such file or line, or the node that should have torn a line is alive.
        """
        if fault.kind == "rollback":
            self._roll_back(fault, up=up)
            return
        if fault.kind == "wipe" and fault.file == ALL_FILES:
            self.files.clear()
            return
        file = self.files.get(fault.file)
        patch = damage(fault, None if file is None else bytes(file.data), up=up)
        if file is None or patch is None:
            del self.files[fault.file]
            return
        file.data[patch.offset : patch.offset + len(patch.data)] = patch.data
        if fault.kind == "tear":
            file.synced = len(file.data)

    def keep_copy(self) -> None:
        """Copy every file, as it is now: a later `rollback` puts the copy back."""
        self._copy = {name: bytes(file.data) for name, file in self.files.items()}

    def _roll_back(self, fault: DiskFault, *, up: bool) -> None:
        """Put an older copy of the folder, or of one file, in place of the present one."""
        if up:
            raise InputError(f"Node {fault.node} is alive: crash it before its files are replaced by older ones.")
        if self._copy is None:
            raise InputError(f"Node {fault.node} has no older copy of its files: it has never run.")
        one = fault.file not in ("", ALL_FILES)
        if not one:
            self.files.clear()
        for name, data in self._copy.items():
            if not one or name == fault.file:
                self.files[name] = SimulatedFile(data, listed=True)

    def write_out(self, directory: Path) -> None:
        """Write every file, as it is now, into a real directory, which is made if missing."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, file in self.files.items():
            (directory / name).write_bytes(file.data)

    def lines(self, name: str, first: int, last: int) -> list[str]:
        """Complete lines `first` to `last` of a file, counted from 1; [] without the file."""
        file = self.files.get(name)
        return [] if file is None else file.lines(first, last)

    def _file(self, name: str, *, make: bool = False) -> SimulatedFile:
        file = self._open.get(name)
        if file is None:
            file = self.files.get(name)
            if file is None:
                if not make:
                    raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), name)
                file = self.files[name] = SimulatedFile()
            self._open[name] = file
        return file

    def _unreplace(self, name: str, before: SimulatedFile | None, unlisted: list[SimulatedFile]) -> None:
        if before is None:
            del self.files[name]
        else:
            self.files[name] = before
        for file in unlisted:
            file.listed = False
