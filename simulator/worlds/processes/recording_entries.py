"""The entries of a recording: what passes the supervisor, as it came, and the history of the clients.

An entry is encoded once, while the run goes on. Its messages, calls and reports are decoded when it is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import assert_never

import msgspec

from simulator.cluster.history import Event as HistoryEvent
from simulator.faults.faults import Fault
from simulator.node.client_api import Inspect, Inspected, NodeReport
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    Event,
    IncarnationEnded,
    JournalSynced,
    Loss,
    MessageDelivered,
    MessageDuplicated,
    MessageHeld,
    MessageLost,
    MessageSent,
    NodeRecovered,
    NodeReported,
    RecordsAppended,
    TimerFired,
    TurnBegan,
    fault_injected,
)
from simulator.worlds.processes.framed_pipe import split
from simulator.worlds.processes.probe_frames import (
    AppliedFrame,
    FiredFrame,
    RecordedFrame,
    RecoveredFrame,
    SyncedFrame,
    TurnFrame,
    decode_probe_frame,
)
from simulator.worlds.processes.wire import decode_calls, decode_message, decode_reports


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all entries: it happened at `at_ms`, at `node` (0: the cluster itself)."""

    at_ms: int
    node: int


class FrameEntry(Entry, frozen=True, array_like=True, gc=False, tag=1):
    """Messages of `node`, numbered from `first` on. A frame reaches each target whole or not at all."""

    first: int
    passed: tuple[int, ...]
    lost: tuple[int, ...]
    body: bytes


class SentEntry(Entry, frozen=True, array_like=True, gc=False, tag=2):
    """One message was sent."""

    number: int
    to: tuple[int, ...]
    message: bytes


class ArrivedEntry(Entry, frozen=True, array_like=True, gc=False, tag=3):
    """The message, or a copy of it, entered its reader's queue."""

    source: int
    number: int
    message: bytes


class LostEntry(Entry, frozen=True, array_like=True, gc=False, tag=4):
    """The message, or a copy of it, will not reach its reader."""

    source: int
    number: int
    message: bytes
    why: Loss


class ReportedEntry(Entry, frozen=True, array_like=True, gc=False, tag=5):
    """The body of a frame of a node's reports."""

    body: bytes


class CalledEntry(Entry, frozen=True, array_like=True, gc=False, tag=6):
    """The calls of clients that went to a node together, encoded; and questions of people, which are no events."""

    calls: bytes


class ProbedEntry(Entry, frozen=True, array_like=True, gc=False, tag=7):
    """The parts of a probe frame. A number stands for a long part of this chunk, counted from 0: nodes say the same."""

    parts: tuple[bytes | int, ...]


class EndedEntry(Entry, frozen=True, array_like=True, gc=False, tag=8):
    """A process ended."""

    how: str


class InjectedEntry(Entry, frozen=True, array_like=True, gc=False, tag=9):
    """A fault was injected."""

    fault: Fault


class HistoryCalledEntry(Entry, frozen=True, array_like=True, tag=10):
    """Call `number` of the clients' history; `client` and `seq` name a write ("" and 0: a read)."""

    number: int
    client: str
    seq: int
    event: HistoryEvent


class HistoryCorrectedEntry(Entry, frozen=True, array_like=True, tag=11):
    """`event` stands in the place of call `number`. It precedes the return."""

    number: int
    event: HistoryEvent


class HistoryReturnedEntry(Entry, frozen=True, array_like=True, tag=12):
    """Call `number` ended; `client` and `seq` as in its call."""

    number: int
    client: str
    seq: int
    event: HistoryEvent


class HeldEntry(Entry, frozen=True, array_like=True, gc=False, tag=13):
    """The message waits for a person."""

    source: int
    number: int


class DuplicatedEntry(Entry, frozen=True, array_like=True, gc=False, tag=14):
    """The link has made a second copy of the message."""

    source: int
    number: int


