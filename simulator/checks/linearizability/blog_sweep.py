"""The exact method for the blog: one sweep over the returns instead of a search.

The views fix the order of every list (`blog_facts`), so only the linearization point of each write remains to be found:
the sweep places it as late as possible. At each return it places the points that must precede that return, each after
its predecessors (`blog_order`). A point can be placed only after the call of its write and after the calls of the views
that did not see it. Every valid order has placed by each return all that the sweep has placed by then. So if a point
cannot be placed there is no valid order, and if the sweep ends, its order is one.

Equal comments are distinguished only when they are placed: of those called by then, the one that returns first is
placed (earliest deadline first). A choice remains where a title's post is one of several pending ones by different
users and no view shows whose. The sweep tries them in turn. Before each choice it runs with the other choices left
open: that is a weaker demand, so if it fails every choice fails.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from simulator.checks.linearizability.blog_facts import Contradiction, read_facts
from simulator.checks.linearizability.blog_order import NONE, EqualComments, ForcedOrder
from simulator.checks.linearizability.budget import Budget
from simulator.checks.linearizability.operations import PairedHistory


@dataclass(slots=True)
class Stuck:
    """Where the sweep stops: `operation` returns at `at` and requires the last point of `path`, which cannot be placed.

    Each point of `path` requires the next one. `cycle`: the last one requires an earlier one of the path.
    """

    at: int
    operation: int
    path: list[int]
    cycle: bool = False


@dataclass(slots=True)
class Failure:
    """No order explains the history: the views contradict one another, or the sweep is stuck.

    The events before `at` can be explained (0: not known). `latest` is an event that matters.
    """

    at: int
    latest: int
    contradiction: Contradiction | None = None
    order: ForcedOrder | None = None
    stuck: Stuck | None = None


def sweep_blog(history: PairedHistory, budget: Budget, *, local: bool = False) -> Failure | None:
    """None when some order explains the history (with its local reads, if `local`), else the reason.

    Raises:
        OutOfBudget: there are too many choices among pending posts.
    """
    budget.check()
    try:
        order = ForcedOrder(read_facts(history, local=local))
    except Contradiction as contradiction:
        return Failure(0, contradiction.latest, contradiction=contradiction)
    returned = history.main.returned
    if local:
        size, ret = order.facts.size, order.facts.ret
        both = [*returned, *(size + number for number in history.local.returned)]
        returned = sorted(both, key=lambda number: ret[number])
    return _choose(order, returned, budget)


def _choose(order: ForcedOrder, returned: list[int], budget: Budget) -> Failure | None:
    """Sweep for each choice among `undecided_posts`, depth first; choose only for posts that were placed."""
    worst: Failure | None = None
    choices: list[tuple[tuple[int, int], ...]] = [()]
    while choices:
        choice = choices.pop()
        budget.check()
        undo = [_decide(order, point, number) for point, number in choice]
        stuck, placed = sweep(order, returned)
        for point, not_before, second in reversed(undo):
            order.not_before[point], order.second[point] = not_before, second
        if stuck is None:
            chosen = {point for point, _ in choice}
            undecided = [point for point in order.undecided_posts if placed[point] and point not in chosen]
            if not undecided:
                return None
            point = undecided[0]
            choices += [(*choice, (point, number)) for number in reversed(order.undecided_posts[point])]
        elif worst is None or stuck.at > worst.latest:
            # A sweep with open choices proves nothing about the events before it stopped.
            worst = Failure(0 if order.undecided_posts else stuck.at, stuck.at, order=order, stuck=stuck)
    return worst


def _decide(order: ForcedOrder, point: int, number: int) -> tuple[int, int, int]:
    """Set the undecided post `point` to operation `number`; returns what undoes it."""
    facts = order.facts
    undo = point, order.not_before[point], order.second[point]
    order.not_before[point] = max(order.not_before[point], facts.call[number])
    order.second[point] = NONE
    shown = facts.users.get(facts.arg[number][0])
    if shown is not None:
        order.not_before[point] = max(order.not_before[point], shown.last_call.get(len(shown.points), -1))
        order.second[point] = shown.end
    return undo


class _DeadlineQueue:
    """Assigns the points of equal comments to their operations, earliest deadline first."""

    __slots__ = ("_called", "_ready", "equal_comments", "next_point", "taken")

    def __init__(self, equal_comments: EqualComments) -> None:
        self.equal_comments = equal_comments
        self.next_point = 0
        self.taken: set[int] = set()
        self._called = 0
        self._ready: list[tuple[int, int]] = []

    def take(self, order: ForcedOrder, at: int) -> bool:
        """Assign the next point to the first to return of those called before event `at`. False: there is none."""
        facts, operations = order.facts, self.equal_comments.operations
        while self._called < len(operations) and facts.call[operations[self._called]] < at:
            number = operations[self._called]
            heapq.heappush(self._ready, (facts.ret[number], number))
            self._called += 1
        if not self._ready:
            return False
        self.taken.add(heapq.heappop(self._ready)[1])
        self.next_point += 1
        return True


def _queue_of(queues: dict[int, _DeadlineQueue], equal_comments: EqualComments) -> _DeadlineQueue:
    found = queues.get(equal_comments.points[0])
    if found is None:
        found = queues[equal_comments.points[0]] = _DeadlineQueue(equal_comments)
    return found


def sweep(
    order: ForcedOrder, returned: list[int], placements: list[tuple[int, int]] | None = None
) -> tuple[Stuck | None, bytearray]:
    """Place at each return what it requires. The state of a point: 0 not placed, 1 in progress, 2 placed.

    `placements` receives (event, point) for each point that is placed, in order.
    """
    required, equals_of, rets = order.required, order.equals_of, order.facts.ret
    placed = bytearray(len(order.not_before))
    queues: dict[int, _DeadlineQueue] = {}
    for number in returned:
        wanted = required[number]
        if wanted < 0:
            continue
        if wanted == number and number in equals_of:
            queue = _queue_of(queues, equals_of[number])
            if number in queue.taken:
                continue
            wanted = equals_of[number].points[queue.next_point]
        if not placed[wanted]:
            path, cycle = _place(order, wanted, rets[number], placed, queues, placements=placements)
            if path:
                return Stuck(rets[number], number, path, cycle), placed
    return None, placed


def _place(
    order: ForcedOrder,
    wanted: int,
    at: int,
    placed: bytearray,
    queues: dict[int, _DeadlineQueue],
    *,
    placements: list[tuple[int, int]] | None = None,
) -> tuple[list[int], bool]:
    """Place a point after all its predecessors, when event `at` requires it.

    If that is impossible, return the points that lead to the failure, each requiring the next, and whether they form a
    cycle.
    """
    not_before, first, second, further, equal_comments = (
        order.not_before,
        order.first,
        order.second,
        order.further,
        order.equal_comments,
    )
    path = [wanted]
    while path:
        point = path[-1]
        if placed[point]:
            if placed[point] == 1:
                placed[point] = 2
                if point in equal_comments and not _queue_of(queues, equal_comments[point]).take(order, at):
                    return _in_progress(path, placed), False
                if placements is not None:
                    placements.append((at, point))
            path.pop()
            continue
        placed[point] = 1
        if not_before[point] >= at:
            return _in_progress(path, placed), False
        predecessors = (first[point], second[point])
        for predecessor in (*predecessors, *further.get(point, ())) if further else predecessors:
            if predecessor >= 0 and placed[predecessor] != 2:
                path.append(predecessor)
                if placed[predecessor]:
                    return _in_progress(path, placed), True
    return [], False


def _in_progress(path: list[int], placed: bytearray) -> list[int]:
    """The points of the path that require one another; the others are only queued."""
    return [point for at, point in enumerate(path) if placed[point] == 1 or at == len(path) - 1]
