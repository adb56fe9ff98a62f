"""The eras of all nodes: how often each has lost its memory, as far as one node knows.

A node that lost its memory begins a new era, and what it said in an older one counts no longer together with the word
of a node that knows of the new one. This is the crash vector of Michael et al., *Recovering Shared Objects Without
Stable Storage* (DISC 2017). The empty tuple means that no node has ever lost its memory, so it costs nothing then.
"""

from __future__ import annotations

from itertools import zip_longest

from paxos.ballot import NodeId

Eras = tuple[int, ...]
"""The eras of nodes 1, 2, 3, …; a node beyond its end is in era 0."""

NO_LOSS: Eras = ()
"""Nobody has lost its memory."""


def era_of(eras: Eras, node: NodeId) -> int:
    """The era of `node`."""
    return eras[node - 1] if 0 < node <= len(eras) else 0


def with_era(eras: Eras, node: NodeId, era: int) -> Eras:
    """The same eras, but `node` is in `era`."""
    longer = [*eras, *[0] * (node - len(eras))]
    longer[node - 1] = era
    return tuple(longer)


def newest(one: Eras, other: Eras) -> Eras:
    """The later era of each node."""
    if one == other or not other:
        return one
    return tuple([max(pair) for pair in zip_longest(one, other, fillvalue=0)])
