"""Busy blog histories that are linearizable by construction: to measure the checkers, and to test them.

The seed alone draws the linearization point of each operation. Clients do not think: each calls again as soon as its
answer arrives, so that all of them always have a pending operation. Few titles and users are used, which gives refused
writes and long lists. Their number grows with the history, so that views do not fill the file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from simulator.cluster.history import Event

WHOLE_BLOG = 200
"""Clients call `view_all` only while the blog has at most this many posts: larger views would fill the file."""


@dataclass(slots=True)
class Generated:
    """A history and its witness: all writes in the order of their linearization points, refused ones included."""

    events: list[Event] = field(default_factory=list)
    witness: list[tuple[str, str, str, str]] = field(default_factory=list)


def busy_blog(operations: int, clients: int, seed: int = 0, *, crash: float = 0.0) -> Generated:
    """A history of `operations` operations by `clients` clients, each with one operation pending at all times.

    `crash` is the probability that an operation's outcome stays unknown; its client then continues as a new process.
    """
    return _Blog(operations, clients, seed, crash).run()


class _Blog:
    """The clients, and the blog that they share."""

    def __init__(self, operations: int, clients: int, seed: int, crash: float) -> None:
        self._dice = Random(f"busy blog {seed}")
        self._left = operations
        self._processes = clients
        self._crash = crash
        self._users = [f"user-{number}" for number in range(max(20, operations // 50))]
        self._titles: list[str] = []
        self._threads: dict[str, tuple[str, str, list[list[str]]]] = {}
        self._posts: list[list[str]] = []
        self._own: dict[str, list[list[str]]] = {}
        self._history = Generated()

    def run(self) -> Generated:
        """Call, take effect and return, in an order drawn from the seed."""
        dice, waiting = self._dice, list(range(self._processes))
        called: list[tuple[int, str, Any]] = []
        done: list[tuple[int, str, Any, Any]] = []
        for process in waiting:
            self._call(process, called)
        while called or done:
            at = dice.randrange(len(called) + len(done))
            if at < len(called):
                process, f, arg = _take(called, at)
                if dice.random() < self._crash:
                    if dice.random() < 0.5:
                        self._effect(f, arg)
                    self._event(process, "info", f, None)
                    self._processes += 1
                    self._call(self._processes - 1, called)
                else:
                    done.append((process, f, arg, self._effect(f, arg)))
            else:
                process, f, arg, result = _take(done, at - len(called))
                self._event(process, "ok", f, result)
                self._call(process, called)
        return self._history

    def _call(self, process: int, called: list[tuple[int, str, Any]]) -> None:
        if self._left == 0:
            return
        self._left -= 1
        f, arg = self._draw()
        self._event(process, "invoke", f, arg)
        called.append((process, f, arg))

    def _draw(self) -> tuple[str, Any]:
        """Half of the operations are writes; some posts reuse a title."""
        dice, draw = self._dice, self._dice.random()
        user = dice.choice(self._users)
        if draw < 0.2 or not self._titles:
            if self._titles and dice.random() < 0.1:
                title = dice.choice(self._titles[-20:])
            else:
                title = f"title {len(self._titles)}"
                self._titles.append(title)
            return "post", [user, title, f"content {self._left}"]
        title = dice.choice(self._titles[-50:]) if dice.random() < 0.5 else dice.choice(self._titles)
        if draw < 0.5:
            return "comment", [user, title, f"comment {self._left}"]
        if draw < 0.55 and len(self._posts) <= WHOLE_BLOG:
            return "view_all", None
        return ("view_title", title) if draw < 0.85 else ("view_user", user)

    def _effect(self, f: str, arg: Any) -> Any:
        """Apply the operation now and return its result."""
        if f == "view_all":
            return list(self._posts)
        if f == "view_user":
            return list(self._own.get(arg, ()))
        if f == "view_title":
            thread = self._threads.get(arg)
            return "not found" if thread is None else [thread[0], thread[1], list(thread[2])]
        user, title, content = arg
        self._history.witness.append((f, user, title, content))
        thread = self._threads.get(title)
        if f == "post":
            if thread is not None:
                return "duplicate title"
            self._threads[title] = user, content, []
            self._posts.append([title, user])
        else:
            if thread is None:
                return "cannot comment"
            thread[2].append([user, content])
        self._own.setdefault(user, []).append([f, title, content])
        return "ok"

    def _event(self, process: int, kind: Any, f: str, value: Any) -> None:
        events = self._history.events
        events.append(Event(process=process, type=kind, f=f, value=value, time=len(events)))


def _take(entries: list[Any], at: int) -> Any:
    """Remove one entry of a list whose order does not matter."""
    entries[at], entries[-1] = entries[-1], entries[at]
    return entries.pop()
