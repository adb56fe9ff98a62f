"""Linearizability: does one order of the operations explain every result and respect real time (Herlihy & Wing, 1990)?

`judge` is the entry point for every model. A history of the blog is checked with the chain as witness order, if there
is one (`blog_witness.py`), else by the exact sweep (`blog_sweep.py`). Every other model is checked part by part
(`parts_judge.py`). A violation comes with the shortest prefix of the history that already fails, and the reason.

Local reads are not linearizable, and have a rule of their own. One order must explain the linearizable operations, and
each local read must show the state at one point of it. On one node these points never move back between reads that do
not overlap. The writes that a local read shows must have been called before the read returned, and a linearizable read
called after that return must show them too.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Literal, NamedTuple

from simulator.checks.linearizability.blog_explanation import contradicting, explain, latest
from simulator.checks.linearizability.blog_sweep import Failure, sweep_blog
from simulator.checks.linearizability.blog_witness import Witness, explains
from simulator.checks.linearizability.budget import Budget, OutOfBudget
from simulator.checks.linearizability.chain_before import chain_before
from simulator.checks.linearizability.model import Model
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.operations import pair
from simulator.checks.linearizability.parts_judge import PartsJudge
from simulator.checks.linearizability.prefix import (
    Reason,
    describe_length,
    shortest_failing,
    with_later_calls,
)
from simulator.cluster.history import Event
from simulator.errors import InputError


class Verdict(NamedTuple):
    """`why` is "" for ok, the reason for a violation, and the bound that was reached for unknown.

    `operations` counts the calls of the history, local reads included. The rest is what a picture of a violation needs:

    * `prefix`: the number of events in the longest prefix that is linearizable: all of them for ok, 0 for unknown.
    * `misfit`: the operation that cannot be placed; its return is the event that follows the prefix. None if there is
      none.
    * `conflict`: the operations that contradict each other, the misfit among them where it is one of them.

    An operation is named by the position of its call in the events, from 0. `linearization` gives an order of the
    events of the prefix, which places every operation that ended in it.
    """

    verdict: Literal["ok", "violation", "unknown"]
    why: str
    operations: int
    prefix: int = 0
    misfit: int | None = None
    conflict: tuple[int, ...] = ()

    @property
    def ok(self) -> bool:
        """The history is linearizable."""
        return self.verdict == "ok"


def judge(
    events: Sequence[Event],
    model: str | Model,
    init: Any = None,
    witness: Witness | None = None,
    limit_s: float | None = None,
) -> Verdict:
    """Check a history, whose events are in real-time order.

    `model` is a name in `MODELS`, or a model of your own. `init` is its first value as JSON (for the blog: the writes
    already on the chain, each [f, user, title, content]). `witness` is for the blog alone: all decided writes in chain
    order, those of `init` first. `limit_s` limits the time, in seconds; past it the verdict is unknown.

    Raises:
        InputError: there is no such model, or it has no such first value.
    """
    if isinstance(model, str) and model not in MODELS:
        raise InputError(f"there is no model {model!r}: write one of {', '.join(MODELS)}.")
    budget = Budget(limit_s)
    with _without_collector():
        judged = (
            _Blog(events, init, witness, budget)
            if model == "blog"
            else PartsJudge(events, MODELS[model]() if isinstance(model, str) else model, init, budget)
        )
        operations = sum(event.type == "invoke" for event in events)
        try:
            reason = judged.reason()
        except OutOfBudget as bound:
            return Verdict("unknown", f"{bound}. {bound.progress}".rstrip(), operations)
    if reason is None:
        return Verdict("ok", "", operations, len(events))
    misfit = call_of(events, reason.length - 1)
    return Verdict("violation", reason.why, operations, reason.length - 1, misfit, reason.conflict)


def call_of(events: Sequence[Event], position: int) -> int | None:
    """The position of the call that the event at `position` ends; None if there is none."""
    process = events[position].process
    calls = (at for at in range(position - 1, -1, -1) if events[at].process == process)
    return next(calls, None)


class _Blog:
    """A history of the blog. Writes already on the chain come first, as those of a client of their own."""

    def __init__(self, events: Sequence[Event], init: Any, witness: Witness | None, budget: Budget) -> None:
        self._before = chain_before(init)
        self._events = [*self._before, *events] if self._before else events
        self._witness = witness
        self._budget = budget

    def reason(self) -> Reason | None:
        history = pair(self._events)
        if self._witness is not None and explains(history, self._witness):
            return None
        failure = sweep_blog(history, self._budget)
        local = failure is None and bool(history.local.returned)
        if local:
            failure = sweep_blog(history, self._budget, local=True)
        if failure is None:
            return None
        length, certain = self._shorten(failure, len(self._events), local=local)
        if not local and history.local.returned and certain:
            # The local reads of an even shorter prefix may fail, too.
            try:
                earlier = self._failure(length - 1, local=True)
            except OutOfBudget:
                earlier, certain = None, False
            if earlier is not None:
                failure, local = earlier, True
                length, certain = self._shorten(failure, length - 1, local=True)
        try:
            final = self._failure(length, local=local) or failure
            if len(contradicting(final)) == 1 and not local:
                final = self._with_later(length) or final
        except OutOfBudget:
            final = failure
        rule = "no order that explains the rest explains the local reads: " if local else ""
        shown = length - len(self._before), len(self._events) - len(self._before)
        why = f"{describe_length(*shown, certain)}: {rule}{explain(final)}"
        misfit = call_of(self._events, length - 1)
        named = dict.fromkeys([*([] if misfit is None else [misfit]), *contradicting(final)])
        conflict = tuple(call - len(self._before) for call in named if call >= len(self._before))
        return Reason(why, shown[0], conflict)

    def _shorten(self, failure: Failure, failing: int, *, local: bool) -> tuple[int, bool]:
        return shortest_failing(
            lambda length: self._failure(length, local=local) is not None,
            passes=failure.at,
            failing=failing,
            guess=latest(failure) + 1,
        )

    def _with_later(self, length: int) -> Failure | None:
        """The same failure where it names an operation that is called later, as it does when the view saw it."""
        failure = sweep_blog(pair(with_later_calls(self._events, length)), self._budget)
        return failure if failure is not None and len(contradicting(failure)) > 1 else None

    def _failure(self, length: int, *, local: bool) -> Failure | None:
        return sweep_blog(pair(self._events[:length]), self._budget, local=local)


@contextmanager
def _without_collector() -> Iterator[None]:
    """Disable garbage collection: checkers create millions of small objects and no cycles."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
