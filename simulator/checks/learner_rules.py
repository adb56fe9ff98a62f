"""The rules of learners: a node may apply a slot only when the messages of this incarnation prove that it is chosen.

A slot is proved by a quorum of ACCEPTEDs at one ballot that reached the ballot's owner (rule 10), by a decided prefix
stated at a ballot that covers a value received at that ballot or a higher one (rule 12), or by a fetched block. A node
that applies a chosen slot without such a proof breaks the protocol, even before two chains differ.
"""

from __future__ import annotations

from paxos.ballot import NodeId, Slot
from paxos.messages import Accept, Accepted, CatchupReply, Decide, Heartbeat
from simulator.checks.oracle import NodeFacts, Oracle


class LearnerRules:
    """Follows what is delivered. Assumes that a node reads and keeps everything delivered to it."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle

    def ended(self, node: NodeFacts) -> None:
        """An incarnation ended: forget what was delivered to it.

        This cannot wait for the next recovery, because messages are queued for a process that is still starting.
        """
        node.stated_prefixes.clear()
        node.fetched = 0

    def accept_delivered(self, source: NodeId, node: NodeId, message: Accept) -> None:
        """Note the values that reached `node` at a ballot, and the decided prefix."""
        oracle, ballot, bit = self._oracle, message.ballot, self._oracle.nodes[node].bit
        number = message.first_slot
        for _ in message.values:
            slot = oracle.slots.get(number)
            vote = None if slot is None else slot.votes.get(ballot)
            if vote is not None:
                vote.reached |= bit
            number += 1
        self.prefix_delivered(source, node, message)

    def accepted_delivered(self, source: NodeId, node: NodeId, message: Accepted) -> None:
        """Note votes that reached the owner of their ballot."""
        ballot = message.ballot
        if ballot.owner != node:
            return
        slots, bit = self._oracle.slots, 1 << source
        for number in range(message.first_slot, message.last_slot + 1):
            slot = slots.get(number)
            vote = None if slot is None else slot.votes.get(ballot)
            if vote is None:
                return  # No node voted so: `AcceptorRules.accepted_sent` has reported it.
            vote.acknowledged |= bit

    def prefix_delivered(self, source: NodeId, node: NodeId, message: Accept | Decide | Heartbeat) -> None:
        """Note the decided prefix that was stated at a ballot."""
        stated_prefixes = self._oracle.nodes[node].stated_prefixes
        if message.decided > stated_prefixes.get(message.ballot, 0):
            stated_prefixes[message.ballot] = message.decided

    def catchup_delivered(self, source: NodeId, node: NodeId, message: CatchupReply) -> None:
        """Note the decided blocks that were fetched."""
        reader = self._oracle.nodes[node]
        reader.fetched = max(reader.fetched, message.first_slot + len(message.blocks) - 1)

    def may_apply(self, node: NodeFacts, number: Slot) -> bool:
        """True when what was delivered to `node` in this incarnation proves that slot `number` is chosen."""
        if number <= node.fetched:
            return True
        slot = self._oracle.slots.get(number)
        if slot is None:
            return number <= self._oracle.forgotten
        bit, quorum = node.bit, self._oracle.accept_quorum
        for ballot, vote in slot.votes.items():
            if ballot.owner == node.node and (vote.acknowledged | (vote.voters & bit)).bit_count() >= quorum:
                return True
            if (vote.reached | vote.voters) & bit:
                for ballot_stated, upto in node.stated_prefixes.items():
                    if upto >= number and ballot_stated <= ballot:
                        return True
        return False
