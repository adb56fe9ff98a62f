"""The exact method for the blog: one sweep over the returns, instead of a search.

The views fix the order of every list (`blog_facts`), so all that is left is when each write takes effect: as late as
it may. At each return the sweep places what must have taken effect by then, after everything that must stand before
it (`blog_order`). A write can be placed only after its own call and after the call of every view that did not see it.
What the sweep has placed at a moment, every order that explains the history has placed by then too; so when something
cannot be placed there is no such order, and when the sweep ends, its order is one.

Comments that are alike are told apart only when they are placed: of those called by then, the one that returns first
gets the place, as in any earliest-deadline schedule. A choice remains where a title's post is one of several
unfinished ones by different users and no view says whose: these are tried in turn, each time after a sweep that leaves
the rest of them open (which asks less of them, so what fails there fails for every choice).
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from simulator.checks.linearizability.blog_facts import Contradiction, read_facts
from simulator.checks.linearizability.blog_order import NONE, Order, Twins
from simulator.checks.linearizability.budget import Budget
from simulator.checks.linearizability.operations import Paired


@dataclass(slots=True)
class Stuck:
    """Where the sweep cannot go on: `operation` returns at `at` and needs the last token of `path`, which cannot be.

    Each token of `path` needs the next one. `circle`: the last one needs an earlier one of the path.
    """

    at: int
    operation: int
    path: list[int]
    circle: bool = False


@dataclass(slots=True)
class Failure:
    """No order explains the history. Either what the views say contradicts itself, or the sweep is stuck.

    `at`: the events before this one can be explained (0: not known). `latest`: an event that matters.
    """

    at: int
    latest: int
    contradiction: Contradiction | None = None
    order: Order | None = None
    stuck: Stuck | None = None


def sweep_blog(history: Paired, budget: Budget, *, local: bool = False) -> Failure | None:
    """None when some order explains the history (with its local reads, if `local`); else why there is none.

    Raises:
        OutOfBudget: too many choices among unfinished posts.
    """
    budget.check()
    try:
        order = Order(read_facts(history, local=local))
    except Contradiction as contradiction:
        return Failure(0, contradiction.latest, contradiction=contradiction)
    returned = history.main.returned
    if local:
        size, ret = order.facts.size, order.facts.ret
        both = [*returned, *(size + number for number in history.local.returned)]
        returned = sorted(both, key=lambda number: ret[number])
    return _choose(order, returned, budget)


def _choose(order: Order, returned: list[int], budget: Budget) -> Failure | None:
    """Sweep for each choice among `open_posts`, depth first; a choice is made only for posts that were placed."""
    worst: Failure | None = None
    plans: list[tuple[tuple[int, int], ...]] = [()]
    while plans:
        plan = plans.pop()
        budget.check()
        undo = [_decide(order, token, number) for token, number in plan]
        stuck, placed = _sweep(order, returned)
        for token, need, second in reversed(undo):
            order.need[token], order.second[token] = need, second
        if stuck is None:
            chosen = {token for token, _ in plan}
            undecided = [token for token in order.open_posts if placed[token] and token not in chosen]
            if not undecided:
                return None
            token = undecided[0]
            plans += [(*plan, (token, number)) for number in reversed(order.open_posts[token])]
        elif worst is None or stuck.at > worst.latest:
            # A sweep that leaves choices open proves nothing about the events before it got stuck.
            worst = Failure(0 if order.open_posts else stuck.at, stuck.at, order=order, stuck=stuck)
    return worst


def _decide(order: Order, token: int, number: int) -> tuple[int, int, int]:
    """Let the open post `token` be operation `number`; returns what to put back."""
    facts = order.facts
    undo = token, order.need[token], order.second[token]
    order.need[token] = max(order.need[token], facts.call[number])
    order.second[token] = NONE
    shown = facts.users.get(facts.arg[number][0])
    if shown is not None:
        order.need[token] = max(order.need[token], shown.last_call.get(len(shown.tokens), -1))
        order.second[token] = shown.end
    return undo


class _Takers:
    """Who of several comments that are alike gets the next place."""

    __slots__ = ("_called", "_ready", "next_token", "taken", "twins")

    def __init__(self, twins: Twins) -> None:
        self.twins = twins
        self.next_token = 0
        self.taken: set[int] = set()
        self._called = 0
        self._ready: list[tuple[int, int]] = []

    def take(self, order: Order, at: int) -> bool:
        """Give the next place to the earliest to return of those called before event `at`. False: there is none."""
        facts, operations = order.facts, self.twins.operations
        while self._called < len(operations) and facts.call[operations[self._called]] < at:
            number = operations[self._called]
            heapq.heappush(self._ready, (facts.ret[number], number))
            self._called += 1
        if not self._ready:
            return False
        self.taken.add(heapq.heappop(self._ready)[1])
        self.next_token += 1
        return True


def _taker(takers: dict[int, _Takers], twins: Twins) -> _Takers:
    found = takers.get(twins.tokens[0])
    if found is None:
        found = takers[twins.tokens[0]] = _Takers(twins)
    return found


def _sweep(order: Order, returned: list[int]) -> tuple[Stuck | None, bytearray]:
    """Place at each return what must have taken effect by then. Tokens: 0 not placed, 1 under way, 2 placed."""
    target, twin_of, rets = order.target, order.twin_of, order.facts.ret
    placed = bytearray(len(order.need))
    takers: dict[int, _Takers] = {}
    for number in returned:
        wanted = target[number]
        if wanted < 0:
            continue
        if wanted == number and number in twin_of:
            taker = _taker(takers, twin_of[number])
            if number in taker.taken:
                continue
            wanted = twin_of[number].tokens[taker.next_token]
        if not placed[wanted]:
            path, circle = _place(order, wanted, rets[number], placed, takers)
            if path:
                return Stuck(rets[number], number, path, circle), placed
    return None, placed


def _place(order: Order, wanted: int, at: int, placed: bytearray, takers: dict[int, _Takers]) -> tuple[list[int], bool]:
    """Place a token, after all that must stand before it, when event `at` demands it.

    When that cannot be, the tokens that led to where it fails, each needing the next, and whether they run in a circle.
    """
    need, first, second, after, twins = order.need, order.first, order.second, order.after, order.twins
    path = [wanted]
    while path:
        token = path[-1]
        if placed[token]:
            if placed[token] == 1:
                placed[token] = 2
                if token in twins and not _taker(takers, twins[token]).take(order, at):
                    return _under_way(path, placed), False
            path.pop()
            continue
        placed[token] = 1
        if need[token] >= at:
            return _under_way(path, placed), False
        befores = (first[token], second[token])
        for before in (*befores, *after.get(token, ())) if after else befores:
            if before >= 0 and placed[before] != 2:
                path.append(before)
                if placed[before]:
                    return _under_way(path, placed), True
    return [], False


def _under_way(path: list[int], placed: bytearray) -> list[int]:
    """The tokens of the path that need one another: the rest only waited for their turn."""
    return [token for at, token in enumerate(path) if placed[token] == 1 or at == len(path) - 1]
