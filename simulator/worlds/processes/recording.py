"""The recording of a real run: everything that passes through the supervisor, as bytes, in order, in a file.

During the run nothing is decoded: whole frames are appended to an unnamed temporary file, compressed. Checks and traces
read it without a lock (`recording_reader`). A message counts as delivered when it enters its reader's queue. The
history of the clients stands in the same file, so that it takes no memory.
"""

from __future__ import annotations

import os
import tempfile
import weakref
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from zstandard import ZstdCompressor

from paxos.messages import RequestId
from simulator.cluster.history import Event as HistoryEvent
from simulator.faults.faults import Fault
from simulator.faults.links import Link
from simulator.trace.events import Event, Loss
from simulator.worlds.processes.framed_pipe import LENGTH, Frame, split
from simulator.worlds.processes.recording_entries import (
    LONG_BYTES,
    AnyEntry,
    ArrivedEntry,
    CalledEntry,
    DuplicatedEntry,
    EndedEntry,
    FrameEntry,
    HeldEntry,
    HistoryCalledEntry,
    HistoryCorrectedEntry,
    HistoryReturnedEntry,
    InjectedEntry,
    LostEntry,
    ProbedEntry,
    ReportedEntry,
    SentEntry,
    encode_entry,
)
from simulator.worlds.processes.recording_reader import read_events, read_history

MOST_BYTES = 1 << 30
"""The bound of the file. Past it the beginning is kept and nothing is added."""
CHUNK_BYTES = 1 << 18
"""So many bytes are collected, compressed and written at once."""
_LEVEL = -3  # Of the compression: it makes a fifth of it, in half the time of level 1, which makes an eighth.


class Extent(NamedTuple):
    """How much of a run is recorded: the end in the file, its time, and why nothing follows ("": it goes on)."""

    end: int
    held_ms: int = 0
    cut: str = ""


