"""Everything that one node may do next, in a local state and with so much of the budgets used: worked out once."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from simulator.worlds.exhaustive.actors import Interner
from simulator.worlds.exhaustive.driven_node import Event
from simulator.worlds.exhaustive.local_states import LocalStates, Parcels
from simulator.worlds.exhaustive.node_steps import NodeSteps

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


class Outcome(NamedTuple):
    """A step of one node: its local state after it, parcels for others, what is used then; `judge`: look at all.

    `last_crash`: nobody crashes any more after it, so that more messages may be dropped. `why`: what is wrong with it.
    """

    action: Action
    after: int
    parcels: Parcels
    used: int
    judge: bool
    last_crash: bool = False
    why: str = ""


Outcomes = tuple[Outcome, ...]


class NodeOutcomes:
    """The outcomes of nodes. `used` numbers what is used of the budgets; `only_agreement`: see `ClusterModel`."""

    def __init__(self, nodes: NodeSteps, local_states: LocalStates, budgets: Budgets, *, only_agreement: bool) -> None:
        self.nodes = nodes
        self.locals = local_states
        self.budgets = budgets.as_tuple()
        self.only_agreement = only_agreement
        self.used: Interner[Numbers] = Interner()
        self.by_used: list[OutcomesByLocal] = []
        self.fetches_by_used: list[Fetches] = []
        self._actions: dict[Action, Action] = {}  # Each is kept once: many outcomes have the same one.

    def number(self, used: Numbers) -> int:
        """The number of what is used of the budgets."""
        number = self.used(used)
        if number == len(self.by_used):
            self.by_used.append(OutcomesByLocal(self, number))
            self.fetches_by_used.append(Fetches(self, number))
        return number

    def take_up(self, used: Iterable[Numbers]) -> None:
        """Have these numbers of what is used, and no outcomes."""
        self.used.take_up(used)
        self.by_used[:] = [OutcomesByLocal(self, number) for number in range(len(self.used.values))]
        self.fetches_by_used[:] = [Fetches(self, number) for number in range(len(self.used.values))]

    def outcomes(self, used: int, local: int) -> Outcomes:
        """Everything that one node may do next, in this local state, when so much of the budgets is used."""
        spent = self.used.values[used]
        state, inbox, crashes = self.locals.known[local]
        found: list[Outcome] = []
        if spent[WRONG]:
            return ()
        me = self.nodes.owners[state]
        left = [bound - one for bound, one in zip(self.budgets, spent, strict=False)]
        for number in dict.fromkeys(inbox):
            rest = list(inbox)
            rest.remove(number)
            event: Event = ("deliver", number)
            self._add(found, ("deliver", me, number), local, event, rest, spent)
            if left[DUPLICATES]:
                self._add(found, ("deliver a copy", me, number), local, event, inbox, with_more(spent, DUPLICATES))
            if left[LOSSES]:
                after = self.locals.number(state, rest, crashes=crashes)
                lost = self.number(with_more(spent, LOSSES))
                found.append(Outcome(("lose", me, number, 0), after, (), lost, judge=False))
            if left[CRASHES]:
                crashed = with_more(spent, CRASHES)
                self._add(found, ("crash at", me, number), local, ("crash", *event), rest, crashed)
        rounds = spent[ELECTIONS]
        inputs: list[tuple[str, int, Event, Numbers]] = []
        if left[WRITES]:
            number = spent[WRITES] + 1
            inputs.append(("write", number, ("write", number, rounds), with_more(spent, WRITES)))
        if left[ELECTIONS]:
            inputs.append(("campaign", rounds + 1, ("campaign", rounds), spent))
        if self.nodes.states.forgotten(state):
            inputs.append(("campaign again", 0, ("campaign again",), spent))
        for what, argument, event, after_it in inputs:
            self._add(found, (what, me, argument), local, event, inbox, after_it)
            if left[CRASHES]:
                crashed = with_more(after_it, CRASHES)
                self._add(found, (f"crash at {what}", me, argument), local, ("crash", *event), inbox, crashed)
        if left[CRASHES]:
            self._add(found, ("crash", me, 0), local, ("crash",), inbox, with_more(spent, CRASHES))
        return tuple(found)

    def fetches(self, used: int, local: int, server: int) -> Outcomes:
        """The catch-up of one node from another one, which is in the state `server`."""
        spent = self.used.values[used]
        state, inbox, _ = self.locals.known[local]
        found: list[Outcome] = []
        if not spent[WRONG]:
            action = "fetch", self.nodes.owners[state], self.nodes.owners[server]
            self._add(found, action, local, ("fetch", server), inbox, spent)
        return tuple(found)

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
        for which, step in enumerate(self.nodes.outcomes(state, event)):
            if step.after == state and not step.sent and not step.wrong:
                continue  # A message that changes nothing waits: it may change something later.
            if spent[ELECTIONS] + step.opened > self.budgets[ELECTIONS]:
                continue
            used = with_more(spent, ELECTIONS, step.opened)
            why = "" if self.only_agreement or not step.wrong else f"node {action[1]}: {step.wrong}"
            crashes = self.may_crash(used)
            after = self.locals.number(step.after, rest, crashes=crashes)
            judge = not why and self.locals.judged[after] != self.locals.judged[local]
            parcels = self.locals.parcels(step.sent, crashes=crashes)
            last_crash = not crashes and event[0] == "crash"
            name = (*action, which)
            name = self._actions.setdefault(name, name)
            found.append(Outcome(name, after, parcels, self.number(used), judge, last_crash, why))

    def may_crash(self, used: Numbers) -> bool:
        """True when a node may still crash."""
        return used[CRASHES] < self.budgets[CRASHES]


class OutcomesByLocal(dict[int, Outcomes]):
    """The outcomes by local state, with a given part of the budgets used."""

    def __init__(self, of: NodeOutcomes, used: int) -> None:
        super().__init__()
        self._of = of
        self._used = used

    def __missing__(self, local: int) -> Outcomes:
        found = self[local] = self._of.outcomes(self._used, local)
        return found


class Fetches(dict[tuple[int, int], Outcomes]):
    """The outcomes of a catch-up, by local state and the state of the node that serves the blocks."""

    def __init__(self, of: NodeOutcomes, used: int) -> None:
        super().__init__()
        self._of = of
        self._used = used

    def __missing__(self, key: tuple[int, int]) -> Outcomes:
        found = self[key] = self._of.fetches(self._used, *key)
        return found


def with_more(used: Numbers, place: int, more: int = 1) -> Numbers:
    """The same, with more used of one budget."""
    return (*used[:place], used[place] + more, *used[place + 1 :])
