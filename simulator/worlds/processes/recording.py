"""The recording of a real run: everything that passes through the supervisor, as bytes, in order.

During the run nothing is decoded: whole frames are appended to an unnamed temporary file. Checks and traces read the
events from that file without a lock. A message counts as delivered when it enters its reader's queue.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from os import pread
from typing import IO, assert_never

import msgspec

from simulator.faults.faults import Fault
from simulator.faults.links import Link
from simulator.node.client_api import Inspected
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    Event,
    IncarnationEnded,
    JournalSynced,
    MessageDelivered,
    MessageLost,
    MessageSent,
    NodeRecovered,
    NodeReported,
    RecordsAppended,
    TimerFired,
    fault_injected,
)
from simulator.worlds.processes.framed_pipe import LENGTH, Frame, FrameError, split
from simulator.worlds.processes.probe_frames import (
    AppliedFrame,
    FiredFrame,
    RecordedFrame,
    RecoveredFrame,
    SyncedFrame,
    decode_probe_frame,
)
from simulator.worlds.processes.wire import decode_call, decode_message, decode_report

MOST_BYTES = 1 << 30
"""The bound of the file. Past it the beginning is kept and nothing is added."""
_BUFFER_BYTES = 1 << 18
_CHUNK_BYTES = 1 << 20


class _Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    at_ms: int
    node: int


class _Frame(_Entry, frozen=True, array_like=True, gc=False, tag=1):
    """Messages of `node`, numbered from `first` on. A frame reaches each target whole or not at all."""

    first: int
    passed: tuple[int, ...]
    lost: tuple[int, ...]
    body: bytes


class _Sent(_Entry, frozen=True, array_like=True, gc=False, tag=2):
    number: int
    to: tuple[int, ...]
    message: bytes


class _Arrived(_Entry, frozen=True, array_like=True, gc=False, tag=3):
    source: int
    number: int
    message: bytes


class _Lost(_Entry, frozen=True, array_like=True, gc=False, tag=4):
    source: int
    number: int
    message: bytes


class _Reported(_Entry, frozen=True, array_like=True, gc=False, tag=5):
    report: bytes


class _Called(_Entry, frozen=True, array_like=True, gc=False, tag=6):
    call: bytes


class _Probed(_Entry, frozen=True, array_like=True, gc=False, tag=7):
    body: bytes


class _Ended(_Entry, frozen=True, array_like=True, gc=False, tag=8):
    how: str


class _Injected(_Entry, frozen=True, array_like=True, gc=False, tag=9):
    fault: Fault


_AnyEntry = _Frame | _Sent | _Arrived | _Lost | _Reported | _Called | _Probed | _Ended | _Injected
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder[_AnyEntry](_AnyEntry).decode


class Recording:
    """Written under the supervisor's lock. `cut` is the reason why recording stopped, or "".

    A disk that is full, or that has no place for the file at all, ends the recording and nothing else. `ended_early` is
    called with the reason.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.cut = ""
        self.ended_early: Callable[[str], None] = lambda _why: None
        self._most = most_bytes
        self._file: IO[bytes] | None = None
        self._buffer = bytearray()  # Our own: one of Python's would try to write the rest again when it is closed.
        self._size = 0  # What is in the file.
        self._numbers = 0
        try:
            self._file = tempfile.TemporaryFile(prefix="paxsim-recording-", buffering=0)  # noqa: SIM115  See `close`.
        except OSError as error:
            self._stop(f"there is no place for its file: {error.strerror or error}")

    def frame(self, at_ms: int, source: int, passed: Sequence[int], lost: Sequence[int], sent: Frame) -> None:
        """A whole frame went from its sender into the queues of `passed`, and did not reach `lost`."""
        _, count, body = sent
        self._write(_Frame(at_ms, source, self._numbers + 1, tuple(passed), tuple(lost), body))
        self._numbers += count

    def sent(self, at_ms: int, source: int, to: tuple[int, ...], message: bytes) -> int:
        """One message was sent; returns its number, for `arrived` and `lost`."""
        self._numbers += 1
        self._write(_Sent(at_ms, source, self._numbers, to, message))
        return self._numbers

    def arrived(self, at_ms: int, link: Link, number: int, message: bytes) -> None:
        """The message, or a copy of it, entered its reader's queue."""
        self._write(_Arrived(at_ms, link[1], link[0], number, message))

    def lost(self, at_ms: int, link: Link, number: int, message: bytes) -> None:
        """The message, or a copy of it, will not reach its reader."""
        self._write(_Lost(at_ms, link[1], link[0], number, message))

    def reported(self, at_ms: int, node: int, report: bytes) -> None:
        """A node sent a report, which is given encoded."""
        self._write(_Reported(at_ms, node, report))

    def called(self, at_ms: int, node: int, call: bytes) -> None:
        """A client's call reached a node; it is given encoded."""
        self._write(_Called(at_ms, node, call))

    def probed(self, at_ms: int, node: int, body: bytes) -> None:
        """A node sent the body of a probe frame (see `probe_frames`)."""
        self._write(_Probed(at_ms, node, body))

    def ended(self, at_ms: int, node: int, how: str) -> None:
        """A process ended."""
        self._write(_Ended(at_ms, node, how))

    def injected(self, at_ms: int, fault: Fault) -> None:
        """A fault was injected."""
        self._write(_Injected(at_ms, 0, fault))

    def end(self) -> int:
        """Where the recording ends now; everything before can be read without the lock."""
        self._flush()
        return self._size

    def read(self, begin: int, end: int) -> Iterator[Event]:
        """The events between two ends (0 is the beginning)."""
        rest = b""
        while begin < end and self._file is not None:
            chunk = pread(self._file.fileno(), min(_CHUNK_BYTES, end - begin), begin)
            if not chunk:
                return
            begin += len(chunk)
            rest += chunk
            at = 0
            while len(rest) - at >= LENGTH.size:
                (length,) = LENGTH.unpack_from(rest, at)
                if len(rest) - at < LENGTH.size + length:
                    break
                at += LENGTH.size
                with suppress(FrameError, msgspec.DecodeError):  # A broken node sent it, and it reached nobody.
                    yield from _events(_decode(rest[at : at + length]))
                at += length
            rest = rest[at:]

    def close(self) -> None:
        """Free the disk space. Nothing can be read afterwards."""
        self.cut = self.cut or "the cluster was closed"
        if self._file is not None:
            self._file.close()

    def _write(self, entry: _AnyEntry) -> None:
        if self.cut:
            return
        data = _encode(entry)
        if self._size + len(self._buffer) + len(data) > self._most:
            self._flush()
            self._stop(f"it reached its bound of {self._most >> 20} MiB")
            return
        self._buffer += LENGTH.pack(len(data))
        self._buffer += data
        if len(self._buffer) >= _BUFFER_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Write what is in the buffer. A last entry of which only a part could be written is not read."""
        if self.cut or not self._buffer or self._file is None:
            return
        view = memoryview(self._buffer)
        try:
            while view:
                written = os.write(self._file.fileno(), view)
                self._size += written
                view = view[written:]
        except OSError as error:
            self._stop(f"it cannot be written: {error.strerror or error}")
        self._buffer = bytearray()

    def _stop(self, why: str) -> None:
        if not self.cut:
            self.cut = why
            self.ended_early(why)


def _events(entry: _AnyEntry) -> Iterator[Event]:
    at_ms, node = entry.at_ms, entry.node
    match entry:
        case _Frame():
            yield from _whole_frame(entry)
        case _Sent(number=number, to=to, message=data):
            yield MessageSent(at_ms=at_ms, node=node, to=to, number=number, message=decode_message(data))
        case _Arrived(source=source, number=number, message=data):
            message = decode_message(data)
            yield MessageDelivered(at_ms=at_ms, node=node, source=source, number=number, message=message)
        case _Lost(source=source, number=number, message=data):
            message = decode_message(data)
            yield MessageLost(at_ms=at_ms, node=node, source=source, number=number, message=message)
        case _Reported(report=data):
            report = decode_report(data)
            if not isinstance(report, Inspected) or not report.number:  # Answers to people are no events.
                yield NodeReported(at_ms=at_ms, node=node, report=report)
        case _Called(call=data):
            yield ClientCalled(at_ms=at_ms, node=node, call=decode_call(data))
        case _Probed(body=body):
            for data in split(body):
                yield _probe_event(at_ms, node, data)
        case _Ended(how=how):
            yield IncarnationEnded(at_ms=at_ms, node=node, how=how)
        case _Injected(fault=fault):
            yield fault_injected(at_ms, fault)
        case _:
            assert_never(entry)


def _whole_frame(entry: _Frame) -> Iterator[Event]:
    to = tuple(sorted([*entry.passed, *entry.lost]))
    at_ms, source = entry.at_ms, entry.node
    for number, data in enumerate(split(entry.body), entry.first):
        message = decode_message(data)
        yield MessageSent(at_ms=at_ms, node=source, to=to, number=number, message=message)
        for target in entry.passed:
            yield MessageDelivered(at_ms=at_ms, node=target, source=source, number=number, message=message)
        for target in entry.lost:
            yield MessageLost(at_ms=at_ms, node=target, source=source, number=number, message=message)


def _probe_event(at_ms: int, node: int, data: bytes) -> Event:
    match decode_probe_frame(data):
        case RecoveredFrame(found):
            return NodeRecovered(at_ms=at_ms, node=node, found=found)
        case RecordedFrame(records):
            return RecordsAppended(at_ms=at_ms, node=node, records=records)
        case SyncedFrame():
            return JournalSynced(at_ms=at_ms, node=node)
        case AppliedFrame(blocks):
            return BlocksApplied(at_ms=at_ms, node=node, blocks=blocks)
        case FiredFrame(timer):
            return TimerFired(at_ms=at_ms, node=node, timer=timer)
        case frame:
            assert_never(frame)
