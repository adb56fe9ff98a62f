"""Symmetry of nodes: states that differ only in the nodes' numbers are joined.

No renaming of states is written down. The image of a state under new names for the nodes is what the real nodes come
to when the same things happen to them under the new names; so it is right for whatever the nodes do. That the step of a
renamed node is the renamed step is checked along the way: `Asymmetric` is raised when a node's number matters, and the
search begins anew without symmetry.

Ballots are opened in the order of their rounds (`node_steps`), so that renaming keeps their order.
"""

from __future__ import annotations

from itertools import permutations

from paxos.ballot import Ballot
from paxos.messages import AnyMessage
from simulator.worlds.exhaustive.actors import Interner
from simulator.worlds.exhaustive.local_states import LocalStates
from simulator.worlds.exhaustive.model_errors import Reconsidered
from simulator.worlds.exhaustive.node_steps import Event, Step

Names = tuple[int, ...]
"""The new number of each node."""
Renamed = tuple[int, int, bool, list[int]]
"""One outcome of a step: the state after it, ballots opened, whether something is wrong, and the messages sent."""


ALWAYS_CHECKED = 1_000
CHECKED_THEN = 16
"""The first thousand different steps of nodes are compared with their images, then one of so many."""


class Asymmetric(Reconsidered):
    """A node does something else under another number: what, in words."""


class Images(dict[int, int]):
    """From a local state to its image under new names, worked out when asked for."""

    def __init__(self, locals_: LocalStates, names: Names) -> None:
        super().__init__()
        self._locals = locals_
        self._nodes = locals_.nodes
        self._names = names
        self._states: dict[int, int] = {}
        self._messages: dict[int, int] = {}

    def __missing__(self, local: int) -> int:
        state, inbox, crashes = self._locals.known[local]
        image = self[local] = self._locals.number(self.state(state), map(self.message, inbox), crashes=crashes)
        return image

    def state(self, number: int) -> int:
        """The image of a node's state."""
        image = self._states.get(number)
        if image is None:
            nodes = self._nodes
            origin = nodes.origins[number]
            if origin is None:
                image = nodes.first(self._names[nodes.owners[number] - 1])
            else:
                before, event, place = origin
                outcomes = nodes.outcomes(self.state(before), self.event(event))
                if len(outcomes) <= place:
                    raise Asymmetric(
                        f"{self.about(before, event)}: there are {len(outcomes)} outcomes, not {place + 1}"
                    )
                image = outcomes[place].after
            self._states[number] = image
        return image

    def message(self, number: int) -> int:
        """The image of a message."""
        image = self._messages.get(number)
        if image is None:
            nodes, to = self._nodes, self._nodes.messages.values[number][1]
            before, event = nodes.message_origins[number]
            sent = [one for one in nodes.outcomes(before, event)[0].sent if nodes.messages.values[one][1] == to]
            there = nodes.outcomes(self.state(before), self.event(event))
            new = (
                [one for one in there[0].sent if nodes.messages.values[one][1] == self._names[to - 1]] if there else []
            )
            if len(new) != len(sent):
                raise Asymmetric(
                    f"{self.about(before, event)}: it sends {len(new)} messages to one node, not {len(sent)}"
                )
            for one, other in zip(sent, new, strict=True):
                if self._messages.setdefault(one, other) != other:
                    raise Asymmetric(f"{self.about(before, event)}: one message has two images")
            image = self._messages[number]
        return image

    def about(self, before: int, event: Event) -> str:
        """A step of a node, for people."""
        nodes, what = self._nodes, " ".join(map(str, event))
        if "deliver" in event:
            source, to, message = nodes.messages.values[event[-1]]  # type: ignore[call-overload]
            what = f"{what.rsplit(' ', 1)[0]} {type(message).__name__} {source}>{to}"
        return f"node {nodes.owners[before]}, {what}, with the nodes renamed to {self._names}"

    def event(self, event: Event) -> Event:
        """The image of an event: messages are renamed, the rest is the same."""
        if event[-2:-1] == ("deliver",):
            return (*event[:-1], self.message(event[-1]))  # type: ignore[arg-type]
        if event[-2:-1] == ("fetch",):
            return (*event[:-1], self._nodes.server(self.state(event[-1])))  # type: ignore[arg-type]
        return event


