"""The blog: what the three VIEWs return, and the newest entries of a node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from simulator.node.status import EntryView
from simulator.views.palette import QUIET
from simulator.views.sheet import Cell, Column, Sheet, bit

Shown = Literal["view_all", "view_user", "view_title"]


def blog_view(shown: Shown, result: object) -> Sheet:
    """The result of a read, in the form of `Answer.result` and `Answer.shown`.

    Raises:
        TypeError: `result` is a word such as "not found" and no list: print that instead.
    """
    if not isinstance(result, Sequence) or isinstance(result, str):
        raise TypeError(f"a view returns a list, not {result!r}")
    if shown == "view_all":
        return _table((Column("title", room=10), Column("author")), result)
    if shown == "view_user":
        return _table((Column("kind"), Column("title", room=10), Column("content", room=20)), result)
    author, content, comments = result
    rows = [(bit("post"), bit(author, "bold"), bit(content))]
    rows.extend((bit("comment"), bit(user, "bold"), bit(text)) for user, text in comments)
    return Sheet(columns=(Column("kind"), Column("user"), Column("content", room=20)), rows=tuple(rows))


def whole_view(threads: object) -> Sheet:
    """Every post with its comments below it: the result of a read of the whole blog (`blog.answers.whole_result`).

    Raises:
        TypeError: as `blog_view`.
    """
    if not isinstance(threads, Sequence) or isinstance(threads, str):
        raise TypeError(f"a view returns a list, not {threads!r}")
    rows: list[tuple[Cell, ...]] = []
    for title, author, content, comments in threads:
        rows.append((bit("post"), bit(title), bit(author, "bold"), bit(content)))
        rows.extend((bit("comment", QUIET), bit(title, QUIET), bit(user, "bold"), bit(text)) for user, text in comments)
    columns = (Column("kind"), Column("title", room=8), Column("user"), Column("content", room=16))
    return Sheet(columns=columns, rows=tuple(rows))


def entries_view(entries: Sequence[EntryView]) -> Sheet:
    """Posts and comments, a line each, the newest first; `entries` has the newest last."""
    if not entries:
        return Sheet(notes=(bit("the blog is empty", QUIET),))
    columns = (Column("kind"), Column("user"), Column("title", room=8), Column("content", room=8))
    rows = tuple(
        (bit(entry.kind, QUIET if entry.kind == "comment" else ""), bit(entry.username, "bold"), bit(entry.title),
         bit(entry.content))
        for entry in reversed(entries)
    )  # fmt: skip
    return Sheet(columns=columns, rows=rows, header=False)


def _table(columns: tuple[Column, ...], rows: Sequence[object]) -> Sheet:
    cells: list[tuple[Cell, ...]] = []
    for row in rows:
        assert isinstance(row, Sequence)
        cells.append(tuple(bit(word) for word in row))
    return Sheet(columns=columns, rows=tuple(cells))
