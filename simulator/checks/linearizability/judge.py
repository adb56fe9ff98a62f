"""Linearizability: does one order of the operations explain every result and respect real time (Herlihy & Wing, 1990)?

`judge` is the entry point for every model. A history of the blog is checked with the chain as witness order, if there
is one (`blog_witness.py`), else by the exact sweep (`blog_sweep.py`). Every other model is checked by search
(`search.py`). A violation comes with the shortest prefix of the history that already fails, and the reason.

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

from simulator.checks.linearizability.blog_explanation import explain, latest
from simulator.checks.linearizability.blog_facts import brief
from simulator.checks.linearizability.blog_sweep import Failure, sweep_blog
from simulator.checks.linearizability.blog_witness import Witness, explains
from simulator.checks.linearizability.budget import Budget, OutOfBudget
from simulator.checks.linearizability.models import MODELS, PlainBlog
from simulator.checks.linearizability.operations import PENDING, Operations, PairedHistory, pair
from simulator.checks.linearizability.prefix import shortest_failing
from simulator.checks.linearizability.search import SearchResult, search
from simulator.cluster.history import Event
from simulator.errors import InputError

_EXPLANATION_S = 2.0


class Verdict(NamedTuple):
    """`why` is "" for ok, the reason for a violation, and the bound that was reached for unknown.

    `operations` counts the calls of the history, local reads included.
    """

    verdict: Literal["ok", "violation", "unknown"]
    why: str
    operations: int


def judge(
    events: Sequence[Event],
    model: str,
    init: Any = None,
    witness: Witness | None = None,
    limit_s: float | None = None,
) -> Verdict:
    """Check a history, whose events are in real-time order.

    `model` is a name in `MODELS`; `init` is its first value as JSON (for the blog: the writes already on the chain,
    each [f, user, title, content]). `witness` is for the blog alone: all decided writes in chain order, those of `init`
    first. `limit_s` limits the time, in seconds; past it the verdict is unknown.

    Raises:
        InputError: there is no such model, or it has no such first value.
    """
    if model not in MODELS:
        raise InputError(f"there is no model {model!r}: write one of {', '.join(MODELS)}.")
    budget = Budget(limit_s)
    with _without_collector():
        judged = _Blog(events, init, witness, budget) if model == "blog" else _Searched(events, model, init, budget)
        operations = sum(event.type == "invoke" for event in events)
        try:
            why = judged.why()
        except OutOfBudget as bound:
            return Verdict("unknown", f"{bound}.", operations)
    return Verdict("violation" if why else "ok", why, operations)


class _Blog:
    """A history of the blog. Writes already on the chain come first, as those of a client of their own."""

    def __init__(self, events: Sequence[Event], init: Any, witness: Witness | None, budget: Budget) -> None:
        self._before = _chain_before(init)
        self._events = [*self._before, *events] if self._before else events
        self._witness = witness
        self._budget = budget

    def why(self) -> str:
        history = pair(self._events)
        if self._witness is not None and explains(history, self._witness):
            return ""
        failure = sweep_blog(history, self._budget)
        local = failure is None and bool(history.local.returned)
        if local:
            failure = sweep_blog(history, self._budget, local=True)
        if failure is None:
            return ""
        whole = len(self._events)
        length, certain = shortest_failing(
            lambda length: self._failure(length, local=local) is not None,
            passes=failure.at,
            failing=whole,
            guess=latest(failure) + 1,
        )
        try:
            final = self._failure(length, local=local) or failure
        except OutOfBudget:
            final = failure
        rule = "no order that explains the rest explains the local reads: " if local else ""
        described = _describe_length(length - len(self._before), whole - len(self._before), certain)
        return f"{described}: {rule}{explain(final)}"

    def _failure(self, length: int, *, local: bool) -> Failure | None:
        return sweep_blog(pair(self._events[:length]), self._budget, local=local)


class _Searched:
    """A history of any other model."""

    def __init__(self, events: Sequence[Event], model: str, init: Any, budget: Budget) -> None:
        self._events = events
        self._model = MODELS[model]()
        self._init = init
        self._budget = budget

    def why(self) -> str:
        history = pair(self._events)
        found = search(history.main, self._model, self._init, self._budget)
        if found.at is None:
            return ""
        whole = len(self._events)
        length, certain = shortest_failing(
            lambda length: self._found(pair(self._events[:length])).at is not None,
            passes=found.at if found.alone else 0,
            failing=whole,
            guess=found.at + 1,
        )
        shortest = pair(self._events[:length])
        try:
            # Without lookahead the search stops where a person sees the contradiction; this may take long.
            found = search(shortest.main, self._model, self._init, Budget(_EXPLANATION_S), lookahead=False)
        except OutOfBudget:
            shortest = history
        return f"{_describe_length(length, whole, certain)}: {_describe_result(found, shortest.main)}"

    def _found(self, history: PairedHistory) -> SearchResult:
        return search(history.main, self._model, self._init, self._budget)


def _chain_before(init: Any) -> list[Event]:
    """The writes already on the chain, as completed operations of a process of their own."""
    events: list[Event] = []
    titles: set[str] = set()
    for f, *arg in PlainBlog.writes(init):
        if (arg[1] in titles) is (f == "comment"):  # Else it was refused and changed nothing.
            titles.add(arg[1])
            events.append(Event(process=-1, type="invoke", f=f, value=arg))
            events.append(Event(process=-1, type="ok", f=f, value="ok"))
    return events


def _describe_length(length: int, whole: int, certain: bool) -> str:
    if length >= whole:
        return f"It takes all {whole} events to fail"
    return f"The first {length} of {whole} events fail already" + ("" if certain else " (perhaps fewer)")


def _describe_result(found: SearchResult, operations: Operations) -> str:
    """Why the search got no further, in words."""
    assert found.at is not None
    states = " or ".join(brief(_sorted_state(state)) for state in found.states)
    first = f"{_describe(operations, found.operation)} cannot be explained by any order."
    held = f"When it returned the state could only be {states}" if found.states else ""
    others = "; ".join(_describe(operations, number) for number in found.open[:5])
    more = f" and {len(found.open) - 5} more" if len(found.open) > 5 else ""
    beside = f", or what these still open operations make of it: {others}{more}." if others else "."
    return f"{first} {held}{beside}"


def _describe(operations: Operations, number: int) -> str:
    f, arg, ret = operations.f[number], operations.arg[number], operations.ret[number]
    asked = "" if arg is None else brief(arg)
    result = f", told {brief(operations.result[number])}" if ret != PENDING else ", fate unknown"
    events = (
        f"events {operations.call[number] + 1} to {ret + 1}"
        if ret != PENDING
        else f"event {operations.call[number] + 1}"
    )
    return f"{f}({asked}) of process {operations.process[number]} ({events}{result})"


def _sorted_state(state: Any) -> Any:
    return sorted(state, key=str) if isinstance(state, frozenset) else state


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
