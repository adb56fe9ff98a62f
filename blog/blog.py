"""The replicated state machine: posts with unique titles, and comments on them.

Deterministic: outcomes and views depend on the operations applied and their order alone. Memory grows with what took
effect (each operation is kept once, the lists hold references); a view costs as much as what it shows.
"""

from __future__ import annotations

from enum import Enum

import msgspec

from blog.operations import Comment, Operation, Post


class Outcome(Enum):
    """What became of one operation. The value is the word that recorded histories use."""

    OK = "ok"
    DUPLICATE_TITLE = "duplicate title"
    CANNOT_COMMENT = "cannot comment"


_OK = Outcome.OK  # A member of an Enum is slow to look up.


class Thread(msgspec.Struct, frozen=True):
    """A post and its comments, in the order in which they took effect."""

    post: Post
    comments: tuple[Comment, ...]


class Blog:
    """Invariants: one post a title; every comment's title has a post; a refused operation changes nothing."""

    __slots__ = ("_by_user", "_comments", "_effects", "_posts")

    def __init__(self) -> None:
        self._posts: dict[str, Post] = {}  # By title, in order of effect: a dict keeps the order of insertion.
        self._comments: dict[str, list[Comment]] = {}
        self._by_user: dict[str, list[Operation]] = {}
        self._effects: list[Operation] = []

    def apply(self, operation: Operation) -> Outcome:
        """Carry out one operation, or refuse it and change nothing. The text is taken as it is, untrimmed."""
        title = operation.title
        if isinstance(operation, Post):
            posts = self._posts
            known = len(posts)
            posts.setdefault(title, operation)  # A look-up less than asking first, in a table that no cache holds.
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
        """How many operations took effect."""
        return len(self._effects)

    @property
    def posts(self) -> int:
        """How many posts there are."""
        return len(self._posts)

    @property
    def comments(self) -> int:
        """How many comments there are, on all posts together."""
        return len(self._effects) - len(self._posts)

    def has_title(self, title: str) -> bool:
        """True when a post has exactly this title."""
        return title in self._posts

    def newest(self, count: int) -> tuple[Operation, ...]:
        """The last `count` operations that took effect, the newest last."""
        return tuple(self._effects[-count:]) if count > 0 else ()

    def view_posts(self) -> tuple[Post, ...]:
        """All posts in order of effect, without their comments."""
        return tuple(self._posts.values())

    def view_all(self) -> tuple[Thread, ...]:
        """All posts in order of effect, each with its comments."""
        comments = self._comments
        return tuple(Thread(post, tuple(comments.get(title, ()))) for title, post in self._posts.items())

    def view_user(self, username: str) -> tuple[Operation, ...]:
        """Everything that a user wrote, posts and comments, in order of effect; empty when there is nothing."""
        return tuple(self._by_user.get(username, ()))

    def view_title(self, title: str) -> Thread | None:
        """The post with exactly this title and its comments; None when there is none."""
        post = self._posts.get(title)
        return None if post is None else Thread(post, tuple(self._comments.get(title, ())))
