"""What a node reports of its own inside, sent from its process to the supervisor in frames between its messages.

A node sends these frames only when the run is recorded. Each is queued in order with the messages, so that a reader
sees a record before the messages that depend on it. The supervisor stores the bytes (`recording`), and decodes them
only on demand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from chain.block import Block
from paxos.effects import Timer
from paxos.records import JournalRecord
from simulator.node.storage.storage import Recovered


class RecoveredFrame(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """The report of `Probe.recovered`."""

    found: Recovered


class RecordedFrame(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=2):
    """The report of `Probe.recorded`."""

    records: tuple[JournalRecord, ...]


class SyncedFrame(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=3):
    """The report of `Probe.synced`."""


class AppliedFrame(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=4):
    """The report of `Probe.applied`."""

    blocks: tuple[Block, ...]


class FiredFrame(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=5):
    """A timer of the node fired."""

    timer: Timer


class TurnFrame(msgspec.Struct, frozen=True, array_like=True, gc=False, tag=6):
    """A batch begins: see `TurnBegan`."""

    own_ms: int
    inputs: int
    nonce: int = 0


ProbeFrame = RecoveredFrame | RecordedFrame | SyncedFrame | AppliedFrame | FiredFrame | TurnFrame

_encode = msgspec.msgpack.Encoder().encode
decode_probe_frame = msgspec.msgpack.Decoder[ProbeFrame](ProbeFrame).decode
"""Decode one probe frame. Raises `msgspec.DecodeError` for anything else."""


class ProcessProbe:
    """A `Probe` that passes its reports to `send`, as bytes."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send

    def recovered(self, recovered: Recovered) -> None:
        """See `Probe`."""
        self._send(_encode(RecoveredFrame(recovered)))

    def recorded(self, records: Sequence[JournalRecord]) -> None:
        """See `Probe`."""
        self._send(_encode(RecordedFrame(tuple(records))))

    def synced(self) -> None:
        """See `Probe`."""
        self._send(_encode(SyncedFrame()))

    def applied(self, blocks: Sequence[Block]) -> None:
        """See `Probe`."""
        self._send(_encode(AppliedFrame(tuple(blocks))))

    def happened(self, what: str) -> None:
        """See `Probe`. Only the virtual world counts it."""

    def turn(self, own_ms: int, inputs: int, nonce: int = 0) -> None:
        """A batch begins; `inputs` of what has reached the node belong to it."""
        self._send(_encode(TurnFrame(own_ms, inputs, nonce)))

    def fired(self, timer: Timer) -> None:
        """A timer of the node fired."""
        self._send(_encode(FiredFrame(timer)))
