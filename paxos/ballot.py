"""Ballots, slots and nodes: the numbers that Paxos compares (Lamport 2001, §2.2 and §2.5)."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

MOST_SLOTS = 100_000_000
"""No log is longer. A number above is no slot: it is refused where messages and files are decoded."""
MOST_IN_FLIGHT = 65_536
"""No leader proposes farther than this beyond the slots that it knows to be decided (`Config.window`)."""
MOST_ROUNDS = 1 << 41
"""No message has a higher round. More elections than this never happen, and a number above would not fit anywhere."""
LONGEST_JUMP = 1 << 32
"""No round is farther than this above another that is in use: so many elections never happen while a node sleeps."""

NodeId = Annotated[int, Meta(ge=0, le=99)]
"""A node's number, from 1; 0 stands for no node."""

Slot = Annotated[int, Meta(ge=0, le=MOST_SLOTS)]
"""A position in the log, from 1; slot n is block n of the chain. 0 is "before the first"."""

NOBODY: NodeId = 0


class Ballot(msgspec.Struct, frozen=True, order=True, array_like=True, gc=False):
    """A proposal number, ordered by round, then by owner, so that no two nodes share one (Lamport 2001, §2.5)."""

    round: Annotated[int, Meta(ge=0, le=MOST_ROUNDS)]
    owner: NodeId

    def above(self, owner: NodeId) -> Ballot:
        """The lowest ballot of `owner` that is above this one in every comparison."""
        return Ballot(self.round + 1, owner)

    def jumps(self, known: Ballot) -> bool:
        """True when no cluster has come from `known` to this ballot: a file was forged somewhere."""
        return self.round - known.round > LONGEST_JUMP

    def __str__(self) -> str:
        return f"{self.round}.{self.owner}"


NO_BALLOT = Ballot(0, NOBODY)
"""Below every real ballot; it stands for "none"."""
