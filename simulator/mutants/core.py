"""Mutants of the core: promises, votes, ballots and quorums (Lamport 2001, §2.2 and §2.5)."""

from __future__ import annotations

from collections import Counter

from paxos.acceptor import Acceptor
from paxos.ballot import Ballot, NodeId, Slot
from paxos.campaign import Campaign
from paxos.effects import Send
from paxos.messages import Accept, Acceptance, AnyMessage, Prepare, Promise, Value
from paxos.proposer import Flight, Proposer
from paxos.records import JournalRecord
from simulator.mutants.registry import mutant
from simulator.node.group_commit import GroupCommit

PROMISE = "rule 9 and the invariant Promise: nothing is accepted below the promise"
KEPT = "what is on disk before what is said"
HIGHEST = "rule 4: for each open slot the value of the highest ballot reported"
MAJORITY = "rules 4 and 10: a majority, of distinct nodes, at this ballot"


@mutant(
    "accept-ignores-promise",
    "S",
    wrong="an acceptor accepts below its promise",
    forbidden_by=PROMISE,
    expects="promise proposal agreement",
)
class AcceptIgnoresPromise(Acceptor):
    """See its entry."""

    def may_accept(self, ballot: Ballot) -> bool:
        """Accept at any ballot."""
        return True


@mutant(
    "promise-goes-down",
    "S",
    wrong="any PREPARE is promised",
    forbidden_by="rule 3 and the invariant Promise: a promise never goes down",
    expects="promise proposal agreement",
)
class PromiseGoesDown(Acceptor):
    """See its entry."""

    def may_promise(self, ballot: Ballot) -> bool:
        """Promise any ballot."""
        return True


@mutant(
    "ignore-reported-values",
    "S",
    wrong="a new leader proposes its own value though a promise reported one",
    forbidden_by=HIGHEST,
    expects="proposal agreement",
)
class IgnoreReportedValues(Proposer):
    """See its entry."""

    def recover(self) -> None:
        """Ignore the reports: nothing is recovered, and the next writes take the open slots."""
        self._reported.clear()
        super().recover()


@mutant(
    "lowest-ballot-wins",
    "S",
    wrong="of several reported values a new leader takes that of the lowest ballot",
    forbidden_by=HIGHEST,
    expects="proposal agreement",
)
class LowestBallotWins(Proposer):
    """See its entry."""

    def best_vote(self, votes: list[Acceptance]) -> Acceptance:
        """Take the vote of the lowest ballot."""
        return min(votes, key=lambda vote: vote.ballot)


@mutant(
    "lowest-ballot-wins-first",
    "S",
    wrong="of several reported values a new leader takes the one reported first",
    forbidden_by=HIGHEST,
    expects="proposal agreement",
)
class FirstReportWins(Proposer):
    """See its entry."""

    def best_vote(self, votes: list[Acceptance]) -> Acceptance:
        """Take the vote that was reported first."""
        return votes[0]


@mutant(
    "lowest-ballot-wins-last",
    "S",
    wrong="of several reported values a new leader takes the one reported last",
    forbidden_by=HIGHEST,
    expects="proposal agreement",
)
class LastReportWins(Proposer):
    """See its entry."""

    def best_vote(self, votes: list[Acceptance]) -> Acceptance:
        """Take the vote that was reported last."""
        return votes[-1]


@mutant(
    "lowest-ballot-wins-most-common",
    "S",
    wrong="of several reported values a new leader takes the one reported most often",
    forbidden_by=HIGHEST,
    expects="proposal agreement",
)
class MostCommonReportWins(Proposer):
    """See its entry."""

    def best_vote(self, votes: list[Acceptance]) -> Acceptance:
        """Take a vote for the value that was reported most often; of equals, the first."""
        favourite, _ = Counter(vote.value for vote in votes).most_common(1)[0]
        return next(vote for vote in votes if vote.value == favourite)


