"""The model of a cluster of our own nodes: every order of deliveries, losses, duplicates, crashes, alarms and writes.

A state is a tuple of small numbers: a local state a node (`local_states`), and what is used of the budgets. See
`node_steps` for what one node does, `cluster_outcomes` for what may happen to it, `symmetry` for what is joined, and
`cluster_rules` for what must hold.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from paxos.messages import AnyMessage
from simulator.settings import Settings
from simulator.worlds.exhaustive.actors import Interner
from simulator.worlds.exhaustive.cluster_numbering import Numbering, decoded
from simulator.worlds.exhaustive.cluster_outcomes import (
    ELECTIONS,
    WRONG,
    Action,
    Budgets,
    NodeOutcomes,
    Numbers,
    with_more,
)
from simulator.worlds.exhaustive.cluster_rules import disagreement, wrong_together
from simulator.worlds.exhaustive.cluster_steps import (
    IN_ORDER,
    Tables,
    in_python,
    known_states_after,
    steps_of,
    way_to_states_after,
)
from simulator.worlds.exhaustive.cluster_words import in_words
from simulator.worlds.exhaustive.local_states import KINDS, LocalStates
from simulator.worlds.exhaustive.model import Model, Property, always
from simulator.worlds.exhaustive.node_steps import NodeSteps
from simulator.worlds.exhaustive.orbits import Orbits
from simulator.worlds.exhaustive.symmetry import Orders, Symmetry

__all__ = ["Action", "Budgets", "ClusterModel", "Numbers", "Reductions"]


class Reductions(msgspec.Struct, frozen=True, kw_only=True):
    """What makes the search smaller: kinds of messages that are dropped once they are dead, and symmetry of nodes."""

    droppable: tuple[type, ...] = KINDS
    symmetry: bool = True


class ClusterModel(Model[Numbers, Action]):
    """`only_agreement`: a state is wrong only when two nodes have different blocks, and not for what leads there.

    `Alive` or `Asymmetric` are raised when a reduction does not hold for these nodes: see `Proof`.
    """

    def __init__(
        self,
        settings: Settings,
        budgets: Budgets,
        *,
        only_agreement: bool = False,
        reductions: Reductions | None = None,
    ) -> None:
        reductions = reductions or Reductions()
        self.nodes = settings.nodes
        self.majority = settings.majority
        self.steps_of = NodeSteps(settings)
        self.orbits = orbits = Orbits(self.steps_of, self.nodes) if reductions.symmetry else None
        self.locals = LocalStates(self.steps_of, orbits, reductions.droppable)
        self.only_agreement = only_agreement
        self.outcomes = NodeOutcomes(self.steps_of, self.locals, budgets, only_agreement=only_agreement)
        self.used = self.outcomes.used
        self._invariants: Interner[str] = Interner()
        self._invariants("")
        self._sentences: dict[Numbers, str] = {}
        self._right: set[Numbers] = set()
        self._symmetry = None if orbits is None else Symmetry(self.locals, orbits, self.nodes)
        if self._symmetry is not None:  # They are called for each step: the way is short.
            self.canonical = self._symmetry.canonical  # type: ignore[method-assign]
        self.fingerprint = hash  # type: ignore[method-assign, assignment]
        self._look_up()

    def first(self) -> Iterator[Numbers]:
        """All nodes are new."""
        used = (0,) * 6
        new = [self.steps_of.first(node + 1) for node in range(self.nodes)]
        yield (
            *(self.locals.number(state, (), crashes=self.outcomes.may_crash(used)) for state in new),
            self.outcomes.number(used),
        )

    def canonical(self, state: Numbers) -> Numbers:
        """See `Model`."""
        return state if self._symmetry is None else self._symmetry.canonical(state)

    def steps(self, state: Numbers) -> list[tuple[Action, Numbers]]:
        """See `Model`. Nothing follows a state in which something is wrong."""
        return list(steps_of(self._tables, state))

    def states_after(self, state: Numbers) -> list[Numbers]:
        """See `Model`."""
        return in_python(self._tables, state, self._symmetry)

    def _look_up(self) -> None:
        """Have the tables of all that is known of steps, which are asked for all of them."""
        locals_, outcomes, symmetry = self.locals, self.outcomes, self._symmetry
        self._tables = Tables(
            outcomes.by_used,
            outcomes.fetches_by_used,
            locals_.heights,
            locals_.servers,
            locals_.judged,
            self._right,
            locals_.parcel((), crashes=False),
            self._look,
            None if symmetry is None or self.nodes != IN_ORDER else symmetry.by_local,
            [] if symmetry is None else symmetry.orders_of_three,
            _no_orders if symmetry is None else symmetry.orders_by,
        )
        self.states_after = way_to_states_after(self._tables, symmetry, self.nodes)  # type: ignore[method-assign, assignment]

    @property
    def steps_in_parallel(self) -> bool:  # type: ignore[override]
        """True where they are compiled: only then it is quickly told whether all is known that they need."""
        return isinstance(self.states_after, partial)

    def known_states_after(self, state: Numbers) -> list[Numbers] | None:
        """See `Model`."""
        assert known_states_after is not None
        return known_states_after(self._tables, state)

    def _look(self, after: Numbers, key: Numbers | None, why: str) -> int:
        """What is used in a state, with what is wrong in it. `key`, if any, says what is judged of all nodes."""
        if key is not None:
            why = self._wrong(after)
            if not why:
                self._right.add(key)
                return after[-1]
        return self._mark(after, why)

    def _mark(self, after: Numbers, why: str) -> int:
        """Say which invariant is broken in a state, and keep the sentence, which may name nodes, beside it."""
        invariant = next(part for part in why.split(": ") if not part.startswith("node "))
        used = self.outcomes.number(with_more(self.used.values[after[-1]], WRONG, self._invariants(invariant)))
        self._sentences[*after[:-1], used] = why
        return used

    def _wrong(self, after: Numbers) -> str:
        facts = [self.locals.facts(self.locals.known[local]) for local in after[:-1]]
        why = disagreement(facts)
        return why or ("" if self.only_agreement else wrong_together(facts, self.majority))

    def fingerprint(self, state: Numbers) -> int:
        """See `Model`."""
        return hash(state)

    def properties(self) -> list[Property[Numbers]]:
        """Nothing is wrong."""
        used = self.used.values
        name = "agreement" if self.only_agreement else "invariants"
        return [always(name, lambda state: not used[state[-1]][WRONG])]

    # A search that goes on in another process

    def numbering(self) -> bytes:
        """See `Model`."""
        likenesses = () if self._symmetry is None else tuple(self._symmetry.likenesses.values)
        return Numbering(
            self.nodes,
            self.steps_of.kept(),
            None if self.orbits is None else self.orbits.kept(),
            likenesses,
            (self.locals.dead[False].kept(), self.locals.dead[True].kept()),
            tuple(self.locals.known),
            tuple(self.used.values),
            tuple(self._invariants.values),
            tuple(self._sentences.items()),
        ).encoded()

    def resume(self, numbering: bytes) -> None:
        """See `Model`."""
        kept = decoded(numbering, self.nodes, symmetry=self.orbits is not None)
        self.steps_of.take_up(kept.steps)
        if self.orbits is not None and kept.orbits is not None:
            self.orbits.take_up(kept.orbits)
        if self._symmetry is not None:
            self._symmetry.take_up(kept.likenesses)
        for crashes in (False, True):
            self.locals.dead[crashes].take_up(kept.dead[crashes])
        self.locals.take_up(kept.local_states)
        self.outcomes.take_up(kept.used)
        self._invariants.take_up(kept.invariants)
        self._sentences = dict(kept.sentences)
        self._right.clear()
        self._look_up()

    # Reading a state

    def node_states(self, state: Numbers) -> Numbers:
        """The number of each node's state in `steps_of`."""
        return tuple(self.locals.known[local][0] for local in state[:-1])

    def wrong_in(self, state: Numbers) -> str:
        """What is wrong in a state; empty: nothing."""
        return self._sentences.get(state, "")

    def elections_in(self, state: Numbers) -> int:
        """How many ballots have been opened."""
        return self.used.values[state[-1]][ELECTIONS]

    def message(self, action: Action) -> tuple[int, int, AnyMessage] | None:
        """The message that an action delivers or loses: from, to, what."""
        about_message = action[0] in ("deliver", "deliver a copy", "lose", "crash at")
        return self.steps_of.messages.values[action[2]] if about_message else None

    def server_in(self, state: Numbers, node: int) -> int:
        """The state of a node from which others fetch blocks."""
        return self.steps_of.states.server(self.locals.known[state[node - 1]][0])

    def tell(self, action: Action) -> str:
        """One action in words."""
        return in_words(action, self.message(action))


def _no_orders(_likenesses: Sequence[int]) -> Orders:
    return []
