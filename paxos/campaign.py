"""The campaign: a ballot of this node, its PREPAREs and the promises for it (phase 1 of Lamport 2001, §2.2 and §3).

One PREPARE is for all slots at once. It knows nothing of what is proposed afterwards.
"""

from __future__ import annotations

from paxos.acceptor import Acceptor
from paxos.ballot import NO_BALLOT, Ballot, NodeId
from paxos.core import Core
from paxos.learner import Learner
from paxos.messages import Prepare, Promise, Reject
from paxos.rules import rule
from paxos.timeouts import Timeouts

LONGEST_SPREAD = 8
"""The most election timeouts over which rivals spread their next attempts."""


class Campaign:
    """Invariant: a ballot is opened once, above every ballot seen, and is durable before PREPARE leaves.

    `ballot` is the last one that this node opened, `seen` the highest ballot heard of, `failures` how many campaigns
    failed in a row; `opened` and `won` count ballots of this incarnation.
    """

    def __init__(self, core: Core, timeouts: Timeouts, acceptor: Acceptor, learner: Learner) -> None:
        self.core = core
        self.timeouts = timeouts
        self.acceptor = acceptor
        self.learner = learner
        self.ballot = NO_BALLOT
        self.seen = acceptor.promised
        self.promises: dict[NodeId, Promise] = {}
        self.failures = 0
        self.opened = 0
        self.won = 0
        self.asked_ms = 0
        self._refused: set[NodeId] = set()

    def essence(self, *, preparing: bool) -> tuple[object, ...]:
        """What of this role can still matter to safety: see `Replica.essence`. Promises are counted while preparing."""
        if not preparing:
            return (self.seen,)
        promises = tuple((node, p.accepted, p.decided) for node, p in sorted(self.promises.items()))
        return self.seen, self.ballot, promises

    def see(self, ballot: Ballot) -> None:
        """Remember the highest ballot heard of: the next one of this node goes above it. A forged one is ignored."""
        if ballot > self.seen and not ballot.jumps(self.seen):
            self.seen = ballot

    @rule("3")
    def next_ballot(self) -> Ballot:
        """A ballot above every ballot seen, whoever owned it."""
        return max(self.seen, self.acceptor.promised).above(self.core.me)

    @rule("3")
    def open(self) -> None:
        """Open the next ballot and send PREPARE to all, this node's own acceptor first, once the ballot is durable."""
        self.ballot = self.next_ballot()
        self.see(self.ballot)
        self.promises.clear()
        self._refused.clear()
        self.opened += 1
        self.core.note("election", f"node {self.core.me} bids to lead with ballot {self.ballot}")
        self.acceptor.open(self.ballot)
        decided = self.learner.decided
        own = self.acceptor.promise_for(self.ballot, decided + 1, decided, self.core.now)
        self.core.send((self.core.me,), own)
        self.prepare(self.core.others)

    def prepare(self, nodes: tuple[NodeId, ...]) -> None:
        """Send PREPARE of the open ballot to `nodes`, and set the RESEND timer."""
        if nodes:
            first = self.learner.decided + 1
            self.core.send(
                nodes, Prepare(sender=self.core.me, ballot=self.ballot, first_slot=first, stamp=self.core.now)
            )
        self.asked_ms = self.core.now
        self.timeouts.set_candidate_resend()

    def unanswered(self) -> tuple[NodeId, ...]:
        """The peers that have not promised the open ballot."""
        return tuple(node for node in self.core.others if node not in self.promises)

    # Answers

    def is_for_my_ballot(self, ballot: Ballot) -> bool:
        """An answer counts only for the ballot that it names."""
        return ballot == self.ballot

    def is_stale_refusal(self, message: Reject) -> bool:
        """A refusal of another ballot than the one opened last says nothing about that one."""
        return message.ballot != self.ballot

    @rule("4")
    def count_promise(self, message: Promise) -> None:
        """Count one promise a node: a repeated one counts once."""
        self.promises[message.sender] = message

    @rule("17")
    def uncount(self, node: NodeId) -> None:
        """`node` has lost its memory: the promise that it gave before counts no longer."""
        self.promises.pop(node, None)

    @rule("4")
    def enough_promises(self) -> bool:
        """Phase 1 is complete when a majority of distinct nodes has promised this ballot."""
        return self.core.quorums.completes_prepare(len(self.promises))

    def count_refusal(self, node: NodeId) -> bool:
        """Count one refusal a node. True when the others are too few for phase 1."""
        self._refused.add(node)
        return self.core.quorums.prevents_prepare(len(self._refused))

    # Retries

    @rule("5")
    def pause_ms(self) -> tuple[int, int]:
        """The bounds of the random pause after a failed campaign; it grows with each failure, up to a cap."""
        spread = min(1 << min(self.failures - 1, 10), LONGEST_SPREAD)
        return 1, self.timeouts.election_ms() * spread // 2 + 1
