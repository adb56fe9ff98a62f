"""What the supervisor knows of each node: its newest picture, whether it lives, and why it stopped."""

from __future__ import annotations

import msgspec

from simulator.node.status import Life, NodeStatus, after_death
from simulator.settings import Settings


class StatusCache:
    """The newest `NodeStatus` of every node, as the nodes told it. Not safe for threads.

    `stale` are nodes that have answered a client since they last told: a person who has seen the answer must not be
    shown a state from before it.
    """

    def __init__(self, settings: Settings) -> None:
        self.stale: set[int] = set()
        self._states = {node: NodeStatus(node=node) for node in settings.node_ids}
        self._lives: dict[int, Life] = dict.fromkeys(settings.node_ids, "down")
        self._errors = dict.fromkeys(settings.node_ids, "")

    def reported(self, node: int, state: NodeStatus) -> None:
        """`node` says how it is."""
        self._states[node] = state
        self.stale.discard(node)

    def answered(self, node: int) -> None:
        """`node` answered a write."""
        self.stale.add(node)

    def changed(self, node: int, life: Life) -> None:
        """`node` came up, went down, was paused or resumed."""
        if life == "up" and self._lives[node] == "down":
            self._errors[node] = ""
            self._states[node] = after_death(self._states[node])  # Until the new life says how it is.
            self.stale.add(node)
        self._lives[node] = life
        if life == "down":
            self.stale.discard(node)

    def failed(self, node: int, why: str) -> None:
        """`node` stops itself; it says why."""
        self._errors[node] = why

    def life(self, node: int) -> Life:
        """Up, paused or down."""
        return self._lives[node]

    def of(self, node: int) -> NodeStatus:
        """The newest picture. Of a node that is down it shows what is on its disk, and nothing that died with it."""
        state, life, error = self._states[node], self._lives[node], self._errors[node]
        if life == "down":
            return msgspec.structs.replace(after_death(state), life=life, error=error)
        if state.life == life and state.error == error:
            return state
        return msgspec.structs.replace(state, life=life, error=error or state.error)