RunEntry = (
    FrameEntry
    | SentEntry
    | ArrivedEntry
    | LostEntry
    | HeldEntry
    | DuplicatedEntry
    | ReportedEntry
    | CalledEntry
    | ProbedEntry
    | EndedEntry
    | InjectedEntry
)
HistoryEntry = HistoryCalledEntry | HistoryCorrectedEntry | HistoryReturnedEntry
AnyEntry = RunEntry | HistoryEntry
encode_entry = msgspec.msgpack.Encoder().encode
"""The bytes of an entry."""
decode_entry = msgspec.msgpack.Decoder[AnyEntry](AnyEntry).decode
"""The entry in these bytes. Raises `msgspec.DecodeError` for other bytes."""


LONG_BYTES = 256
"""A part of a probe frame that is longer is written once in a chunk."""


def events_of(entry: RunEntry) -> Iterator[Event]:
    """The events in an entry.

    Raises:
        FrameError, msgspec.DecodeError: a broken node sent it, and it reached nobody.
    """
    at_ms, node = entry.at_ms, entry.node
    match entry:
        case FrameEntry():
            yield from _whole_frame(entry)
        case SentEntry(number=number, to=to, message=data):
            yield MessageSent(at_ms=at_ms, node=node, to=to, number=number, message=decode_message(data))
        case ArrivedEntry() | LostEntry() | HeldEntry() | DuplicatedEntry():
            yield _event_of_copy(entry)
        case ReportedEntry(body=body):
            for reports in split(body):
                yield from _reported(at_ms, node, decode_reports(reports))
        case CalledEntry(calls=data):
            calls = [call for call in decode_calls(data) if not isinstance(call, Inspect)]
            yield from [ClientCalled(at_ms=at_ms, node=node, call=call) for call in calls]
        case ProbedEntry(parts=parts):
            for part in parts:
                assert isinstance(part, bytes)  # `read_entries` has put every part in its place.
                yield _probe_event(at_ms, node, part)
        case EndedEntry(how=how):
            yield IncarnationEnded(at_ms=at_ms, node=node, how=how)
        case InjectedEntry(fault=fault):
            yield fault_injected(at_ms, fault)
        case _:
            assert_never(entry)


def _event_of_copy(entry: ArrivedEntry | LostEntry | HeldEntry | DuplicatedEntry) -> Event:
    at_ms, node, source, number = entry.at_ms, entry.node, entry.source, entry.number
    match entry:
        case ArrivedEntry(message=data):
            message = decode_message(data)
            return MessageDelivered(at_ms=at_ms, node=node, source=source, number=number, message=message)
        case LostEntry(message=data, why=why):
            message = decode_message(data)
            return MessageLost(at_ms=at_ms, node=node, source=source, number=number, message=message, why=why)
        case HeldEntry():
            return MessageHeld(at_ms=at_ms, node=node, source=source, number=number)
        case DuplicatedEntry():
            return MessageDuplicated(at_ms=at_ms, node=node, source=source, number=number)


def _reported(at_ms: int, node: int, reports: list[NodeReport]) -> Iterator[Event]:
    for report in reports:
        if not isinstance(report, Inspected) or not report.number:  # Answers to people are no events.
            yield NodeReported(at_ms=at_ms, node=node, report=report)


def _whole_frame(entry: FrameEntry) -> Iterator[Event]:
    to = tuple(sorted([*entry.passed, *entry.lost]))
    at_ms, source = entry.at_ms, entry.node
    for number, data in enumerate(split(entry.body), entry.first):
        message = decode_message(data)
        yield MessageSent(at_ms=at_ms, node=source, to=to, number=number, message=message)
        for target in entry.passed:
            yield MessageDelivered(at_ms=at_ms, node=target, source=source, number=number, message=message)
        for target in entry.lost:
            yield MessageLost(at_ms=at_ms, node=target, source=source, number=number, message=message, why="down")


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
        case TurnFrame(own_ms, inputs, nonce):
            return TurnBegan(at_ms=at_ms, node=node, own_ms=own_ms, inputs=inputs, nonce=nonce)
        case frame:
            assert_never(frame)
