"""The events of a run, one struct a type: worlds emit them, checks handle them, traces store them.

An event is also a line of a trace (`docs/trace.md`). `clock` is its Lamport timestamp, which the trace writer sets. The
tag of a type is its name in a trace. Times are milliseconds of cluster time.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from chain.block import Block
from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage
from paxos.records import JournalRecord
from simulator.faults.faults import Fault
from simulator.node.client_api import ClientCall, NodeReport
from simulator.node.storage.storage import Recovered

Loss = Literal["", "cut", "dropped", "down", "full"]
"""Why a message is lost: its link is cut, its link dropped it by chance, its target is down, or too many wait.

It is "" in traces of versions before 3.
"""


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="event"):
    """Base of all events: it happened at `at_ms`, at `node` (0: the cluster itself)."""

    at_ms: int
    node: NodeId = 0
    clock: int = 0


class ClientCalled(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="asked"):
    """A client's call reached a node."""

    call: ClientCall


class NodeReported(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="told"):
    """A node answered a client, logged a line, showed its status, or failed."""

    report: NodeReport


class MessageSent(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="sent"):
    """A node handed a message to the network. All copies of the message share `number`."""

    to: tuple[NodeId, ...]
    number: int
    message: AnyMessage


class MessageDelivered(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="delivered"):
    """A message from `source` reached a running node."""

    source: NodeId
    number: int
    message: AnyMessage


class MessageLost(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="lost"):
    """A message from `source`, or one copy of it, will never reach the node, and `why`."""

    source: NodeId
    number: int
    message: AnyMessage
    why: Loss = ""


class MessageHeld(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="held"):
    """A message from `source` to the node waits for a person, who delivers it or never does."""

    source: NodeId
    number: int


class MessageDuplicated(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="duplicated"):
    """The link has made a second copy of a message from `source` to the node."""

    source: NodeId
    number: int


class TurnBegan(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="turn"):
    """The node begins a batch: the oldest `inputs` of what has reached it, then the timers that follow, then a flush.

    `own_ms` is the node's own clock. In the first batch of an incarnation it reads its files; then `nonce` names it.
    """

    own_ms: int
    inputs: int = 0
    nonce: int = 0


class TimerFired(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="woken"):
    """A timer of the node fired."""

    timer: Timer


class NodeRecovered(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="recovered"):
    """An incarnation of the node began with what its files held."""

    found: Recovered


class RecordsAppended(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="recorded"):
    """The node appended these records to its journal; they are durable after its next `JournalSynced`."""

    records: tuple[JournalRecord, ...]


class JournalSynced(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="synced"):
    """All records that the node has appended are durable now."""


class BlocksApplied(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="applied"):
    """The node appended these blocks to its chain and applied their operations, in this order."""

    blocks: tuple[Block, ...]


class IncarnationEnded(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="ended"):
    """The node went down. Its memory is lost; what it had not synced may be lost too."""

    how: str


class FaultInjected(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="struck"):
    """A fault was injected. `node` is the node that the fault names, or 0."""

    fault: Fault


EVENTS: tuple[type[Event], ...] = (
    ClientCalled,
    NodeReported,
    MessageSent,
    MessageDelivered,
    MessageLost,
    MessageHeld,
    MessageDuplicated,
    TurnBegan,
    TimerFired,
    NodeRecovered,
    RecordsAppended,
    JournalSynced,
    BlocksApplied,
    IncarnationEnded,
    FaultInjected,
)
"""All types of events."""


def fault_injected(at_ms: int, fault: Fault) -> FaultInjected:
    """The event of a fault."""
    return FaultInjected(at_ms=at_ms, node=getattr(fault, "node", 0), fault=fault)
