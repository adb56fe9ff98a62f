"""What a node reports of its own inside: recovery, journal records, syncs and applied blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from chain.block import Block
from paxos.records import JournalRecord
from simulator.node.storage.storage import Recovered


class Probe(Protocol):
    """Observes one node from inside; the node calls it as things happen."""

    def recovered(self, recovered: Recovered) -> None:
        """An incarnation begins with what the files held; `recovered.height` blocks are applied."""
        ...

    def recorded(self, records: Sequence[JournalRecord]) -> None:
        """These records were appended to the journal; they are durable after the next `synced`."""
        ...

    def synced(self) -> None:
        """All records appended so far are durable."""
        ...

    def applied(self, blocks: Sequence[Block]) -> None:
        """These blocks were appended to the chain and their operations applied, in this order."""
        ...

    def happened(self, what: str) -> None:
        """Something rare happens now that searches count, such as "compactions". It is no event of a trace."""
        ...
