"""The general checker: a search for one order of the operations that explains every result.

It is Wing & Gong's search (1993) with Lowe's memoization (2017), and it orders just in time: an operation takes effect
only when a return requires it. A configuration is (position in the events, state, open operations that took effect);
none is entered twice. In addition to the papers, it drops configurations that another one covers:

* An open operation that is legal now and changes nothing is *satisfied* at once: it no longer has to take effect, but
it still may. So reads never branch.
* A blind write (legal in every state, and its argument alone determines the next one) satisfies every other open blind
write: those may have taken effect just before it, unseen. Before a satisfied write returns, the search also tries
the order in which it takes effect and is seen.
* A pending operation takes effect only where it changes the state. Of two equal ones the earlier takes effect first. A
configuration that used more of them than another one, equal in all else, is dropped.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from sys import getsizeof
from typing import Any

from simulator.checks.linearizability.budget import Budget, OutOfBudget
from simulator.checks.linearizability.model import UNKNOWN, Model, State
from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.parts import Part, compile_part, parts_of

_CHECK_BUDGET_EVERY = 2048
_MOST_STATES = 6

_FIRST_TURN = 512
"""So many configurations of each part are searched before the next part has its turn."""


@dataclass(slots=True)
class SearchResult:
    """`at` is the position of the return that no order explains; None when the history is linearizable.

    `operation` returned there. `open` are the operations concurrent with it at that moment, and `states` are some
    states that the orders found so far lead to. `part` names the part that failed.
    """

    at: int | None = None
    operation: int = -1
    open: tuple[int, ...] = ()
    states: list[State] = field(default_factory=list)
    part: Hashable = None


_Configuration = tuple[int, State, int, int, int]
"""Position of a return, state, and three sets as bits: what took effect, what is satisfied, unknown fates used."""


def search(operations: Operations, model: Model, init: Any, budget: Budget, *, lookahead: bool = True) -> SearchResult:
    """Check all parts of a history. See `search_parts`.

    Raises:
        InputError: the model has no such first state.
        OutOfBudget: a limit was reached first.
    """
    parts = parts_of(operations, model)
    firsts = {part: model.initial(model.narrow(init, part)) for part in parts}
    return search_parts(operations, model, parts, firsts, budget, lookahead=lookahead)


def search_parts(
    operations: Operations,
    model: Model,
    parts: Mapping[Hashable, Sequence[int]],
    firsts: Mapping[Hashable, State],
    budget: Budget,
    *,
    lookahead: bool = True,
) -> SearchResult:
    """Check some parts of a history, each from its first state; return the first failure that is found.

    Parts are searched in turns that grow, so that one that is hard keeps no violation of another waiting. `lookahead`
    drops configurations that cannot reach the states shown next; the verdict is the same.

    Raises:
        OutOfBudget: a limit was reached first.
    """
    turns = deque(
        _PartSearch(compile_part(operations, numbers, model, lookahead=lookahead), model, firsts[name], name)
        for name, numbers in parts.items()
    )
    rounds = _FIRST_TURN
    while turns:
        for _ in range(len(turns)):
            one = turns.popleft()
            try:
                found = one.advance(rounds, budget, sum(len(other.seen) for other in turns))
            except OutOfBudget as bound:
                bound.progress = _progress([one, *turns], len(parts))
                raise
            if found is None:
                turns.append(one)
            elif found.at is not None:
                return found
        rounds *= 4
    return SearchResult()


def _progress(unsettled: Sequence[_PartSearch], parts: int) -> str:
    """How far the searches have come that were not settled."""
    if parts > 1:
        return f"Of {parts} independent parts {parts - len(unsettled)} are settled."
    [one] = unsettled
    done, whole = one.came()
    return f"The orders tried explain {done} of {whole} operations."


class _PartSearch:
    """The search of one part, depth first and without recursion; it can be left and gone on with."""

    def __init__(self, part: Part, model: Model, first: State, name: Hashable) -> None:
        self.seen: dict[tuple[int, State, int, int], int | list[int]] = {}
        self._part = part
        self._model = model
        self._name = name
        self._stack: list[_Configuration] = [(0, first, 0, 0, 0)]
        self._states: list[State] = []
        self._furthest = -1

    def advance(self, rounds: int, budget: Budget, others: int) -> SearchResult | None:
        """Search on for `rounds` configurations; None if nothing is settled by then.

        `others` is the number of configurations that other searches hold.
        """
        part, model, stack, seen = self._part, self._model, self._stack, self.seen
        for done in range(1, rounds + 1):
            configuration = None
            while stack and configuration is None:
                configuration = _walk(part, model, stack.pop(), stack)
                if configuration is None:
                    return SearchResult()
                if not _is_new(seen, configuration[:4], configuration[4]):
                    configuration = None
            if configuration is None:
                return self._failure()
            self._remember(configuration)
            if done % _CHECK_BUDGET_EVERY == 0 or done == rounds:
                budget.check(len(seen) + others, getsizeof(configuration[1]))
            _expand(part, model, configuration, self._candidates(configuration), stack)
        return None

    def came(self) -> tuple[int, int]:
        """How many operations had returned where the search came furthest, and how many return."""
        returns = [at for at, code in enumerate(self._part.codes) if code < 0]
        return sum(at < self._furthest for at in returns), len(returns)

    def _remember(self, configuration: _Configuration) -> None:
        at, state = configuration[:2]
        if at > self._furthest:
            self._furthest, self._states = at, [state]
        elif at == self._furthest and len(self._states) < _MOST_STATES and state not in self._states:
            self._states.append(state)

    def _candidates(self, configuration: _Configuration) -> list[tuple[int, int]]:
        """The operations that may take effect next, each with the set that would contain it if it had already."""
        part, (at, _, done, _, used) = self._part, configuration
        candidates = [(number, done) for number in part.open_at[at]]
        if part.unknown and part.unknown[0][0] < at:
            candidates += [(number, used) for number in _first_of_each_kind(part, at, used)]
        return candidates

    def _failure(self) -> SearchResult:
        part, furthest = self._part, self._furthest
        number = part.numbers[~part.codes[furthest]]
        return SearchResult(part.positions[furthest], number, _open(part, furthest), self._states, part=self._name)


def _is_new(
    seen: dict[tuple[int, State, int, int], int | list[int]], key: tuple[int, State, int, int], used: int
) -> bool:
    """Store a configuration, unless an equal one with a subset of the pending operations is stored."""
    known = seen.get(key)
    if known is None:
        seen[key] = used  # The usual case avoids a list, which would double the memory.
        return True
    if isinstance(known, int):
        if known & ~used == 0:
            return False
        seen[key] = [known, used]
        return True
    if any(fewer & ~used == 0 for fewer in known):
        return False
    known.append(used)
    return True


def _walk(
    part: Part, model: Model, configuration: _Configuration, stack: list[_Configuration]
) -> _Configuration | None:
    """Go on until a return requires an operation that has not taken effect; None at the end of the events.

    When a satisfied operation returns, the alternative in which it takes effect is pushed to the stack.
    """
    at, state, done, satisfied, used = configuration
    codes, operations, bits, step = part.codes, part.operations, part.bits, model.step
    end = len(codes)
    while at < end:
        code = codes[at]
        if code >= 0:
            f, arg, result = operations[code]
            if result is not UNKNOWN:
                legal, after = step(state, f, arg, result)
                if legal and after == state:
                    satisfied |= bits[code]
        else:
            bit = bits[~code]
            if done & bit:
                done &= ~bit
            elif satisfied & bit:
                satisfied &= ~bit
                if part.changes[~code] and _may_be_seen(part, model, at, state):
                    stack.append((at, state, done, satisfied, used))
            else:
                return at, state, done, satisfied, used
        at += 1
    return None


def _may_be_seen(part: Part, model: Model, at: int, state: State) -> bool:
    """False when taking effect cannot help the operation that returns at `at`: it is blind and would never be seen."""
    if not part.all_blind:
        return True
    f, arg, result = part.operations[~part.codes[at]]
    return part.last_shown.get(model.step(state, f, arg, result)[1], -1) > at


def _expand(
    part: Part,
    model: Model,
    configuration: _Configuration,
    candidates: list[tuple[int, int]],
    stack: list[_Configuration],
    *,
    after_blind: bool = False,
) -> None:
    """Push each configuration in which one more operation takes effect; those that satisfy the return come first.

    Each candidate comes with the set that would contain it if it had taken effect. `after_blind`: the last step was a
    blind write that satisfied no operation, so a second blind write would overwrite it unseen.
    """
    at, state, done, satisfied, used = configuration
    bits, operations, blinds = part.bits, part.operations, part.blind
    wanted, goals = bits[~part.codes[at]], part.goals[at]
    better: list[_Configuration] = []
    for number, gone in reversed(candidates):
        bit, blind = bits[number], blinds[number]
        if gone & bit or not part.changes[number] or (blind and after_blind):
            continue
        f, arg, result = operations[number]
        legal, after = model.step(state, f, arg, result)
        if not legal or (after == state and not blind):
            continue  # One that is legal and changes nothing is satisfied already.
        now_done, now_used = (done, used | bit) if result is UNKNOWN else (done | bit, used)
        now_satisfied, served = _satisfy(part, model, (at, after, now_done, satisfied & ~bit, now_used), blind=blind)
        if after == state and now_satisfied == satisfied & ~bit:
            continue  # A blind one that changes nothing may still be what hides others.
        now = now_done | now_satisfied
        if goals and not _can_reach(part, model, at, after, now):
            continue
        follower = (at, after, now_done, now_satisfied, now_used)
        if now & wanted:
            better.append(follower)
        elif served or not blind:
            stack.append(follower)
        elif not after_blind and not part.all_blind:
            left = [(other, now_used if operations[other][2] is UNKNOWN else now_done) for other, _ in candidates]
            _expand(part, model, follower, left, stack, after_blind=True)
    stack += better


def _satisfy(part: Part, model: Model, reached: _Configuration, *, blind: bool) -> tuple[int, bool]:
    """Which operations are satisfied in a new configuration, and whether any read among them is newly satisfied."""
    at, state, done, satisfied, _ = reached
    bits, blinds, step, operations, served = part.bits, part.blind, model.step, part.operations, False
    for other in part.open_at[at]:
        bit = bits[other]
        if (done | satisfied) & bit:
            continue
        if blind and blinds[other]:
            satisfied |= bit
            continue
        f, arg, result = operations[other]
        legal, after = step(state, f, arg, result)
        if legal and after == state:
            satisfied |= bit
            served = True
    return satisfied, served


def _can_reach(part: Part, model: Model, at: int, state: State, gone: int) -> bool:
    """False when some goal that is not yet satisfied has become unreachable."""
    for goal in part.goals[at]:
        served = gone & part.bits[goal] and goal in part.open_at[at]
        if not served and not model.reaches(state, part.shown[goal]):
            return False
    return True


def _first_of_each_kind(part: Part, at: int, used: int) -> list[int]:
    """Of the pending operations called before `at`, the earliest unused one of each set of equal ones."""
    kinds: set[Hashable] = set()
    firsts: list[int] = []
    for called, number, kind in part.unknown:
        if called > at:
            break
        if not used & part.bits[number] and kind not in kinds:
            kinds.add(kind)
            firsts.append(number)
    return firsts


def _open(part: Part, at: int) -> tuple[int, ...]:
    known = [number for number in part.open_at[at] if number != ~part.codes[at]]
    unknown = [number for called, number, _ in part.unknown if called < at]
    return tuple(part.numbers[number] for number in sorted(known + unknown))
