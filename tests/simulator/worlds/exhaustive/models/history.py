"""A model of clients with the history that a judge of linearizability needs, which Stateright keeps in its state.

Of each client: how many calls it has finished, how many each other one had finished when it asked its GET, and what it
got. Two orders of the same deliveries that differ in this are two states.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from simulator.worlds.exhaustive.actors import Interner, Numbers
from simulator.worlds.exhaustive.model import Model
from tests.simulator.worlds.exhaustive.models.clients import WithClients

Client = tuple[int, tuple[int, ...], str]
"""Calls finished; those of each client when it asked its GET; what it got."""


class WithHistory(Model[Numbers, Any]):
    """A state is the number of a history, then the state of the actors."""

    def __init__(self, inner: WithClients) -> None:
        self.inner = inner
        self.histories: Interner[tuple[Client, ...]] = Interner()
        self._after: dict[tuple[int, object], int] = {}

    def first(self) -> Iterator[Numbers]:
        """No call is finished."""
        clients = self.inner.size - self.inner.servers
        for state in self.inner.first():
            yield (self.histories(((0, (), ""),) * clients), *state)

    def steps(self, state: Numbers) -> list[tuple[Any, Numbers]]:
        """The steps of the actors; those of clients write history."""
        history, servers, found = state[0], self.inner.servers, []
        for name, after in self.inner.steps(state[1:]):
            new = history if name[2] < servers else self._noted(history, name)
            found.append((name, (new, *after)))
        return found

    def fingerprint(self, state: Numbers) -> int:
        """See `Model`."""
        return hash(state)

    def _noted(self, number: int, name: Any) -> int:
        key = (number, name)
        after = self._after.get(key)
        if after is None:
            clients = list(self.histories.values[number])
            at = name[2] - self.inner.servers
            finished, _, _ = clients[at]
            if finished == 0:
                clients[at] = (1, tuple(client[0] for place, client in enumerate(clients) if place != at), "")
            else:
                clients[at] = (2, clients[at][1], name[3][2])
            after = self._after[key] = self.histories(tuple(clients))
        return after
