"""What a replica asks of its driver. Effects are carried out in the order in which they stand.

`Send` waits until every `Persist` before it is safe on disk; `SendNow` vouches for nothing on disk and may leave at
once, while the disk is still busy. That difference is the whole of "what is on disk before what is said".
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from paxos.ballot import NodeId, Slot
from paxos.messages import AnyMessage, Value
from paxos.records import JournalRecord


class Timer(StrEnum):
    """The alarms that a replica sets; setting one again replaces it."""

    ELECTION = "election"
    HEARTBEAT = "heartbeat"
    RESEND = "resend"
    FORWARD = "forward"
    CATCHUP = "catchup"
    SYNC = "sync"
    """The driver's own: a sync that it has put off is due."""


class Persist(msgspec.Struct, frozen=True, gc=False):
    """Append `record` to the journal; it is safe after the next sync."""

    record: JournalRecord


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send `message` to each of `to` once all earlier records are safe. `to` may name the node itself."""

    to: tuple[NodeId, ...]
    message: AnyMessage


class SendNow(msgspec.Struct, frozen=True, gc=False):
    """Send `message` to each of `to` at once: it says nothing that a crash could make untrue."""

    to: tuple[NodeId, ...]
    message: AnyMessage


class SetTimer(msgspec.Struct, frozen=True, gc=False):
    """Wake the replica once, after a delay within the bounds (drawn by the driver), in milliseconds."""

    timer: Timer
    min_ms: int
    max_ms: int


class Deliver(msgspec.Struct, frozen=True, gc=False):
    """Slot `slot` is decided and every earlier one was delivered: apply it now."""

    slot: Slot
    value: Value


class Install(msgspec.Struct, frozen=True, gc=False):
    """Check these fetched blocks and apply them; then tell the replica how far the chain reaches."""

    source: NodeId
    first_slot: Slot
    blocks: tuple[str, ...]


class ServeCatchup(msgspec.Struct, frozen=True, gc=False):
    """Send `to` the blocks of these slots, both ends included, as many as fit one reply."""

    to: NodeId
    first_slot: Slot
    last_slot: Slot


class GiveUp(msgspec.Struct, frozen=True, gc=False):
    """Answer these waiting requests without a result: their fate is unknown.

    `no_majority` tells that too few nodes were heard from, as against a plain time-out.
    """

    ids: tuple[tuple[str, int], ...]
    no_majority: bool


class ReadReady(msgspec.Struct, frozen=True, gc=False):
    """Answer these reads from the state as it is now: it holds everything answered before they were asked."""

    reads: tuple[int, ...]


class ReadGiveUp(msgspec.Struct, frozen=True, gc=False):
    """Answer these reads without a result."""

    reads: tuple[int, ...]
    no_majority: bool


class Note(msgspec.Struct, frozen=True, gc=False):
    """Something a person or a check wants to know: `kind` is one short word, `text` one line."""

    kind: str
    text: str


Effect = Persist | Send | SendNow | SetTimer | Deliver | Install | ServeCatchup | GiveUp | ReadReady | ReadGiveUp | Note
