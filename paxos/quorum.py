"""How many nodes suffice for what (Lamport 2001, §2.2; Howard et al., *Flexible Paxos*, 2016).

One convention: every count includes the node itself. Quorums are sizes of sets of distinct nodes; who they are is the
caller's concern.
"""

from __future__ import annotations


class Quorums:
    """Quorum sizes of a cluster of `size` nodes: `prepare` for phase 1, `accept` for phase 2.

    0 means a majority. Invariant: any phase 1 quorum meets any phase 2 quorum.

    Raises:
        ValueError: two quorums of these sizes can miss each other.
    """

    def __init__(self, size: int, prepare: int = 0, accept: int = 0) -> None:
        self.size = size
        self.majority = size // 2 + 1
        self.prepare = prepare or self.majority
        self.accept = accept or self.majority
        if self.prepare + self.accept <= size:
            raise ValueError(
                f"quorums of {self.prepare} and {self.accept} among {size} nodes can miss each other: their sum must "
                "be greater than the number of nodes"
            )

    def is_majority(self, count: int) -> bool:
        """True when `count` nodes are more than half of the cluster."""
        return count >= self.majority

    def completes_prepare(self, count: int) -> bool:
        """True when `count` promises, or granted pre-votes, complete phase 1."""
        return count >= self.prepare

    def completes_accept(self, count: int) -> bool:
        """True when `count` votes choose a value, or `count` acknowledgements confirm a leader."""
        return count >= self.accept

    def prevents_prepare(self, refusals: int) -> bool:
        """True when so many nodes refused that the others are too few for phase 1."""
        return self.size - refusals < self.prepare
