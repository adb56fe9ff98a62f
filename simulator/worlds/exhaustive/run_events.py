"""A run that the search found, as events: what the nodes sent, recorded, synced and applied in each of its steps.

The search judges states. The checks of the other worlds judge events, and tell where it first went wrong. So the steps
of one run are taken again, and the nodes are watched. A step takes a second of the time that the events tell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chain.block import Block
from paxos.ballot import NodeId
from paxos.messages import AnyMessage
from paxos.records import JournalRecord
from simulator.node.client_api import ClientWrite, NodeReport
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
from simulator.worlds.exhaustive.node_steps import write

STEP_MS = 1_000
"""The time between two steps, by which an event tells in which step it was."""


def states_of(model: ClusterModel, steps: Sequence[Action]) -> list[Numbers]:
    """The states of a run to something wrong, the first included: of a crash several may come, and the name is one.

    Raises:
        ValueError: the steps lead to nothing wrong.
    """

    def search(state: Numbers, at: int) -> list[Numbers] | None:
        if at == len(steps):
            return [state] if model.wrong_in(state) else None
        for name, after in model.steps(state):
            if name == steps[at] and (rest := search(after, at + 1)) is not None:
                return [state, *rest]
        return None

    found = search(next(model.first()), 0)
    if found is None:
        raise ValueError("these steps lead to nothing wrong")
    return found


def events_of(model: ClusterModel, steps: Sequence[Action]) -> list[Event]:
    """All events of a run that leads to something wrong."""
    states, nodes = states_of(model, steps), model.steps_of
    events: list[Event] = []
    for node in range(1, model.nodes + 1):
        nodes.watched_start(node, _Watch(node, 0, events.append, model))
    for number, (action, before, after) in enumerate(zip(steps, states, states[1:], strict=False), 1):
        _tell(model, action, (before, after), number * STEP_MS, events)
    return events


def _tell(
    model: ClusterModel, action: Action, states: tuple[Numbers, Numbers], at_ms: int, events: list[Event]
) -> None:
    what, node, argument = action
    event: tuple[object, ...]
    if what in {"deliver", "deliver a copy", "lose", "crash at"}:
        assert isinstance(argument, int)
        source, _, message = model.steps_of.messages.values[argument]
        if what == "lose":
            events.append(
                MessageLost(at_ms=at_ms, node=node, source=source, number=argument + 1, message=message, why="dropped")
            )
            return
        events.append(MessageDelivered(at_ms=at_ms, node=node, source=source, number=argument + 1, message=message))
        event = ("crash", "deliver", argument) if what == "crash at" else ("deliver", argument)
    elif what == "write":
        assert isinstance(argument, int)
        events.append(ClientCalled(at_ms=at_ms, node=node, call=ClientWrite(write(argument))))
        event = ("write", argument, model.rounds(states[0]))
    else:
        event = ("campaign", model.rounds(states[0])) if what == "campaign" else ("crash",)
    place = node - 1
    watch = _Watch(node, at_ms, events.append, model)
    model.steps_of.retold(node, states[0][place], event, states[1][place], watch)


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
