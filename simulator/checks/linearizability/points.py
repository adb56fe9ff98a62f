"""An order that explains a linearizable history: where each operation may have taken effect, for pictures and people.

The checkers decide whether an order exists; most of them do not build it. So it is built here, one operation after the
other: of the operations that were called before the first return, one may come first if the rest, from the state after
it, is linearizable. That is asked of the checker of the model. It is quadratic, and so for histories of some hundred
operations; of a longer one, `linearization` gives None.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, NamedTuple

from simulator.checks.linearizability.blog_sweep import sweep_blog
from simulator.checks.linearizability.budget import Budget, OutOfBudget
from simulator.checks.linearizability.chain_before import chain_before
from simulator.checks.linearizability.independent import Objects
from simulator.checks.linearizability.model import UNKNOWN, Model, State
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.operations import PENDING, Operations, pair
from simulator.checks.linearizability.parts import parts_of
from simulator.checks.linearizability.search import search_parts
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous
from simulator.checks.linearizability.unambiguous.decide import DECIDERS
from simulator.cluster.history import Event

LIMIT_S = 5.0
MOST_OPERATIONS = 1_000


class Point(NamedTuple):
    """Where one operation takes effect: the position of its call, and of the event after which the point lies."""

    call: int
    after: int


def linearization(
    events: Sequence[Event], model: str | Model, init: Any = None, *, limit_s: float = LIMIT_S
) -> list[Point] | None:
    """One order that explains the events, as points in that order.

    Positions count the events from 0. Each point lies between the call and the return of its operation; several may lie
    between the same two events, and their order in the list counts. Operations of unknown fate are in it if they took
    effect in this order. Reads of unknown fate, failed operations and local reads are not in it.

    None: the events are not linearizable, or no order was found within `limit_s` seconds, or there are more than
    `MOST_OPERATIONS` operations. For the longest linearizable prefix of a violation, give `events[: verdict.prefix]`.
    """
    judged = MODELS[model]() if isinstance(model, str) else model
    operations = pair(events).main
    if len(operations) > MOST_OPERATIONS:
        return None
    objects = Objects.of(operations, judged)
    parts = parts_of(operations, judged, objects.split(operations))
    budget = Budget(limit_s)
    points: list[Point] = []
    for part, numbers in parts.items():
        first = judged.initial(objects.first(judged, init, part))
        try:
            found = _Builder(operations, judged, events, budget).build(numbers, first)
        except OutOfBudget:
            return None
        if found is None:
            return None
        points += found
    return sorted(points, key=lambda point: point.after)  # Stable: the order within a part stays.


class _Builder:
    def __init__(self, table: Operations, model: Model, events: Sequence[Event], budget: Budget) -> None:
        self._table = table
        self._model = model
        self._events = events
        self._budget = budget
        self._decider = DECIDERS.get(model.name) if type(model) is MODELS.get(model.name) else None

    def build(self, numbers: Sequence[int], state: State) -> list[Point] | None:
        """The points of one part."""
        table, left = self._table, list(numbers)
        if not self._explained(left, state):
            return None
        points: list[Point] = []
        moment = -1
        while any(table.ret[number] != PENDING for number in left):
            number, state = self._next(left, state)
            moment = max(moment, table.call[number])
            points.append(Point(table.call[number], moment))
            left.remove(number)
        return points

    def _next(self, left: Sequence[int], state: State) -> tuple[int, State]:
        """An operation that may come first, and the state after it. There is one, because an order exists."""
        table = self._table
        until = min(table.ret[number] for number in left)
        steps: list[tuple[int, State]] = []
        for number in sorted((one for one in left if table.call[one] <= until), key=table.ret.__getitem__):
            f, arg, result = self._prepared(number)
            legal, after = self._model.step(state, f, arg, result)
            if not legal:
                continue
            if self._model.pure(f, arg, result) and table.ret[number] != PENDING:
                return number, state  # It never changes anything, so it is as well first.
            steps.append((number, after))
        for number, after in steps[:-1]:
            if self._explained([one for one in left if one != number], after):
                return number, after
        return steps[-1]

    def _prepared(self, number: int) -> tuple[str, Any, Any]:
        table = self._table
        result = table.result[number] if table.ret[number] != PENDING else UNKNOWN
        return table.f[number], *self._model.prepare(table.f[number], table.arg[number], result)

    def _explained(self, left: Sequence[int], state: State) -> bool:
        """Whether the operations that are left are linearizable from this state."""
        self._budget.check()
        table, model = self._table, self._model
        if type(model) is MODELS["blog"]:
            positions = sorted(
                moment for one in left for moment in (table.call[one], table.ret[one]) if moment != PENDING
            )
            before = chain_before([list(write) for write in state])
            return sweep_blog(pair([*before, *(self._events[at] for at in positions)]), self._budget) is None
        if self._decider is not None:
            try:
                return self._decider(table, left, self._as_first(state)) is None
            except Ambiguous:
                pass
        part: Hashable = None
        return search_parts(table, model, {part: left}, {part: state}, self._budget).at is None

    def _as_first(self, state: State) -> Any:
        return state[::-1] if self._model.name == "stack" else state
