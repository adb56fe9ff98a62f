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
from simulator.worlds.exhaustive.memory_disk import Killed, MemoryDisk
from simulator.worlds.exhaustive.node_facts import Facts, FactsOfNodes, wrong_alone
from simulator.worlds.exhaustive.snapshots import Snapshot, Snapshots

Files = dict[str, tuple[bytes, int]]
"""See `MemoryDisk`."""


class Step(NamedTuple):
    """One outcome of an event: the node's state after it, the messages sent, ballots opened, and what was wrong.

    `sent` is in the order of sending.
    """

    after: int
    sent: tuple[int, ...]
    opened: int
    wrong: str


class NodeSteps:
    """All states that nodes have come to, by number, and all messages ever sent.

    `owners` says whose state it is, `origins` the step that first led to it: (state, event, place among the outcomes),
    None for a new node; `message_origins` the step that first sent a message. `asked` is told of each event and its
    outcomes when the real node was asked. It calls `lead_on`, which tells `edges` of each step from state to state,
    once, and whether it is a crash. `known_otherwise` may know the outcomes of an event without asking.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.driver = Driver(settings, lambda number: self.messages.values[number][2], self._node_in)
        self.edges: list[Callable[[int, int, bool], None]] = []
        self.asked: Callable[[int, Event, tuple[Step, ...]], None] = lambda state, event, _done: self.lead_on(
            state, event
        )
        self.known_otherwise: Callable[[int, Event], tuple[Step, ...] | None] = lambda _state, _event: None
        self.owners: list[NodeId] = []
        self.origins: list[tuple[int, Event, int] | None] = []
        self.message_origins: list[tuple[int, Event]] = []
        self.messages: Interner[Sent] = Interner()
        self.facts: list[Facts] = []
        self.taken = 0
        self._firsts: dict[NodeId, int] = {}
        self._done: list[dict[Event, tuple[Step, ...]]] = []
        self._after: list[set[tuple[int, bool]]] = []
        self._in: dict[Node, int] = {}  # The state in which a node is now.
        self._idle = DrivenHost()  # The host of all nodes between two steps.
        self._restarts: dict[object, tuple[int, str]] = {}
        self._snapshots: Snapshots[Node] = Snapshots()
        self._frozen: list[Snapshot[Node]] = []
        self._facts_of = FactsOfNodes(settings.difficulty)
        self._states: Interner[object] = Interner()
        self._disks: list[object] = []
        self._opened: list[tuple[Ballot, ...]] = []
        self._first_with: dict[object, int] = {}
        self._servers: list[int] = []
        self._settled: list[int] = []

    def first(self, me: NodeId) -> int:
        """The state of a new node."""
        state = self._firsts.get(me)
        if state is None:
            state = self._firsts[me] = self._kept(self.driver.started(me, MemoryDisk()))
        return state

    def outcomes(self, state: int, event: Event) -> tuple[Step, ...]:
        """All outcomes of one event: several if it is a crash, which may leave more or less of what was not synced.

        ("crash", *event) is a crash while that event is handled, before its records are durable.
        """
        done = self._done[state].get(event)
        if done is None:
            done = self.known_otherwise(state, event)
        return self.ask(state, event) if done is None else done

    def known(self, state: int, event: Event) -> tuple[Step, ...] | None:
        """What the real node did with an event; None if it was not asked."""
        return self._done[state].get(event)

    def ask(self, state: int, event: Event) -> tuple[Step, ...]:
        """The same, from the real node. It is asked once."""
        done = self._done[state].get(event)
        if done is not None:
            return done
        done = tuple(self._step(self.owners[state], state, event))
        for place, step in enumerate(done):
            if self.origins[step.after] is None and step.after not in self._firsts.values():
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
        if event[0] == "crash" and len(event) > 1:
            (normal, *_) = self.outcomes(state, event[1:])
            if not normal.wrong and self._disks[normal.after] == self._disks[state]:
                return []  # It wrote nothing: a crash while it is handled is the same as one before or after it.
        self.taken += 1
        node, host = self._node_in(state), DrivenHost()
        before, disk = self.facts[state], disk_of(node)
        set_host(node, host)
        crash = event[0] == "crash"
        event = event[1:] if crash else event
        disk.kill_at_sync = crash
        won, ballots = node.replica.campaign.opened, set(self._opened[state])
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

    # States

    def _node_in(self, state: int) -> Node:
        """A node in this state. It leaves it, unless `_kept` says what it has come to."""
        snapshot = self._frozen[state]
        node = snapshot.node
        if self._in.get(node) != state:
            self._snapshots.restore(snapshot)
        self._in[node] = -1
        return node

    def _kept(self, node: Node, ballots: Iterable[Ballot] = ()) -> int:
        node.replica.forget_hints()
        facts = self._facts_of(node)
        forgotten = tuple(sorted(ballot for ballot in ballots if ballot > node.replica.acceptor.opened))
        known = (node.me, node.replica.essence(), facts.chain, forgotten)
        durable = facts.height, facts.promised, facts.opened, tuple(facts.votes.items())
        unsynced = tuple((name, data[synced:]) for name, (data, synced) in sorted(disk_of(node).files.items()))
        disk_now = durable, unsynced
        number = self._states((known, disk_now))
        if number == len(self._frozen):
            set_host(node, self._idle)
            self._frozen.append(self._snapshots.take(node))
            self.facts.append(facts)
            self.owners.append(node.me)
            self.origins.append(None)
            self._done.append({})
            self._after.append(set())
            self._disks.append(disk_now)
            self._opened.append((*forgotten, node.replica.acceptor.opened))
            votes = tuple(sorted(node.replica.acceptor.accepted.items()))
            serves = "serves", node.me, node.replica.learner.stated, facts.chain, votes
            self._servers.append(self._first_with.setdefault(serves, number))
            self._settled.append(self._first_with.setdefault(known, number))
            self._in[node] = number
        elif node in self._in:  # One that has just started is not kept.
            self._in[node] = number
        return number

    def server(self, state: int) -> int:
        """The first state in which this node had the same chain and votes, and stated as much of it to others.

        What it serves to them is the same. After a restart a node serves nothing until others have confirmed its chain.
        """
        return self._servers[state]

    def forgotten(self, state: int) -> bool:
        """True when this node has sent PREPARE for a ballot that it no longer knows to have opened."""
        return len(self._opened[state]) > 1

    def difference(self, one: int, other: int) -> str:
        """Where two states of nodes differ first, in words."""
        return _difference(self._states.values[one], self._states.values[other]) or "nothing"

    def settled(self, state: int) -> int:
        """The first state that differs from this one in nothing but what a crash would leave of it."""
        return self._settled[state]


def _difference(one: object, other: object) -> str:
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        return next((found for pair in zip(one, other, strict=True) if (found := _difference(*pair))), "")
    return "" if one == other else f"{one!r:.200}, and {other!r:.200}"
