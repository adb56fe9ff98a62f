"""What a node does inside, told from its process to the supervisor's, in frames of their own beside the messages.

A node tells of it only when the run is recorded. Each telling takes its place in the queue out among the messages, so
that whoever reads the queue sees the record before the words that rest on it. The supervisor keeps the bytes as they
come (`recording`), and decodes them when somebody asks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from chain.block import Block
from paxos.effects import Timer
from paxos.records import JournalRecord
from simulator.node.storage.storage import Recovered


class RecoveredFrame(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """See `Probe.recovered`."""

    found: Recovered


class RecordedFrame(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=2):
    """See `Probe.recorded`."""

    records: tuple[JournalRecord, ...]


class SyncedFrame(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=3):
    """See `Probe.synced`."""


class AppliedFrame(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=4):
    """See `Probe.applied`."""

    blocks: tuple[Block, ...]


class FiredFrame(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=5):
    """An alarm rang."""

    timer: Timer


ProbeFrame = RecoveredFrame | RecordedFrame | SyncedFrame | AppliedFrame | FiredFrame

_encode = msgspec.msgpack.Encoder().encode
decode_probe_frame = msgspec.msgpack.Decoder[ProbeFrame](ProbeFrame).decode
"""The telling in these bytes. Raises `msgspec.DecodeError` for anything else."""


class ProcessProbe:
    """A `Probe` whose word leaves through `tell`, as bytes."""

    def __init__(self, tell: Callable[[bytes], None]) -> None:
        self._tell = tell

    def recovered(self, recovered: Recovered) -> None:
        """See `Probe`."""
        self._tell(_encode(RecoveredFrame(recovered)))

    def recorded(self, records: Sequence[JournalRecord]) -> None:
        """See `Probe`."""
        self._tell(_encode(RecordedFrame(tuple(records))))

    def synced(self) -> None:
        """See `Probe`."""
        self._tell(_encode(SyncedFrame()))

    def applied(self, blocks: Sequence[Block]) -> None:
        """See `Probe`."""
        self._tell(_encode(AppliedFrame(tuple(blocks))))

    def woken(self, timer: Timer) -> None:
        """An alarm rang."""
        self._tell(_encode(FiredFrame(timer)))
