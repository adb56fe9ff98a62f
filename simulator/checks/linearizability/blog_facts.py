"""What a blog's history states before any order is sought: who wrote what, and what every view shows.

Each view shows the first k entries of one growing list: all posts, a title (its post, then its comments), or a user
(all entries of the user). So the longest view of a list gives the order of its entries, and every other view must be a
prefix of it. A refusal is a view as well: "duplicate title" saw the post of the title, "cannot comment" saw none.

Writes are numbered as in `Operations`. Comments with equal user, title and content cannot be distinguished and are kept
together. A title has one post, so equal posts need no such care.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from simulator.checks.linearizability.operations import PENDING, Operations, PairedHistory

ListName = tuple[str, str]
"""The name of a list: ("all", ""), ("title", T) or ("user", U)."""

CommentKey = tuple[str, str, str]
"""User, title and content of a comment."""


class Contradiction(Exception):
    """No order can exist, whatever the times. `why` is a sentence; `latest` is the last event that it names.

    `calls` are the calls of the operations that contradict each other.
    """

    def __init__(self, why: str, latest: int, calls: tuple[int, ...] = ()) -> None:
        super().__init__(why)
        self.calls = calls
        self.why = why
        self.latest = latest


@dataclass(slots=True)
class GrowingList:
    """One growing list. `entries` are those of its longest view, `seen_by` the operation of that view (-1: none).

    `last_call` gives, for each length, the latest call of a linearizable view that saw that length. `local_reads` holds
    the local reads of the list, as (length, number). `points` are the linearization points of the entries, filled in by
    `blog_order`.
    """

    name: ListName
    entries: list[Any] = field(default_factory=list)
    seen_by: int = -1
    last_call: dict[int, int] = field(default_factory=dict)
    local_reads: list[tuple[int, int]] = field(default_factory=list)
    points: list[int] = field(default_factory=list)
    end: int = -1  # The predecessor of every write that no view of this list shows.


class Facts:
    """Everything that `read_facts` collects. Local reads are numbered after the linearizable operations."""

    def __init__(self, history: PairedHistory) -> None:
        main, local = history.main, history.local
        self.size = len(main)
        self.f = main.f + local.f if local.f else main.f
        self.arg = main.arg + local.arg if local.f else main.arg
        self.result = main.result + local.result if local.f else main.result
        self.call = main.call + local.call if local.f else main.call
        self.ret = main.ret + local.ret if local.f else main.ret
        self.process = main.process + local.process if local.f else main.process
        self.nodes = local.node
        self.all = GrowingList(("all", ""))
        self.titles: dict[str, GrowingList] = {}
        self.users: dict[str, GrowingList] = {}
        self.ok_posts: dict[str, int] = {}
        self.pending_posts: dict[str, list[int]] = {}
        self.comments: dict[CommentKey, int | list[int]] = {}  # One operation, or several equal ones.
        self.exists: dict[str, int] = {}  # Title -> the operation that saw it first.
        self.heads: dict[str, tuple[str, str, int]] = {}  # Title -> author, content, and the view that saw them.
        self.views: list[tuple[GrowingList, Any, int]] = []

    def title(self, title: str) -> GrowingList:
        """The list of a title: its post, then its comments."""
        found = self.titles.get(title)
        if found is None:
            found = self.titles[title] = GrowingList(("title", title))
        return found

    def user(self, user: str) -> GrowingList:
        """The list of a user's entries."""
        found = self.users.get(user)
        if found is None:
            found = self.users[user] = GrowingList(("user", user))
        return found


