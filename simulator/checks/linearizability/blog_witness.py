"""The chain as witness: with a known order of the writes, checking a blog is one replay.

The witness is the sequence of all decided writes, (f, user, title, content) in chain order, refused ones included. The
replay gives each its outcome and matches it with an operation of the same call that has this outcome, or is pending. Of
several, it takes the one that returns first among those called by then (earliest deadline first). A pending one is
taken only where the completed ones leave a position free.

A view that saw k entries of its list has its linearization point in the gaps between the write that added entry k and
the one that added the next. It gets the earliest gap that real-time order and the earlier views allow, which leaves
most gaps to later views.

A witness that fails proves nothing: another order may explain the history.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import accumulate, takewhile
from typing import Any

from simulator.checks.linearizability.operations import PENDING, Operations, PairedHistory

Witness = Sequence[tuple[str, str, str, str]]
"""(f, user, title, content) of each decided write, in chain order; f is "post" or "comment"."""

_Key = tuple[str, str, str, str, str]
"""A write and its outcome."""

_WRITES = ("post", "comment")
_NO_OPERATIONS: list[int] = []


def explains(history: PairedHistory, witness: Witness) -> bool:
    """True when the witness order explains every operation of the history, local reads included."""
    replayed = _Replay(witness)
    matched = _matched(history, replayed)
    return matched is not None and _views_fit(history, replayed, *matched)


class _GrowingList:
    """A list during the replay: its entries, and the position in the witness (from 1) that added each.

    The list of a title begins with its post, the `head`: it has a position but is not an entry.
    """

    __slots__ = ("at", "entries", "head")

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self.at: list[int] = []
        self.head: tuple[str, str] | None = None

    def prefix_length(self, entries: list[Any]) -> int:
        """How many entries a view saw; -1 when they are not a prefix of this list."""
        count = len(entries)
        own = self.entries if count == len(self.entries) else self.entries[:count]
        return count if own == entries else -1


_EMPTY = _GrowingList()


class _Replay:
    """The blog that the witness builds. `keys` are the writes with their outcomes, for matching with operations."""

    def __init__(self, witness: Witness) -> None:
        self.all = _GrowingList()
        self.titles: dict[str, _GrowingList] = {}
        self.users: dict[str, _GrowingList] = {}
        self.keys: list[_Key] = []
        titles, users, keys = self.titles, self.users, self.keys
        for at, (f, user, title, content) in enumerate(witness, 1):
            shown = titles.get(title)
            if (shown is None) is not (f == "post"):
                keys.append((f, user, title, content, "duplicate title" if f == "post" else "cannot comment"))
                continue
            keys.append((f, user, title, content, "ok"))
            if shown is None:
                shown = titles[title] = _GrowingList()
                shown.head = user, content
                self.all.entries.append([title, user])
                self.all.at.append(at)
            else:
                shown.entries.append([user, content])
            shown.at.append(at)
            mine = users.get(user)
            if mine is None:
                mine = users[user] = _GrowingList()
            mine.entries.append([f, title, content])
            mine.at.append(at)

    def view(self, f: str, arg: Any, result: Any) -> tuple[_GrowingList, int]:
        """The list of a view, and how many entries it saw: -1 when it is not a prefix of the list."""
        if f == "view_all":
            return self.all, self.all.prefix_length(result)
        if f == "view_user":
            shown = self.users.get(arg, _EMPTY)
            return shown, shown.prefix_length(result)
        shown = self.titles.get(arg, _EMPTY)
        if result == "not found":
            return shown, 0
        if not shown.at or shown.head != (result[0], result[1]):
            return shown, -1
        comments = shown.prefix_length(result[2])
        return shown, comments if comments < 0 else comments + 1


def _matched(history: PairedHistory, replayed: _Replay) -> tuple[list[int], list[int]] | None:
    """For each write of the witness, the call and return of its operation; None when they cannot be matched."""
    main = history.main
    args, results, calls, rets = main.arg, main.result, main.call, main.ret
    completed: dict[_Key, list[int]] = {}
    pending: dict[_Key, list[int]] = {}
    missing = 0
    for number, f in enumerate(main.f):
        if f in _WRITES and (ret := rets[number]) >= 0:
            user, title, content = args[number]
            # A pending write may have either outcome, so its key has none.
            key = f, user, title, content, "" if ret == PENDING else results[number]
            table = pending if ret == PENDING else completed
            missing += ret != PENDING
            entry = table.get(key)
            if entry is None:
                table[key] = [number]
            else:
                entry.append(number)
    left = Counter(replayed.keys) if pending else Counter()
    moment, called, returned = -1, [], []
    for key in replayed.keys:
        waiting = completed.get(key, _NO_OPERATIONS)
        pending_alike = _NO_OPERATIONS
        if pending:
            left[key] -= 1
            if left[key] >= len(waiting):  # Else every remaining position belongs to a completed operation.
                pending_alike = pending.get((*key[:4], ""), _NO_OPERATIONS)
        taken = (
            waiting.pop()
            if len(waiting) == 1 and not pending_alike
            else _earliest(waiting, pending_alike, moment, calls, rets)
        )
        if taken < 0:
            return None
        ret = rets[taken]
        missing -= ret != PENDING
        moment = max(moment, calls[taken])
        if ret < moment:
            return None
        called.append(calls[taken])
        returned.append(ret)
    return None if missing else (called, returned)


def _earliest(completed: list[int], pending: list[int], moment: int, calls: list[int], rets: list[int]) -> int:
    """Remove from the two lists, both in order of call, the first to return of those called by `moment`.

    If none was called by then, take the first to be called; -1 when both lists are empty.
    """
    ready = list(takewhile(lambda number: calls[number] <= moment, completed))
    if ready:
        taken = min(ready, key=lambda number: rets[number])
    elif pending and calls[pending[0]] <= moment:
        taken = pending[0]
    else:
        taken = min([*completed[:1], *pending[:1]], key=lambda number: calls[number], default=-1)
    if taken >= 0:
        (completed if rets[taken] != PENDING else pending).remove(taken)
    return taken


def _views_fit(history: PairedHistory, replayed: _Replay, calls: list[int], returns: list[int]) -> bool:
    """Give each view the earliest gap that is possible. Gap g is behind the first g writes of the witness."""
    latest_call = [-1, *accumulate(calls, max)]
    earliest_return = list(accumulate(reversed(returns), min))
    earliest_return.reverse()  # soonest[g]: the first return among the writes behind gap g. It never decreases.
    all_views = _ReturnedViews()
    nodes: dict[int, _ReturnedViews] = {}
    for table, number in _in_order_of_return(history):
        f, call, ret = table.f[number], table.call[number], table.ret[number]
        shown, prefix_length = replayed.view(f, table.arg[number], table.result[number])
        if prefix_length < 0:
            return False
        low = shown.at[prefix_length - 1] if prefix_length else 0
        high = shown.at[prefix_length] - 1 if prefix_length < len(shown.at) else len(calls)
        if table is history.main:
            gap = max(low, bisect_right(earliest_return, call), all_views.before(call))
        else:
            # A local read may be stale, but not older than an earlier one of its node.
            node = nodes.setdefault(table.node[number], _ReturnedViews())
            gap = max(low, node.before(call))
            node.add(ret, gap)
        if gap > high or latest_call[gap] >= ret:
            return False
        all_views.add(ret, gap)
    return True


class _ReturnedViews:
    """Views that have returned, in order of return, with the furthest gap up to each."""

    __slots__ = ("_gaps", "_returns")

    def __init__(self) -> None:
        self._returns: list[int] = []
        self._gaps: list[int] = []

    def add(self, ret: int, gap: int) -> None:
        """Add a view that returned after all others."""
        self._returns.append(ret)
        self._gaps.append(max(gap, self._gaps[-1]) if self._gaps else gap)

    def before(self, call: int) -> int:
        """The furthest gap of the views that returned before `call`."""
        at = bisect_right(self._returns, call)
        return self._gaps[at - 1] if at else 0


def _in_order_of_return(history: PairedHistory) -> Iterator[tuple[Operations, int]]:
    """All views that returned, local reads included."""
    main, local = history.main, history.local
    views = ((main, number) for number in main.returned if main.f[number] not in _WRITES)
    if not local.returned:
        return views
    return merge(views, ((local, number) for number in local.returned), key=lambda view: view[0].ret[view[1]])
