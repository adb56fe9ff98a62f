"""What nodes say to one another: one frozen class a message, never one class with optional fields.

Every message may be lost, delayed, duplicated or reordered, and may come from an earlier life of its sender.
`stamp` is the sender's own clock in milliseconds; whoever answers sends it back untouched, so that a round trip is
measured on one clock. Values and blocks are carried without being read. The classes are `msgspec.Struct`s because
making, comparing and encoding one costs a fifth of what a frozen dataclass costs (`docs/decisions/`).
"""

from __future__ import annotations

import msgspec

from paxos.ballot import Ballot, NodeId, Slot


class Request(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An operation with its client's name and number, so that a retry is recognised.

    `operation` is text that Paxos never reads (here: the compact JSON of one blog operation, as block T holds it).
    """

    client: str
    seq: int
    operation: str

    @property
    def id(self) -> RequestId:
        """The name under which the request takes effect at most once."""
        return (self.client, self.seq)


RequestId = tuple[str, int]
"""A request's client and number: its name, under which it takes effect at most once."""

Path = tuple[NodeId, ...]
"""The nodes that a request has passed, its origin first."""

Value = tuple[Request, ...]
"""What a slot holds: a batch of requests."""

NO_OP: Value = ()
"""The empty batch: fills a gap, changes nothing."""


class Acceptance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A vote: this acceptor accepted `value` for `slot` at `ballot`."""

    slot: Slot
    ballot: Ballot
    value: Value


class Message(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Base of all messages. `sender` is the node that put it on the wire, not the first to have written it."""

    sender: NodeId


class Canvass(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=1):
    """Before phase 1: would you promise me a ballot? Costs no ballot and unseats nobody (our addition to the paper).

    `decided` is the sender's decided prefix, so that an answer can say who is behind; `promised` its highest promise,
    own bids among them, so that a question from before it led is told from one of a node that leads no longer.
    """

    stamp: int
    decided: Slot
    promised: Ballot


class CanvassReply(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=2):
    """`willing` is false while the sender hears a live leader, named in `leader` (0: none known).

    `hops` is how far that leader is from the sender: 0 itself, 1 heard directly, more where others have named it.
    `promised` is the highest ballot that the sender has promised; `decided` its decided prefix.
    """

    stamp: int
    willing: bool
    leader: NodeId
    hops: int
    promised: Ballot
    decided: Slot


class Prepare(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=3):
    """Phase 1a (Lamport 2001, §2.2): `sender` bids to lead every slot from `first_slot` on."""

    ballot: Ballot
    first_slot: Slot
    stamp: int


class Promise(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=4):
    """Phase 1b: no lower ballot any more; `accepted` is every vote from the asked slot on that is above `decided`."""

    ballot: Ballot
    accepted: tuple[Acceptance, ...]
    decided: Slot
    stamp: int


class Reject(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=5):
    """`ballot` was refused: `promised` is higher, or `leader` is alive (0: no live leader is known)."""

    ballot: Ballot
    promised: Ballot
    leader: NodeId
    decided: Slot


class Accept(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=6):
    """Phase 2a for the slots from `first_slot` on, one a value; `decided` is the leader's decided prefix."""

    ballot: Ballot
    first_slot: Slot
    values: tuple[Value, ...]
    decided: Slot


class Accepted(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=7):
    """Phase 2b: every slot from `first_slot` to `last_slot`, both included, is accepted at `ballot`."""

    ballot: Ballot
    first_slot: Slot
    last_slot: Slot


class Decide(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=8):
    """Slots up to `decided` are chosen; this vouches for what the reader accepted at exactly `ballot`."""

    ballot: Ballot
    decided: Slot


class Heartbeat(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=9):
    """The leader's sign of life. `round` numbers the leader's heartbeats; an acknowledgement repeats it.

    `heard` lists the nodes whose acknowledgements reach the leader, so that a follower learns of a link that is cut one
    way; `round_trip_ms` is the slowest round trip within the leader's fastest majority.
    """

    ballot: Ballot
    decided: Slot
    round: int
    stamp: int
    heard: tuple[NodeId, ...]
    round_trip_ms: int


class HeartbeatAck(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=10):
    """The follower heard heartbeat `round` of `ballot` and still follows; `decided` is its decided prefix."""

    ballot: Ballot
    round: int
    stamp: int
    decided: Slot


class StepDown(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=11):
    """The leader of `ballot` leads no longer: it has not heard from a majority."""

    ballot: Ballot


class Forward(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=12):
    """Writes on their way to the leader. `path` lists the nodes passed, the origin first: its length counts hops."""

    path: tuple[NodeId, ...]
    requests: tuple[Request, ...]


class ForwardReply(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=13):
    """An answer to a Forward, on its way back along `path` (the origin first).

    `decided` is a prefix in which all of the requests stand, so that the origin fetches what it lacks from `sender`; 0
    says that they were not placed, and `leader` (0: unknown) is who to try instead.
    """

    path: tuple[NodeId, ...]
    ids: tuple[tuple[str, int], ...]
    leader: NodeId
    decided: Slot


class AskRead(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=14):
    """Linearizable reads on their way to the leader, by the origin's own numbers."""

    path: tuple[NodeId, ...]
    reads: tuple[int, ...]


class ReadAt(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=15):
    """The reads may be served once the origin has applied `slot`; -1: not now, try again (`leader` 0: unknown)."""

    path: tuple[NodeId, ...]
    reads: tuple[int, ...]
    slot: Slot
    leader: NodeId


class Catchup(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=16):
    """Asks for the decided slots from `first_slot` to `last_slot`, both included."""

    first_slot: Slot
    last_slot: Slot


class CatchupReply(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=17):
    """Decided slots from `first_slot` on as `blocks`, text Paxos never reads; `decided` says how far it goes on."""

    first_slot: Slot
    blocks: tuple[str, ...]
    decided: Slot


class Hints(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=18):
    """What the leader worked out for the slots from `first_slot` on and a follower may check instead of searching.

    Here: block nonces. Paxos passes them by; a missing or a wrong one costs time and nothing else.
    """

    first_slot: Slot
    hints: tuple[int, ...]


AnyMessage = (
    Canvass
    | CanvassReply
    | Prepare
    | Promise
    | Reject
    | Accept
    | Accepted
    | Decide
    | Heartbeat
    | HeartbeatAck
    | StepDown
    | Forward
    | ForwardReply
    | AskRead
    | ReadAt
    | Catchup
    | CatchupReply
    | Hints
)
"""Every message there is, as one union for decoders and for `match`."""
