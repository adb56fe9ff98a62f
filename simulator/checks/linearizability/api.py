"""For tests: `check` a history, or fail with the explanation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from simulator.checks.linearizability.history import History
from simulator.checks.linearizability.judge import Verdict, judge
from simulator.checks.linearizability.model import Model
from simulator.checks.linearizability.operations import misplaced
from simulator.checks.linearizability.shapes import SHAPES, all_misshapen
from simulator.cluster.history import Event
from simulator.errors import InputError

_SHOWN = 60


def check(
    history: Sequence[Event], model: str | Model, init: Any = None, *, time_limit_s: float | None = None
) -> Verdict:
    """Is the history linearizable? See `Verdict`: `verdict`, `why`, `operations`, `ok`.

    `model` is a name (see `docs/linearizability.md`), or a model of your own. `init` is the first value of the object.
    `time_limit_s` limits the time in seconds; past it the verdict is "unknown".

    Raises:
        InputError: there is no such model or first value, or an event does not fit the model or the events before it.
    """
    name = model if isinstance(model, str) else ""
    for position, wrong in all_misshapen(history, name) if name in SHAPES else ():
        raise InputError(f"event {position + 1}: {wrong}.")
    for position, wrong in misplaced(history, range(1, len(history) + 1)):
        raise InputError(f"event {position + 1}: {wrong.replace('of line', 'of event')}.")
    return judge(history, model, init, limit_s=time_limit_s)


def assert_linearizable(
    history: Sequence[Event], model: str | Model, init: Any = None, *, time_limit_s: float | None = None
) -> None:
    """Fail with the reason and the shortest history that fails, unless the history is linearizable.

    Raises:
        AssertionError: it is not, or that could not be settled in time.
        InputError: see `check`.
    """
    __tracebackhide__ = True
    verdict = check(history, model, init, time_limit_s=time_limit_s)
    if verdict.ok:
        return
    if verdict.verdict == "unknown":
        raise AssertionError(f"whether the history is linearizable is unknown: {verdict.why}")
    words = verdict.why.split()
    length = int(words[2]) if verdict.why.startswith("The first") else len(history)
    shown = History(history[max(0, length - _SHOWN) : length])
    left = f"({length - _SHOWN} events before these)\n" if length > _SHOWN else ""
    raise AssertionError(f"the history is not linearizable.\n{verdict.why}\n{left}{shown}")
