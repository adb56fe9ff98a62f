"""Mutants of elections and of the transport: who leads, when it steps down, how often it retries."""

from __future__ import annotations

from collections.abc import Iterable

from paxos.acceptor import Acceptor
from paxos.ballot import Ballot, NodeId
from paxos.campaign import Campaign
from paxos.effects import Timer
from paxos.election import Election
from paxos.heartbeats import Heartbeats
from paxos.messages import AnyMessage, Promise, Reject
from paxos.pre_vote import PreVoteRound
from paxos.proposer import Proposer
from paxos.replica import Replica
from paxos.timeouts import Timeouts
from simulator.mutants.registry import mutant

SAFE = "rules 3 and 9 and the invariant Promise: the ballot alone decides what may be promised and accepted"
MAJORITY = "words: chosen is what a majority of all nodes has accepted"
STEADY = "rule 2 and the invariant Steady: a leader that reaches a majority, itself heard by it, is not unseated"
SOON = "the invariant Progress: writes are answered again within a few election timeouts"


class Muted(Proposer):
    """Leads, but proposes nothing once it is `muted`."""

    muted = False

    def lead(self, ballot: Ballot, promises: Iterable[Promise]) -> None:
        """Lead, and propose again."""
        self.muted = False
        super().lead(ballot, promises)

    def flush(self) -> None:
        """Do nothing when muted."""
        if not self.muted:
            super().flush()


@mutant(
    "stale-reject-deposes",
    "L",
    wrong="any REJECT ends a leadership, even one for an older ballot, and no new election starts",
    forbidden_by=SOON,
    expects="progress convergence steadiness",
    also=(Muted,),
)
class StaleRejectDeposes(Replica):
    """See its entry."""

    def receive(self, message: AnyMessage, now_ms: int) -> None:
        """Take any REJECT for a step-down, but go on sending heartbeats, so that no other node campaigns."""
        if isinstance(message, Reject) and isinstance(self.proposer, Muted) and self.proposer.leading:
            self.proposer.muted = True
        else:
            super().receive(message, now_ms)


@mutant(
    "leader-heard-is-enough",
    "L",
    wrong="a leader without a majority keeps its followers",
    forbidden_by="rule 6: a leader that has not heard from a majority for an election timeout steps down",
    expects="progress convergence",
)
class LeaderHeardIsEnough(Heartbeats):
    """See its entry."""

    def has_majority(self) -> bool:
        """Always assume a majority."""
        return True


class NeverResigns(Replica):
    """Never steps down."""

    def _step_down(self, why: str) -> None:
        """Go on leading."""


@mutant(
    "never-steps-down",
    "L R",
    wrong="a leader ignores a higher ballot",
    forbidden_by="rule 6, and election phase: a leader that is not followed leads no longer",
    expects="progress convergence",
    also=(NeverResigns, LeaderHeardIsEnough),
)
class NeverStepsDown(Election):
    """See its entry."""

    def follow(self, ballot: Ballot, leader: NodeId) -> bool:
        """A leader follows nobody."""
        return not self.leading and super().follow(ballot, leader)


@mutant(
    "next-round-only",
    "L",
    wrong="a retry uses its own round + 1, not the highest seen + 1",
    forbidden_by="rule 3: a ballot above every ballot seen",
    expects="progress promise one-leader-per-ballot",
)
class NextRoundOnly(Campaign):
    """See its entry."""

    def next_ballot(self) -> Ballot:
        """One round more than its own last ballot."""
        return max(self.ballot, self.acceptor.opened).above(self.core.me)


class ImpatientElection(Timeouts):
    """Uses the configured election timeout, whatever was measured."""

    def election_ms(self) -> int:
        """The configured timeout."""
        return self.core.config.election_ms


@mutant(
    "no-backoff",
    "L",
    wrong="rivals retry at fixed intervals",
    forbidden_by="rule 5: a candidate that fails waits longer before it tries again, randomised, growing, capped",
    expects="progress convergence",
    also=(ImpatientElection,),
)
class NoBackoff(Campaign):
    """See its entry."""

    def pause_ms(self) -> tuple[int, int]:
        """Always the same pause."""
        return self.timeouts.election_ms(), self.timeouts.election_ms()


