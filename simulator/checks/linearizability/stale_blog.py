"""May views of a blog be stale, and how much? Two proofs in n log n; what neither settles is searched.

Without what views did not see, the sweep (`blog_sweep.py`) places each write as late as it can. So what it has placed
by an event has taken effect by then in every order; and if it cannot place a write, no promise about staleness holds.

*Kept.* Its order of the writes is one order. Each view stands in it when it is called, or just after the last entry
that it shows. If at most N writes stand between the next entry of its list and the view, the promise is kept.

*Broken.* A view misses an entry that had taken effect by some event, and more than N writes were called after that and
had taken effect before the view was called.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator

from simulator.checks.linearizability.blog_explanation import contradicting, explain
from simulator.checks.linearizability.blog_facts import Contradiction, Facts, describe, read_facts
from simulator.checks.linearizability.blog_order import ForcedOrder
from simulator.checks.linearizability.blog_sweep import Failure, sweep
from simulator.checks.linearizability.operations import PENDING, Operations, PairedHistory
from simulator.checks.linearizability.prefix import Reason
from simulator.checks.linearizability.sequential_blog import seen_length, viewed
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous

_Missing = tuple[int, int, int]
"""A view, the place in the order of the first write that it misses, and the event by which that had taken effect."""


def stale_blog(operations: Operations, behind: int) -> Reason | None:
    """None if an order exists in which views miss at most the last `behind` writes. Its `length` means nothing.

    Raises:
        Ambiguous: nothing is proved, neither that nor the contrary.
    """
    try:
        facts = read_facts(PairedHistory(operations, Operations(), 0), local=False)
        for shown in (facts.all, *facts.titles.values(), *facts.users.values()):
            shown.last_call.clear()
        order = ForcedOrder(facts)
    except Contradiction as contradiction:
        return Reason(f"{contradiction.why}.", 0, contradiction.calls)
    placements: list[tuple[int, int]] = []
    stuck, _ = sweep(order, operations.returned, placements)
    if stuck is not None:
        failure = Failure(0, stuck.at, order=order, stuck=stuck)
        return Reason(explain(failure), 0, tuple(contradicting(failure)))
    if order.undecided_posts:
        raise Ambiguous
    events = [event for event, _ in placements]
    missing = list(_missing(order, placements))
    late = [one for one in missing if bisect_left(events, facts.call[one[0]]) - one[1] > behind]
    if not late:
        return None
    proved = _certain(order, placements, late, behind)
    if proved is None:
        raise Ambiguous
    view, entry, replaced = proved
    why = (
        f"{describe(facts, view)} misses {describe(facts, entry)}, and at least {replaced} writes had taken effect "
        f"since that when the view was called."
    )
    return Reason(why, 0, (facts.call[view], facts.call[entry]))


def _missing(order: ForcedOrder, placements: list[tuple[int, int]]) -> Iterator[_Missing]:
    """Each view that misses a write of its list which was placed before the view was called."""
    facts = order.facts
    place = {point: at for at, (_, point) in enumerate(placements)}
    rest = _unseen(order, place)
    lists = {shown.name: shown for shown in order.lists()}
    for number, ret in enumerate(facts.ret):
        if ret < 0 or ret == PENDING or (facts.f[number] == "post" and facts.result[number] != "ok"):
            continue
        name = viewed(facts, number)
        if name is None or name not in lists:
            continue
        points, length = lists[name].points, seen_length(facts, number)
        following = points[length : length + 1] or rest.get(name, [])[:1]
        if not following or following[0] not in place:
            continue
        event = placements[place[following[0]]][0]
        seen = placements[place[points[length - 1]]][0] if length else -1
        if event < facts.call[number] and seen < facts.call[number]:
            yield number, place[following[0]], event


def _unseen(order: ForcedOrder, place: dict[int, int]) -> dict[tuple[str, str], list[int]]:
    """For each list the first write placed of those that no view of it shows."""
    facts = order.facts
    inside = {shown.name: set(shown.points) for shown in order.lists()}
    found: dict[tuple[str, str], list[int]] = {}
    for point in place:
        for name in _lists_of(order, facts, point):
            if point not in inside.get(name, set()) and name not in found:
                found[name] = [point]
    return found


def _lists_of(order: ForcedOrder, facts: Facts, point: int) -> Iterator[tuple[str, str]]:
    number = _operation(order, point)
    user, title, _ = facts.arg[number]
    if facts.f[number] == "post":
        yield "all", ""
    yield "title", title
    yield "user", user


def _operation(order: ForcedOrder, point: int) -> int:
    return order.equal_comments[point].operations[0] if point in order.equal_comments else point


def _certain(
    order: ForcedOrder, placements: list[tuple[int, int]], late: list[_Missing], behind: int
) -> tuple[int, int, int] | None:
    """A view that misses more than `behind` writes in every order, the entry that it misses, and how many."""
    facts = order.facts
    calls: list[int] = []  # Of the writes placed so far, sorted.
    used = 0
    for view, at, event in sorted(late, key=lambda one: facts.call[one[0]]):
        while used < len(placements) and placements[used][0] < facts.call[view]:
            insort(calls, order.not_before[placements[used][1]])
            used += 1
        replaced = 1 + len(calls) - bisect_left(calls, event)
        if replaced > behind:
            return view, _operation(order, placements[at][1]), replaced
    return None
