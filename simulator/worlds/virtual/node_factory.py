"""Makes the nodes of a virtual world, which share a cache of mined blocks."""

from __future__ import annotations

from collections.abc import Callable

from chain.mining import mine
from simulator.mutants.registry import node_type
from simulator.node.drivable import Drivable
from simulator.node.storage.identity import Identity
from simulator.node.storage.storage import Storage
from simulator.settings import Settings
from simulator.worlds.virtual.machine import Machine

REMEMBERED = 4_096
"""The size of the cache in blocks; the oldest is removed first."""


class SharedMiner:
    """`chain.mining.mine` with a cache, because all nodes of a world mine the same blocks. Still a pure function."""

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
"""Makes the node `machine.me`: its files are on `machine.disk`, and the machine is its host and probe."""


def node_builder(rule: str | None) -> Builder:
    """A builder of protocol nodes, with `rule` broken if it names one.

    Raises:
        InputError: there is no such rule.
    """
    miner = SharedMiner()
    node_class = node_type(rule)

    def build(settings: Settings, machine: Machine) -> Drivable:
        identity = Identity(f"virtual-{settings.seed}", machine.me)
        storage = Storage(machine.disk, settings.difficulty, identity, machine.past)
        return node_class(machine.me, settings, storage, machine, probe=machine, miner=miner, nonce=machine.incarnation)

    return build
