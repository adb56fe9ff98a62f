"""The replicated state machine: posts with unique titles, and comments on them.

It is deterministic: outcomes and views depend only on the applied operations and their order. Memory grows with the
operations that took effect; each is kept once, and the lists hold references. A view costs as much as it shows.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from blog.operations import Comment, Operation, Post


class Outcome(Enum):
    """The result of one operation. The value is the word that recorded histories use."""

    OK = "ok"
    DUPLICATE_TITLE = "duplicate title"
    CANNOT_COMMENT = "cannot comment"


_OK = Outcome.OK  # A member of an Enum is slow to look up.


class Thread(msgspec.Struct, frozen=True):
    """A post and its comments, in the order in which they took effect."""

    post: Post
    comments: tuple[Comment, ...]


class Blog:
    """Invariants: a title has one post; the title of every comment has a post; a refused operation changes nothing."""

    __slots__ = ("_by_user", "_comments", "_effects", "_posts")

    def __init__(self) -> None:
        self._posts: dict[str, Post] = {}  # By title; a dict keeps the order of insertion.
        self._comments: dict[str, list[Comment]] = {}
        self._by_user: dict[str, list[Operation]] = {}
        self._effects: list[Operation] = []

    def apply(self, operation: Operation) -> Outcome:
        """Apply one operation, or refuse it and change nothing. Its text is neither checked nor trimmed."""
        title = operation.title
        if isinstance(operation, Post):
            posts = self._posts
            known = len(posts)
            posts.setdefault(title, operation)  # One look-up instead of two in a table too large for any cache.
            if len(posts) == known:
                return Outcome.DUPLICATE_TITLE
        else:
            if title not in self._posts:
                return Outcome.CANNOT_COMMENT
            comments = self._comments.get(title)
            if comments is None:
                self._comments[title] = [operation]
            else:
                comments.append(operation)
        effects = self._by_user.get(operation.username)
        if effects is None:
            self._by_user[operation.username] = [operation]
        else:
            effects.append(operation)
        self._effects.append(operation)
        return _OK

    def __len__(self) -> int:
        """The number of operations that took effect."""
        return len(self._effects)

    @property
    def posts(self) -> int:
        """The number of posts."""
        return len(self._posts)

    @property
    def comments(self) -> int:
        """The number of comments on all posts."""
        return len(self._effects) - len(self._posts)

    def has_title(self, title: str) -> bool:
        """True when a post has exactly this title."""
        return title in self._posts

    def newest(self, count: int) -> tuple[Operation, ...]:
        """The last `count` operations that took effect, the newest last."""
        return tuple(self._effects[-count:]) if count > 0 else ()

    def view_posts(self) -> tuple[Post, ...]:
        """All posts in the order in which they were applied, without comments."""
        return tuple(self._posts.values())

    def view_all(self) -> tuple[Thread, ...]:
        """All posts in the order in which they were applied, each with its comments."""
        comments = self._comments
        return tuple(Thread(post, tuple(comments.get(title, ()))) for title, post in self._posts.items())

    def view_user(self, username: str) -> tuple[Operation, ...]:
        """All posts and comments of one user, in the order in which they were applied."""
        return tuple(self._by_user.get(username, ()))

    def view_title(self, title: str) -> Thread | None:
        """The post with exactly this title and its comments; None when there is none."""
        post = self._posts.get(title)
        return None if post is None else Thread(post, tuple(self._comments.get(title, ())))
