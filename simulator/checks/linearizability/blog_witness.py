"""The chain as witness: when the order of the writes is known, judging a blog is a replay.

The witness is the sequence of all decided writes, (f, user, title, content) in chain order, refused ones included. The
replay gives each its outcome, and matches it with a write of the history that asked the same and was told that outcome
or nothing: of several, with the one that returns first of those called by then (earliest deadline), and with one of
unknown fate only where those of known fate leave a place. A view that saw k entries of its list stands in the gaps
between the write that added the k-th and the one that added the next; the earliest gap is taken that real time and
the views before it leave, which leaves most to the later ones.

A witness that fails proves nothing: another order may explain the history.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from heapq import merge
from itertools import accumulate, takewhile
from typing import Any

from simulator.checks.linearizability.operations import NEVER, Operations, Paired

Witness = Sequence[tuple[str, str, str, str]]
"""(f, user, title, content) of each decided write, in chain order; f is "post" or "comment"."""

_Key = tuple[str, str, str, str, str]
"""A write and its outcome."""

_WRITES = ("post", "comment")
_NOBODY: list[int] = []


def explains(history: Paired, witness: Witness) -> bool:
    """True when the witness's order explains every operation of the history, its local reads included."""
    replayed = _Replay(witness)
    matched = _matched(history, replayed)
    return matched is not None and _views_fit(history, replayed, *matched)


class _Shown:
    """A list as the replay grows it: its entries, and the position in the witness (from 1) that added each.

    The list of a title begins with the post, its `head`: it has a position and is no entry.
    """

    __slots__ = ("at", "entries", "head")

    def __init__(self) -> None:
        self.entries: list[Any] = []
        self.at: list[int] = []
        self.head: tuple[str, str] | None = None

    def seen(self, entries: list[Any]) -> int:
        """How many entries a view saw, -1 when they are not the first ones of this list."""
        count = len(entries)
        own = self.entries if count == len(self.entries) else self.entries[:count]
        return count if own == entries else -1


_EMPTY = _Shown()


class _Replay:
    """The blog that the witness builds. `keys` are the writes with their outcomes, to match operations with."""

    def __init__(self, witness: Witness) -> None:
        self.all = _Shown()
        self.titles: dict[str, _Shown] = {}
        self.users: dict[str, _Shown] = {}
        self.keys: list[_Key] = []
        titles, users, keys = self.titles, self.users, self.keys
        for at, (f, user, title, content) in enumerate(witness, 1):
            shown = titles.get(title)
            if (shown is None) is not (f == "post"):
                keys.append((f, user, title, content, "duplicate title" if f == "post" else "cannot comment"))
                continue
            keys.append((f, user, title, content, "ok"))
            if shown is None:
                shown = titles[title] = _Shown()
                shown.head = user, content
                self.all.entries.append([title, user])
                self.all.at.append(at)
            else:
                shown.entries.append([user, content])
            shown.at.append(at)
            mine = users.get(user)
            if mine is None:
                mine = users[user] = _Shown()
            mine.entries.append([f, title, content])
            mine.at.append(at)

    def look(self, f: str, arg: Any, result: Any) -> tuple[_Shown, int]:
        """The list that a view is about, and how much of it the view saw: -1 when it saw what never was."""
        if f == "view_all":
            return self.all, self.all.seen(result)
        if f == "view_user":
            shown = self.users.get(arg, _EMPTY)
            return shown, shown.seen(result)
        shown = self.titles.get(arg, _EMPTY)
        if result == "not found":
            return shown, 0
        if not shown.at or shown.head != (result[0], result[1]):
            return shown, -1
        comments = shown.seen(result[2])
        return shown, comments if comments < 0 else comments + 1


