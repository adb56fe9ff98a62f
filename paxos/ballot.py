"""Ballots, slots and nodes: the numbers that Paxos compares (Lamport 2001, §2.2 and §2.5)."""

from __future__ import annotations

import msgspec

NodeId = int
"""A node's number, from 1; 0 stands for no node."""

Slot = int
"""A position in the log, from 1; slot n is block n of the chain. 0 is "before the first"."""

NOBODY: NodeId = 0


class Ballot(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """A proposal number, ordered by round, then by owner, so that no two nodes share one (Lamport 2001, §2.5)."""

    round: int
    owner: NodeId

    def above(self, owner: NodeId) -> Ballot:
        """The lowest ballot of `owner` that is above this one in every comparison."""
        return Ballot(self.round + 1, owner)

    def __str__(self) -> str:
        return f"{self.round}.{self.owner}"


NO_BALLOT = Ballot(0, NOBODY)
"""Below every real ballot; it stands for "none"."""
