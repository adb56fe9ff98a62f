"""Local states: a node's state with the messages that wait for it, as one number; and what an event makes of it.

A state of the cluster is one such number a node and one for what is used of the budgets. All that a step does is
looked up: what becomes of the node that takes it, and what becomes of each receiver when a parcel of messages is added.

A message is *dead* at a node when it changes nothing there and never will, whatever else happens to the node. Dead
messages are dropped, so that states that differ in nothing else are one. Which ones may be dropped is guessed from the
ballots (`_looks_dead`) and then proved step by step: a message that was dropped in a state must change nothing in any
state that the node comes to from there, along every step that the search knows, also later. If it ever does, the guess
is wrong for this node (it may have a rule broken): `Alive` is raised, and the search begins anew without dropping
messages of that kind.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from paxos.messages import Accept, Accepted, Decide, Prepare, Promise
from simulator.worlds.exhaustive.actors import Interner
from simulator.worlds.exhaustive.model_errors import Reconsidered
from simulator.worlds.exhaustive.node_facts import Facts
from simulator.worlds.exhaustive.node_steps import NodeSteps, Step
from simulator.worlds.exhaustive.orbits import Orbits

Inbox = tuple[int, ...]
"""Numbers of messages, sorted: one that was sent twice is there twice."""
KINDS: tuple[type, ...] = (Prepare, Promise, Accept, Accepted, Decide)
"""The kinds of messages that may be dropped."""


class Alive(Reconsidered):
    """A message that was dropped as dead would have changed something: its kind, and what it would have done."""

    def __init__(self, kind: type, why: str) -> None:
        super().__init__(why)
        self.kind = kind


class KeptDead(msgspec.Struct, frozen=True, array_like=True):
    """What `DeadMessages` knows, as it is kept in a file."""

    dead: tuple[tuple[int, tuple[int, ...]], ...]
    verdicts: tuple[tuple[int, int, bool], ...]


class DeadMessages:
    """Which messages are dead in which state of a node. `kinds` are those that may be dropped.

    `crashes`: the node may still crash, so what counts is what is durable. `dead` are, by state, those that were
    dropped there or before. Of images one is asked for: see `Orbits.first_of`.
    """

    def __init__(self, nodes: NodeSteps, orbits: Orbits | None, kinds: Iterable[type], *, crashes: bool) -> None:
        self._nodes = nodes
        self._orbits = orbits
        self._kinds = frozenset(kinds)
        self._crashes = crashes
        self.dead: dict[int, set[int]] = {}
        self.verdicts: dict[tuple[int, int], bool] = {}
        self.in_state: dict[int, Verdicts] = {}
        nodes.edges.append(self._step_taken)

    def of(self, state: int) -> Verdicts:
        """Which messages may be dropped in this state."""
        found = self.in_state.get(state)
        if found is None:
            found = self.in_state[state] = Verdicts(self, state)
        return found

    def is_dead(self, state: int, number: int) -> bool:
        """True when the message may be dropped in this state. It does not depend on how the search came there."""
        if self._orbits is not None:
            state, number = self._orbits.first_of(state, number)
        known = self.verdicts.get((state, number))
        if known is None:
            known = self._looks_dead(state, number) and self._nodes.is_nothing(
                state, self._nodes.outcomes(state, ("deliver", number))
            )
            self.verdicts[state, number] = known
            if known:
                self._prove(state, number)
        return known

    def _looks_dead(self, state: int, number: int) -> bool:
        """A guess: a higher promise or ballot closes that of the message, or the chain holds what it tells."""
        message, facts = self._nodes.messages.values[number][2], self._nodes.facts[state]
        height = facts.height if self._crashes else len(facts.chain)
        if type(message) not in self._kinds:
            return False
        match message:
            case Prepare() | Accept():
                return message.ballot < facts.promised
            case Decide():
                return message.ballot < facts.promised or (not self._crashes and message.decided <= height)
            case Promise() | Accepted():
                return message.ballot <= facts.opened
            case _:
                return False

    def _prove(self, state: int, number: int) -> None:
        """It changes nothing in this state and in all states after it."""
        left = [(state, number)]
        while left:
            state, number = left.pop()
            if self._orbits is not None:
                state, number = self._orbits.first_of(state, number)
            dead = self.dead.setdefault(state, set())
            if number in dead:
                continue
            done = self._nodes.delivered(state, number)
            if not self._nodes.is_nothing(state, done):
                raise self._alive(state, number, done)
            dead.add(number)
            left += [(after, number) for after, crash in self._nodes.after(state) if self._crashes or not crash]

    def _alive(self, state: int, number: int, done: tuple[Step, ...]) -> Alive:
        nodes = self._nodes
        source, to, message = nodes.messages.values[number]
        about = f"{type(message).__name__} {source}>{to} at ballot {getattr(message, 'ballot', '-')}"
        does = "it does something else each time" if len(done) != 1 else done[0].wrong
        if not does and done[0].after != state:
            does = f"the node's state changes: {nodes.states.difference(state, done[0].after)}"
        where = f"its promise is {nodes.facts[state].promised}"
        return Alive(
            type(message), f"{about} was dropped, and changes node {to} later, when {where}: {does or 'it answers'}"
        )

    def _step_taken(self, before: int, after: int, crash: bool) -> None:
        if self._crashes or not crash:
            for number in list(self.dead.get(before, ())):
                self._prove(after, number)

    def kept(self) -> KeptDead:
        """All that is known."""
        dead = tuple((state, tuple(sorted(numbers))) for state, numbers in self.dead.items())
        return KeptDead(dead, tuple((*key, known) for key, known in self.verdicts.items()))

    def take_up(self, kept: KeptDead) -> None:
        """Know this, and nothing else."""
        self.dead = {state: set(numbers) for state, numbers in kept.dead}
        self.verdicts = {(state, number): known for state, number, known in kept.verdicts}
        self.in_state.clear()


class Verdicts(dict[int, bool]):
    """Which messages may be dropped in one state of a node, worked out when asked for."""

    def __init__(self, dead: DeadMessages, state: int) -> None:
        super().__init__()
        self._dead = dead
        self._state = state

    def __missing__(self, number: int) -> bool:
        found = self[number] = self._dead.is_dead(self._state, number)
        return found


class LocalStates:
    """All local states that nodes have come to, by number: (state, messages, whether nodes may still crash).

    `judged` numbers what is judged of each together with others, `heights` is the length of its chain, `servers` the
    state from which others fetch blocks (`NodeStates.server`).
    """

    def __init__(self, nodes: NodeSteps, orbits: Orbits | None, droppable: Iterable[type]) -> None:
        self.nodes = nodes
        self.dead = {crashes: DeadMessages(nodes, orbits, droppable, crashes=crashes) for crashes in (False, True)}
        self._numbers: Interner[tuple[int, Inbox, bool]] = Interner()
        self.known = self._numbers.values
        self.judged: list[int] = []
        self.heights: list[int] = []
        self.servers: list[int] = []
        self._judged: Interner[object] = Interner()
        self._judged_of: dict[tuple[int, bool], int] = {}
        self._parcels: dict[tuple[Inbox, bool], Parcel] = {}
        self._all_parcels: dict[tuple[Inbox, bool], Parcels] = {}

    def number(self, state: int, inbox: Iterable[int], *, crashes: bool) -> int:
        """The number of this local state, without its dead messages. `crashes`: nodes may still crash."""
        if not crashes:
            state = self.nodes.states.settled(state)
        dead = self.dead[crashes].of(state)
        return self._add((state, tuple(sorted([one for one in inbox if not dead[one]])), crashes))

    def _add(self, local: tuple[int, Inbox, bool]) -> int:
        number = self._numbers(local)
        if number == len(self.judged):
            facts = self.nodes.facts[local[0]]
            judged = self._judged_of.get((id(facts), local[2]))
            if judged is None:
                seen = self.facts(local)
                judged = self._judged_of[id(facts), local[2]] = self._judged((seen.chain, tuple(seen.votes.items())))
            self.judged.append(judged)
            self.heights.append(len(facts.chain))
            self.servers.append(self.nodes.states.server(local[0]))
        return number

    def facts(self, local: tuple[int, Inbox, bool]) -> Facts:
        """What is judged of a local state. Where nobody may crash, states that differ in settled votes are joined."""
        facts = self.nodes.facts[local[0]]
        return facts if local[2] else facts.open()

    def take_up(self, known: Iterable[tuple[int, Inbox, bool]]) -> None:
        """Have these local states instead of all others."""
        for each in (self._numbers.values, self.judged, self.heights, self.servers):
            each.clear()
        self._numbers.take_up(())
        self._judged_of.clear()
        self._parcels.clear()
        self._all_parcels.clear()
        for local in known:
            self._add(local)

    def parcel(self, messages: Inbox, *, crashes: bool) -> Parcel:
        """What a parcel of messages makes of its receiver."""
        found = self._parcels.get((messages, crashes))
        if found is None:
            found = self._parcels[messages, crashes] = Parcel(self, messages, crashes=crashes)
        return found

    def parcels(self, sent: Inbox, *, crashes: bool) -> Parcels:
        """These messages as parcels, each with the place of its receiver."""
        found = self._all_parcels.get((sent, crashes))
        if found is None:
            by_place: dict[int, list[int]] = {}
            for number in sent:
                by_place.setdefault(self.nodes.messages.values[number][1] - 1, []).append(number)
            found = self._all_parcels[sent, crashes] = tuple(
                (place, self.parcel(tuple(sorted(those)), crashes=crashes)) for place, those in sorted(by_place.items())
            )
        return found


class Parcel(dict[int, int]):
    """Messages to one node: from its local state to the one with these messages added, worked out when asked for."""

    def __init__(self, local_states: LocalStates, messages: Inbox, *, crashes: bool) -> None:
        super().__init__()
        self._local_states = local_states
        self._messages = messages
        self._crashes = crashes

    def __missing__(self, local: int) -> int:
        state, inbox, _ = self._local_states.known[local]
        after = self[local] = self._local_states.number(state, inbox + self._messages, crashes=self._crashes)
        return after


Parcels = tuple[tuple[int, Parcel], ...]
"""All that is sent in a step, each with the place of its receiver."""
