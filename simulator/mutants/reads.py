"""Mutants of linearizable reads."""

from __future__ import annotations

from paxos.proposer import Proposer
from paxos.reads import Reads
from paxos.request_forwarder import RequestForwarder
from simulator.mutants.registry import mutant

LINEARIZABLE = "reads: the leader confirms that it still leads with acknowledgements sent after the read arrived"


@mutant(
    "old-leader-reads",
    "R",
    wrong="a linearizable read is served without asking a majority",
    forbidden_by=LINEARIZABLE,
    expects="reads linearizability",
)
class OldLeaderReads(Reads):
    """See its entry."""

    def is_confirmed(self, round_: int) -> bool:
        """Confirm every read at once."""
        return True


@mutant(
    "follower-reads",
    "R",
    wrong="a follower serves a linearizable read from its copy",
    forbidden_by=LINEARIZABLE,
    expects="reads linearizability",
)
class FollowerReads(RequestForwarder):
    """See its entry."""

    def read(self, number: int, question: object = None) -> None:
        """Serve the read from this node's own blog."""
        super().read(number, question)
        self.waiting.confirm_reads((number,), self.learner.decided)


@mutant(
    "read-before-recovery",
    "R",
    wrong="a new leader serves a linearizable read before the slots it recovered are applied",
    forbidden_by="rule 4: until these are decided it serves no linearizable read",
    expects="reads linearizability",
)
class ReadBeforeRecovery(Proposer):
    """See its entry."""

    def may_read(self) -> bool:
        """Serve reads from the first moment on."""
        return True


@mutant(
    "read-trusts-clock",
    "R",
    wrong="a leader lets a lease stand for the majority",
    forbidden_by="reads: no clock is trusted",
    expects="reads linearizability",
)
class ReadTrustsClock(Reads):
    """See its entry."""

    def is_confirmed(self, round_: int) -> bool:
        """Confirm when a majority answered lately, on this node's clock."""
        return self.heartbeats.has_majority()
