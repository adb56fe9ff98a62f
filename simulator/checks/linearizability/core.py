"""The few operations that contradict each other, where a search has found that no order exists.

The search names the return that cannot be explained. Which operations are to blame? One after the other is set free: it
may then take effect at any moment, or never, whatever it returned. If still no order exists, it stays free. Those that
are left contradict each other, whatever all others did. Where nothing but reads was set free, the orders of those that
are left can be counted, and each has an operation that cannot be where it stands.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from simulator.checks.linearizability.budget import Budget, OutOfBudget
from simulator.checks.linearizability.model import UNKNOWN, Model, State
from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.search import search_parts

_EACH_S = 0.2
_MOST_OPERATIONS = 200
_MOST_NAMED = 6
_MOST_ORDERS = 3

Name = Callable[[int], str]


class Core:
    """The operations of `table` that contradict each other from the state `first`, looked for within `budget`."""

    def __init__(
        self, table: Operations, model: Model, numbers: Sequence[int], first: State, *, misfit: int, budget: Budget
    ) -> None:
        self._table = table
        self._model = model
        self._first = first
        self._budget = budget
        self._writes_are_free = False
        self.operations = list(numbers) if len(numbers) > _MOST_OPERATIONS else self._shrunk(list(numbers), misfit)

    def sentences(self, name: Name) -> str:
        """What contradicts what, in words; "" when too many operations are left to be read."""
        core, table = self.operations, self._table
        if not 1 < len(core) <= _MOST_NAMED:
            return ""
        core = sorted(core, key=table.call.__getitem__)
        letters = dict(zip(core, "ABCDEF", strict=False))
        others = ", whatever the others did" if self._writes_are_free else ""
        described = "; ".join(f"{letter}, {name(number)}" for number, letter in letters.items())
        after = [f"{letters[one]} ended before {letters[other]} began" for one, other in self._real_time(core)]
        text = f" These contradict each other{others}: {described}." + (f" {'; '.join(after)}." if after else "")
        return text + ("" if self._writes_are_free else self._each_order(core, letters))

    def _shrunk(self, kept: list[int], misfit: int) -> list[int]:
        """Set free as many operations as possible, several at once as long as that works."""
        free: list[int] = []
        size = max(1, len(kept) // 2)
        while size:
            at = 0
            while at < len(kept):
                some = [number for number in kept[at : at + size] if number != misfit]
                if some and self._fails([one for one in kept if one not in some], free + some):
                    kept = [one for one in kept if one not in some]
                    free += some
                else:
                    at += size
            size //= 2
        self._writes_are_free = any(not self._pure(number) for number in free)
        return kept

    def _fails(self, kept: Sequence[int], free: Sequence[int]) -> bool:
        """Whether no order exists with some operations set free; False also if that takes too long."""
        writes = [number for number in free if not self._pure(number)]
        calls, rets = list(self._table.call), list(self._table.ret)
        for at, number in enumerate(writes, 1):
            calls[number], rets[number] = -at, PENDING
        part: Hashable = None
        numbers = sorted([*kept, *writes], key=calls.__getitem__)
        try:
            self._budget.check()
            table = replace(self._table, call=calls, ret=rets)
            found = search_parts(table, self._model, {part: numbers}, {part: self._first}, Budget(_EACH_S))
        except OutOfBudget:
            return False
        return found.at is not None

    def _pure(self, number: int) -> bool:
        return self._model.pure(*self._prepared(number))

    def _prepared(self, number: int) -> tuple[str, object, object]:
        table = self._table
        result = table.result[number] if table.ret[number] != PENDING else UNKNOWN
        return table.f[number], *self._model.prepare(table.f[number], table.arg[number], result)

    def _real_time(self, core: Sequence[int]) -> Iterator[tuple[int, int]]:
        """The pairs of which one ended before the other began, without those that follow from others."""
        calls, rets = self._table.call, self._table.ret
        for one in core:
            later = [other for other in core if rets[one] < calls[other]]
            first_end = min((rets[other] for other in later), default=PENDING)
            for other in later:
                if calls[other] <= first_end:
                    yield one, other

    def _each_order(self, core: Sequence[int], letters: dict[int, str]) -> str:
        """For each order that real time allows the first operation that does not fit; "" if there are many."""
        orders = list(islice(self._orders(list(core)), _MOST_ORDERS + 1))
        if len(orders) > _MOST_ORDERS or any(self._table.ret[number] == PENDING for number in core):
            return ""
        texts: list[str] = []
        for order in orders:
            state = self._first
            for number in order:
                legal, state = self._model.step(state, *self._prepared(number))
                if not legal:
                    before = ", ".join(letters[one] for one in order[: order.index(number)])
                    texts.append(f"{letters[number]} after {before}" if before else f"{letters[number]} at first")
                    break
        return f" In each order that real time allows, one does not fit: {'; '.join(texts)}." if texts else ""

    def _orders(self, left: list[int]) -> Iterator[list[int]]:
        if not left:
            yield []
        end = min((self._table.ret[number] for number in left), default=0)
        for number in left:
            if self._table.call[number] <= end:
                for rest in self._orders([other for other in left if other != number]):
                    yield [number, *rest]
