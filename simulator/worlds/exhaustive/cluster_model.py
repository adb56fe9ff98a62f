"""The model of a cluster of our own nodes: every order of deliveries, losses, duplicates, crashes, alarms and writes.

A state is a tuple of small numbers: a local state a node (`local_states`), and what is used of the budgets. See
`node_steps` for what one node does, `symmetry` for what is joined, and `cluster_rules` for what must hold.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from paxos.messages import AnyMessage
from simulator.settings import Settings
from simulator.worlds.exhaustive.actors import Interner
from simulator.worlds.exhaustive.cluster_numbering import Numbering, decoded
from simulator.worlds.exhaustive.cluster_rules import disagreement, wrong_together
from simulator.worlds.exhaustive.driven_node import Event
from simulator.worlds.exhaustive.local_states import KINDS, LocalStates, Parcel
from simulator.worlds.exhaustive.model import Model, Property, always
from simulator.worlds.exhaustive.node_steps import NodeSteps
from simulator.worlds.exhaustive.orbits import Orbits
from simulator.worlds.exhaustive.symmetry import Symmetry

Numbers = tuple[int, ...]
Action = tuple[str, int, int, int]
"""What happens, to which node, what with it, and which of its outcomes: ("deliver", 2, message number, 0), …"""

ELECTIONS, WRITES, CRASHES, LOSSES, DUPLICATES, WRONG = range(6)
"""The places in what is used of the budgets; the last is the number of the invariant that is broken, 0: none."""


class Budgets(msgspec.Struct, frozen=True, kw_only=True):
    """How much may happen in one run. An election is a ballot opened; a crash is followed by a restart at once."""

    writes: int = 1
    elections: int = 2
    crashes: int = 0
    losses: int = 0
    duplicates: int = 0

    def as_tuple(self) -> Numbers:
        """In the order of a state."""
        return self.elections, self.writes, self.crashes, self.losses, self.duplicates


class Reductions(msgspec.Struct, frozen=True, kw_only=True):
    """What makes the search smaller: kinds of messages that are dropped once they are dead, and symmetry of nodes."""

    droppable: tuple[type, ...] = KINDS
    symmetry: bool = True


class Outcome(NamedTuple):
    """A step of one node: its local state after it, parcels for others, what is used then; `judge`: look at all.

    `last_crash`: nobody crashes any more after it, so that more messages may be dropped. `why`: what is wrong with it.
    """

    action: Action
    after: int
    parcels: tuple[tuple[int, Parcel], ...]
    used: int
    judge: bool
    last_crash: bool = False
    why: str = ""


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
        self.budgets = budgets.as_tuple()
        self.steps_of = NodeSteps(settings)
        self._orbits = orbits = Orbits(self.steps_of, self.nodes) if reductions.symmetry else None
        self.locals = LocalStates(self.steps_of, orbits, reductions.droppable)
        self.only_agreement = only_agreement
        self._invariants: Interner[str] = Interner()
        self._invariants("")
        self._sentences: dict[Numbers, str] = {}
        self.used: Interner[Numbers] = Interner()
        self._outcomes: list[_Outcomes] = []
        self._judged: dict[Numbers, str] = {}
        self._without_crashes = self.locals.parcel((), crashes=False)
        self._symmetry = None if orbits is None else Symmetry(self.locals, orbits, self.nodes)

    def first(self) -> Iterator[Numbers]:
        """All nodes are new."""
        used = (0,) * 6
        new = [self.steps_of.first(node + 1) for node in range(self.nodes)]
        yield (*(self.locals.number(state, (), crashes=self._may_crash(used)) for state in new), self._spent(used))

    def canonical(self, state: Numbers) -> Numbers:
        """See `Model`."""
        return state if self._symmetry is None else self._symmetry.canonical(state)

    def steps(self, state: Numbers) -> list[tuple[Action, Numbers]]:
        """See `Model`. Nothing follows a state in which something is wrong."""
        outcomes, found, heights = self._outcomes[state[-1]], [], self.locals.heights
        highest = max([heights[local] for local in state[:-1]])
        for place in range(self.nodes):
            local = state[place]
            those = outcomes[local]
            if heights[local] < highest:
                those = those + outcomes.fetches(local, state)
            for action, new, parcels, used, judge, last_crash, why in those:
                after = list(state)
                after[place] = new
                for other, parcel in parcels:
                    after[other] = parcel[after[other]]
                after[-1] = used
                if last_crash:
                    last = self._without_crashes
                    after[:-1] = [last[each] for each in after[:-1]]
                if why or (judge and self._judge(after)):
                    self._mark(after, why or self._judge(after))
                found.append((action, tuple(after)))
        return found

    def outcomes(self, used: int, local: int) -> list[Outcome]:
        """Everything that one node may do next, in this local state, when so much of the budgets is used."""
        spent = self.used.values[used]
        state, inbox, crashes = self.locals.known[local]
        found: list[Outcome] = []
        if spent[WRONG]:
            return found
        me = self.steps_of.owners[state]
        left = [bound - one for bound, one in zip(self.budgets, spent, strict=False)]
        for number in dict.fromkeys(inbox):
            rest = list(inbox)
            rest.remove(number)
            event: Event = ("deliver", number)
            self._add(found, ("deliver", me, number), local, event, rest, spent)
            if left[DUPLICATES]:
                self._add(found, ("deliver a copy", me, number), local, event, inbox, _with(spent, DUPLICATES))
            if left[LOSSES]:
                after = self.locals.number(state, rest, crashes=crashes)
                lost = self._spent(_with(spent, LOSSES))
                found.append(Outcome(("lose", me, number, 0), after, (), lost, judge=False))
            if left[CRASHES]:
                crashed = _with(spent, CRASHES)
                self._add(found, ("crash at", me, number), local, ("crash", *event), rest, crashed)
        rounds = spent[ELECTIONS]
        inputs: list[tuple[str, int, Event, Numbers]] = []
        if left[WRITES]:
            number = spent[WRITES] + 1
            inputs.append(("write", number, ("write", number, rounds), _with(spent, WRITES)))
        if left[ELECTIONS]:
            inputs.append(("campaign", rounds + 1, ("campaign", rounds), spent))
        if self.steps_of.states.forgotten(state):
            inputs.append(("campaign again", 0, ("campaign again",), spent))
        for what, argument, event, after_it in inputs:
            self._add(found, (what, me, argument), local, event, inbox, after_it)
            if left[CRASHES]:
                crashed = _with(after_it, CRASHES)
                self._add(found, (f"crash at {what}", me, argument), local, ("crash", *event), inbox, crashed)
        if left[CRASHES]:
            self._add(found, ("crash", me, 0), local, ("crash",), inbox, _with(spent, CRASHES))
        return found

    def fetches(self, used: int, local: int, server: int) -> list[Outcome]:
        """The catch-up of one node from another one, which is in the state `server`."""
        spent = self.used.values[used]
        state, inbox, _ = self.locals.known[local]
        found: list[Outcome] = []
        if not spent[WRONG]:
            action = "fetch", self.steps_of.owners[state], self.steps_of.owners[server]
            self._add(found, action, local, ("fetch", server), inbox, spent)
        return found

    def _add(  # noqa: PLR0917  One call a line.
        self,
        found: list[Outcome],
        action: tuple[str, int, int],
        local: int,
        event: Event,
        rest: Iterable[int],
        spent: Numbers,
    ) -> None:
        """Add the outcomes of an event; `rest` are the messages that stay. One that changes nothing is no step."""
        state = self.locals.known[local][0]
        for which, step in enumerate(self.steps_of.outcomes(state, event)):
            if step.after == state and not step.sent and not step.wrong:
                continue  # A message that changes nothing waits: it may change something later.
            if spent[ELECTIONS] + step.opened > self.budgets[ELECTIONS]:
                continue
            used = _with(spent, ELECTIONS, step.opened)
            why = "" if self.only_agreement or not step.wrong else f"node {action[1]}: {step.wrong}"
            crashes = self._may_crash(used)
            after = self.locals.number(step.after, rest, crashes=crashes)
            judge = not why and self.locals.judged[after] != self.locals.judged[local]
            parcels = self.locals.parcels(step.sent, crashes=crashes)
            last_crash = not crashes and event[0] == "crash"
            found.append(Outcome((*action, which), after, parcels, self._spent(used), judge, last_crash, why))

    def _may_crash(self, used: Numbers) -> bool:
        return used[CRASHES] < self.budgets[CRASHES]

    def _judge(self, after: list[int]) -> str:
        judged = self.locals.judged
        key = tuple([judged[local] for local in after[:-1]])
        why = self._judged.get(key)
        if why is None:
            why = self._judged[key] = self._wrong(after)
        return why

    def _mark(self, after: list[int], why: str) -> None:
        """Note in a state which invariant is broken, and keep the sentence, which may name nodes, beside it."""
        invariant = next(part for part in why.split(": ") if not part.startswith("node "))
        after[-1] = self._spent(_with(self.used.values[after[-1]], WRONG, self._invariants(invariant)))
        self._sentences[tuple(after)] = why

    def _wrong(self, after: list[int]) -> str:
        facts = [self.steps_of.facts[self.locals.known[local][0]] for local in after[:-1]]
        why = disagreement(facts)
        return why or ("" if self.only_agreement else wrong_together(facts, self.majority))

    def _spent(self, used: Numbers) -> int:
        number = self.used(used)
        if number == len(self._outcomes):
            self._outcomes.append(_Outcomes(self, number))
        return number

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
            None if self._orbits is None else self._orbits.kept(),
            likenesses,
            (self.locals.dead[False].kept(), self.locals.dead[True].kept()),
            tuple(self.locals.known),
            tuple(self.used.values),
            tuple(self._invariants.values),
            tuple(self._sentences.items()),
        ).encoded()

    def resume(self, numbering: bytes) -> None:
        """See `Model`."""
        kept = decoded(numbering, self.nodes, symmetry=self._orbits is not None)
        self.steps_of.take_up(kept.steps)
        if self._orbits is not None and kept.orbits is not None:
            self._orbits.take_up(kept.orbits)
        if self._symmetry is not None:
            self._symmetry.take_up(kept.likenesses)
        for crashes in (False, True):
            self.locals.dead[crashes].take_up(kept.dead[crashes])
        self.locals.take_up(kept.local_states)
        self.used.take_up(kept.used)
        self._invariants.take_up(kept.invariants)
        self._sentences = dict(kept.sentences)
        self._outcomes = [_Outcomes(self, number) for number in range(len(kept.used))]
        self._judged.clear()
        self._without_crashes = self.locals.parcel((), crashes=False)

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
        what, node, argument, which = action
        crash = f"crashes before its records are durable, and restarts (remainder {which + 1})"
        sent = self.message(action)
        if sent is not None:
            source, to, message = sent
            text = f"{type(message).__name__.upper()} {source}>{to}{_about(message)}"
            return (
                f"node {node} {crash.replace('crashes', f'crashes in {text},')}"
                if what == "crash at"
                else f"{what} {text}"
            )
        return {
            "write": f"a client posts t{argument} at node {node}",
            "campaign": f"the election alarm of node {node} fires",
            "campaign again": f"the election alarm of node {node} fires, and it opens a ballot of before again",
            "crash": f"node {node} crashes and restarts (remainder {which + 1})",
            "fetch": f"node {node} fetches the blocks that it lacks from node {argument}",
            "crash at write": f"a client posts t{argument} at node {node}, which {crash}",
            "crash at campaign": f"the election alarm of node {node} fires, and it {crash}",
            "crash at campaign again": f"the election alarm of node {node} fires again, and it {crash}",
        }[what]


class _Outcomes(dict[int, list[Outcome]]):
    """The outcomes by local state, with a given part of the budgets used."""

    def __init__(self, model: ClusterModel, used: int) -> None:
        super().__init__()
        self._model = model
        self._used = used
        self._fetches: dict[tuple[int, int], list[Outcome]] = {}

    def __missing__(self, local: int) -> list[Outcome]:
        found = self[local] = self._model.outcomes(self._used, local)
        return found

    def fetches(self, local: int, state: Numbers) -> list[Outcome]:
        """The outcomes of a catch-up from any node with a longer chain."""
        model, found = self._model, []
        heights, known = model.locals.heights, model.locals.known
        for peer in state[:-1]:
            if heights[peer] > heights[local]:
                key = local, model.steps_of.states.server(known[peer][0])
                those = self._fetches.get(key)
                if those is None:
                    those = self._fetches[key] = model.fetches(self._used, *key)
                found += those
        return found


def _with(used: Numbers, place: int, more: int = 1) -> Numbers:
    return (*used[:place], used[place] + more, *used[place + 1 :])


def _about(message: object) -> str:
    ballot = getattr(message, "ballot", None)
    slot = getattr(message, "first_slot", None)
    return (f" at ballot {ballot}" if ballot is not None else "") + (f", slot {slot}" if slot is not None else "")
