"""The messages between nodes, a frozen class each.

Every message may be lost, delayed, duplicated or reordered, and may come from an earlier incarnation of its sender.
`stamp` is the sender's clock in milliseconds; the answer repeats it, so that a round trip is measured on one clock.
Values and blocks are carried without being read. The classes are `msgspec.Struct`s: making, comparing and encoding one
costs a fifth of what a frozen dataclass costs (`docs/decisions/0007`).
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from paxos.ballot import MOST_SLOTS, Ballot, NodeId, Slot
from paxos.eras import NO_LOSS, Eras


class Request(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An operation with its client's name and number, so that a retry is recognised.

    `operation` is text that Paxos never reads (here: the compact JSON of one blog operation, as block T holds it).
    """

    client: str
    seq: int
    operation: str

    @property
    def id(self) -> RequestId:
        """`(client, seq)`, which stays the same when the client retries."""
        return (self.client, self.seq)


RequestId = tuple[str, int]
"""A request's client and number: its name, under which it takes effect at most once."""

Path = tuple[NodeId, ...]
"""The nodes that a request has passed, its origin first."""

Value = tuple[Request, ...]
"""What a slot holds: a batch of requests."""

NO_OP: Value = ()
"""The empty batch, which fills a gap and changes nothing."""


class Acceptance(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A vote: this acceptor accepted `value` for `slot` at `ballot`."""

    slot: Slot
    ballot: Ballot
    value: Value


class Message(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """Base of all messages. `sender` is the node that sent it last; a forwarded message has an earlier origin."""

    sender: NodeId


class PreVote(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=1):
    """The pre-vote: would you promise me a ballot? It opens no ballot (our addition; Raft's PreVote).

    `decided` is the sender's decided prefix. `promised` is its highest promise, own ballots included; it distinguishes
    a question from before the sender led from one after it stepped down.
    """

    stamp: int
    decided: Slot
    promised: Ballot


class PreVoteReply(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=2):
    """The answer to a pre-vote: `would_grant` is whether the sender would promise.

    `leader` is the leader that the sender knows (0: none), `hops` hops away from it: 0 is the sender itself, 1 is heard
    directly, more is known from others. `promised` is the highest ballot seen, `decided` the decided prefix.
    """

    stamp: int
    would_grant: bool
    leader: NodeId
    hops: int
    promised: Ballot
    decided: Slot


class Prepare(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=3):
    """Phase 1a (Lamport 2001, §2.2): `sender` campaigns for every slot from `first_slot` on."""

    ballot: Ballot
    first_slot: Slot
    stamp: int


class Promise(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=4):
    """Phase 1b: no lower ballot will be accepted. `accepted` are the votes from the asked slot on, above `decided`.

    `eras` are the eras that the sender knows, its own among them (see `eras`).
    """

    ballot: Ballot
    accepted: tuple[Acceptance, ...]
    decided: Slot
    stamp: int
    eras: Eras = NO_LOSS


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
    """Phase 2b: each slot from `first_slot` to `last_slot`, both included, is accepted at `ballot`; `eras` as above."""

    ballot: Ballot
    first_slot: Slot
    last_slot: Slot
    eras: Eras = NO_LOSS


class Decide(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=8):
    """Slots up to `decided` are chosen. Of the receiver's votes it proves those at exactly `ballot` (rule 12)."""

    ballot: Ballot
    decided: Slot


class Heartbeat(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=9):
    """The leader is alive. `round` numbers its heartbeats; an acknowledgement repeats it.

    `heard` lists the nodes whose acknowledgements reach the leader, so that a follower learns when its link is cut one
    way. `round_trip_ms` is the slowest round trip within the leader's fastest majority.
    """

    ballot: Ballot
    decided: Slot
    round: int
    stamp: int
    heard: tuple[NodeId, ...]
    round_trip_ms: int


class HeartbeatAck(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=10):
    """The sender heard heartbeat `round` and follows `ballot`; `decided` is its decided prefix.

    A node with amnesia says so (`votes` is false): it hears, and no quorum may count it.
    """

    ballot: Ballot
    round: int
    stamp: int
    decided: Slot
    votes: bool = True


class StepDown(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=11):
    """The leader of `ballot` has stepped down."""

    ballot: Ballot


class Forward(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=12):
    """Writes on their way to the leader. `path` lists the nodes passed, the origin first; its length counts hops."""

    path: tuple[NodeId, ...]
    requests: tuple[Request, ...]


class ForwardReply(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=13):
    """The answer to a `Forward`, on its way back along `path` (the origin first).

    All requests `ids` are in the decided prefix `decided`, which the origin may fetch from `sender`. If `decided` is 0
    they were not placed, and `leader` (0: unknown) is the node to try instead.
    """

    path: tuple[NodeId, ...]
    ids: tuple[tuple[str, int], ...]
    leader: NodeId
    decided: Slot


class AskRead(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=14):
    """Linearizable reads on their way to the leader, by the origin's numbers."""

    path: tuple[NodeId, ...]
    reads: tuple[int, ...]


class ReadAt(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=15):
    """The reads may be served once the origin has applied `slot`; -1: not now, try again (`leader` 0: unknown)."""

    path: tuple[NodeId, ...]
    reads: tuple[int, ...]
    slot: Annotated[int, Meta(ge=-1, le=MOST_SLOTS)]
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
    """Block nonces that the leader found for the slots from `first_slot` on: a follower checks instead of searching.

    A message of drivers, which Paxos ignores; it stands here so that one union holds all messages. A missing or wrong
    nonce costs time only.
    """

    first_slot: Slot
    hints: tuple[int, ...]


class AskMemory(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=31):
    """What did you hear from me, and what do you know? Sent at the start of an incarnation (rules 16 and 17).

    `nonce` names the incarnation. `lost`: the sender has amnesia, `era` is the era that it wants to begin, and the
    receiver must remember it before it answers. `decided` is how far the sender's chain reached on its disk.
    """

    era: int
    nonce: int
    lost: bool
    stamp: int
    decided: Slot = 0


class Memory(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=32):
    """The answer to `AskMemory`.

    `era` is the asker's era that the sender remembers from now on; one above the asked means: ask again with this one.
    `whole`: the sender votes, so that `promised`, its highest promise, and `last_slot`, the last slot that it voted in
    or decided, count for the asker's recovery. `heard_promise`, `heard_vote` and `heard_slot` are the highest promise,
    and the last vote, that the asker itself said to the sender in its present era.

    `block` is the sender's last block up to the asker's end, by slot and hash; `votes` are its votes beyond, up to
    there, by slot and the digest of the value. Of slots up to `known` it may have had the block, and lost it again.
    """

    era: int
    nonce: int
    stamp: int
    eras: Eras
    whole: bool
    promised: Ballot
    last_slot: Slot
    decided: Slot
    heard_promise: Ballot
    heard_vote: Ballot
    heard_slot: Slot
    block: tuple[Slot, str] = (0, "")
    votes: tuple[tuple[Slot, str], ...] = ()
    known: Slot = 0


Routed = Forward | ForwardReply | AskRead | ReadAt | Catchup | CatchupReply | AskMemory | Memory
"""The messages that may take a way around links that do not work. No promise, vote or acknowledgement is among them."""


class LinkState(msgspec.Struct, frozen=True, kw_only=True, array_like=True, gc=False):
    """What `node` knew of its own links when it wrote `version`, a number that grows with each of its states.

    `hears` lists the nodes whose messages reach it straight. `leads` is the ballot with which it leads, or `NO_BALLOT`;
    `decided` its decided prefix. `cut_off` is whether it lacks a link to and from a leader.
    """

    node: NodeId
    version: int
    hears: tuple[NodeId, ...]
    leads: Ballot
    decided: Slot
    cut_off: bool


class LinkStates(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=19):
    """The newest link state of every node that the sender knows. It is sent only while some node is cut off."""

    states: tuple[LinkState, ...]


class Relay(Message, frozen=True, kw_only=True, array_like=True, gc=False, tag=20):
    """`message` on its way through other nodes. `path` lists those that are left, the receiver last; empty: it is here.

    The path only grows shorter, so a relay ends after fewer hops than there are nodes. The sender of `message` is the
    node where the relay began.
    """

    path: Path
    message: Routed


AnyMessage = (
    PreVote
    | PreVoteReply
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
    | AskMemory
    | Memory
    | LinkStates
    | Relay
)
"""All messages, as one union for decoders and for `match`."""
