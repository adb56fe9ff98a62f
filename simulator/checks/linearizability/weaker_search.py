"""Weaker promises (`weaker.py`), searched: for any model, and for what cannot be decided otherwise.

Reads here are all operations that change nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

from simulator.checks.linearizability.budget import Budget, OutOfBudget
from simulator.checks.linearizability.independent import Objects
from simulator.checks.linearizability.judge import Verdict, judge
from simulator.checks.linearizability.model import UNKNOWN, Model, State
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.operations import FAILED, PENDING, Operations, pair
from simulator.checks.linearizability.parts_judge import PartsJudge, describe
from simulator.cluster.history import Event


def searched_weaker(
    events: Sequence[Event], model: str, promise: str, behind: int, init: Any, *, budget: Budget
) -> str:
    """Why a history does not keep the promise, found by a search; "" if it does.

    Raises:
        OutOfBudget: a limit was reached first.
    """
    if promise == "sequential":
        return _Sequential(events, MODELS[model](), init, budget).why()
    if promise == "regular":
        return _Regular(events, model, init, budget).why()
    return _Staleness(events, Stale(MODELS[model](), behind), init, budget).why()


class Stale(Model):
    """A model whose reads may show any of the last `behind` + 1 states. A state is the tuple of these, newest first."""

    def __init__(self, model: Model, behind: int) -> None:
        self.name = f"{model.name}, stale {behind}"
        self.keyed = model.keyed
        self._model = model
        self._behind = behind

    def initial(self, init: Any) -> State:
        """See `Model`."""
        return (self._model.initial(init),)

    def prepare(self, f: str, arg: Any, result: Any) -> tuple[Any, Any]:
        """See `Model`."""
        return self._model.prepare(f, arg, result)

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        if self._model.pure(f, arg, result):
            return any(self._model.step(old, f, arg, result)[0] for old in state), state
        legal, after = self._model.step(state[0], f, arg, result)
        return legal, (after, *state[: self._behind]) if after != state[0] else state

    def pure(self, f: str, arg: Any, result: Any) -> bool:
        """See `Model`."""
        return self._model.pure(f, arg, result)

    def part(self, f: str, arg: Any) -> Hashable:
        """See `Model`."""
        return self._model.part(f, arg)

    def narrow(self, init: Any, part: Hashable) -> Any:
        """See `Model`."""
        return self._model.narrow(init, part)


class _Staleness:
    """Checks a history of a `Stale` model."""

    def __init__(self, events: Sequence[Event], model: Stale, init: Any, budget: Budget) -> None:
        self._judge = PartsJudge(events, model, init, budget)

    def why(self) -> str:
        """Why no order exists, or "" if one does."""
        reason = self._judge.reason()
        return "" if reason is None else reason.why


class _Regular:
    """Checks each read with all writes. Reads that pass together pass alone, so sets of them are halved."""

    def __init__(self, events: Sequence[Event], model: str, init: Any, budget: Budget) -> None:
        self._events = events
        self._model = model
        self._init = init
        self._budget = budget
        self._operations = pair(events).main

    def why(self) -> str:
        """The first read found that no order of the writes explains, or "" if there is none."""
        operations, judged = self._operations, MODELS[self._model]()
        reads = [
            number
            for number in operations.returned
            if judged.pure(operations.f[number], *_prepared(judged, operations, number))
        ]
        waiting = [reads]
        while waiting:
            some = waiting.pop()
            self._budget.check()
            verdict = self._judged(some, reads)
            if verdict.verdict == "ok":
                continue
            if len(some) <= 1:
                which = f"{describe(operations, some[0])} alone: " if some else "the writes alone: "
                return f"{which}{verdict.why}"
            half = len(some) // 2
            waiting += (some[half:], some[:half])
        return ""

    def _judged(self, some: list[int], reads: list[int]) -> Verdict:
        operations = self._operations
        left_out = set(reads).difference(some)
        positions = {moment for number in left_out for moment in (operations.call[number], operations.ret[number])}
        kept = [event for position, event in enumerate(self._events) if position not in positions]
        verdict = judge(kept, self._model, self._init, limit_s=self._budget.left_s())
        if verdict.verdict == "unknown":
            raise OutOfBudget(verdict.why.rstrip("."))
        return verdict


class _Sequential:
    """A search over how far each process has come. A read that is legal now is taken at once: that can do no harm."""

    def __init__(self, events: Sequence[Event], model: Model, init: Any, budget: Budget) -> None:
        self._operations = operations = pair(events).main
        self._model = model
        self._budget = budget
        self._parts: dict[Hashable, int] = {}
        self._lines: list[list[int]] = []
        objects = Objects.of(operations, model)
        keys = objects.split(operations) or list(map(model.part, operations.f, operations.arg))
        lines: dict[int, list[int]] = {}
        for number, ret in enumerate(operations.ret):
            if ret != FAILED:
                lines.setdefault(operations.process[number], []).append(number)
                self._parts.setdefault(keys[number], len(self._parts))
        self._lines = list(lines.values())
        self._steps = [self._step_of(number, keys[number]) for number in range(len(operations.f))]
        self._first = tuple(model.initial(objects.first(model, init, part)) for part in self._parts)

    def why(self) -> str:
        """Why no order exists, or "" if one does."""
        start = ((0,) * len(self._lines), self._first)
        seen = {start}
        stack = [start]
        furthest: tuple[int, ...] = start[0]
        while stack:
            came, states = self._read_on(*stack.pop())
            if self._over(came):
                return ""
            if sum(came) > sum(furthest):
                furthest = came
            if len(seen) % 1024 == 0:
                self._budget.check(len(seen), 200 + 8 * len(came))
            following = [step for step in self._writes(came, states) if step not in seen]
            seen.update(following)
            stack += following
        stuck = [line[at] for line, at in zip(self._lines, furthest, strict=True) if at < len(line)]
        first = min((number for number in stuck if self._operations.ret[number] != PENDING), default=stuck[0])
        return (
            f"no order that keeps the order of each process explains all results; the furthest one stops before "
            f"{describe(self._operations, first)}."
        )

    def _step_of(self, number: int, key: Hashable) -> tuple[int, str, Any, Any, bool]:
        operations, model = self._operations, self._model
        f, (arg, result) = operations.f[number], _prepared(model, operations, number)
        return self._parts.get(key, 0), f, arg, result, model.pure(f, arg, result)

    def _over(self, came: tuple[int, ...]) -> bool:
        rets = self._operations.ret
        return all(at == len(line) or rets[line[at]] == PENDING for line, at in zip(self._lines, came, strict=True))

    def _read_on(self, came: tuple[int, ...], states: tuple[State, ...]) -> tuple[tuple[int, ...], tuple[State, ...]]:
        reached = list(came)
        for process, line in enumerate(self._lines):
            while reached[process] < len(line):
                part, f, arg, result, pure = self._steps[line[reached[process]]]
                if not pure or not self._model.step(states[part], f, arg, result)[0]:
                    break
                reached[process] += 1
        return tuple(reached), states

    def _writes(
        self, came: tuple[int, ...], states: tuple[State, ...]
    ) -> list[tuple[tuple[int, ...], tuple[State, ...]]]:
        """What one more write of each process leads to; the one that was called first is last, and is tried first."""
        found: list[tuple[int, tuple[tuple[int, ...], tuple[State, ...]]]] = []
        for process, line in enumerate(self._lines):
            if came[process] == len(line):
                continue
            number = line[came[process]]
            part, f, arg, result, pure = self._steps[number]
            legal, after = (False, None) if pure else self._model.step(states[part], f, arg, result)
            if legal:
                moved = (*came[:process], came[process] + 1, *came[process + 1 :])
                changed = (*states[:part], after, *states[part + 1 :])
                found.append((self._operations.call[number], (moved, changed)))
        return [step for _, step in sorted(found, key=lambda entry: -entry[0])]


def _prepared(model: Model, operations: Operations, number: int) -> tuple[Any, Any]:
    known = operations.ret[number] not in {PENDING, FAILED}
    return model.prepare(operations.f[number], operations.arg[number], operations.result[number] if known else UNKNOWN)
