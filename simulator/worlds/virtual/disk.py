"""A disk that forgets: what was not synced may be gone after a crash, whole, in part, or not at all.

The harshest disk that storage may rely on. Every end of a life counts as a loss of power, also when the node stopped
itself, because a page that could not be written may seem to be there until it is evicted (Rebello et al., *Can
Applications Recover from fsync Failures?*, USENIX ATC 2020). What a failed sync should have made safe is lost, though a
later sync of the same file succeeds. It knows nothing of nodes; what takes time it says through `spend`.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from simulator.errors import InputError
from simulator.faults.faults import CrashPoint, DiskFault, DiskFaultKind
from simulator.node.storage.journal import JOURNAL

REFUSALS: dict[DiskFaultKind, int] = {"full": errno.ENOSPC, "readonly": errno.EROFS, "failing-write": errno.EIO}
_MARK_EVERY = 256
_LONGEST_ZEROS = 600


class Killed(BaseException):
    """The node dies here and now. No handler of errors may hold it up, as none holds up a SIGKILL."""

    def __init__(self, point: CrashPoint) -> None:
        super().__init__(point)
        self.point = point


class SimulatedFile:
    """Bytes, and how many of them are safe.

    Invariant: after a loss of power the file begins with `data[:synced]`, the `doomed` ranges excepted; `removed` are
    safe bytes that an unsynced `truncate` took away from `synced` on, and that a loss of power may bring back.
    """

    __slots__ = ("data", "doomed", "listed", "marks", "removed", "synced")

    def __init__(self, data: bytes = b"", *, listed: bool = False) -> None:
        self.data = bytearray(data)
        self.synced = len(data)
        self.removed = b""
        self.doomed: list[tuple[int, int]] = []
        self.listed = listed  # Its name is safe in the folder.
        self.marks = [0]  # Where lines 1, 257, 513, … begin.

    def lines(self, first: int, last: int) -> list[str]:
        """Lines `first` to `last`, counted from 1, cut to the whole lines there are."""
        first = max(first, 1)
        mark = min((first - 1) // _MARK_EVERY, len(self.marks) - 1)
        at, number = self.marks[mark], mark * _MARK_EVERY
        found: list[str] = []
        while number < last and (end := self.data.find(b"\n", at)) >= 0:
            number += 1
            if number >= first:
                found.append(self.data[at:end].decode("utf-8", "replace"))
            at = end + 1
            if number % _MARK_EVERY == 0 and number // _MARK_EVERY == len(self.marks):
                self.marks.append(at)
        return found

    def truncate(self, size: int) -> None:
        """Cut to `size` bytes; safe only after the next sync."""
        if size < self.synced:
            self.removed = bytes(self.data[size : self.synced]) + self.removed
            self.synced = size
        del self.data[size:]
        self.marks = [0]

    def lose_power(self, dice: Random) -> None:
        """Become what the platter holds: whatever was not synced is kept, lost or torn, as the dice say."""
        if self.removed and dice.random() < 0.5:
            self.data[self.synced :] = self.removed
        elif len(self.data) > self.synced:
            self._tear(dice)
        for begin, end in self.doomed:
            if end >= len(self.data):
                del self.data[begin:]
            else:
                self.data[begin:end] = bytes(end - begin)
        self.synced = len(self.data)
        self.removed = b""
        self.doomed.clear()
        self.marks = [0]

    def _tear(self, dice: Random) -> None:
        fate = dice.random()
        if fate < 0.3:
            del self.data[self.synced :]
        elif fate < 0.9:
            if fate >= 0.6:
                del self.data[dice.randint(self.synced, len(self.data)) :]
            if fate >= 0.8:  # The length may be safe before the bytes are.
                self.data += bytes(dice.randint(1, _LONGEST_ZEROS))


class SimulatedDisk:
    """A `Disk` in memory. `fault_mode` is what it does now; `crash_at` the moment at which its node is to die.

    `spend` is called at each sync and says at which time it will be over; until `settle` is told that time, a loss of
    power undoes it. Files that were removed or replaced under a living node stay open to it, as on a real system.
    """

    def __init__(self, dice: Random, spend: Callable[[], int]) -> None:
        self.files: dict[str, SimulatedFile] = {}
        self.fault_mode: DiskFaultKind = "ok"
        self.crash_at: CrashPoint | None = None
        self._dice = dice
        self._spend = spend
        self._open: dict[str, SimulatedFile] = {}
        self._undo: list[tuple[int, Callable[[], None]]] = []

    # The face that storage sees

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
        """See `Disk`. A disk that refuses may have taken a part first."""
        file = self._open.get(name) or self._file(name, make=True)
        if self._undo:  # It comes after a sync that is not over: if the node does not live to see that, it never came.
            over_ms, size = self._undo[-1][0], len(file.data)
            self._undo.append((over_ms, lambda: _cut(file, size)))
        if name == JOURNAL and self.crash_at == "before-record":
            raise Killed(self.crash_at)
        if self.fault_mode != "ok":
            number = REFUSALS.get(self.fault_mode)
            if number is not None:
                if number != errno.EROFS:
                    file.data += data[: self._dice.randint(0, len(data))]
                raise _failure(number, name)
        file.data += data

    def truncate(self, name: str, size: int) -> None:
        """See `Disk`."""
        file = self._file(name)
        self._refuse(name)
        file.truncate(size)

    def sync(self, name: str) -> None:
        """See `Disk`."""
        file = self._open.get(name) or self._file(name)
        if name == JOURNAL and self.crash_at == "before-sync":
            raise Killed(self.crash_at)
        if self.fault_mode == "failing-sync":
            file.doomed.append((file.synced, len(file.data)))
            raise _failure(errno.EIO, name)
        over_ms = self._spend()
        if over_ms:
            before = (file.synced, file.removed, file.listed)
            self._undo.append((over_ms, lambda: _unsync(file, *before)))
        file.synced = len(file.data)
        file.removed = b""
        file.listed = True
        if name == JOURNAL and self.crash_at == "before-send":
            raise Killed(self.crash_at)

    def replace(self, name: str, data: bytes) -> None:
        """See `Disk`. The folder is synced too, so every file that is there stays there."""
        self._refuse(name)
        if self.fault_mode == "failing-sync":
            raise _failure(errno.EIO, name)
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
        if name == JOURNAL and self.crash_at == "before-send":
            raise Killed(self.crash_at)

    # Time and power

    def settle(self, now_ms: int | None = None) -> None:
        """It is `now_ms`, or late enough for everything: what was over by then stays."""
        self._undo = [] if now_ms is None else [entry for entry in self._undo if entry[0] > now_ms]

    def lose_power(self) -> None:
        """The machine under the node is gone, and so is whatever the disk had not finished."""
        for _, undo in reversed(self._undo):
            undo()
        self._undo.clear()
        self._open.clear()
        self.crash_at = None
        for name in sorted(self.files):
            file = self.files[name]
            if not file.listed and self._dice.random() < 0.5:
                del self.files[name]
            else:
                file.listed = True
                file.lose_power(self._dice)

    # Damage, and looking from outside

    def damage(self, fault: DiskFault, *, up: bool) -> None:
        """Corrupt, tear or wipe a file. `up` tells whether the node runs.

        Raises:
            InputError: there is no such file or line, or the node that should have torn a line is alive.
        """
        file = self.files.get(fault.file)
        if file is None:
            raise InputError(f"Node {fault.node} has no file {fault.file!r}.")
        if fault.kind == "wipe":
            del self.files[fault.file]
        elif fault.kind == "corrupt":
            _corrupt(file, fault)
        elif up:
            raise InputError(
                f"Node {fault.node} is alive: a line is torn by the death of its writer, so crash it first."
            )
        else:
            last = bytes(file.data).rpartition(b"\n")[0].rpartition(b"\n")[2]
            file.data += last[:10] or b"{"
            file.synced = len(file.data)

    def write_out(self, directory: Path) -> None:
        """Write every file, as it is now, into a real folder, which is made if missing."""
        directory.mkdir(parents=True, exist_ok=True)
        for name, file in self.files.items():
            (directory / name).write_bytes(file.data)

    def lines(self, name: str, first: int, last: int) -> list[str]:
        """Whole lines `first` to `last` of a file, counted from 1; [] without the file."""
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

    def _refuse(self, name: str) -> None:
        number = REFUSALS.get(self.fault_mode)
        if number is not None:
            raise _failure(number, name)


def _cut(file: SimulatedFile, size: int) -> None:
    del file.data[size:]
    file.marks = [0]


def _unsync(file: SimulatedFile, synced: int, removed: bytes, listed: bool) -> None:
    file.synced = min(synced, file.synced)
    file.removed = removed
    file.listed = listed


def _corrupt(file: SimulatedFile, fault: DiskFault) -> None:
    """Change one letter in the middle of a line, of the middle one unless a line is named."""
    lines = bytes(file.data).splitlines(keepends=True)
    number = fault.line_number if fault.line_number is not None else len(lines) // 2 + 1
    if not 1 <= number <= len(lines):
        raise InputError(f"{fault.file} of node {fault.node} has {len(lines)} lines, and so no line {number}.")
    at = sum(len(earlier) for earlier in lines[: number - 1]) + len(lines[number - 1]) // 2
    file.data[at] = ord("X") if file.data[at] != ord("X") else ord("Y")


def _failure(number: int, name: str) -> OSError:
    return OSError(number, os.strerror(number), name)
