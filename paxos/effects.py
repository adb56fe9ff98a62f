"""What a replica asks of its driver. The driver carries effects out in their order.

A `Send` leaves once every earlier `Persist` is durable. A `SendNow` depends on no record and leaves at once.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from paxos.ballot import NodeId, Slot
from paxos.messages import AnyMessage, Value
from paxos.records import JournalRecord


class Timer(StrEnum):
    """The timers of a node; setting one again replaces it."""

    ELECTION = "election"
    HEARTBEAT = "heartbeat"
    RESEND = "resend"
    FORWARD = "forward"
    CATCHUP = "catchup"
    RECOVERY = "recovery"
    LINKS = "links"
    SYNC = "sync"
    """The driver's own: a put-off sync is due. It stands here so that one type names every timer in a trace."""


class Persist(msgspec.Struct, frozen=True, gc=False):
    """Append `record` to the journal; it is durable after the next sync."""

    record: JournalRecord


class Send(msgspec.Struct, frozen=True, gc=False):
    """Send `message` to each of `to` once all earlier records are durable. `to` may contain the node itself."""

    to: tuple[NodeId, ...]
    message: AnyMessage


class SendNow(msgspec.Struct, frozen=True, gc=False):
    """Send `message` to each of `to` at once: it states nothing that a crash could make untrue."""

    to: tuple[NodeId, ...]
    message: AnyMessage


class SetTimer(msgspec.Struct, frozen=True, gc=False):
    """Fire `timer` once, after a delay that the driver draws between the bounds, in milliseconds."""

    timer: Timer
    min_ms: int
    max_ms: int


class Deliver(msgspec.Struct, frozen=True, gc=False):
    """`slot` is decided and every earlier slot was delivered: apply it now."""

    slot: Slot
    value: Value


class Install(msgspec.Struct, frozen=True, gc=False):
    """Check and apply these fetched blocks, then call `Replica.installed` with the height of the chain."""

    source: NodeId
    first_slot: Slot
    blocks: tuple[str, ...]


class Disbelieve(msgspec.Struct, frozen=True, gc=False):
    """Set aside the chain from block `first` on (0: none of it), and the journal, and start this node again.

    `why` is what is wrong, as the end of a sentence.
    """

    first: Slot
    why: str


class ServeCatchup(msgspec.Struct, frozen=True, gc=False):
    """Send `to` the blocks of these slots, both ends included, as many as fit in one reply."""

    to: NodeId
    first_slot: Slot
    last_slot: Slot


class GiveUp(msgspec.Struct, frozen=True, gc=False):
    """Answer these writes without a result: whether they take effect is unknown.

    `no_majority`: too few nodes were heard; otherwise a plain time-out. `forgetful` are nodes with amnesia, if so many
    have it that no majority is left to vote.
    """

    ids: tuple[tuple[str, int], ...]
    no_majority: bool
    forgetful: tuple[NodeId, ...] = ()


class ReadReady(msgspec.Struct, frozen=True, gc=False):
    """Answer these reads from the present state, which holds all writes answered before the reads were asked."""

    reads: tuple[int, ...]


class ReadGiveUp(msgspec.Struct, frozen=True, gc=False):
    """Answer these reads without a result."""

    reads: tuple[int, ...]
    no_majority: bool
    forgetful: tuple[NodeId, ...] = ()


class Note(msgspec.Struct, frozen=True, gc=False):
    """A line for the running log: `kind` is one short word, `text` one line."""

    kind: str
    text: str


Effect = (
    Persist
    | Send
    | SendNow
    | SetTimer
    | Deliver
    | Install
    | Disbelieve
    | ServeCatchup
    | GiveUp
    | ReadReady
    | ReadGiveUp
    | Note
)
