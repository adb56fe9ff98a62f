"""A search in a folder, as a process makes it: apart from its tests, so that a process need not load pytest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator.worlds.exhaustive.kept_search import SearchFolder
from simulator.worlds.exhaustive.model import Property, always, sometimes
from simulator.worlds.exhaustive.search import Bounds, Outcome, Search
from tests.simulator.worlds.exhaustive.models.paxos_register import PaxosRegister

PURPOSE: dict[str, str | int | bool] = {"--clients": 2, "--break": ""}


class Judged(PaxosRegister):
    """With properties: one that fails late, one that is seen late, one that is never seen."""

    def properties(self) -> list[Property[Any]]:
        """Clients end with a value; none of them ever has all of this."""
        return [
            always("nobody is done", lambda state: self.actor(state, 3) != ("done",)),
            sometimes("both are done", lambda state: self.actor(state, 3) == self.actor(state, 4) == ("done",)),
            sometimes("both have nothing", lambda state: self.actor(state, 3) == self.actor(state, 4) == ()),
        ]


def go_on(
    folder: Path, bounds: Bounds | None = None, *, prepare: Callable[[Search[Any, Any]], None] | None = None
) -> Any:
    """What a process does: open the folder, make a model, search."""
    kept = SearchFolder(folder, PURPOSE)
    try:
        search: Search[Any, Any] = Search(Judged(2), keep_going=True, folder=kept)
        if prepare is not None:
            prepare(search)
        return search.run(bounds)
    finally:
        kept.close()


def same(one: Outcome[Any], other: Outcome[Any]) -> None:
    """All that does not depend on time."""
    assert (one.progress.states, one.progress.depth) == (other.progress.states, other.progress.depth)
    assert (one.transitions, one.cut_off, one.never) == (other.transitions, other.cut_off, other.never)
    assert one.found == other.found
