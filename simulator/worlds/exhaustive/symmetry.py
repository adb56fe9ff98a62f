"""Symmetry of nodes: of states that differ only in the nodes' numbers, one stands for all.

That the step of a renamed node is the renamed step is checked along the way: `Asymmetric` is raised when a node's
number matters, and the search begins anew without symmetry (`orbits`). Ballots are opened in the order of their rounds,
so that renaming keeps their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import blake2b
from itertools import permutations

import msgspec

from paxos.ballot import Ballot
from paxos.messages import AnyMessage
from simulator.worlds.exhaustive.actors import Interner
from simulator.worlds.exhaustive.local_states import LocalStates
from simulator.worlds.exhaustive.node_states import DIGEST_BYTES
from simulator.worlds.exhaustive.orbits import Orbits


class Images(dict[int, int]):
    """From a local state to its image under new names, worked out when asked for."""

    def __init__(self, locals_: LocalStates, orbits: Orbits, way: int) -> None:
        super().__init__()
        self._locals = locals_
        self._orbits = orbits
        self._way = way

    def __missing__(self, local: int) -> int:
        state, inbox, crashes = self._locals.known[local]
        orbits, way = self._orbits, self._way
        messages = [orbits.message(way, number) for number in inbox]
        image = self[local] = self._locals.number(orbits.state(way, state), messages, crashes=crashes)
        return image


Likeness = tuple[int, ...] | bytes
"""What images of a local state have in common: numbers of firsts of orbits, or a digest."""
Orders = list[tuple[tuple[int, ...], Images | None]]
"""Ways to put nodes in order: the places that they come from, and what becomes of local states under the new names."""


class Symmetry:
    """Chooses one of all states that are equal but for the nodes' numbers."""

    def __init__(self, locals_: LocalStates, orbits: Orbits, size: int) -> None:
        self._locals = locals_
        self._orbits = orbits
        self._size = size
        self._images: dict[int, Images] = {}
        self.likenesses: Interner[Likeness] = Interner()
        self.by_local = Likenesses(self)
        self._orders: dict[tuple[int, ...], Orders] = {}  # By the ranks of the nodes' likenesses.
        self.orders_of_three: list[Orders | None] = [None] * 27  # The same, by how each two of them compare.

    def canonical(self, state: tuple[int, ...]) -> tuple[int, ...]:
        """The state that stands for this one: its nodes in the order of their likeness, then the least."""
        like = self.by_local
        if self._size == 3:  # The usual case, without a loop.
            one, two, three, used = state
            first, second, third = like[one], like[two], like[three]
            if first < second < third:
                return state
            pattern = (first >= second) + (first > second), (second >= third) + (second > third)
            at = pattern[0] * 9 + pattern[1] * 3 + (first >= third) + (first > third)
            orders = self.orders_of_three[at]
            if orders is None:
                orders = self.orders_of_three[at] = self.orders_by((first, second, third))
            if len(orders) == 1:
                (((one, two, three), images),) = orders
                assert images is not None
                return images[state[one]], images[state[two]], images[state[three]], used
        else:
            orders = self.orders_by([like[local] for local in state[:-1]])
        best = None
        for places, images in orders:
            found = state if images is None else (*[images[state[place]] for place in places], state[-1])
            if best is None or found < best:
                best = found
        assert best is not None
        return best

    def orders_by(self, likenesses: Sequence[int]) -> Orders:
        """All ways to put nodes of these likenesses in order: the places that they come from, and their new names."""
        ordered = sorted(likenesses)
        ranks = tuple([ordered.index(one) for one in likenesses])
        found = self._orders.get(ranks)
        if found is None:
            found = self._orders[ranks] = []
            for places in permutations(range(self._size)):
                if [likenesses[place] for place in places] == ordered:
                    way = self._orbits.ways.of(tuple(places.index(place) + 1 for place in range(self._size)))
                    found.append((places, self._images_of(way) if way else None))
        return found

    def _images_of(self, way: int) -> Images:
        if way not in self._images:
            self._images[way] = Images(self._locals, self._orbits, way)
        return self._images[way]

    def take_up(self, likenesses: Iterable[Likeness]) -> None:
        """Have these likenesses by number."""
        self.likenesses.take_up(likenesses)
        self.by_local.clear()
        for images in self._images.values():
            images.clear()

    def likeness(self, local: int) -> int:
        """A number that is the same for images of one local state, and rarely for others."""
        state, inbox, crashes = self._locals.known[local]
        if self._orbits.whole:
            return self.likenesses((*self._orbits.likeness(state, inbox), int(crashes)))
        nodes = self._locals.nodes
        facts = nodes.facts[state]
        votes = tuple(
            (slot, vote.ballot.round, vote.value) for slot, vote in facts.votes.items() if slot > len(facts.chain)
        )
        messages = tuple(sorted(repr(_plain(nodes.messages.values[number][2])) for number in inbox))
        durable = facts.height if crashes else 0
        like = facts.chain, durable, facts.promised.round, facts.opened.round, votes, messages
        return self.likenesses(blake2b(msgspec.msgpack.encode(like), digest_size=DIGEST_BYTES).digest())


class Likenesses(dict[int, int]):
    """The likeness of each local state, worked out when asked for."""

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
