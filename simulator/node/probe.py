"""What a node reports of its own inside: recovery, journal records, syncs and applied blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chain.block import Block
from paxos.records import JournalRecord
from simulator.node.storage.storage import Recovered


class Probe(Protocol):
    """What one node does inside, told by the node itself as it does it."""

    def recovered(self, recovered: Recovered) -> None:
        """A life begins with what the files told; `recovered.height` blocks of the chain are applied."""
        ...

    def recorded(self, records: Sequence[JournalRecord]) -> None:
        """These records were appended to the journal; they are safe after the next `synced`."""
        ...

    def synced(self) -> None:
        """Everything recorded so far is safe."""
        ...

    def applied(self, blocks: Sequence[Block]) -> None:
        """These blocks were appended to the chain and their operations applied, in this order."""
        ...