class Recording:
    """Written under the supervisor's lock. `cut` is the reason why recording stopped, or "".

    A disk that is full, or that has no place for the file at all, ends the recording and nothing else. `ended_early` is
    called with the reason, and `grew` with the size of the file after each write. The disk space is free when this
    object is.
    """

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.cut = ""
        self.held_ms = 0  # The time of the last entry that is in the file.
        self.ended_early: Callable[[str], None] = lambda _why: None
        self.grew: Callable[[int], None] = lambda _size: None
        self._most = most_bytes
        self._fd: int | None = None
        self._buffer = bytearray()
        self._long: dict[bytes, int] = {}  # The long parts of probe frames in this chunk, and their numbers.
        self._last_ms = 0
        self._size = 0  # What is in the file.
        self._numbers = 0
        self._calls = 0
        self._compress = ZstdCompressor(level=_LEVEL).compress
        try:
            with tempfile.TemporaryFile(prefix="paxsim-recording-", buffering=0) as file:
                self._fd = os.dup(file.fileno())
            weakref.finalize(self, os.close, self._fd)  # A closed cluster still tells its history.
        except OSError as error:
            self._stop(f"there is no place for its file: {error.strerror or error}")

    @property
    def fd(self) -> int | None:
        """The file, for readers; None if there is none."""
        return self._fd

    def frame(self, at_ms: int, source: int, passed: Sequence[int], lost: Sequence[int], sent: Frame) -> None:
        """A whole frame went from its sender into the queues of `passed`, and did not reach `lost`."""
        _, count, body = sent
        self._write(FrameEntry(at_ms, source, self._numbers + 1, tuple(passed), tuple(lost), body))
        self._numbers += count

    def sent(self, at_ms: int, source: int, to: tuple[int, ...], message: bytes) -> int:
        """One message was sent; returns its number, for `arrived` and `lost`."""
        self._numbers += 1
        self._write(SentEntry(at_ms, source, self._numbers, to, message))
        return self._numbers

    def arrived(self, at_ms: int, link: Link, number: int, message: bytes) -> None:
        """The message, or a copy of it, entered its reader's queue."""
        self._write(ArrivedEntry(at_ms, link[1], link[0], number, message))

    def lost(self, at_ms: int, link: Link, number: int, message: bytes, why: Loss) -> None:
        """The message, or a copy of it, will not reach its reader."""
        self._write(LostEntry(at_ms, link[1], link[0], number, message, why))

    def held(self, at_ms: int, link: Link, number: int) -> None:
        """The message waits for a person."""
        self._write(HeldEntry(at_ms, link[1], link[0], number))

    def duplicated(self, at_ms: int, link: Link, number: int) -> None:
        """The link has made a second copy of the message."""
        self._write(DuplicatedEntry(at_ms, link[1], link[0], number))

    def reported(self, at_ms: int, node: int, body: bytes) -> None:
        """A node sent reports: the body of their frame."""
        self._write(ReportedEntry(at_ms, node, body))

    def called(self, at_ms: int, node: int, calls: bytes) -> None:
        """Calls went to a node; they are given encoded together."""
        self._write(CalledEntry(at_ms, node, calls))

    def probed(self, at_ms: int, node: int, body: bytes) -> None:
        """A node sent the body of a probe frame (see `probe_frames`)."""
        parts: list[bytes | int] = []
        for part in split(body):
            if len(part) > LONG_BYTES:  # All acceptors record the same votes, and all nodes apply the same blocks.
                known = self._long.get(part)
                if known is None:
                    self._long[part] = len(self._long)
                parts.append(part if known is None else known)
            else:
                parts.append(part)
        self._write(ProbedEntry(at_ms, node, tuple(parts)))

    def ended(self, at_ms: int, node: int, how: str) -> None:
        """A process ended."""
        self._write(EndedEntry(at_ms, node, how))

    def injected(self, at_ms: int, fault: Fault) -> None:
        """A fault was injected."""
        self._write(InjectedEntry(at_ms, 0, fault))

    def history_called(self, at_ms: int, event: HistoryEvent, name: RequestId | None) -> int:
        """A call of the clients' history; `name` is that of a write. Returns its number."""
        self._calls += 1
        self._write(HistoryCalledEntry(at_ms, 0, self._calls, *(name or ("", 0)), event))
        return self._calls

    def history_corrected(self, at_ms: int, number: int, event: HistoryEvent) -> None:
        """Call `number` of the history was `event`."""
        self._write(HistoryCorrectedEntry(at_ms, 0, number, event))

    def history_returned(self, at_ms: int, number: int, event: HistoryEvent, name: RequestId | None) -> None:
        """Call `number` of the history ended."""
        self._write(HistoryReturnedEntry(at_ms, 0, number, *(name or ("", 0)), event))

    def end(self) -> int:
        """Where the recording ends now; everything before can be read without the lock."""
        self._flush()
        return self._size

    def extent(self) -> Extent:
        """How much is recorded now."""
        end = self.end()
        return Extent(end, self.held_ms, self.cut)

    def read(self, begin: int, end: int) -> Iterator[Event]:
        """The events between two ends (0 is the beginning)."""
        return iter(()) if self.fd is None else read_events(self.fd, begin, end)

    def history(self, end: int) -> Iterator[HistoryEvent]:
        """The clients' history up to an end."""
        return iter(()) if self.fd is None else read_history(self.fd, end)

    def _write(self, entry: AnyEntry) -> None:
        if self.cut:
            return
        data = encode_entry(entry)
        self._buffer += LENGTH.pack(len(data))
        self._buffer += data
        self._last_ms = entry.at_ms
        if len(self._buffer) >= CHUNK_BYTES:
            self._flush()

    def _flush(self) -> None:
        """Write what is in the buffer as one chunk. Of a chunk that cannot be written whole nothing is kept."""
        if self.cut or not self._buffer or self._fd is None:
            return
        packed = self._compress(bytes(self._buffer))
        self._buffer = bytearray()
        self._long.clear()
        if self._size + LENGTH.size + len(packed) > self._most:
            self._stop(f"it reached its bound of {self._most >> 20} MiB")
            return
        view = memoryview(LENGTH.pack(len(packed)) + packed)
        size = self._size + len(view)
        try:
            while view:
                view = view[os.write(self._fd, view) :]
        except OSError as error:
            os.ftruncate(self._fd, self._size)
            self._stop(f"it cannot be written: {error.strerror or error}")
            return
        self._size, self.held_ms = size, self._last_ms
        self.grew(size)

    def _stop(self, why: str) -> None:
        if not self.cut:
            self.cut = why
            self.ended_early(why)


class RecordedHistory:
    """The `HistoryStore` of a real run: the events stand in its recording."""

    def __init__(self, recording: Recording, now_ms: Callable[[], int]) -> None:
        self._recording = recording
        self._now_ms = now_ms

    def called(self, event: HistoryEvent, name: RequestId | None) -> int:
        """See `HistoryStore`."""
        return self._recording.history_called(self._now_ms(), event, name)

    def corrected(self, number: int, event: HistoryEvent) -> None:
        """See `HistoryStore`."""
        self._recording.history_corrected(self._now_ms(), number, event)

    def returned(self, number: int, event: HistoryEvent, name: RequestId | None) -> None:
        """See `HistoryStore`."""
        self._recording.history_returned(self._now_ms(), number, event, name)

    def events(self) -> Sequence[HistoryEvent]:
        """See `HistoryStore`."""
        return list(self._recording.history(self._recording.end()))
