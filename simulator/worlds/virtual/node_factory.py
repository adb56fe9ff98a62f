"""Makes the nodes of a virtual world, over simulated disks, with one memory of mined blocks for all of them."""

from __future__ import annotations

from collections.abc import Callable

from chain.mining import mine
from simulator.mutants.registry import node_type
from simulator.node.drivable import Drivable
from simulator.node.storage.storage import Storage
from simulator.settings import Settings
from simulator.worlds.virtual.machine import Machine

REMEMBERED = 4_096
"""Blocks that the shared memory holds; the oldest goes first."""


class SharedMiner:
    """`chain.mining.mine` with a memory: the nodes of a world all look for the same nonces. A pure function still."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str, int], tuple[int, str]] = {}

    def __call__(self, prev_hash: str, text: str, difficulty: int) -> tuple[int, str]:
        """See `chain.mining.mine`."""
        block = (prev_hash, text, difficulty)
        found = self._found.get(block)
        if found is None:
            found = self._found[block] = mine(prev_hash, text, difficulty)
            if len(self._found) > REMEMBERED:
                del self._found[next(iter(self._found))]
        return found


Builder = Callable[[Settings, Machine], Drivable]
"""Makes the node `machine.me`, which has its files on `machine.disk` and the machine as its host and witness."""


def node_builder(rule: str | None) -> Builder:
    """Builds nodes of the protocol, with `rule` broken if it names one; they share what they mine.

    Raises:
        InputError: there is no such rule.
    """
    miner = SharedMiner()
    node_class = node_type(rule)

    def build(settings: Settings, machine: Machine) -> Drivable:
        storage = Storage(machine.disk, settings.difficulty)
        return node_class(machine.me, settings, storage, machine, probe=machine, miner=miner)

    return build
