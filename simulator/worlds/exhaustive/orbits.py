"""What becomes of states of nodes, of messages and of steps when the nodes get other numbers.

No renaming of states is written down. The image of a state under new names for the nodes is what the real nodes come
to when the same things happen to them under the new names; so it is right for whatever the nodes do.

All images of a state or a message are its *orbit*. In a cluster of up to three nodes orbits are always whole: whenever
a step leads to a new state or sends a new message, the real nodes are asked for all images of this step, and it is
compared with them. Any other step is then asked for once an orbit, of the node in the state that came first, and what
nodes in its images do is the image of that. In larger clusters there are too many images: they are asked for when they
are needed, and so is every step.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import permutations

import msgspec

from simulator.worlds.exhaustive.driven_node import Event
from simulator.worlds.exhaustive.model_errors import Reconsidered
from simulator.worlds.exhaustive.node_steps import NodeSteps, Step
from simulator.worlds.exhaustive.renamings import KeptOrbit, Names, Orbit, Ways

Renamed = tuple[int, int, bool, list[int]]
"""One outcome of a step: the state after it, ballots opened, whether something is wrong, and the messages sent."""

WHOLE_UP_TO = 3
"""The nodes of the largest cluster of which orbits are whole."""
ALWAYS_COMPARED = 1_000
COMPARED_THEN = 16
"""The first thousand different steps of nodes are compared with their images, then one of so many."""


class Asymmetric(Reconsidered):
    """A node does something else under another number: what, in words."""


class KeptOrbits(msgspec.Struct, frozen=True, array_like=True):
    """What `Orbits` knows, as it is kept in a file."""

    ways: tuple[Names, ...]
    states: KeptOrbit
    messages: KeptOrbit
    steps: int


class Orbits:
    """The images of everything under each renaming, and the steps known by them."""

    def __init__(self, nodes: NodeSteps, size: int) -> None:
        self.ways = Ways(size)
        self._nodes = nodes
        self.states = Orbit(self.ways)
        self.messages = Orbit(self.ways)
        self.whole = size <= WHOLE_UP_TO
        self._all = [self.ways.of(names) for names in permutations(range(1, size + 1))] if self.whole else []
        numbers = tuple(range(1, size + 1))
        self._samples = [self.ways.of((2, 1, *numbers[2:])), self.ways.of((*numbers[1:], 1))] if size > 1 else []
        self.steps = 0
        self._comparing = False
        self._later: list[tuple[int, Event]] = []
        nodes.asked = self._asked
        if self._all:
            nodes.known_otherwise = self._known_by_image

    def first_of(self, state: int, number: int) -> tuple[int, int]:
        """The first state of its orbit, and the message that is to it what `number` is to this state."""
        if not self._all:
            return state, number
        first, way = self._place(state)
        return first, number if way == 0 else self.message(self.ways.back(way), number)

    def likeness(self, state: int, messages: Iterable[int]) -> tuple[int, ...]:
        """What a state with these messages has in common with its images, and seldom with another one.

        It is only asked for where orbits are whole.
        """
        places = self.messages.places
        return self._place(state)[0], *sorted([places[number][0] for number in messages])

    def state(self, way: int, number: int) -> int:
        """The image of a node's state."""
        if way == 0:
            return number
        image = self.states.image(way, number)
        if image is None:
            nodes, origin = self._nodes, self._nodes.origins[number]
            if origin is None:
                image = nodes.first(self.ways.names[way][nodes.owners[number] - 1])
            else:
                before, event, place = origin
                outcomes = nodes.ask(self.state(way, before), self.event(way, event))
                if len(outcomes) <= place:
                    raise Asymmetric(
                        f"{self._about(way, before, event)}: there are {len(outcomes)} outcomes, not {place + 1}"
                    )
                image = outcomes[place].after
            self.states.note(way, number, image)
        return image

    def message(self, way: int, number: int) -> int:
        """The image of a message."""
        if way == 0:
            return number
        image = self.messages.image(way, number)
        if image is None:
            nodes, to = self._nodes, self._nodes.messages.values[number][1]
            before, event = nodes.message_origins[number]
            new_to = self.ways.names[way][to - 1]
            there = nodes.ask(self.state(way, before), self.event(way, event))
            sent = [one for one in nodes.ask(before, event)[0].sent if nodes.messages.values[one][1] == to]
            new = [one for one in there[0].sent if nodes.messages.values[one][1] == new_to] if there else []
            if len(new) != len(sent):
                about = self._about(way, before, event)
                raise Asymmetric(f"{about}: it sends {len(new)} messages to one node, not {len(sent)}")
            for one, other in zip(sent, new, strict=True):
                if (self.messages.image(way, one) or other) != other:
                    raise Asymmetric(f"{self._about(way, before, event)}: one message has two images")
                self.messages.note(way, one, other)
            image = new[sent.index(number)]
        return image

    def event(self, way: int, event: Event) -> Event:
        """The image of an event: messages are renamed, the rest is the same."""
        if event[-2:-1] == ("deliver",):
            return (*event[:-1], self.message(way, event[-1]))  # type: ignore[arg-type]
        if event[-2:-1] == ("fetch",):
            return (*event[:-1], self._nodes.states.server(self.state(way, event[-1])))  # type: ignore[arg-type]
        return event

    def kept(self) -> KeptOrbits:
        """All that is known."""
        return KeptOrbits(tuple(self.ways.names), self.states.kept(), self.messages.kept(), self.steps)

    def take_up(self, kept: KeptOrbits) -> None:
        """Know this, and nothing else."""
        self.ways.take_up(kept.ways)
        self.states.take_up(kept.states)
        self.messages.take_up(kept.messages)
        self.steps = kept.steps

    # Steps

    def _place(self, state: int) -> tuple[int, int]:
        """The first state of its orbit, and the way from there."""
        place = self.states.places.get(state)
        if place is None:  # A new node, or one that has come up without a step.
            self.states.note(0, state, state)
            for way in self._all:
                self.state(way, state)
            place = self.states.places[state]
        return place

    def _known_by_image(self, state: int, event: Event) -> tuple[Step, ...] | None:
        """The image of what the node in the first state of the orbit does. What is wrong is asked for: it has names."""
        if self._comparing and state not in self.states.places:
            return None
        first, way = self._place(state)
        if way == 0:
            return None
        there = self.event(self.ways.back(way), event)
        done = self._nodes.known(first, there) if self._comparing else self._nodes.outcomes(first, there)
        if done is None or any(step.wrong for step in done):
            return None
        return tuple(
            Step(self.state(way, step.after), tuple(self.message(way, one) for one in step.sent), step.opened, "")
            for step in done
        )

    def _asked(self, state: int, event: Event, done: tuple[Step, ...]) -> None:
        """Compare a step with its images: with all when it leads to something new, else one in so many with one."""
        if self._comparing:
            self._later.append((state, event))
            return
        self.steps += 1
        self._comparing = True
        if self._all and self._is_new(done):
            ways = self._all[1:]
        elif self._samples and (self.steps <= ALWAYS_COMPARED or self.steps % COMPARED_THEN == 0):
            ways = [self._samples[self.steps // COMPARED_THEN % 2]]
        else:
            ways = []
        for way in ways:
            self._compare(way, state, event, done)
        self._comparing = False
        later, self._later = self._later, []
        for one, what in ((state, event), *later):
            if not self._all or self._place(one)[1] == 0:  # Of other ones it is known by their images.
                self._nodes.lead_on(one, what)

    def _is_new(self, done: tuple[Step, ...]) -> bool:
        states, messages = self.states.places, self.messages.places
        return any(step.after not in states or not messages.keys() >= set(step.sent) for step in done)

    def _compare(self, way: int, state: int, event: Event, done: tuple[Step, ...]) -> None:
        """The step of the renamed node is the renamed step."""
        there = self._nodes.ask(self.state(way, state), self.event(way, event))
        expected = [
            (
                self.state(way, one.after),
                one.opened,
                bool(one.wrong),
                sorted(self.message(way, number) for number in one.sent),
            )
            for one in done
        ]
        found = [(one.after, one.opened, bool(one.wrong), sorted(one.sent)) for one in there]
        if expected != found:
            raise Asymmetric(f"{self._about(way, state, event)}: {self._difference(expected, found)}")

    def _difference(self, expected: list[Renamed], found: list[Renamed]) -> str:
        if len(expected) != len(found):
            return f"there are {len(found)} outcomes, not {len(expected)}"
        one, other = next(pair for pair in zip(expected, found, strict=True) if pair[0] != pair[1])
        if one[0] != other[0]:
            return f"the states differ: expected and found are {self._nodes.states.difference(one[0], other[0])}"
        return "other messages are sent" if one[3] != other[3] else "what is opened or wrong differs"

    def _about(self, way: int, before: int, event: Event) -> str:
        """A step of a node, for people."""
        nodes, what = self._nodes, " ".join(map(str, event))
        if "deliver" in event:
            source, to, message = nodes.messages.values[event[-1]]  # type: ignore[index]
            what = f"{what.rsplit(' ', 1)[0]} {type(message).__name__} {source}>{to}"
        return f"node {nodes.owners[before]}, {what}, with the nodes renamed to {self.ways.names[way]}"
