"""What our own node does with one event: from a numbered state to a numbered state, computed once.

The node is the real one (`driven_node`). After each event it forgets what only hints tell (`Replica.forget_hints`).
With symmetry, the steps of nodes that are images of each other are computed once (`orbits`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

import msgspec

from paxos.ballot import Ballot, NodeId
from paxos.messages import AnyMessage, Prepare
from simulator.node.node import Node, NodeStopped
from simulator.settings import Settings
from simulator.worlds.exhaustive.actors import Interner
from simulator.worlds.exhaustive.driven_node import APART, DrivenHost, Driver, Event, Sent, disk_of, set_host
from simulator.worlds.exhaustive.memory_disk import Files, Killed, MemoryDisk
from simulator.worlds.exhaustive.node_facts import wrong_alone
from simulator.worlds.exhaustive.node_states import NodeStates, StateRow

Origin = tuple[int, Event, int]
"""(state, event, place among the outcomes)"""


class Step(NamedTuple):
    """One outcome of an event: the node's state after it, the messages sent, ballots opened, and what was wrong.

    `sent` is in the order of sending.
    """

    after: int
    sent: tuple[int, ...]
    opened: int
    wrong: str


class KeptSteps(msgspec.Struct, frozen=True, array_like=True):
    """What `NodeSteps` knows, as it is kept in a file."""

    rows: tuple[StateRow, ...]
    firsts: dict[NodeId, int]
    origins: tuple[tuple[int, tuple[str | int, ...], int] | None, ...]
    after: tuple[tuple[tuple[int, bool], ...], ...]
    messages: tuple[Sent, ...]
    message_origins: tuple[tuple[int, tuple[str | int, ...]], ...]


class NodeSteps:
    """All states that nodes have come to, by number, and all messages ever sent.

    `owners` says whose state it is, `origins` the step that first led to it: (state, event, place among the outcomes),
    None for a new node; `message_origins` the step that first sent a message. `asked` is told of each event and its
    outcomes when the real node was asked. It calls `lead_on`, which tells `edges` of each step from state to state,
    once, and whether it is a crash. `known_otherwise` may know the outcomes of an event without asking.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.states = NodeStates(settings.difficulty, self._rebuild)
        self.owners = self.states.owners
        self.facts = self.states.facts
        self.driver = Driver(settings, lambda number: self.messages.values[number][2], self.states.node_in)
        self.edges: list[Callable[[int, int, bool], None]] = []
        self.asked: Callable[[int, Event, tuple[Step, ...]], None] = lambda state, event, _done: self.lead_on(
            state, event
        )
        self.known_otherwise: Callable[[int, Event], tuple[Step, ...] | None] = lambda _state, _event: None
        self.origins: list[Origin | None] = []
        self.message_origins: list[tuple[int, Event]] = []
        self.messages: Interner[Sent] = Interner()
        self.taken = 0
        self.firsts: dict[NodeId, int] = {}
        self._done: list[dict[Event, tuple[Step, ...]]] = []
        self._by_image: list[dict[Event, tuple[Step, ...]]] = []
        self._after: list[set[tuple[int, bool]]] = []
        self._restarts: dict[object, tuple[int, str]] = {}

    def first(self, me: NodeId) -> int:
        """The state of a new node."""
        state = self.firsts.get(me)
        if state is None:
            state = self.firsts[me] = self._kept(self.driver.started(me, MemoryDisk()))
        return state

    def outcomes(self, state: int, event: Event) -> tuple[Step, ...]:
        """All outcomes of one event: several if it is a crash, which may leave more or less of what was not synced.

        ("crash", *event) is a crash while that event is handled, before its records are durable.
        """
        done = self._done[state].get(event)
        if done is None:
            done = self._by_image[state].get(event)
        if done is None:
            done = self.known_otherwise(state, event)
            if done is None:
                return self.ask(state, event)
            self._by_image[state][event] = done
        return done

    def known(self, state: int, event: Event) -> tuple[Step, ...] | None:
        """What the real node did with an event; None if it was not asked."""
        return self._done[state].get(event)

    def asked_of(self, state: int) -> dict[Event, tuple[Step, ...]]:
        """All that the real node was asked in this state, and its outcomes."""
        return dict(self._done[state])

    def ask(self, state: int, event: Event) -> tuple[Step, ...]:
        """The same, from the real node. It is asked once."""
        done = self._done[state].get(event)
        if done is not None:
            return done
        done = tuple(self._step(self.owners[state], state, event))
        for place, step in enumerate(done):
            if self.origins[step.after] is None and step.after not in self.firsts.values():
                self.origins[step.after] = state, event, place
        if done:
            self.message_origins += [(state, event)] * (len(self.messages.values) - len(self.message_origins))
        self._done[state][event] = done
        self.asked(state, event, done)
        return done

    def lead_on(self, state: int, event: Event) -> None:
        """Tell of the steps from state to state that this event makes."""
        crash = event[0] == "crash"
        for step in self._done[state][event]:
            if step.after != state and (step.after, crash) not in self._after[state]:
                self._after[state].add((step.after, crash))
                for tell in self.edges:
                    tell(state, step.after, crash)

    def after(self, state: int) -> set[tuple[int, bool]]:
        """The other states to which the steps taken so far lead, and whether by a crash."""
        return self._after[state]

    def delivered(self, state: int, number: int) -> tuple[Step, ...]:
        """The outcomes of a message in a state in which it may never come: nothing is concluded from them."""
        event = "deliver", number
        done = self._done[state].get(event)
        if done is None:
            done = tuple(self._step(self.owners[state], state, event))
            if self.is_nothing(state, done):
                self._done[state][event] = done
        return done

    @staticmethod
    def is_nothing(state: int, done: tuple[Step, ...]) -> bool:
        """True when these outcomes are that the node stays in this state, and sends nothing."""
        return len(done) == 1 and done[0].after == state and not done[0].sent and not done[0].wrong

    def _step(self, me: NodeId, state: int, event: Event) -> list[Step]:
        if self._crash_is_apart(state, event):
            return []
        self.taken += 1
        if event[-2:-1] == ("fetch",):
            self.states.make_sure_of(event[-1])  # type: ignore[arg-type]
        node, host = self.states.node_in(state), DrivenHost()
        before, disk = self.facts[state], disk_of(node)
        set_host(node, host)
        crash = event[0] == "crash"
        event = event[1:] if crash else event
        disk.kill_at_sync = crash
        won, ballots = node.replica.campaign.opened, set(self.states.rows[state].opened)
        try:
            if event:
                self.driver.handle(node, host, event)
                if crash:
                    return []  # It synced nothing: the same as a crash before or after it.
        except Killed:
            pass
        except NodeStopped:
            return [Step(state, (), 0, f"true-word: {node.stopped}")]
        disk.kill_at_sync = False
        opened = node.replica.campaign.opened - won
        if event == ("campaign again",):
            opened = 0
            if node.replica.campaign.ballot not in ballots:
                return []  # A new ballot: that is "campaign".
        sent = tuple(number for to, message in host.sent for _, number, _ in self.numbered(me, (to,), message))
        ballots |= {message.ballot for _, message in host.sent if isinstance(message, Prepare)}
        if not crash:
            after = self._kept(node, ballots)
            return [Step(after, sent, opened, wrong_alone(before, self.facts[after], host.sent))]
        steps: dict[int, Step] = {}
        for files in disk.remainders():
            after, stopped = self.restarted(me, files, ballots)
            if stopped:
                return [Step(state, sent, opened, f"true-word: {stopped}")]
            steps[after] = Step(after, sent, opened, wrong_alone(before, self.facts[after], host.sent))
        return list(steps.values())

    def _crash_is_apart(self, state: int, event: Event) -> bool:
        """True for a crash while something is handled that writes nothing: it is the same as one before or after it."""
        if event[0] != "crash" or len(event) == 1:
            return False
        (normal, *_) = self.outcomes(state, event[1:])
        return not normal.wrong and self.states.writes_alike(normal.after, state)

    def restarted(self, me: NodeId, files: Files, ballots: Iterable[Ballot]) -> tuple[int, str]:
        """The state after a start from these files, or why the node does not start."""
        key = me, tuple(sorted(files.items())), tuple(sorted(ballots))
        done = self._restarts.get(key)
        if done is None:
            try:
                done = self._kept(self.driver.started(me, MemoryDisk(files)), ballots), ""
            except NodeStopped as error:
                done = -1, str(error)
            self._restarts[key] = done
        return done

    def numbered(self, me: NodeId, to: tuple[NodeId, ...], message: AnyMessage) -> list[tuple[NodeId, int, AnyMessage]]:
        """A message for each of its targets, with its number and as it travels; none if the model leaves it out."""
        if isinstance(message, APART):
            return []
        plain = msgspec.structs.replace(message, stamp=0) if hasattr(message, "stamp") else message
        return [(target, self.messages((me, target, plain)), plain) for target in to]

    def _kept(self, node: Node, ballots: Iterable[Ballot] = ()) -> int:
        number = self.states.kept(node, ballots)
        while len(self.origins) < len(self.states):
            self.origins.append(None)
            self._done.append({})
            self._by_image.append({})
            self._after.append(set())
        return number

    def kept(self) -> KeptSteps:
        """All that is known, but for what can be asked again."""
        after = tuple(tuple(sorted(each)) for each in self._after)
        return KeptSteps(
            tuple(self.states.rows),
            self.firsts,
            tuple(self.origins),
            after,
            tuple(self.messages.values),
            tuple(self.message_origins),
        )

    def take_up(self, kept: KeptSteps) -> None:
        """Have these states and messages instead of all others. Nodes come to them when they are asked for."""
        self.states.take_up(kept.rows)
        self.firsts = dict(kept.firsts)
        self.origins[:] = kept.origins
        self._after[:] = map(set, kept.after)
        self._done[:] = [{} for _ in kept.rows]
        self._by_image[:] = [{} for _ in kept.rows]
        self._restarts.clear()
        self.messages.take_up(kept.messages)
        self.message_origins[:] = kept.message_origins

    def _rebuild(self, state: int) -> None:
        """Take the step again that first led to this state."""
        origin = self.origins[state]
        if origin is None:
            self._kept(self.driver.started(self.owners[state], MemoryDisk()))
        else:
            before, event, _ = origin
            if event[0] == "crash":
                self._restarts.clear()
            self._step(self.owners[before], before, event)
