"""A pipe between two processes with one writer and one reader, and frames that hold many messages.

A pipe was the fastest transport (round trip of 300 bytes between two processes, medians of one machine): a pipe with
epoll takes 74 µs, a Unix stream 78 µs, sequenced packets 88 µs. `multiprocessing.Queue` adds a feeder thread and a lock
that stays locked when a writer is killed in mid-write. A pipe affects its own two ends only, and is closed with them.

A frame is twelve bytes (`HEAD`: size of the body, address, how many messages) and a body: the messages one after the
other, each after its length in four bytes. The router passes whole bodies on without parsing them. On the way up
from a node the address is a set of targets, bit n for node n and bit 0 for the supervisor; on the way down it is the
source, 0 being the supervisor. A frame that is marked `DEFERRABLE` may wait a little for another one to the same
reader.
"""

from __future__ import annotations

import fcntl
import os
from collections import deque
from collections.abc import Iterable, Iterator
from multiprocessing.reduction import DupFd
from struct import Struct
from typing import Any

HEAD = Struct("<III")
LENGTH = Struct("<I")
SUPERVISOR = 0
DEFERRABLE = 1 << 30
"""A bit of an address on the way up: no client waits for these messages. Nodes have lower bits."""
PROBE = 1 << 31  # The address of probe frames (see `probe_frames`): no node has this number.
PIPE_BYTES = 1 << 20  # The limit for an unprivileged process. With the default of 64 KiB, bursts wait.
READ_BYTES = 1 << 16  # A buffer of a megabyte would cost 13 µs at each read.
MOST_READ_BYTES = PIPE_BYTES
MOST_FRAME_BYTES = 1 << 29  # What one node may make another process keep in memory.
UNBOUNDED = 1 << 62
_MOST_PARTS = 1_000  # Below IOV_MAX, which is 1,024 on Linux and macOS.

Frame = tuple[int, int, bytes]
"""Address, number of messages, body."""


def frame(address: int, messages: Iterable[bytes]) -> bytes:
    """One frame for `address` with `messages` in this order."""
    parts: list[bytes] = [b""]
    for message in messages:
        parts.append(LENGTH.pack(len(message)))
        parts.append(message)
    count = len(parts) // 2
    body = b"".join(parts)
    return HEAD.pack(len(body), address, count) + body


class FrameError(ValueError):
    """The bytes are no frames: whoever wrote them is no node of ours, or is broken."""


def split(body: bytes) -> Iterator[bytes]:
    """The messages in a frame's body.

    Raises:
        FrameError: the lengths in it do not add up.
    """
    at, end = 0, len(body)
    unpack, width = LENGTH.unpack_from, LENGTH.size
    while at < end:
        begin = at + width
        if begin > end:
            raise FrameError("a frame ends within a length")
        (length,) = unpack(body, at)
        at = begin + length
        if at > end:
            raise FrameError(f"a message of {length} bytes in a frame with {end - begin} left")
        yield body[begin:at]


def widen(fd: int) -> None:
    """Enlarge a pipe's buffer for bursts, where the system allows it."""
    set_size = getattr(fcntl, "F_SETPIPE_SZ", None)
    if set_size is not None:
        try:
            fcntl.fcntl(fd, set_size, PIPE_BYTES)
        except OSError:
            return


class PipeEnd:
    """One end of a pipe as an argument of a spawned process, which gets a file descriptor.

    A `Connection` would make the new process import sockets, archives and temporary files: a tenth of its start.
    """

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def __reduce__(self) -> tuple[Any, ...]:
        return _arrived, (DupFd(self._fd),)


def _arrived(carried: Any) -> int:
    fd: int = carried.detach()
    return fd


