"""Mutants that mix up incarnations: they believe what an earlier one wrote or was told, and do not look whose it is."""

from __future__ import annotations

from simulator.mutants.registry import mutant
from simulator.node.node import Node


@mutant(
    "found-not-synced",
    "D S",
    wrong="a restart believes and repeats records that it found in the journal, without a sync of its own",
    forbidden_by="what is on disk before what is said: a killed process leaves what a power cut can still take",
    expects="promise durability one-leader-per-ballot true-word",
)
class FoundNotSynced(Node):
    """See its entry."""

    def start(self, now_ms: int) -> None:
        """Read the journal, and leave the sync of what was found to the next record."""
        journal = self.storage._journal  # noqa: SLF001  A mutant reaches inside on purpose.
        vars(journal)["sync"] = lambda: None
        try:
            super().start(now_ms)
        finally:
            del vars(journal)["sync"]
