"""Answers to clients: the text of every answer, and the results in the form that histories record.

The forms are those of the blog model in the recorded histories: `view_all` gives [title, author] pairs, `view_user`
["post" or "comment", title, content] triples, `view_title` [author, content, [[user, comment], ...]] or "not found".
People see more of the whole blog than histories record: see `whole_result`.
Text is returned as it was written. The code that prints it must make it safe to show.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from blog.blog import Blog, Outcome, Thread
from blog.operations import Operation, Post

NOT_FOUND = "not found"
"""The result of `view_title` in a history when no post has the title."""

Shown = Literal["view_all", "view_user", "view_title"]
_OK = Outcome.OK  # A member of an Enum is slow to look up.


class View(msgspec.Struct, frozen=True):
    """The answer to a read: the view, its result in the form of histories, and one line of text."""

    shown: Shown
    result: object
    text: str


def wording(operation: Operation, outcome: Outcome) -> str:
    """The text of the answer to a write."""
    if outcome is not _OK:
        if outcome is Outcome.DUPLICATE_TITLE:
            return "DUPLICATE TITLE"
        return f"CANNOT COMMENT on {operation.title}: no such post exists"
    if isinstance(operation, Post):
        return f"NEW POST {operation.title} from {operation.username}"
    return f"NEW COMMENT on {operation.title} from {operation.username}"


def look(blog: Blog, kind: str, name: str = "") -> View:
    """Answer a read. `kind` is "all", "whole", "user", "title" or "any".

    "any" shows the post titled `name`; without one, the entries of user `name`. "whole" is "all" with contents and
    comments (see `whole_result`).

    Raises:
        ValueError: another kind.
    """
    match kind:
        case "all":
            return View("view_all", all_result(blog), _counted(blog.posts, "post") if blog.posts else "BLOG EMPTY")
        case "whole":
            return View("view_all", whole_result(blog), look(blog, "all").text)
        case "user":
            return _look_at_user(blog, name)
        case "title":
            return _look_at_title(blog, name)
        case "any":
            return _look_at_title(blog, name) if blog.has_title(name) else _look_at_user(blog, name)
    raise ValueError(f"no view is called {kind!r}: say all, whole, user, title or any")


def all_result(blog: Blog) -> list[list[str]]:
    """The titles and authors of all posts, in the order in which they were applied."""
    return [[post.title, post.username] for post in blog.view_posts()]


def whole_result(blog: Blog) -> list[list[object]]:
    """All posts as [title, author, content, [[user, comment], ...]], in the order in which they were applied.

    Histories keep the first two of each (`all_result`), which need much less memory.
    """
    return [[thread.post.title, *title_result(thread)] for thread in blog.view_all()]


def user_result(entries: tuple[Operation, ...]) -> list[list[str]]:
    """The entries of one user, in the order in which they were applied."""
    return [[kind_of(entry), entry.title, entry.content] for entry in entries]


def title_result(thread: Thread | None) -> list[object] | str:
    """A post and its comments, or "not found"."""
    if thread is None:
        return NOT_FOUND
    comments = [[comment.username, comment.content] for comment in thread.comments]
    return [thread.post.username, thread.post.content, comments]


def kind_of(operation: Operation) -> Literal["post", "comment"]:
    """The name of an operation in views and histories."""
    return "post" if isinstance(operation, Post) else "comment"


def _look_at_user(blog: Blog, name: str) -> View:
    entries = blog.view_user(name)
    text = f"{_counted(len(entries), 'entry', 'entries')} by {name}" if entries else "NO POST"
    return View("view_user", user_result(entries), text)


def _look_at_title(blog: Blog, title: str) -> View:
    thread = blog.view_title(title)
    if thread is None:
        return View("view_title", NOT_FOUND, "POST NOT FOUND")
    text = f"{title} by {thread.post.username}, {_counted(len(thread.comments), 'comment')}"
    return View("view_title", title_result(thread), text)


def _counted(number: int, one: str, many: str = "") -> str:
    return f"{number} {one if number == 1 else many or one + 's'}"
