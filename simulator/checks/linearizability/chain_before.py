"""The writes that a blog held before a history began, as events of a client of its own."""

from __future__ import annotations

from typing import Any

from simulator.checks.linearizability.plain_blog import PlainBlog
from simulator.cluster.history import Event


def chain_before(init: Any) -> list[Event]:
    """The writes already on the chain, as completed operations of a process of their own."""
    events: list[Event] = []
    titles: set[str] = set()
    for f, *arg in PlainBlog.writes(init):
        if (arg[1] in titles) is (f == "comment"):  # Else it was refused and changed nothing.
            titles.add(arg[1])
            events.append(Event(process=-1, type="invoke", f=f, value=arg))
            events.append(Event(process=-1, type="ok", f=f, value="ok"))
    return events