def _matched(history: Paired, replayed: _Replay) -> tuple[list[int], list[int]] | None:
    """For each write of the witness the call and the return of its operation; None when they do not fit together."""
    main = history.main
    args, results, calls, rets = main.arg, main.result, main.call, main.ret
    known: dict[_Key, list[int]] = {}
    unknown: dict[_Key, list[int]] = {}
    missing = 0
    for number, f in enumerate(main.f):
        if f in _WRITES and (ret := rets[number]) >= 0:
            user, title, content = args[number]
            # What was told nothing may have either outcome: it waits under no outcome at all.
            key = f, user, title, content, "" if ret == NEVER else results[number]
            table = unknown if ret == NEVER else known
            missing += ret != NEVER
            entry = table.get(key)
            if entry is None:
                table[key] = [number]
            else:
                entry.append(number)
    left = Counter(replayed.keys) if unknown else Counter()
    moment, called, returned = -1, [], []
    for key in replayed.keys:
        waiting = known.get(key, _NOBODY)
        maybe = _NOBODY
        if unknown:
            left[key] -= 1
            if left[key] >= len(waiting):  # Else every place that is left belongs to an operation of known fate.
                maybe = unknown.get((*key[:4], ""), _NOBODY)
        taken = waiting.pop() if len(waiting) == 1 and not maybe else _earliest(waiting, maybe, moment, calls, rets)
        if taken < 0:
            return None
        ret = rets[taken]
        missing -= ret != NEVER
        moment = max(moment, calls[taken])
        if ret < moment:
            return None
        called.append(calls[taken])
        returned.append(ret)
    return None if missing else (called, returned)


def _earliest(known: list[int], unknown: list[int], moment: int, calls: list[int], rets: list[int]) -> int:
    """Take out of the two lists, both in order of call, the first to return of those called by `moment`.

    When none was called by then it is the first to be called; -1 when there is none at all.
    """
    ready = list(takewhile(lambda number: calls[number] <= moment, known))
    if ready:
        taken = min(ready, key=lambda number: rets[number])
    elif unknown and calls[unknown[0]] <= moment:
        taken = unknown[0]
    else:
        taken = min([*known[:1], *unknown[:1]], key=lambda number: calls[number], default=-1)
    if taken >= 0:
        (known if rets[taken] != NEVER else unknown).remove(taken)
    return taken


def _views_fit(history: Paired, replayed: _Replay, calls: list[int], returns: list[int]) -> bool:
    """Give each view the earliest gap that it can have. Gap g lies behind the first g writes of the witness."""
    latest_call = [-1, *accumulate(calls, max)]
    soonest = list(accumulate(reversed(returns), min))
    soonest.reverse()  # soonest[g]: the first return among the writes behind gap g. It never falls.
    everybody = _Gone()
    nodes: dict[int, _Gone] = {}
    for table, number in _in_order_of_return(history):
        f, call, ret = table.f[number], table.call[number], table.ret[number]
        shown, seen = replayed.look(f, table.arg[number], table.result[number])
        if seen < 0:
            return False
        low = shown.at[seen - 1] if seen else 0
        high = shown.at[seen] - 1 if seen < len(shown.at) else len(calls)
        if table is history.main:
            gap = max(low, bisect_right(soonest, call), everybody.before(call))
        else:
            # A local read may be old, but not older than what its node has shown before.
            node = nodes.setdefault(table.node[number], _Gone())
            gap = max(low, node.before(call))
            node.add(ret, gap)
        if gap > high or latest_call[gap] >= ret:
            return False
        everybody.add(ret, gap)
    return True


class _Gone:
    """Views that have returned, in order of return, and how far they and those before them saw."""

    __slots__ = ("_gaps", "_returns")

    def __init__(self) -> None:
        self._returns: list[int] = []
        self._gaps: list[int] = []

    def add(self, ret: int, gap: int) -> None:
        """One more; it returned after all others."""
        self._returns.append(ret)
        self._gaps.append(max(gap, self._gaps[-1]) if self._gaps else gap)

    def before(self, call: int) -> int:
        """The furthest gap of those that returned before `call`."""
        at = bisect_right(self._returns, call)
        return self._gaps[at - 1] if at else 0


def _in_order_of_return(history: Paired) -> Iterator[tuple[Operations, int]]:
    """All views that returned, local ones among them."""
    main, local = history.main, history.local
    views = ((main, number) for number in main.returned if main.f[number] not in _WRITES)
    if not local.returned:
        return views
    return merge(views, ((local, number) for number in local.returned), key=lambda view: view[0].ret[view[1]])
