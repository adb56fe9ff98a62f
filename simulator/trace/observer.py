"""What can be seen of a run, as calls: the checks, the trace and its reader all speak this one language.

Both worlds call an `Observer` as things happen, in one order; whoever reads a trace back makes the same calls. Times
are milliseconds of cluster time. Nothing here may change what is observed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chain.block import Block
from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage
from paxos.records import JournalRecord
from simulator.faults.faults import Fault
from simulator.node.client_api import ClientCall, NodeReport
from simulator.node.storage.storage import Recovered


class Observer(Protocol):
    """What happens in a cluster. `node` is where; a message's `number` is its name from sending to its end."""

    def asked(self, at_ms: int, node: NodeId, call: ClientCall) -> None:
        """A client's call reached a node."""
        ...

    def told(self, at_ms: int, node: NodeId, report: NodeReport) -> None:
        """A node answered a client, noted something, or failed."""
        ...

    def sent(self, at_ms: int, node: NodeId, to: tuple[NodeId, ...], message: AnyMessage, number: int) -> None:
        """A node handed a message to the network; its copies share `number`."""
        ...

    def delivered(self, at_ms: int, source: NodeId, node: NodeId, message: AnyMessage, number: int) -> None:
        """A message reached a node that lives."""
        ...

    def lost(self, at_ms: int, source: NodeId, node: NodeId, message: AnyMessage, number: int) -> None:
        """A message, or a copy of one, will never reach `node`."""
        ...

    def woken(self, at_ms: int, node: NodeId, timer: Timer) -> None:
        """An alarm of a node rang."""
        ...

    def recovered(self, at_ms: int, node: NodeId, recovered: Recovered) -> None:
        """See `Probe`."""
        ...

    def recorded(self, at_ms: int, node: NodeId, records: Sequence[JournalRecord]) -> None:
        """See `Probe`."""
        ...

    def synced(self, at_ms: int, node: NodeId) -> None:
        """See `Probe`."""
        ...

    def applied(self, at_ms: int, node: NodeId, blocks: Sequence[Block]) -> None:
        """See `Probe`."""
        ...

    def ended(self, at_ms: int, node: NodeId, how: str) -> None:
        """A life of a node is over: what it had not synced may be gone, what it knew is gone."""
        ...

    def struck(self, at_ms: int, fault: Fault) -> None:
        """A fault was carried out."""
        ...
