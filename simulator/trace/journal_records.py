"""Records of a node's journal as traces and witnesses write them: with a tag, so that a reader knows which is which.

Node processes load this module when they are witnessed, so it imports no more than it must.
"""

from __future__ import annotations

import msgspec

from paxos.ballot import Ballot, Slot
from paxos.messages import Value
from paxos.records import AcceptedRecord, JournalRecord, OpenedRecord, PromiseRecord


class PromiseEntry(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="promise"):
    """A `PromiseRecord`."""

    ballot: Ballot


class OpenedEntry(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="opened"):
    """An `OpenedRecord`."""

    ballot: Ballot


class AcceptedEntry(msgspec.Struct, frozen=True, array_like=True, gc=False, tag="accepted"):
    """An `AcceptedRecord`."""

    ballot: Ballot
    slot: Slot
    value: Value


Entry = PromiseEntry | OpenedEntry | AcceptedEntry


def entry_of(record: JournalRecord) -> Entry:
    """How a record of the journal stands in a line."""
    if isinstance(record, AcceptedRecord):
        return AcceptedEntry(record.ballot, record.slot, record.value)
    if isinstance(record, PromiseRecord):
        return PromiseEntry(record.ballot)
    return OpenedEntry(record.ballot)


def record_of(entry: Entry) -> JournalRecord:
    """The record that stands in a line."""
    if isinstance(entry, AcceptedEntry):
        return AcceptedRecord(entry.ballot, entry.slot, entry.value)
    if isinstance(entry, PromiseEntry):
        return PromiseRecord(entry.ballot)
    return OpenedRecord(entry.ballot)