class Symmetry:
    """Chooses one of all states that are equal but for the nodes' numbers."""

    def __init__(self, locals_: LocalStates, size: int) -> None:
        self._locals = locals_
        self._size = size
        self._images: dict[Names, Images] = {}
        self.likenesses: Interner[object] = Interner()
        self._likenesses = _Likenesses(self)
        self._orders: dict[tuple[int, ...], list[tuple[tuple[int, ...], Images | None]]] = {}
        numbers = tuple(range(1, size + 1))
        self._checks = [self._images_of((2, 1, *numbers[2:])), self._images_of((*numbers[1:], 1))] if size > 1 else []
        self._steps = 0
        self._checking = False
        locals_.nodes.watchers.append(self._check)

    def canonical(self, state: tuple[int, ...]) -> tuple[int, ...]:
        """The state that stands for this one: its nodes in the order of their likeness, then the least."""
        like = self._likenesses
        key = tuple([like[local] for local in state[:-1]])
        orders = self._orders.get(key)
        if orders is None:
            orders = self._orders[key] = self._orders_of(key)
        best = None
        for places, images in orders:
            found = state if images is None else (*[images[state[place]] for place in places], state[-1])
            if best is None or found < best:
                best = found
        assert best is not None
        return best

    def _orders_of(self, key: tuple[int, ...]) -> list[tuple[tuple[int, ...], Images | None]]:
        """All ways to put nodes of these likenesses in order: the places that they come from, and their new names."""
        ordered, found = sorted(key), []
        for places in permutations(range(self._size)):
            if [key[place] for place in places] == ordered:
                names = tuple(places.index(place) + 1 for place in range(self._size))
                same = places == tuple(range(self._size))
                found.append((places, None if same else self._images_of(names)))
        return found

    def _images_of(self, names: Names) -> Images:
        if names not in self._images:
            self._images[names] = Images(self._locals, names)
        return self._images[names]

    def _check(self, state: int, event: Event, done: tuple[Step, ...]) -> None:
        """The step of the renamed node is the renamed step. An exchange and a turn make all renamings."""
        self._steps += 1
        if self._checking or not self._checks or (self._steps > ALWAYS_CHECKED and self._steps % CHECKED_THEN):
            return
        self._checking = True
        images = self._checks[self._steps // CHECKED_THEN % 2]
        there = self._locals.nodes.outcomes(images.state(state), images.event(event))
        expected = [
            (images.state(one.after), one.opened, bool(one.wrong), sorted(map(images.message, one.sent)))
            for one in done
        ]
        found = [(one.after, one.opened, bool(one.wrong), sorted(one.sent)) for one in there]
        if expected != found:
            raise Asymmetric(f"{images.about(state, event)}: {self._difference(expected, found)}")
        self._checking = False

    def _difference(self, expected: list[Renamed], found: list[Renamed]) -> str:
        if len(expected) != len(found):
            return f"there are {len(found)} outcomes, not {len(expected)}"
        one, other = next(pair for pair in zip(expected, found, strict=True) if pair[0] != pair[1])
        if one[0] != other[0]:
            return f"the states differ: expected and found are {self._locals.nodes.difference(one[0], other[0])}"
        return "other messages are sent" if one[3] != other[3] else "what is opened or wrong differs"

    def likeness(self, local: int) -> int:
        """A number that is the same for images of one local state, and rarely for others."""
        state, inbox, crashes = self._locals.known[local]
        nodes = self._locals.nodes
        facts = nodes.facts[state]
        votes = tuple(
            (slot, vote.ballot.round, vote.value) for slot, vote in facts.votes.items() if slot > len(facts.chain)
        )
        messages = tuple(sorted(repr(_plain(nodes.messages.values[number][2])) for number in inbox))
        durable = facts.height if crashes else 0
        return self.likenesses((facts.chain, durable, facts.promised.round, facts.opened.round, votes, messages))


class _Likenesses(dict[int, int]):
    def __init__(self, symmetry: Symmetry) -> None:
        super().__init__()
        self._symmetry = symmetry

    def __missing__(self, local: int) -> int:
        found = self[local] = self._symmetry.likeness(local)
        return found


def _plain(message: AnyMessage) -> tuple[object, ...]:
    """What of a message does not name a node."""
    ballot = getattr(message, "ballot", None)
    rest = [getattr(message, name, None) for name in ("first_slot", "last_slot", "values", "decided", "blocks")]
    accepted = [(vote.slot, vote.ballot.round, vote.value) for vote in getattr(message, "accepted", ())]
    return type(message).__name__, ballot.round if isinstance(ballot, Ballot) else 0, rest, accepted
