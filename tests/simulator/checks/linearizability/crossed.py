"""Histories in which every value is right and the order may be wrong: intervals moved around the effects of a run."""

from __future__ import annotations

from random import Random
from typing import Any

from simulator.cluster.history import Event
from tests.simulator.checks.linearizability.brute import ANY, STEPS

CROSSED = {
    "register": ("write", "read"),
    "fifo-queue": ("enqueue", "dequeue"),
    "stack": ("push", "pop"),
    "priority-queue": ("insert", "delete-min"),
}
"""For each model the operation that puts a value in, and the one that shows it."""


def crossed(model: str, seed: int, *, most: int) -> list[Event]:
    """A history of at most twice `most` operations, each by a process of its own."""
    dice = Random(f"{model} {seed}")
    many = dice.randint(2, 2 * most)
    operations = _set_effects(dice, many) if model == "set" else _effects(model, dice, many)
    moments = [2.0 * at for at in range(len(operations))]
    for _ in range(dice.choice([0, 1, 1, 2, 3])):
        one = dice.randrange(len(moments))
        other = min(len(moments) - 1, one + dice.randint(1, 3))
        moments[one], moments[other] = moments[other], moments[one]
    width, crashes = dice.choice([0.5, 2, 3, 6, 10]), dice.choice([0, 0, 0.1, 0.3])
    events: list[tuple[float, Event]] = []
    for process, (moment, (f, arg, result)) in enumerate(zip(moments, operations, strict=True)):
        call, end = moment - dice.random() * width, moment + dice.random() * width
        events.append((call, Event(process=process, type="invoke", f=f, value=arg)))
        if dice.random() >= crashes:
            events.append((end, Event(process=process, type="ok", f=f, value=result)))
    return [event for _, event in sorted(events, key=lambda entry: entry[0])]


def _set_effects(dice: Random, many: int) -> list[tuple[str, Any, Any]]:
    """Adds of new elements, removes of any that were or will be added, and reads of which a few are wrong."""
    state: set[int] = set()
    added = 0
    done: list[tuple[str, Any, Any]] = []
    for _ in range(many):
        draw = dice.random()
        if draw < 0.35:
            added += 1
            state.add(added)
            done.append(("add", added, None))
        elif draw < 0.6:
            element = dice.randint(1, added + 1)
            state.discard(element)
            done.append(("remove", element, None))
        else:
            wrong = {dice.randint(1, added)} if added and dice.random() < 0.05 else set()
            done.append(("read", None, sorted(state ^ wrong)))
    return done


def _effects(model: str, dice: Random, many: int) -> list[tuple[str, Any, Any]]:
    """Operations of a correct object, one after the other."""
    put, take = CROSSED[model]
    state: Any = 0 if model == "register" else None
    values = dice.sample(range(10, 100), many)
    share = dice.choice([0.4, 0.5, 0.6])
    done: list[tuple[str, Any, Any]] = []
    for _ in range(many):
        if dice.random() < share:
            f, arg, result = put, values.pop(), None
        else:
            f, arg, result = take, None, state if model == "register" else (state or (None,))[0]
        _, state = STEPS[model](state, f, arg, ANY)
        done.append((f, arg, result))
    return done
