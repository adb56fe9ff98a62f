"""Reads a recording, from any process and without a lock, while another one writes it.

A recording is a row of chunks: its length in four bytes, and the compressed entries, each after its length. An end is
the position behind a chunk. Nothing read is kept, but the calls of the history that have no return yet.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from os import pread

import msgspec
from zstandard import ZstdDecompressor

from simulator.cluster.history import Event as HistoryEvent
from simulator.trace.events import Event
from simulator.worlds.processes.framed_pipe import LENGTH, FrameError, split
from simulator.worlds.processes.recording_entries import (
    LONG_BYTES,
    AnyEntry,
    HistoryCalledEntry,
    HistoryCorrectedEntry,
    HistoryEntry,
    HistoryReturnedEntry,
    ProbedEntry,
    decode_entry,
    events_of,
)


def end_of_chunk(fd: int, begin: int, end: int) -> int:
    """The position behind the first whole chunk between two ends; `begin` when there is none."""
    head = pread(fd, LENGTH.size, begin)
    if len(head) < LENGTH.size:
        return begin
    after = begin + LENGTH.size + int(LENGTH.unpack(head)[0])
    return after if after <= end else begin


def read_entries(fd: int, begin: int, end: int) -> Iterator[AnyEntry]:
    """The entries between two ends of the file `fd` (0 is the beginning)."""
    decompress = ZstdDecompressor().decompress
    while begin + LENGTH.size <= end:
        head = pread(fd, LENGTH.size, begin)
        if len(head) < LENGTH.size:
            return
        (length,) = LENGTH.unpack(head)
        begin += LENGTH.size
        chunk = pread(fd, length, begin)
        if len(chunk) < length or begin + length > end:
            return
        begin += length
        long: list[bytes] = []
        for data in split(decompress(chunk)):
            with suppress(msgspec.DecodeError):
                entry = decode_entry(data)
                yield _with_parts(entry, long) if isinstance(entry, ProbedEntry) else entry


def _with_parts(entry: ProbedEntry, long: list[bytes]) -> ProbedEntry:
    """The entry with every part in its place. `long` collects the long parts of a chunk."""
    parts = []
    for part in entry.parts:
        if isinstance(part, int):
            parts.append(long[part])
            continue
        if len(part) > LONG_BYTES:
            long.append(part)
        parts.append(part)
    return ProbedEntry(entry.at_ms, entry.node, tuple(parts))


def events_within(entry: AnyEntry) -> Iterator[Event]:
    """The events of an entry, up to the first that a broken node sent: it reached nobody."""
    if not isinstance(entry, HistoryEntry):
        with suppress(FrameError, msgspec.DecodeError):
            yield from events_of(entry)


def read_events(fd: int, begin: int, end: int) -> Iterator[Event]:
    """The events of the run between two ends."""
    for entry in read_entries(fd, begin, end):
        yield from events_within(entry)


def read_history(fd: int, end: int) -> Iterator[HistoryEvent]:
    """The clients' history up to `end`. A call is given out when it cannot be corrected any more."""
    waiting: dict[int, HistoryEvent] = {}  # Calls by number, and returns by a number below 0, in order.
    open_calls: set[int] = set()
    returns = 0
    for entry in read_entries(fd, 0, end):
        match entry:
            case HistoryCalledEntry(number=number, event=event):
                waiting[number] = event
                open_calls.add(number)
            case HistoryCorrectedEntry(number=number, event=event):
                waiting[number] = event
            case HistoryReturnedEntry(number=number, event=event):
                returns -= 1
                waiting[returns] = event
                open_calls.discard(number)
            case _:
                continue
        while waiting and (first := next(iter(waiting))) not in open_calls:
            yield waiting.pop(first)
    yield from waiting.values()
