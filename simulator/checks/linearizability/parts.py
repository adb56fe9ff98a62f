"""One independent part of a history in the form that the search needs: operations as small numbers and bits.

A history is linearizable if and only if each of its parts is (P-compositionality, Horn & Kroening 2015), so the search
checks part by part.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.checks.linearizability.model import UNKNOWN, Model, State
from simulator.checks.linearizability.operations import PENDING, Operations


@dataclass(slots=True)
class Part:
    """One part; its operations are numbered from 0.

    `codes` holds the events: i for the call of operation i, ~i for its return. `open_at` gives, for each return, the
    completed operations whose interval contains it. `unknown` holds the pending operations as (position of the call,
    operation, key that is equal for equal operations). Positions count the events of this part.
    """

    numbers: list[int]
    codes: list[int]
    positions: list[int]
    open_at: list[tuple[int, ...]] = field(default_factory=list)
    operations: list[tuple[str, Any, Any]] = field(default_factory=list)
    bits: list[int] = field(default_factory=list)
    changes: list[bool] = field(default_factory=list)
    blind: list[bool] = field(default_factory=list)
    shown: list[State] = field(default_factory=list)
    returns: list[int] = field(default_factory=list)
    unknown: list[tuple[int, int, Hashable]] = field(default_factory=list)
    all_blind: bool = False  # Every operation is blind, or shows the whole state.
    last_shown: dict[State, int] = field(default_factory=dict)  # Each state that is shown: the last return showing it.
    goals: list[tuple[int, ...]] = field(default_factory=list)  # For each return: see `_goals`.


def parts_of(operations: Operations, model: Model, keys: Sequence[Hashable] | None = None) -> dict[Hashable, list[int]]:
    """The operations by part, without those that failed and without pending reads, which constrain nothing.

    `keys` gives each operation the object that it belongs to, where a history is about several; it is the part then.
    """
    parts: dict[Hashable, list[int]] = {}
    fs, args, rets, part, pure = operations.f, operations.arg, operations.ret, model.part, model.pure
    for number, ret in enumerate(rets):
        if ret >= 0 and not (ret == PENDING and pure(fs[number], args[number], UNKNOWN)):
            name = part(fs[number], args[number]) if keys is None else keys[number]
            parts.setdefault(name, []).append(number)
    return parts or {None: []}


def compile_part(operations: Operations, numbers: Sequence[int], model: Model, *, lookahead: bool) -> Part:
    """The operations `numbers` as one part. `lookahead` computes its goals."""
    rets, calls, fs = operations.ret, operations.call, operations.f
    moments = [(calls[number], index) for index, number in enumerate(numbers)]
    moments += [(rets[number], ~index) for index, number in enumerate(numbers) if rets[number] != PENDING]
    moments.sort()
    part = Part(list(numbers), [code for _, code in moments], [position for position, _ in moments])
    part.returns = [PENDING] * len(numbers)
    free_bits: list[int] = []
    next_bit = 1
    open_now: dict[int, None] = {}
    for at, code in enumerate(part.codes):
        if code < 0:
            part.open_at.append(tuple(open_now))
            part.returns[~code] = at
            del open_now[~code]
            free_bits.append(part.bits[~code])
            continue
        number = numbers[code]
        known, f = rets[number] != PENDING, fs[number]
        arg, result = model.prepare(f, operations.arg[number], operations.result[number] if known else UNKNOWN)
        if free_bits and known:
            bit = free_bits.pop()
        else:
            bit, next_bit = next_bit, next_bit << 1
        part.operations.append((f, arg, result))
        part.bits.append(bit)
        part.changes.append(not model.pure(f, arg, result))
        part.blind.append(model.blind(f))
        part.shown.append(model.shown(f, arg, result))
        if known:
            open_now[code] = None
        else:
            part.unknown.append((at, code, (f, repr(arg))))
        part.open_at.append(())
    part.all_blind = all(
        blind or not (changes or shown is UNKNOWN)
        for blind, changes, shown in zip(part.blind, part.changes, part.shown, strict=True)
    )
    part.last_shown = {part.shown[~code]: at for at, code in enumerate(part.codes) if code < 0}
    part.goals = _goals(part) if lookahead else [()] * len(part.codes)
    return part


def _goals(part: Part) -> list[tuple[int, ...]]:
    """For each return, the operations that show a whole state and must still be reached: open ones and the next call.

    Only those that return before any blind operation can take effect: a blind one could lead to any state.
    """
    goals: list[tuple[int, ...]] = [()] * len(part.codes)
    if part.all_blind:
        return goals
    blind_forever = min((called for called, number, _ in part.unknown if part.blind[number]), default=PENDING)
    next_blind, next_goal = PENDING, -1
    for at in range(len(part.codes) - 1, -1, -1):
        code = part.codes[at]
        if code >= 0:
            if part.blind[code]:
                next_blind = at
            if part.shown[code] is not UNKNOWN and (next_goal < 0 or part.returns[code] < part.returns[next_goal]):
                next_goal = code
        elif at < blind_forever and not any(part.blind[number] for number in part.open_at[at]):
            near = [number for number in part.open_at[at] if part.shown[number] is not UNKNOWN]
            near += [next_goal] if next_goal >= 0 else []
            goals[at] = tuple(number for number in near if part.returns[number] < next_blind)
    return goals