@mutant(
    "halves-merge",
    "S",
    wrong="both sides of a partition elect, and merge afterwards",
    forbidden_by=MAJORITY,
    expects="agreement proposal decision chain",
)
class HalvesMerge(Replica):
    """See its entry."""

    def start(self, now_ms: int) -> None:
        """Half of the nodes suffice for both phases."""
        quorums = self.core.quorums
        quorums.prepare = quorums.accept = max(1, quorums.size // 2)
        super().start(now_ms)


@mutant(
    "promise-by-ping",
    "S L",
    wrong="a promise holds only as long as pings of whom it was given to come in",
    forbidden_by=SAFE,
    expects="promise proposal agreement",
)
class PromiseByPing(Acceptor):
    """See its entry."""

    def may_promise(self, ballot: Ballot) -> bool:
        """Also promise when the owner of the promise is silent."""
        return super().may_promise(ballot) or self._is_silent(self.promised.owner)

    def may_accept(self, ballot: Ballot) -> bool:
        """Also accept when the owner of the promise is silent."""
        return super().may_accept(ballot) or self._is_silent(self.promised.owner)

    def _is_silent(self, owner: NodeId) -> bool:
        return owner not in (self.core.me, *self.core.heard_within(self.core.config.election_ms))


class LowAcceptor(Acceptor):
    """Accepts ballots of lower node numbers."""

    def may_accept(self, ballot: Ballot) -> bool:
        """Accept the lower node number."""
        return super().may_accept(ballot) or ballot.owner < self.promised.owner


@mutant(
    "lowest-id-wins",
    "S",
    wrong="when two leaders meet, the one with the lower id stays",
    forbidden_by=SAFE,
    expects="promise proposal agreement",
    also=(LowAcceptor,),
)
class LowestIdWins(Election):
    """See its entry."""

    def on_reject(self, message: Reject) -> bool:
        """Step down only for a lower node number."""
        return super().on_reject(message) and message.promised.owner < self.core.me

    def follow(self, ballot: Ballot, leader: NodeId) -> bool:
        """Go on leading beside a leader with a higher node number."""
        return not (self.leading and self.core.me < leader) and super().follow(ballot, leader)


@mutant(
    "equal-ballot-only",
    "L",
    wrong="ACCEPT needs a ballot equal to the promise",
    forbidden_by="rule 9: an acceptor accepts if the ballot is at least its promise",
    expects="progress convergence",
)
class EqualBallotOnly(Acceptor):
    """See its entry."""

    def may_accept(self, ballot: Ballot) -> bool:
        """Accept only the promised ballot."""
        return ballot == self.promised


@mutant(
    "send-once",
    "L",
    wrong="ACCEPT and DECIDE are never sent again",
    forbidden_by="rule 10: lost messages are sent again",
    expects="progress convergence",
)
class SendOnce(Proposer):
    """See its entry."""

    def resend(self) -> None:
        """Send nothing again."""
        self._resend_set = False


def text(ballot: Ballot) -> str:
    """A ballot as text."""
    return str(ballot)


@mutant(
    "text-ballots",
    "L",
    wrong="ballots are compared as text",
    forbidden_by="words: a ballot is (round, node), ordered",
    expects="progress promise convergence",
)
class TextBallots(Acceptor):
    """See its entry."""

    def may_promise(self, ballot: Ballot) -> bool:
        """Compare as text: "10.1" is below "9.1"."""
        return text(ballot) >= text(self.promised)

    def may_accept(self, ballot: Ballot) -> bool:
        """Compare as text: "10.1" is below "9.1"."""
        return text(ballot) >= text(self.promised)


@mutant(
    "text-ballots-id-first",
    "L",
    wrong="ballots are compared by id before round",
    forbidden_by="words: a ballot is (round, node), ordered",
    expects="progress promise convergence",
)
class IdFirst(Acceptor):
    """See its entry."""

    def may_promise(self, ballot: Ballot) -> bool:
        """Compare node numbers first."""
        return (ballot.owner, ballot.round) >= (self.promised.owner, self.promised.round)

    def may_accept(self, ballot: Ballot) -> bool:
        """Compare node numbers first."""
        return (ballot.owner, ballot.round) >= (self.promised.owner, self.promised.round)


@mutant(
    "quorum-of-the-living",
    "S",
    wrong="the majority is counted over reachable nodes",
    forbidden_by=MAJORITY,
    expects="agreement proposal decision chain",
)
class QuorumOfTheLiving(Replica):
    """See its entry."""

    def receive(self, message: AnyMessage, now_ms: int) -> None:
        """Adjust the quorums to the nodes heard, then handle the message."""
        self._count()
        super().receive(message, now_ms)

    def wake(self, timer: Timer, now_ms: int) -> None:
        """Adjust the quorums to the nodes heard, then handle the timer."""
        self._count()
        super().wake(timer, now_ms)

    def _count(self) -> None:
        living = len(self.core.heard_within(self.core.config.election_ms)) + 1
        self.core.quorums.prepare = self.core.quorums.accept = living // 2 + 1


@mutant(
    "grant-though-heard",
    "L",
    wrong="a node would promise a ballot though it hears a leader",
    forbidden_by=STEADY,
    expects="steadiness",
)
class GrantThoughHeard(PreVoteRound):
    """See its entry."""

    def would_grant(self, asker: NodeId, leader: NodeId, hops: int) -> bool:
        """Grant whatever is asked."""
        return True


@mutant(
    "campaign-unasked",
    "L",
    wrong="a node that hears no leader opens a ballot without asking who would promise it",
    forbidden_by=STEADY,
    expects="steadiness",
)
class CampaignUnasked(Election):
    """See its entry."""

    def begin_pre_vote(self) -> None:
        """Skip the pre-vote."""
        self.open_ballot()


@mutant(
    "any-refusal-unseats",
    "L",
    wrong="a leader steps down for the refusal of an older ballot",
    forbidden_by=STEADY,
    expects="steadiness",
)
class AnyRefusalUnseats(Election):
    """See its entry."""

    def on_reject(self, message: Reject) -> bool:
        """Believe every refusal."""
        return self.leading or super().on_reject(message)
