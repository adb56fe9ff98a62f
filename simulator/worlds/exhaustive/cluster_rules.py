"""What must hold of all nodes together, judged from their disks: agreement, decisions, one value a ballot.

What one node alone can do wrong is judged where its step is computed (`node_steps`). A run that breaks a rule here can
be replayed under `simulator.checks`, which judge events instead of states.
"""

from __future__ import annotations

from collections.abc import Sequence

from paxos.messages import Value
from simulator.node.codec import operations_text, parse_block
from simulator.worlds.exhaustive.node_facts import Facts


def disagreement(nodes: Sequence[Facts]) -> str:
    """Two chains of which neither is a prefix of the other."""
    for number, one in enumerate(nodes, 1):
        for other_number, other in enumerate(nodes[number:], number + 1):
            for slot, (mine, theirs) in enumerate(zip(one.chain, other.chain, strict=False), 1):
                if mine != theirs:
                    return f"agreement: nodes {number} and {other_number} have different blocks {slot}"
    return ""


def wrong_together(nodes: Sequence[Facts], majority: int) -> str:
    """Agreement apart: a block that no majority holds or votes for, or two values at one ballot in one slot."""
    for slot in range(1, max(len(facts.chain) for facts in nodes) + 1):
        texts = {facts.chain[slot - 1] for facts in nodes if len(facts.chain) >= slot}
        value = parse_block(next(iter(texts)).encode()).operations_text if texts else ""
        holders = sum(len(f.chain) >= slot or (slot in f.votes and _text(f.votes[slot].value) == value) for f in nodes)
        if holders < majority:
            return f"decision: block {slot} is held or voted for by {holders} nodes, and {majority} are a majority"
    proposed: dict[tuple[object, int], Value] = {}
    for facts in nodes:
        for slot, vote in facts.votes.items():
            if proposed.setdefault((vote.ballot, slot), vote.value) != vote.value:
                return f"one-value: ballot {vote.ballot} has two values in slot {slot}"
    return ""


def _text(value: Value) -> str:
    return operations_text(value)