def read_facts(history: PairedHistory, *, local: bool) -> Facts:
    """Collect the facts in one pass over the operations, with or without the local reads.

    Raises:
        Contradiction: two views, or two writes, exclude each other.
    """
    facts = Facts(history)
    _read_main(facts, history.main)
    if local:
        _read_local(facts, history.local)
    for shown, entries, number in facts.views:
        longest = shown.entries
        if entries is not longest and entries != (longest if len(entries) == len(longest) else longest[: len(entries)]):
            raise _conflicting_views(facts, shown, entries, number)
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
                _note_length(facts.title(arg[1]), 0, calls[number])
                continue
            key = (arg[0], arg[1], arg[2])
            there = comments.setdefault(key, number)
            if there != number:
                if isinstance(there, list):
                    there.append(number)
                else:
                    comments[key] = [there, number]
            if ret != PENDING:
                exists.setdefault(arg[1], number)
        elif f == "post":
            _read_post(facts, number, arg[1], result, known=ret != PENDING)
        elif ret != PENDING:
            shown, entries, length = _read_view(facts, f, arg, result, number)
            _note_length(shown, length, calls[number])
            if entries:
                facts.views.append((shown, entries, number))


def _read_post(facts: Facts, number: int, title: str, result: Any, *, known: bool) -> None:
    if not known:
        facts.pending_posts.setdefault(title, []).append(number)
    elif result == "ok":
        first = facts.ok_posts.setdefault(title, number)
        if first != number:
            posts = f"{describe(facts, first)} and {describe(facts, number)}"
            why = f"{posts} were both told ok, but a title is posted only once"
            raise Contradiction(why, max(facts.ret[first], facts.ret[number]), (facts.call[first], facts.call[number]))
    else:
        facts.exists.setdefault(title, number)


def _read_local(facts: Facts, local: Operations) -> None:
    for at, ret in enumerate(local.ret):
        if ret >= 0 and ret != PENDING:
            number = facts.size + at
            shown, entries, length = _read_view(facts, local.f[at], local.arg[at], local.result[at], number)
            shown.local_reads.append((length, number))
            if entries:
                facts.views.append((shown, entries, number))


def _read_view(facts: Facts, f: str, arg: Any, result: Any, number: int) -> tuple[GrowingList, Any, int]:
    """The list of a view, the entries that it saw, and the length of the list. Keeps the longest view."""
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
            why = f"{describe(facts, head[2])} and {describe(facts, number)} saw different posts of this title"
            raise Contradiction(
                why, max(facts.ret[head[2]], facts.ret[number]), (facts.call[head[2]], facts.call[number])
            )
    else:
        shown, entries, length = facts.all if f == "view_all" else facts.user(arg), result, len(result)
    if len(entries) > len(shown.entries):
        shown.entries, shown.seen_by = entries, number
    return shown, entries, length


def _note_length(shown: GrowingList, length: int, call: int) -> None:
    if shown.last_call.get(length, -1) < call:
        shown.last_call[length] = call


def _conflicting_views(facts: Facts, shown: GrowingList, entries: Any, number: int) -> Contradiction:
    """The sentence for two views of one list that no order explains."""
    at = next(at for at, (one, other) in enumerate(zip(entries, shown.entries, strict=False)) if one != other)
    why = (
        f"{describe(facts, number)} and {describe(facts, shown.seen_by)} saw {describe_list(shown.name)} in two orders "
        f"that do not fit: entry {at + 1} is {brief(entries[at])} in one and {brief(shown.entries[at])} in the other"
    )
    calls = facts.call[number], facts.call[shown.seen_by]
    return Contradiction(why, max(facts.ret[number], facts.ret[shown.seen_by]), calls)


def describe_list(name: ListName) -> str:
    """A list in words."""
    kind, of = name
    return (
        "the list of posts" if kind == "all" else f"the {'post' if kind == 'title' else 'entries of user'} {brief(of)}"
    )


def describe(facts: Facts, number: int) -> str:
    """An operation in words: its process, its call, its events and its result."""
    f, arg, ret = facts.f[number], facts.arg[number], facts.ret[number]
    asked = ", ".join(map(brief, arg)) if isinstance(arg, list) else "" if arg is None else brief(arg)
    events = (
        f"events {facts.call[number] + 1} to {ret + 1}" if ret != PENDING else f"from event {facts.call[number] + 1} on"
    )
    local = "local " if number >= facts.size else ""
    return f"{local}{f}({asked}) of process {facts.process[number]} ({events}{_describe_result(facts, number)})"


def _describe_result(facts: Facts, number: int) -> str:
    f, result = facts.f[number], facts.result[number]
    if facts.ret[number] == PENDING:
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
