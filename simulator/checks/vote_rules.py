"""The rules of votes as facts: a vote that is stored, read back or reported is one that was given.

An acceptor votes for what its ballot proposed to it. A vote in a PROMISE, or found on a disk at a restart, has the
ballot and the value of a synced vote. When it has not, this acceptor is named, not the ballot.

One vote that was never given is safe. A crash may tear the record of a vote at ballot c for value v, so that v stands
beside the older ballot b of the vote before. Nobody heard of the vote at c, so it counts for nothing. Any value chosen
below c is v, because c was free to propose it (P2c). A majority that chose above b includes acceptors that report a
ballot above b, which wins. So (b, v) misleads nobody, and `NodeFacts.torn` holds it.
"""

from __future__ import annotations

from paxos.ballot import Ballot
from paxos.messages import Acceptance, Promise, Value
from simulator.checks.oracle import NodeFacts, Oracle, SlotFacts, Vote

TRUE_WORD = "true-word"


class VoteRules:
    """Compares each vote that a node stores, finds or reports with what it was sent and has synced."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle

    def stored(self, at_ms: int, acceptor: NodeFacts, slot: SlotFacts, ballot: Ballot, value: Value) -> Vote | None:
        """The acceptor appended a vote. Returns the vote that it counts as; None when it counts for nothing."""
        oracle, node, number = self._oracle, acceptor.node, slot.number
        vote = slot.votes.get(ballot)
        if vote is not None and vote.value == value:
            if vote.reached & acceptor.bit or ballot.owner == node or vote.voters & acceptor.bit:
                return vote
            why = f"node {node} votes at {ballot} for slot {number}, and no ACCEPT of it has reached the node"
        elif vote is None and ballot.owner == node:
            return oracle.vote(slot, ballot, value, at_ms, node)  # Alone in its cluster, it sends no ACCEPT.
        elif _was_torn(slot, acceptor, ballot, value):
            acceptor.torn[number] = Acceptance(number, ballot, value)
            return None
        elif vote is None:
            why = f"node {node} votes at {ballot} for slot {number}, where that ballot has proposed nothing"
            vote = oracle.vote(slot, ballot, value, at_ms, node)
        else:
            why = f"node {node} votes at {ballot} for another value in slot {number} than that ballot proposed"
            vote = None
        oracle.violated(TRUE_WORD, why, at_ms, node, slot=number, ballot=ballot, step="vote", rule="9")
        return vote

    def found(self, at_ms: int, acceptor: NodeFacts, slot: SlotFacts, found: Acceptance) -> Vote | None:
        """A restarted node found this vote on its disk. Returns the vote that it counts as; None: for nothing.

        A vote may have been written without being reported: the node ended in between. Its ACCEPT was seen, though.
        """
        oracle, node, ballot = self._oracle, acceptor.node, found.ballot
        vote = slot.votes.get(ballot)
        if vote is not None and vote.value == found.value:
            if (vote.voters | vote.late | vote.reached) & acceptor.bit or ballot.owner == node:
                return vote
        elif vote is None and ballot.owner == node:
            return oracle.vote(slot, ballot, found.value, at_ms, node)
        elif _was_torn(slot, acceptor, ballot, found.value):
            acceptor.torn[found.slot] = found
            oracle.sometimes["torn votes"] += 1
            return None
        same = vote is None or not (vote.voters | vote.late) & acceptor.bit
        what = "that it never gave" if same else "with another value than it gave"
        why = f"node {node} comes back with a vote at {ballot} for slot {found.slot} {what}"
        oracle.violated(TRUE_WORD, why, at_ms, node, slot=found.slot, ballot=ballot, step="restart", rule="True word")
        return None

    def reported(self, at_ms: int, acceptor: NodeFacts, promise: Promise) -> None:
        """PROMISE was sent: each vote in it is on the acceptor's disk, the same ballot and the same value."""
        oracle, node = self._oracle, acceptor.node
        for vote in promise.accepted:
            slot = oracle.slots.get(vote.slot)
            known = None if slot is None else slot.votes.get(vote.ballot)
            given = known is not None and bool((known.voters | known.late) & acceptor.bit)
            if given and known is not None and known.value == vote.value:
                continue
            if acceptor.torn.get(vote.slot) == vote or vote.slot <= oracle.forgotten:
                continue
            what = "with another value than it gave" if given else "that it never gave"
            why = f"node {node} reports a vote at {vote.ballot} for slot {vote.slot} {what}"
            oracle.violated(
                TRUE_WORD, why, at_ms, node, promise.ballot.owner, slot=vote.slot, ballot=promise.ballot,
                step="promise", rule="True word",
            )  # fmt: skip
            return


def _was_torn(slot: SlotFacts, acceptor: NodeFacts, ballot: Ballot, value: Value) -> bool:
    """True when the value is that of a higher ballot whose ACCEPT has reached the acceptor: see the module."""
    bit, node = acceptor.bit, acceptor.node
    return any(
        higher > ballot and vote.value == value and (vote.reached & bit or higher.owner == node)
        for higher, vote in slot.votes.items()
    )
