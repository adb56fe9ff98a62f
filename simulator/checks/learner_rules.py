"""What a node may know to be chosen, from what has reached it in this life, and nothing else.

A slot may be applied when the quorum of ACCEPTEDs at one ballot reached its owner (rule 10), when a decided prefix said
at a ballot covers a value that came at that ballot or a later one (rule 12), or when decided blocks were fetched. A
node that applies what happens to be chosen, and cannot know it, is wrong before any two nodes disagree.
"""

from __future__ import annotations

from paxos.ballot import NodeId, Slot
from paxos.messages import Accept, Accepted, CatchupReply, Decide, Heartbeat
from simulator.checks.oracle import NodeFacts, Oracle


class LearnerRules:
    """Follows what is delivered. It errs on the side of the node: what came is taken as read and kept."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle

    def ended(self, node: NodeFacts) -> None:
        """A life is over: the next one knows nothing of what reached it.

        This is not left to the beginning of the next: messages wait for a process that still starts.
        """
        node.claims.clear()
        node.fetched = 0

    def accept_delivered(self, source: NodeId, node: NodeId, message: Accept) -> None:
        """Values came at a ballot, and with them a decided prefix."""
        oracle, ballot, bit = self._oracle, message.ballot, self._oracle.nodes[node].bit
        number = message.first_slot
        for _ in message.values:
            slot = oracle.slots.get(number)
            vote = None if slot is None else slot.votes.get(ballot)
            if vote is not None:
                vote.reached |= bit
            number += 1
        self.claim_delivered(source, node, message)

    def accepted_delivered(self, source: NodeId, node: NodeId, message: Accepted) -> None:
        """A vote came in, for the ballot that it names."""
        ballot = message.ballot
        if ballot.owner != node:
            return
        slots, bit = self._oracle.slots, 1 << source
        for number in range(message.first_slot, message.last_slot + 1):
            slot = slots.get(number)
            vote = None if slot is None else slot.votes.get(ballot)
            if vote is None:
                return  # Said by nobody honest: `acceptors` has told of it.
            vote.acknowledged |= bit

    def claim_delivered(self, source: NodeId, node: NodeId, message: Accept | Decide | Heartbeat) -> None:
        """A decided prefix was said at a ballot."""
        claims = self._oracle.nodes[node].claims
        if message.decided > claims.get(message.ballot, 0):
            claims[message.ballot] = message.decided

    def catchup_delivered(self, source: NodeId, node: NodeId, message: CatchupReply) -> None:
        """Decided blocks came."""
        reader = self._oracle.nodes[node]
        reader.fetched = max(reader.fetched, message.first_slot + len(message.blocks) - 1)

    def may_know(self, node: NodeFacts, number: Slot) -> bool:
        """Whether what has reached `node` tells that slot `number` is chosen."""
        if number <= node.fetched:
            return True
        slot = self._oracle.slots.get(number)
        if slot is None:
            return number <= self._oracle.let_go
        bit, quorum = node.bit, self._oracle.accept_quorum
        for ballot, vote in slot.votes.items():
            if ballot.owner == node.node and (vote.acknowledged | (vote.voters & bit)).bit_count() >= quorum:
                return True
            if (vote.reached | vote.voters) & bit:
                for said, upto in node.claims.items():
                    if upto >= number and said <= ballot:
                        return True
        return False
