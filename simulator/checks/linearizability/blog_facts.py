"""What a blog's history says before any order is sought: who wrote what, and what every view shows.

Each view shows the first k entries of one growing list: all posts, a title (its post, then its comments), or a user
(all that the user wrote). So the longest view of a list gives the order of its entries, and every other view must be
the beginning of it. A refusal is a view as well: "duplicate title" saw the title's post, "cannot comment" saw none.

Writes are numbered as in `Operations`. Comments alike in user, title and content cannot be told apart and are kept
together; a title has one post, so posts alike need no such care.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.checks.linearizability.operations import NEVER, Operations, Paired

Name = tuple[str, str]
"""Which list: ("all", ""), ("title", T) or ("user", U)."""

Alike = tuple[str, str, str]
"""User, title and content of a comment."""


class Contradiction(Exception):
    """No order can exist, whatever the times. `why` is a sentence; `latest` the last event that it speaks of."""

    def __init__(self, why: str, latest: int) -> None:
        super().__init__(why)
        self.why = why
        self.latest = latest


@dataclass(slots=True)
class List:
    """One growing list. `entries` are those of its longest view, `seen_by` that view's operation (-1: no view).

    `last_call` gives, for a length, the latest call of a linearizable view that saw the list that long. `stale` holds
    the local reads of it, as (length, number). `tokens` are the entries as writes, filled in by `blog_order`.
    """

    name: Name
    entries: list[Any] = field(default_factory=list)
    seen_by: int = -1
    last_call: dict[int, int] = field(default_factory=dict)
    stale: list[tuple[int, int]] = field(default_factory=list)
    tokens: list[int] = field(default_factory=list)
    end: int = -1  # What stands before every write that no view of this list shows.


class Facts:
    """All that `read_facts` gathers. Local reads are numbered after the linearizable operations."""

    def __init__(self, history: Paired) -> None:
        main, local = history.main, history.local
        self.size = len(main)
        self.f = main.f + local.f if local.f else main.f
        self.arg = main.arg + local.arg if local.f else main.arg
        self.result = main.result + local.result if local.f else main.result
        self.call = main.call + local.call if local.f else main.call
        self.ret = main.ret + local.ret if local.f else main.ret
        self.process = main.process + local.process if local.f else main.process
        self.nodes = local.node
        self.all = List(("all", ""))
        self.titles: dict[str, List] = {}
        self.users: dict[str, List] = {}
        self.ok_posts: dict[str, int] = {}
        self.unknown_posts: dict[str, list[int]] = {}
        self.comments: dict[Alike, int | list[int]] = {}  # One operation, or several that are alike.
        self.exists: dict[str, int] = {}  # Titles that somebody saw, and the operation that saw it first.
        self.heads: dict[str, tuple[str, str, int]] = {}  # Author and content of a title, and who saw them.
        self.views: list[tuple[List, Any, int]] = []

    def title(self, title: str) -> List:
        """The list of a title: its post, then its comments."""
        found = self.titles.get(title)
        if found is None:
            found = self.titles[title] = List(("title", title))
        return found

    def user(self, user: str) -> List:
        """The list of what a user wrote."""
        found = self.users.get(user)
        if found is None:
            found = self.users[user] = List(("user", user))
        return found


def read_facts(history: Paired, *, local: bool) -> Facts:
    """Gather the facts in one pass over the operations, with the local reads or without.

    Raises:
        Contradiction: two views, or two writes, cannot both be.
    """
    facts = Facts(history)
    _read_main(facts, history.main)
    if local:
        _read_local(facts, history.local)
    for shown, entries, number in facts.views:
        longest = shown.entries
        if entries is not longest and entries != (longest if len(entries) == len(longest) else longest[: len(entries)]):
            raise _parted(facts, shown, entries, number)
    return facts


def _read_main(facts: Facts, main: Operations) -> None:
    args, results, calls, rets = main.arg, main.result, main.call, main.ret
    comments, exists = facts.comments, facts.exists
    for number, f in enumerate(main.f):
        ret = rets[number]
        if ret < 0:
            continue
        arg, result = args[number], results[number]
        if f == "comment":
            if result == "cannot comment":
                _saw(facts.title(arg[1]), 0, calls[number])
                continue
            key = (arg[0], arg[1], arg[2])
            there = comments.setdefault(key, number)
            if there != number:
                if isinstance(there, list):
                    there.append(number)
                else:
                    comments[key] = [there, number]
            if ret != NEVER:
                exists.setdefault(arg[1], number)
        elif f == "post":
            _read_post(facts, number, arg[1], result, known=ret != NEVER)
        elif ret != NEVER:
            shown, entries, length = _look(facts, f, arg, result, number)
            _saw(shown, length, calls[number])
            if entries:
                facts.views.append((shown, entries, number))


def _read_post(facts: Facts, number: int, title: str, result: Any, *, known: bool) -> None:
    if not known:
        facts.unknown_posts.setdefault(title, []).append(number)
    elif result == "ok":
        first = facts.ok_posts.setdefault(title, number)
        if first != number:
            why = f"{tell(facts, first)} and {tell(facts, number)} were both told ok, but a title is posted only once"
            raise Contradiction(why, max(facts.ret[first], facts.ret[number]))
    else:
        facts.exists.setdefault(title, number)


def _read_local(facts: Facts, local: Operations) -> None:
    for at, ret in enumerate(local.ret):
        if ret >= 0 and ret != NEVER:
            number = facts.size + at
            shown, entries, length = _look(facts, local.f[at], local.arg[at], local.result[at], number)
            shown.stale.append((length, number))
            if entries:
                facts.views.append((shown, entries, number))


def _look(facts: Facts, f: str, arg: Any, result: Any, number: int) -> tuple[List, Any, int]:
    """The list that a view is about, the entries that it saw, and how long the list was. Keeps the longest view."""
    if f == "view_title":
        shown = facts.title(arg)
        if result == "not found":
            return shown, None, 0
        entries, length = result[2], 1 + len(result[2])
        head = facts.heads.get(arg)
        if head is None:
            facts.heads[arg] = (result[0], result[1], number)
            facts.exists.setdefault(arg, number)
        elif head[0] != result[0] or head[1] != result[1]:
            why = f"{tell(facts, head[2])} and {tell(facts, number)} saw different posts of this title"
            raise Contradiction(why, max(facts.ret[head[2]], facts.ret[number]))
    else:
        shown, entries, length = facts.all if f == "view_all" else facts.user(arg), result, len(result)
    if len(entries) > len(shown.entries):
        shown.entries, shown.seen_by = entries, number
    return shown, entries, length


def _saw(shown: List, length: int, call: int) -> None:
    if shown.last_call.get(length, -1) < call:
        shown.last_call[length] = call


def _parted(facts: Facts, shown: List, entries: Any, number: int) -> Contradiction:
    """The sentence about two views of one list that no one order explains."""
    at = next(at for at, (one, other) in enumerate(zip(entries, shown.entries, strict=False)) if one != other)
    why = (
        f"{tell(facts, number)} and {tell(facts, shown.seen_by)} saw {told_list(shown.name)} in two orders that do not "
        f"fit: entry {at + 1} is {brief(entries[at])} in one and {brief(shown.entries[at])} in the other"
    )
    return Contradiction(why, max(facts.ret[number], facts.ret[shown.seen_by]))


def told_list(name: Name) -> str:
    """A list in words."""
    kind, of = name
    return (
        "the list of posts" if kind == "all" else f"the {'post' if kind == 'title' else 'entries of user'} {brief(of)}"
    )


def tell(facts: Facts, number: int) -> str:
    """An operation in words: who asked what, between which events, and what came of it."""
    f, arg, ret = facts.f[number], facts.arg[number], facts.ret[number]
    asked = ", ".join(map(brief, arg)) if isinstance(arg, list) else "" if arg is None else brief(arg)
    events = (
        f"events {facts.call[number] + 1} to {ret + 1}" if ret != NEVER else f"from event {facts.call[number] + 1} on"
    )
    local = "local " if number >= facts.size else ""
    return f"{local}{f}({asked}) of process {facts.process[number]} ({events}{_told_result(facts, number)})"


def _told_result(facts: Facts, number: int) -> str:
    f, result = facts.f[number], facts.result[number]
    if facts.ret[number] == NEVER:
        return ", fate unknown"
    if isinstance(result, str):
        return f", told {brief(result)}"
    if f == "view_title":
        return f", saw it by {brief(result[0])} with {_counted(result[2], 'comment')}"
    return f", saw {_counted(result, 'post' if f == 'view_all' else 'entry')}"


def _counted(entries: list[Any], what: str) -> str:
    if not entries:
        return "nothing" if what != "comment" else "no comment"
    plural = {"post": "posts", "entry": "entries", "comment": "comments"}[what]
    return f"{len(entries)} {what if len(entries) == 1 else plural}, the last {brief(entries[-1])}"


def brief(value: Any) -> str:
    """A value as short text: lists in brackets, long texts cut."""
    if isinstance(value, list):
        return f"[{', '.join(map(brief, value))}]"
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 60 else f"{text[:50]}…{text[-1]}"