@mutant(
    "small-promise-quorum",
    "S",
    wrong="phase 1 is content with half of the nodes, rounded down",
    forbidden_by="rule 4: with a majority of promises the candidate leads",
    expects="proposal agreement one-leader-per-ballot",
)
class SmallPromiseQuorum(Campaign):
    """See its entry."""

    def enough_promises(self) -> bool:
        """Half of the nodes suffice."""
        return len(self.promises) >= max(1, len(self.core.nodes) // 2)


@mutant(
    "small-accept-quorum",
    "S",
    wrong="phase 2 is content with half of the nodes, rounded down",
    forbidden_by="rule 10: a majority of ACCEPTED decides",
    expects="decision agreement durability",
)
class SmallAcceptQuorum(Proposer):
    """See its entry."""

    def enough_votes(self, flight: Flight) -> bool:
        """Half of the nodes suffice."""
        return flight.voters.bit_count() >= max(1, len(self.core.nodes) // 2)


class PromisesCounted(Campaign):
    """Counts PROMISEs instead of their senders."""

    def count_promise(self, message: Promise) -> None:
        """Count a repeated promise under a second name."""
        name = message.sender
        while name in self.promises:
            name -= len(self.core.nodes)
        self.promises[name] = message


@mutant(
    "duplicates-fill-quorum",
    "S",
    wrong="answers are counted, and not who sent them",
    forbidden_by=MAJORITY,
    expects="decision proposal agreement",
    also=(PromisesCounted,),
)
class VotesCounted(Proposer):
    """See its entry."""

    def count_vote(self, flight: Flight, voter: NodeId) -> None:
        """Count a repeated vote under a second name."""
        while flight.voters >> voter & 1:
            voter += len(self.core.nodes)
        flight.voters |= 1 << voter


@mutant(
    "accepted-by-slot-only",
    "S",
    wrong="ACCEPTED is matched with a slot whatever its ballot",
    forbidden_by="rule 10: a majority of ACCEPTED at this ballot",
    expects="decision agreement durability",
)
class AcceptedBySlotOnly(Proposer):
    """See its entry."""

    def is_for_my_ballot(self, ballot: Ballot) -> bool:
        """Count a vote of any ballot."""
        return True


@mutant(
    "ballot-reused",
    "S",
    wrong="the ballot that a node opens is not kept, so a later incarnation opens it again",
    forbidden_by=f"{KEPT}: a ballot that a node opens is durable before PREPARE is sent",
    expects="one-leader-per-ballot one-value-per-ballot promise",
)
class BallotReused(Acceptor):
    """See its entry."""

    def keep_opened(self, ballot: Ballot) -> None:
        """Do not persist the opened ballot."""


@mutant(
    "acceptance-raises-nothing",
    "S",
    wrong="accepting does not raise the promise",
    forbidden_by="rule 9: an acceptor remembers the ballot that it accepts as its promise",
    expects="promise agreement proposal",
)
class AcceptanceRaisesNothing(Acceptor):
    """See its entry."""

    def raise_promise(self, ballot: Ballot) -> None:
        """Leave the promise as it was."""


@mutant(
    "acceptance-wiped-by-promise",
    "S",
    wrong="a higher promise clears what was accepted",
    forbidden_by="rule 3: an acceptor reports every acceptance from the asked slot on",
    expects="promise durability proposal agreement",
)
class AcceptanceWipedByPromise(Acceptor):
    """See its entry."""

    def promise(self, message: Prepare, decided: Slot) -> bool:
        """Promise, report once, and drop the votes."""
        promised = super().promise(message, decided)
        if promised:
            self.accepted.clear()
        return promised


@mutant(
    "skip-phase-one",
    "S",
    wrong="a leader sends ACCEPT without a majority of promises",
    forbidden_by="rule 4: with a majority of promises the candidate leads",
    expects="proposal agreement",
)
class SkipPhaseOne(Campaign):
    """See its entry."""

    def enough_promises(self) -> bool:
        """The node's own promise suffices."""
        return True


@mutant(
    "refused-but-acknowledged",
    "S",
    wrong="a stale ACCEPT is not stored but answered ACCEPTED",
    forbidden_by=PROMISE,
    expects="promise decision agreement",
)
class RefusedButAcknowledged(Acceptor):
    """See its entry."""

    def accept(self, message: Accept) -> bool:
        """Acknowledge every ACCEPT."""
        if not super().accept(message):
            self.acknowledge(message, message.first_slot + len(message.values) - 1)
        return True


@mutant(
    "speak-before-sync",
    "D S",
    wrong="PROMISE and ACCEPTED leave before the record is synced",
    forbidden_by=f"{KEPT}: a promise is durable before PROMISE is sent, an acceptance before ACCEPTED",
    expects="promise one-leader-per-ballot decision durability",
)
class SpeakBeforeSync(GroupCommit):
    """See its entry."""

    def commit(self, records: list[JournalRecord], durable_sends: list[Send]) -> list[AnyMessage]:
        """Send the messages, and then make the records durable."""
        own = super().commit([], durable_sends)
        super().commit(records, [])
        return own


@mutant(
    "promise-not-kept",
    "D S",
    wrong="the promise is not persisted (acceptances are)",
    forbidden_by=f"{KEPT}: a promise is durable before PROMISE is sent",
    expects="promise",
)
class PromiseNotKept(Acceptor):
    """See its entry."""

    def keep_promise(self, ballot: Ballot) -> None:
        """Do not persist the promise."""
        self.promised = ballot


@mutant(
    "acceptance-not-kept",
    "D S",
    wrong="the acceptance is not persisted (the promise is)",
    forbidden_by=f"{KEPT}: an acceptance is durable before ACCEPTED is sent",
    expects="promise decision durability",
)
class AcceptanceNotKept(Acceptor):
    """See its entry."""

    def keep_vote(self, ballot: Ballot, slot: Slot, value: Value) -> None:
        """Do not persist the vote."""
