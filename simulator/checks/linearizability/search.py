"""The general checker: a search for one order of the operations that explains every reply.

Wing & Gong (1993) with Lowe's memo (2017) and just-in-time order: an operation is given its place only when a return
demands it. A configuration is (position in the events, state, which open operations have taken effect); one that was
seen is never entered again. Beyond the papers, each of these drops only configurations that another one covers:

* An open operation that would be legal now and change nothing is *satisfied* at once: it need not take effect any
  more, and still may. So reads never branch.
* A write that is blind (legal anywhere, whatever was there before) satisfies every other open blind write: those can
  have stood just before it, and nobody has seen them. At its return a satisfied write has its last chance to be seen.
* An operation of unknown fate takes effect only where it changes the state; of two that are equal the earlier goes
  first; and a configuration that used more of them than another one, equal in all else, is dropped.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from sys import getsizeof
from typing import Any

from simulator.checks.linearizability.budget import Budget
from simulator.checks.linearizability.models import UNKNOWN, Model, State
from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.parts import Part, compile_part, parts_of

_LOOK_AT_CLOCK = 2048
_STATES_TOLD = 6


@dataclass(slots=True)
class Found:
    """What the search found. `at` is the position of the return that no order gets past, None when all is well.

    `operation` is the one that returned there, `open` those that were open with it, `states` some of the states that
    the orders found so far could lead to at that moment. `alone`: there is only this part, so all before `at` is well.
    """

    at: int | None = None
    operation: int = -1
    open: tuple[int, ...] = ()
    states: list[State] = field(default_factory=list)
    alone: bool = True


_Configuration = tuple[int, State, int, int, int]
"""Position of a return, state, and three sets as bits: what took effect, what is satisfied, unknown fates used."""


def search(operations: Operations, model: Model, init: Any, budget: Budget, *, ahead: bool = True) -> Found:
    """Judge all parts of a history; of several that fail, the one that fails first.

    `ahead`: drop what cannot reach the states that will be shown next (the verdict is the same, and sooner there).

    Raises:
        InputError: the model has no such first state.
        OutOfBudget: it could not be settled.
    """
    worst = Found()
    parts = parts_of(operations, model)
    for name, numbers in parts.items():
        part = compile_part(operations, numbers, model, ahead=ahead)
        found = _search_part(part, model, model.initial(model.narrow(init, name)), budget)
        if found.at is not None and (worst.at is None or found.at < worst.at):
            worst = found
    worst.alone = len(parts) == 1
    return worst


def _search_part(part: Part, model: Model, first: State, budget: Budget) -> Found:
    """Depth first, without recursion."""
    seen: dict[tuple[int, State, int, int], int | list[int]] = {}
    stack: list[_Configuration] = [(0, first, 0, 0, 0)]
    states: list[State] = []
    furthest, rounds = -1, 0
    while stack:
        configuration = _walk(part, model, stack.pop(), stack)
        if configuration is None:
            return Found()
        at, state, done, _, used = configuration
        if not _is_new(seen, configuration[:4], used):
            continue
        if at > furthest:
            furthest, states = at, [state]
        elif at == furthest and len(states) < _STATES_TOLD and state not in states:
            states.append(state)
        rounds += 1
        if rounds % _LOOK_AT_CLOCK == 0:
            budget.check(len(seen), getsizeof(state))
        candidates = [(number, done) for number in part.open_at[at]]
        if part.unknown and part.unknown[0][0] < at:
            candidates += [(number, used) for number in _first_of_each_kind(part, at, used)]
        _expand(part, model, configuration, candidates, stack)
    number = part.numbers[~part.codes[furthest]]
    return Found(part.positions[furthest], number, _open(part, furthest), states)


def _is_new(
    seen: dict[tuple[int, State, int, int], int | list[int]], key: tuple[int, State, int, int], used: int
) -> bool:
    """Remember a configuration, unless one equal in all else is remembered that used no others of unknown fate."""
    known = seen.get(key)
    if known is None:
        seen[key] = used  # The usual case needs no list, which would cost half of the memory.
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
    """Go on until a return demands what has not taken effect yet; None when the events are over.

    Where an operation that is satisfied returns, the way on which it takes effect after all is left on the stack.
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
    """False when the operation that returns at `at` has no reason to take effect: it is blind as all, and unseen."""
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
    """Push what follows when one more operation takes effect; what fulfils the return at hand is tried first.

    Each candidate comes with the set in which it would be found had it taken effect. `after_blind`: the last step was
    a blind write that served nothing yet, so a second blind one would hide it.
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
        now_satisfied, served = _serve(part, model, (at, after, now_done, satisfied & ~bit, now_used), blind=blind)
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


def _serve(part: Part, model: Model, reached: _Configuration, *, blind: bool) -> tuple[int, bool]:
    """Which operations are satisfied in a configuration just reached, by a blind write or not; did it serve any?"""
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
    """False when some goal that is still to be served can no longer be."""
    for goal in part.goals[at]:
        served = gone & part.bits[goal] and goal in part.open_at[at]
        if not served and not model.reaches(state, part.shown[goal]):
            return False
    return True


def _first_of_each_kind(part: Part, at: int, used: int) -> list[int]:
    """Of the operations of unknown fate called before `at`: the earliest unused one of each kind of equal ones."""
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
