"""The pre-vote: before a node opens a ballot it asks who would promise one (`docs/decisions/0005`).

As Raft's pre-vote (Ongaro 2014, §9.6), it keeps a node with bad links from unseating a leader that works. It opens no
ballot and carries no safety.
"""

from __future__ import annotations

from paxos.acceptor import Acceptor
from paxos.ballot import NOBODY, NodeId
from paxos.core import Core
from paxos.learner import Learner
from paxos.messages import PreVote
from paxos.timeouts import Timeouts


class PreVoteRound:
    """The pre-votes that this node asked for, the grants it got, and whether it would grant one itself."""

    def __init__(self, core: Core, timeouts: Timeouts, acceptor: Acceptor, learner: Learner) -> None:
        self.core = core
        self.timeouts = timeouts
        self.acceptor = acceptor
        self.learner = learner
        self.asked_ms = 0
        self._granted: dict[NodeId, int] = {}  # Who would promise, and when it said so.
        self._refused: set[NodeId] = set()
        self._promised_to: tuple[NodeId, int] | None = None  # The candidate promised last, and when.

    # Asking

    def begin(self) -> None:
        """Start a round. Grants younger than an election timeout still count; this node grants its own."""
        timeout, now = self.timeouts.election_ms(), self.core.now
        self._refused.clear()
        self._granted = {node: at for node, at in self._granted.items() if now - at < timeout}
        self._granted[self.core.me] = now

    def ask(self, nodes: tuple[NodeId, ...]) -> None:
        """Send the question to `nodes`, and set the RESEND timer."""
        if nodes:
            question = PreVote(
                sender=self.core.me,
                stamp=self.core.now,
                decided=self.learner.stated,
                promised=self.acceptor.promised,
            )
            self.core.send_now(nodes, question)
        self.asked_ms = self.core.now
        self.timeouts.set_candidate_resend()

    def unanswered(self) -> tuple[NodeId, ...]:
        """The peers that have not granted this round."""
        return tuple(node for node in self.core.others if node not in self._granted)

    def granted(self, node: NodeId) -> None:
        """`node` would promise."""
        self._granted[node] = self.core.now
        self._refused.discard(node)

    def refused(self, node: NodeId) -> None:
        """`node` would not promise: it hears a leader, or has just promised another candidate."""
        self._granted.pop(node, None)
        self._refused.add(node)

    def end(self) -> None:
        """A ballot is opened: grants are used up."""
        self._granted.clear()

    def is_won(self) -> bool:
        """True when enough nodes for phase 1, this one included, would promise."""
        return self.core.quorums.completes_prepare(len(self._granted))

    def is_lost(self) -> bool:
        """True when the nodes that have not refused are too few for phase 1."""
        return self.core.quorums.prevents_prepare(len(self._refused))

    # Answering

    def note_promise(self, candidate: NodeId) -> None:
        """This node has just promised `candidate` a ballot."""
        self._promised_to = (candidate, self.core.now)

    def has_promised_another(self, asker: NodeId) -> bool:
        """True within an election timeout after a promise to another node than `asker`: let that campaign finish."""
        if self._promised_to is None:
            return False
        candidate, at = self._promised_to
        return candidate != asker and self.core.now - at < self.timeouts.election_ms()

    def would_grant(self, asker: NodeId, leader: NodeId, hops: int) -> bool:
        """True when this node would promise `asker` a ballot: it hears no leader, directly or from a neighbour."""
        return (leader == NOBODY or hops > 1) and not self.has_promised_another(asker)
