"""Weaker promises than linearizability: what does hold, where that does not.

* `sequential` (Lamport, 1979): one order of all operations explains every result and keeps the order of each process.
Real time between processes does not count.
* `regular` (Lamport, 1986; for many writers the weak form of Shao, Pierce & Welch, DISC 2003): each read alone, with
all writes, is linearizable. Two reads may see two concurrent writes in different orders.
* `stale N`: linearizable, but a read may show a state that at most N writes have replaced (compare k-atomicity, Aiyer,
Alvisi & Bazzi, DISC 2005).

Reads here are all operations that change nothing. Local reads count as any other read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from simulator.checks.linearizability.blog_facts import brief
from simulator.checks.linearizability.budget import Budget, OutOfBudget
from simulator.checks.linearizability.independent import Objects
from simulator.checks.linearizability.judge import Verdict, call_of, judge
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.operations import pair
from simulator.checks.linearizability.parts import parts_of
from simulator.checks.linearizability.parts_judge import describe
from simulator.checks.linearizability.prefix import (
    Reason,
    describe_length,
    shortest_failing,
    with_later_calls,
)
from simulator.checks.linearizability.sequential_blog import sequential_blog
from simulator.checks.linearizability.sequential_clusters import CLUSTERS
from simulator.checks.linearizability.sequential_keys import sequential_keys
from simulator.checks.linearizability.stale_blog import stale_blog
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous
from simulator.checks.linearizability.weaker_register import (
    Clusters,
    regular_conflict,
    sequential_conflict,
    stale_conflict,
)
from simulator.checks.linearizability.weaker_search import searched_weaker
from simulator.cluster.history import Event
from simulator.errors import InputError

WEAKER = ("sequential", "regular", "stale")

_EXPLANATION_S = 4.0


def judge_weaker(
    events: Sequence[Event], model: str, consistency: str, init: Any = None, limit_s: float | None = None
) -> Verdict:
    """Check a history for "sequential", "regular", or "stale N" with a number N.

    Raises:
        InputError: there is no such model, first value or consistency.
    """
    if model not in MODELS:
        raise InputError(f"there is no model {model!r}: write one of {', '.join(MODELS)}.")
    name, _, number = consistency.partition(" ")
    if name not in WEAKER or bool(number) is not (name == "stale") or (number and not number.isdecimal()):
        raise InputError(
            f"there is no consistency {consistency!r}: write linearizable, sequential, regular or stale N."
        )
    plain = [msgspec.structs.replace(event, read="", node=0) if event.read else event for event in events]
    operations = sum(event.type == "invoke" for event in plain)
    promise = _Promise(plain, model, name, int(number or 0), init)
    budget = Budget(limit_s)
    try:
        if judge(plain, model, init, limit_s=limit_s).verdict == "ok":
            return Verdict("ok", "", operations, len(plain))
        reason = promise.broken(plain, budget)
    except OutOfBudget as bound:
        return Verdict("unknown", f"{bound}.", operations)
    if reason is None:
        return Verdict("ok", "", operations, len(plain))
    reason = promise.shortened(reason)
    return Verdict(
        "violation", reason.why, operations, reason.length - 1, call_of(plain, reason.length - 1), reason.conflict
    )


class _Promise:
    """One promise about one history, and the shortest prefix of it that breaks the promise."""

    def __init__(self, events: Sequence[Event], model: str, name: str, behind: int, init: Any) -> None:
        self._events = events
        self._model = model
        self._name = name
        self._behind = behind
        self._init = init

    def broken(self, events: Sequence[Event], budget: Budget) -> Reason | None:
        """Why a history does not keep the promise; None if it does.

        Raises:
            OutOfBudget: a limit was reached first.
        """
        try:
            return decided_weaker(events, self._model, self._name, self._behind, self._init, budget=budget)
        except Ambiguous:
            why = searched_weaker(events, self._model, self._name, self._behind, self._init, budget=budget)
            return Reason(why, 0, ()) if why else None

    def shortened(self, found: Reason) -> Reason:
        """The reason for the shortest prefix that fails, if it is found in time."""
        events, limit = self._events, Budget(_EXPLANATION_S)
        rets = dict(zip((table := pair(events).main).call, table.ret, strict=True))
        ends = [rets[call] for call in found.conflict if rets.get(call, len(events)) < len(events)]

        def fails(length: int) -> bool:
            nonlocal found
            limit.check()
            shorter = self.broken(self._prefix(length), limit)
            found = shorter or found
            return shorter is not None

        length, certain = shortest_failing(fails, passes=0, failing=len(events), guess=1 + max(ends, default=-1))
        found = self._with_later(found, length)
        return Reason(f"{describe_length(length, len(events), certain)}: {found.why}", length, found.conflict)

    def _with_later(self, found: Reason, length: int) -> Reason:
        """The reason with the operation that is called later, where a read shows what was written only then."""
        if len(found.conflict) != 1 or self._name == "sequential":
            return found
        events = with_later_calls(self._events, length)
        try:
            fuller = decided_weaker(events, self._model, self._name, self._behind, self._init)
        except Ambiguous:
            return found
        return fuller if fuller is not None and {*found.conflict} < {*fuller.conflict} else found

    def _prefix(self, length: int) -> Sequence[Event]:
        """The first `length` events.

        What is called later may come first in a sequential order, so its calls stay: a prefix that fails even so fails
        whatever follows.
        """
        return with_later_calls(self._events, length) if self._name == "sequential" else self._events[:length]


def decided_weaker(
    events: Sequence[Event], model: str, promise: str, behind: int, init: Any, *, budget: Budget | None = None
) -> Reason | None:
    """Why a history does not keep the promise, None if it does; without a search. The `length` means nothing.

    Raises:
        Ambiguous: that has to be searched.
        OutOfBudget: a limit was reached first.
    """
    if model == "blog" and promise == "sequential" and not init:
        return sequential_blog(pair(events).main)
    if model == "blog" and promise == "stale" and not init:
        return stale_blog(pair(events).main, behind)
    if model not in CLUSTERS or (promise != "sequential" and model != "register"):
        raise Ambiguous
    operations, judged = pair(events).main, MODELS[model]()
    objects = Objects.of(operations, judged)
    parts = parts_of(operations, judged, objects.split(operations))
    firsts = {part: objects.first(judged, init, part) for part in parts}
    for first in firsts.values():
        judged.initial(first)
    if promise == "sequential" and (model != "register" or len(parts) > 1):
        return sequential_keys(operations, model, parts, firsts, budget or Budget())
    certain = True
    for part, numbers in parts.items():
        try:
            clusters = Clusters(operations, numbers, judged.initial(firsts[part]))
            if promise == "sequential":
                conflict = sequential_conflict(clusters)
            else:
                conflict = regular_conflict(clusters) if promise == "regular" else stale_conflict(clusters, behind)
        except Ambiguous:
            certain = False
            continue
        if conflict is not None:
            key = f"key {brief(part)}: " if objects is Objects.KEYS else ""
            described = [describe(operations, number) for number in conflict.operations]
            named = tuple(operations.call[number] for number in conflict.operations if number >= 0)
            return Reason(f"{key}{conflict.text.format(*described)}.", 0, named)
    if not certain:
        raise Ambiguous
    return None
