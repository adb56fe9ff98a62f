"""A run that the search found, as events: what the nodes sent, recorded, synced and applied in each of its steps.

The search judges states. The checks of the other worlds judge events, and tell where it first went wrong. So the steps
of one run are taken again, and the nodes are watched. A step takes a second of the time that the events tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from chain.block import Block
from paxos.ballot import NodeId
from paxos.messages import AnyMessage, CatchupReply
from paxos.records import JournalRecord
from simulator.node.client_api import ClientWrite, NodeReport
from simulator.node.node import Node, NodeStopped
from simulator.node.storage.storage import Recovered
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    Event,
    IncarnationEnded,
    JournalSynced,
    MessageDelivered,
    MessageLost,
    MessageSent,
    NodeRecovered,
    NodeReported,
    RecordsAppended,
)
from simulator.worlds.exhaustive.cluster_model import Action, ClusterModel, Numbers
from simulator.worlds.exhaustive.driven_node import DrivenHost, Watch, disk_of, set_host, write
from simulator.worlds.exhaustive.driven_node import Event as NodeEvent
from simulator.worlds.exhaustive.memory_disk import Files, Killed, MemoryDisk

FETCHED = 1 << 40
"""The numbers of messages that bring blocks begin here: in the search they have none."""
STEP_MS = 1_000
"""The time between two steps, by which an event tells in which step it was."""


def events_of(model: ClusterModel, steps: Sequence[Action]) -> list[Event]:
    """All events of a run. Its nodes are taken from the first step to the last, and not from states known by number."""
    events: list[Event] = []
    watches = [_Watch(node, 0, events.append, model) for node in range(1, model.nodes + 1)]
    nodes = [model.steps_of.driver.started(node, MemoryDisk(), watch) for node, watch in enumerate(watches, 1)]
    state = next(model.first())
    for number, action in enumerate(steps, 1):
        event, place = _arriving(model, action, state, number * STEP_MS, events), action[1] - 1
        if event is not None:
            watch = _Watch(action[1], number * STEP_MS, events.append, model)
            nodes[place] = _retold(model, nodes[place], event, action[3], watch)
        state = next(after for name, after in model.steps(state) if name == action)
    return events


def _arriving(model: ClusterModel, action: Action, state: Numbers, at_ms: int, events: list[Event]) -> NodeEvent | None:
    """Tell what comes to a node from outside, and return the event that it handles; None when a message is lost."""
    what, node, argument, _ = action
    crash = ("crash",) if what.startswith("crash") else ()
    what = what.removeprefix("crash at ")
    sent = model.message(action)
    if sent is not None:
        source, _, message = sent
        if what == "lose":
            lost = MessageLost(
                at_ms=at_ms, node=node, source=source, number=argument + 1, message=message, why="dropped"
            )
            events.append(lost)
            return None
        events.append(MessageDelivered(at_ms=at_ms, node=node, source=source, number=argument + 1, message=message))
        return (*crash, "deliver", argument)
    rounds = model.elections_in(state)
    if what == "write":
        events.append(ClientCalled(at_ms=at_ms, node=node, call=ClientWrite(write(argument))))
        return (*crash, "write", argument, rounds)
    if what == "campaign":
        return (*crash, "campaign", rounds)
    if what == "fetch":
        return ("fetch", model.server_in(state, argument))
    return (*crash, what) if what != "crash" else crash


def _retold(model: ClusterModel, node: Node, event: NodeEvent, which: int, watch: Watch) -> Node:
    """Have a node handle one event, tell `watch` what it does, and return the node, or the one after its restart.

    A crash has its outcome of this number, as in `NodeSteps.outcomes`.
    """
    driver, host, disk = model.steps_of.driver, DrivenHost(watch), disk_of(node)
    crash = event[0] == "crash"
    event = event[1:] if crash else event
    disk.kill_at_sync = crash
    set_host(node, host)
    node.probe = node.group_commit.probe = watch
    with suppress(Killed, NodeStopped):
        if event:
            driver.handle(node, host, event)
    if not crash:
        node.replica.forget_hints()
        return node
    watch.ended()
    outcomes: dict[int, Files] = {}
    for files in disk.remainders():
        outcomes.setdefault(model.steps_of.restarted(node.me, files, ())[0], files)
    return driver.started(node.me, MemoryDisk(list(outcomes.values())[which]), watch)


class _Watch:
    """See `Watch`: each call is an event."""

    def __init__(self, node: NodeId, at_ms: int, tell: Callable[[Event], None], model: ClusterModel) -> None:
        self._node = node
        self._at_ms = at_ms
        self._tell = tell
        self._model = model

    def sent(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Watch`. Messages that the model leaves out are lost."""
        for target, number, plain in self._model.steps_of.numbered(self._node, to, message):
            self._tell(MessageSent(at_ms=self._at_ms, node=self._node, to=(target,), number=number + 1, message=plain))

    def reported(self, report: NodeReport) -> None:
        """See `Watch`."""
        self._tell(NodeReported(at_ms=self._at_ms, node=self._node, report=report))

    def fetched(self, peer: NodeId, message: CatchupReply) -> None:
        """See `Watch`."""
        number = FETCHED + self._at_ms
        self._tell(MessageSent(at_ms=self._at_ms, node=peer, to=(self._node,), number=number, message=message))
        self._tell(MessageDelivered(at_ms=self._at_ms, node=self._node, source=peer, number=number, message=message))

    def ended(self) -> None:
        """See `Watch`."""
        self._tell(IncarnationEnded(at_ms=self._at_ms, node=self._node, how="it lost its power"))

    def recovered(self, recovered: Recovered) -> None:
        """See `Probe`."""
        self._tell(NodeRecovered(at_ms=self._at_ms, node=self._node, found=recovered))

    def recorded(self, records: Sequence[JournalRecord]) -> None:
        """See `Probe`."""
        self._tell(RecordsAppended(at_ms=self._at_ms, node=self._node, records=tuple(records)))

    def synced(self) -> None:
        """See `Probe`."""
        self._tell(JournalSynced(at_ms=self._at_ms, node=self._node))

    def applied(self, blocks: Sequence[Block]) -> None:
        """See `Probe`."""
        self._tell(BlocksApplied(at_ms=self._at_ms, node=self._node, blocks=tuple(blocks)))

    def happened(self, what: str) -> None:
        """See `Probe`. It is no event."""