class Inlet:
    """The reading end; `fd` becomes non-blocking.

    `closed` is true when the other end is closed, `empty` when the last read found nothing.
    """

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.closed = False
        self.empty = False
        self._room = READ_BYTES
        self._rest = bytearray()
        os.set_blocking(fd, False)

    def read(self) -> list[Frame]:
        """Read once and return every complete frame. After a full read, the next one takes all that the pipe holds.

        Raises:
            FrameError: a frame says that it is longer than any is.
        """
        try:
            data = os.read(self.fd, self._room)
        except BlockingIOError:
            self.empty = True
            return []
        self.empty = False
        self._room = MOST_READ_BYTES if len(data) >= READ_BYTES else READ_BYTES
        if not data:
            self.closed = True
            return []
        if self._rest:
            self._rest += data
            if len(self._rest) < HEAD.size or len(self._rest) < HEAD.size + HEAD.unpack_from(self._rest)[0]:
                return []  # Do not copy a long frame once for each of its reads.
            data = bytes(self._rest)
            self._rest.clear()
        return self._cut(data)

    def _cut(self, data: bytes) -> list[Frame]:
        frames: list[Frame] = []
        at, end = 0, len(data)
        unpack, width = HEAD.unpack_from, HEAD.size
        while end - at >= width:
            size, address, count = unpack(data, at)
            after = at + width + size
            if after > end:
                if size > MOST_FRAME_BYTES:
                    raise FrameError(f"a frame of {size} bytes")
                break
            frames.append((address, count, data[at + width : after]))
            at = after
        if at < end:
            self._rest += data[at:]
        return frames


class Outlet:
    """The writing end. It never blocks: data that the pipe does not take waits here, up to `limit` bytes.

    `waiting` counts the waiting bytes, `dropped` the messages that were dropped because the reader does not read. `fd`
    becomes non-blocking. When the reader is gone (`closed`), everything is discarded.
    """

    def __init__(self, fd: int, *, limit: int = UNBOUNDED) -> None:
        self.fd = fd
        self.closed = False
        self.waiting = 0
        self.dropped = 0
        self._limit = self._room = limit
        self._parts: deque[tuple[bytes, int]] = deque()  # A frame, and its number of droppable messages.
        os.set_blocking(fd, False)

    def put(self, data: bytes, droppable: int = 0) -> None:
        """Add a complete frame; `flush` writes it. It holds `droppable` messages, which may be dropped at the limit."""
        self._parts.append((data, droppable))
        self.waiting += len(data)
        if self.waiting > self._room:
            self._make_room()

    def flush(self) -> bool:
        """Write as much as the pipe takes. True when nothing is left; if not, call again when it is writable."""
        parts = self._parts
        while parts:
            try:
                if len(parts) == 1:
                    written = os.write(self.fd, parts[0][0])
                else:
                    written = os.writev(self.fd, [data for data, _ in _first(parts)])
            except BlockingIOError:
                return False
            except (BrokenPipeError, ConnectionResetError):
                self.closed = True
                parts.clear()
                self.waiting = 0
                return True
            self._written(written)
        return True

    def _written(self, count: int) -> None:
        self.waiting -= count
        if self.waiting < self._limit:
            self._room = self._limit
        parts = self._parts
        while count:
            data, _ = parts[0]
            if count < len(data):
                parts[0] = (data[count:], 0)  # The reader has its beginning, so the rest is not droppable.
                return
            count -= len(data)
            parts.popleft()

    def _make_room(self) -> None:
        """Drop the oldest messages between nodes until half of the limit is free. The protocol allows their loss."""
        kept: deque[tuple[bytes, int]] = deque()
        while self._parts and self.waiting > self._limit // 2:
            data, droppable = self._parts.popleft()
            if droppable:
                self.dropped += droppable
                self.waiting -= len(data)
            else:
                kept.append((data, droppable))
        self._parts.extendleft(reversed(kept))
        self._room = max(self._limit, 2 * self.waiting)  # Do not scan frames that cannot be dropped each time.


def _first(parts: deque[tuple[bytes, int]]) -> Iterator[tuple[bytes, int]]:
    for number, part in enumerate(parts):
        if number == _MOST_PARTS:
            return
        yield part
