"""What is said of several nodes: their names in a sentence, and that too few of them may vote."""

from __future__ import annotations

from collections.abc import Sequence

from paxos.ballot import NodeId


def names_of(nodes: Sequence[NodeId]) -> str:
    """The nodes, at least one, as the subject of a sentence."""
    if len(nodes) == 1:
        return f"node {nodes[0]}"
    return f"nodes {', '.join(map(str, nodes[:-1]))} and {nodes[-1]}"


def too_few_vote(forgetful: Sequence[NodeId]) -> str:
    """What a client and an operator are told when so many nodes have amnesia that the others are no majority."""
    have, do = ("has", "does") if len(forgetful) == 1 else ("have", "do")
    return (
        f"{names_of(forgetful)} {have} lost promises or votes and {do} not vote, so too few are left; an operator must "
        "stop the lab and run 'paxsim recover DIR'"
    )
