"""What disk faults do, as pure functions: the error of a failing disk, and the damage to the bytes of a file."""

from __future__ import annotations

import errno
import os

import msgspec

from simulator.errors import InputError
from simulator.faults.faults import DiskFault, DiskFaultKind

REFUSALS: dict[DiskFaultKind, int] = {"full": errno.ENOSPC, "readonly": errno.EROFS, "failing-write": errno.EIO}
"""The error number with which a disk in this fault mode refuses to write."""
_TORN_BYTES = 10


class Patch(msgspec.Struct, frozen=True):
    """Bytes to write into a file at `offset`; they may extend it."""

    offset: int
    data: bytes


def disk_error(number: int, name: str) -> OSError:
    """The error that a system raises for file `name`."""
    return OSError(number, os.strerror(number), name)


def check_writable(mode: DiskFaultKind, name: str) -> None:
    """Refuse to write to file `name` if the disk is in a fault mode that refuses.

    Raises:
        OSError: as the system would raise it.
    """
    number = REFUSALS.get(mode)
    if number is not None:
        raise disk_error(number, name)


def damage(fault: DiskFault, data: bytes | None, *, up: bool) -> Patch | None:
    """The damage of `fault` to a file that holds `data` (None: there is no such file); None: remove the file.

    A "zero" turns the second half of the file into zeros. A tear appends the beginning of a line, as a writer that died
    in mid-write does. It leaves complete lines alone, because other nodes may rely on them. `up` says whether the node
    runs.

    Raises:
        InputError: there is no such file or line, or the node that should have torn a line is alive.
    """
    if data is None:
        raise InputError(f"Node {fault.node} has no file {fault.file!r}.")
    if fault.kind == "wipe":
        return None
    if fault.kind == "corrupt":
        return _corruption(fault, data)
    if fault.kind == "zero":
        return Patch(len(data) // 2, bytes(len(data) - len(data) // 2))
    if up:
        raise InputError(f"Node {fault.node} is alive: a line is torn by the death of its writer, so crash it first.")
    last = data.rpartition(b"\n")[0].rpartition(b"\n")[2]
    return Patch(len(data), last[:_TORN_BYTES] or b"{")  # Shorter than where the next line would differ from the last.


def _corruption(fault: DiskFault, data: bytes) -> Patch:
    """Change one letter in the middle of a line; of the middle line unless the fault names one."""
    lines = data.splitlines(keepends=True)
    number = fault.line_number if fault.line_number is not None else len(lines) // 2 + 1
    if not 1 <= number <= len(lines):
        raise InputError(f"{fault.file} of node {fault.node} has {len(lines)} lines, and so no line {number}.")
    offset = sum(len(earlier) for earlier in lines[: number - 1]) + len(lines[number - 1]) // 2
    return Patch(offset, b"X" if data[offset] != ord("X") else b"Y")
