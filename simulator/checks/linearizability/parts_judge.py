"""Every model but the blog: each independent part by an exact algorithm if its values are distinct, else by search."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from simulator.checks.linearizability.blog_facts import brief
from simulator.checks.linearizability.budget import Budget, OutOfBudget
from simulator.checks.linearizability.core import Core
from simulator.checks.linearizability.independent import Objects
from simulator.checks.linearizability.model import Model
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.operations import PENDING, Operations, pair
from simulator.checks.linearizability.parts import parts_of
from simulator.checks.linearizability.prefix import (
    Reason,
    describe_length,
    shortest_failing,
    with_later_calls,
)
from simulator.checks.linearizability.search import SearchResult, search_parts
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict
from simulator.checks.linearizability.unambiguous.decide import DECIDERS
from simulator.cluster.history import Event

_EXPLANATION_S = 4.0


class _Found(NamedTuple):
    """A violation in one part of the first `length` events: a conflict, or where a search ended."""

    length: int
    part: Hashable
    numbers: Sequence[int]
    operations: Operations
    reason: Conflict | SearchResult
    alone: bool
    """The history has no other part."""


class PartsJudge:
    """Checks one history of a model."""

    def __init__(self, events: Sequence[Event], model: Model, init: Any, budget: Budget) -> None:
        self._events = events
        self._model = model
        # A model of somebody else may have the name of one of ours.
        self._decider = DECIDERS.get(model.name) if type(model) is MODELS.get(model.name) else None
        self._init = init
        self._budget = budget
        operations = pair(events).main
        self._whole: Operations | None = operations
        self._objects = Objects.of(operations, model)
        # What is used together in the whole history is one object in each prefix, too, so that it keeps its name.
        self._linked = self._objects.split(operations) if self._objects is Objects.REGISTERS else None

    def reason(self) -> Reason | None:
        """The shortest prefix that fails, and why; None when the history is linearizable.

        Raises:
            InputError: the model has no such first state.
            OutOfBudget: a limit was reached first.
        """
        whole = len(self._events)
        found = self._violation(whole, self._budget)
        if found is None:
            return None
        limit = Budget(_EXPLANATION_S)
        found, certain = self._shorten(found, limit)
        while certain and not found.alone:
            # Another part may fail even earlier.
            try:
                earlier = self._violation(found.length - 1, limit)
            except OutOfBudget:
                certain = False
                break
            if earlier is None:
                break
            found, certain = self._shorten(earlier, limit)
        found = self._with_later(found)
        key = f"key {brief(found.part)}: " if self._objects is Objects.KEYS else ""
        text, operations = self._explain(found)
        conflict = dict.fromkeys(found.operations.call[number] for number in operations if number >= 0)
        return Reason(f"{describe_length(found.length, whole, certain)}: {key}{text}", found.length, tuple(conflict))

    def _violation(self, length: int, budget: Budget, only: _Found | None = None) -> _Found | None:
        """A violation in the first `length` events, in the part of `only` if that is given."""
        operations, self._whole = self._whole, None  # Good for once: a split takes the keys out.
        if operations is None or length < len(self._events):
            operations = pair(self._events[:length]).main
        parts = parts_of(operations, self._model, self._linked or self._objects.split(operations))
        alone = len(parts) == 1
        if only is not None:
            parts = {only.part: parts.get(only.part, [])}
        undecided: dict[Hashable, list[int]] = {}
        for part, numbers in parts.items():
            budget.check()
            try:
                conflict = self._decide(operations, part, numbers)
            except Ambiguous:
                undecided[part] = numbers
                continue
            if conflict is not None:
                return _Found(length, part, numbers, operations, conflict, alone)
        if undecided:
            try:
                result = self._search(operations, undecided, budget)
            except OutOfBudget as bound:
                bound.progress = f"{bound.progress} {self._help(operations, undecided)}".lstrip()
                raise
            if result.at is not None:
                return _Found(length, result.part, undecided[result.part], operations, result, alone)
        return None

    def _help(self, operations: Operations, undecided: Mapping[Hashable, Sequence[int]]) -> str:
        """What would settle a history that a search did not settle."""
        busy = max(_most_at_once(operations, numbers) for numbers in undecided.values())
        if self._decider is not None:
            return (
                f"Up to {busy} operations of one part are open at once. A history in which no value is written twice "
                f"is decided without a search."
            )
        return (
            f"Up to {busy} operations of one part are open at once, those of unknown fate included. Fewer clients on "
            f"one object, or fewer unknown fates, make the search shorter."
        )

    def _decide(self, operations: Operations, part: Hashable, numbers: Sequence[int]) -> Conflict | None:
        first = self._narrow(part)
        self._model.initial(first)
        if self._decider is None:
            raise Ambiguous
        return self._decider(operations, numbers, first)

    def _shorten(self, found: _Found, limit: Budget) -> tuple[_Found, bool]:
        """The shortest prefix in which the part of `found` fails, and whether that is certain."""

        def fails(length: int) -> bool:
            nonlocal found
            shorter = self._violation(length, limit, only=found)
            if shorter is None:
                return False
            found = shorter
            return True

        failing, passes = found.length, 0
        if isinstance(found.reason, SearchResult):
            assert found.reason.at is not None
            passes = found.reason.at if found.alone else 0
            guess = found.reason.at + 1
        else:
            guess = 1 + max(_end(found.operations, number) for number in found.reason.operations)
        _, certain = shortest_failing(fails, passes=passes, failing=failing, guess=guess)
        return found, certain

    def _with_later(self, found: _Found) -> _Found:
        """A conflict of one operation, such as a value that nobody wrote: with the later one that it shows."""
        if not isinstance(found.reason, Conflict) or len(found.reason.operations) > 1:
            return found
        operations = pair(with_later_calls(self._events, found.length)).main
        parts = parts_of(operations, self._model, self._linked or self._objects.split(operations))
        try:
            conflict = self._decide(operations, found.part, parts.get(found.part, []))
        except Ambiguous:
            return found
        if conflict is None or not {*found.reason.operations} < {*conflict.operations}:
            return found
        operations = pair(self._events).main
        self._objects.split(operations)
        return found._replace(operations=operations, reason=conflict)

    def _explain(self, found: _Found) -> tuple[str, Sequence[int]]:
        """The reason in words, and the operations that contradict each other."""
        if isinstance(found.reason, Conflict):
            described = [describe(found.operations, number) for number in found.reason.operations]
            return f"{found.reason.text.format(*described)}.", found.reason.operations
        try:
            # Without lookahead the search stops where a person sees the contradiction; this may take long.
            limit = Budget(_EXPLANATION_S)
            final = self._search(found.operations, {found.part: found.numbers}, limit, lookahead=False)
        except OutOfBudget:
            final = found.reason
        first = self._model.initial(self._narrow(found.part))
        limit = Budget(_EXPLANATION_S)
        core = Core(found.operations, self._model, found.numbers, first, misfit=found.reason.operation, budget=limit)
        few = core.sentences(lambda number: describe_briefly(found.operations, number))
        return _describe_result(final, found.operations) + few, core.operations if few else [found.reason.operation]

    def _narrow(self, part: Hashable) -> Any:
        return self._objects.first(self._model, self._init, part)

    def _search(
        self,
        operations: Operations,
        parts: Mapping[Hashable, Sequence[int]],
        budget: Budget,
        *,
        lookahead: bool = True,
    ) -> SearchResult:
        firsts = {part: self._model.initial(self._narrow(part)) for part in parts}
        return search_parts(operations, self._model, parts, firsts, budget, lookahead=lookahead)


def _most_at_once(operations: Operations, numbers: Sequence[int]) -> int:
    moments = [(operations.call[number], 1) for number in numbers]
    moments += [(operations.ret[number], -1) for number in numbers if operations.ret[number] != PENDING]
    return max(accumulate(change for _, change in sorted(moments)), default=0)


def _end(operations: Operations, number: int) -> int:
    """The position of the last event of an operation; -1 for what the object held at first."""
    if number < 0:
        return -1
    ret = operations.ret[number]
    return operations.call[number] if ret == PENDING else ret


def _describe_result(found: SearchResult, operations: Operations) -> str:
    """Why the search got no further, in words."""
    assert found.at is not None
    states = " or ".join(brief(_sorted_state(state)) for state in found.states)
    first = f"{describe(operations, found.operation)} cannot be explained by any order."
    held = f"When it returned the state could only be {states}" if found.states else ""
    others = "; ".join(describe(operations, number) for number in found.open[:5])
    more = f" and {len(found.open) - 5} more" if len(found.open) > 5 else ""
    beside = f", or what these still open operations make of it: {others}{more}." if others else "."
    return f"{first} {held}{beside}"


def describe(operations: Operations, number: int) -> str:
    """An operation in words: what it was asked, by whom, at which events, and what it was told."""
    if number < 0:
        return "what it held at first"
    f, arg, ret = operations.f[number], operations.arg[number], operations.ret[number]
    asked = "" if arg is None else brief(arg)
    result = f", told {brief(operations.result[number])}" if ret != PENDING else ", fate unknown"
    events = (
        f"events {operations.call[number] + 1} to {ret + 1}"
        if ret != PENDING
        else f"event {operations.call[number] + 1}"
    )
    return f"{f}({asked}) of process {operations.process[number]} ({events}{result})"


def describe_briefly(operations: Operations, number: int) -> str:
    """An operation in few words, where it has been described before, or will be."""
    f, arg, ret = operations.f[number], operations.arg[number], operations.ret[number]
    asked = "" if arg is None else brief(arg)
    result = operations.result[number]
    answer = "" if ret == PENDING or result is None or result == arg else f" -> {brief(result)}"
    return f"{f}({asked}){answer} of process {operations.process[number]}"


def _sorted_state(state: Any) -> Any:
    return sorted(state, key=str) if isinstance(state, frozenset) else state
