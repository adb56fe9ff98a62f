"""Controls: they look wrong and are not. Checks that report one raise false alarms."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from paxos.acceptor import Acceptor
from paxos.ballot import NO_BALLOT, Ballot, Slot
from paxos.campaign import Campaign
from paxos.core import Config
from paxos.messages import Accept, Acceptance, Accepted, Promise, Value
from paxos.proposer import Flight, Proposer
from paxos.records import AcceptedRecord, JournalRecord
from simulator.mutants.registry import control
from simulator.node.group_commit import GroupCommit
from simulator.node.node import Node


@control(
    "control-late-vote-stored",
    wrong="an acceptor stores a late, lower-ballot value without answering, keeping the highest",
    right="nobody counts a vote that was not answered, and a report of it loses against every higher ballot",
)
class LateVoteStored(Acceptor):
    """See its entry."""

    def accept(self, message: Accept) -> bool:
        """Refuse, but store a vote that is newer than the stored one."""
        if super().accept(message):
            return True
        for slot, value in enumerate(message.values, message.first_slot):
            known = self.accepted.get(slot)
            if known is None or known.ballot < message.ballot:
                self.accepted[slot] = Acceptance(slot, message.ballot, value)
                self.keep_vote(message.ballot, slot, value)
        return False


@control(
    "control-deposed-leader-learns",
    wrong="a leader that stepped down learns from genuine ACCEPTEDs of its old ballot that its slot was chosen",
    right="a majority has accepted the value at that ballot, so it is chosen, whoever leads now",
)
class OldLeaderLearns(Proposer):
    """See its entry."""

    old_ballot: Ballot = NO_BALLOT
    old_flight: dict[Slot, Flight] = {}  # noqa: RUF012  Replaced, never changed.

    def resign(self, why: str) -> None:
        """Keep the slots in flight."""
        self.old_ballot, self.old_flight = self.ballot, dict(self.flight)
        super().resign(why)

    def accepted(self, message: Accepted) -> None:
        """Go on counting votes for the old ballot."""
        super().accepted(message)
        if message.ballot == self.old_ballot and not (self.leading and self.ballot == self.old_ballot):
            for slot in range(message.first_slot, message.last_slot + 1):
                flight = self.old_flight.get(slot)
                if flight is not None:
                    self.count_vote(flight, message.sender)
                    if self.enough_votes(flight):
                        del self.old_flight[slot]
                        self.learner.choose(slot, flight.value)
            self.learner.advance()


@control(
    "control-flexible-quorums",
    wrong="on four nodes, quorums of 3 for phase 1 and of 2 for phase 2",
    right="any quorum of phase 1 meets any of phase 2 (Howard et al., Flexible Paxos, 2016)",
    nodes=4,
    quorums=(3, 2),
)
class FlexibleQuorums(Node):
    """See its entry."""

    def _config(self) -> Config:
        return msgspec.structs.replace(super()._config(), prepare_quorum=3, accept_quorum=2)


class RememberingAcceptor(Acceptor):
    """Keeps the highest vote for each slot of which any promise has told this node."""

    known: dict[Slot, Acceptance] = {}  # noqa: RUF012  Replaced, never changed.

    def learn(self, promise: Promise) -> None:
        """Keep the votes of a promise that are higher than the known ones."""
        higher = [vote for vote in promise.accepted if vote.ballot > self._known_ballot(vote.slot)]
        self.known = {**self.known, **{vote.slot: vote for vote in higher}}

    def _known_ballot(self, slot: Slot) -> Ballot:
        return self.known[slot].ballot if slot in self.known else NO_BALLOT


class RememberingCampaign(Campaign):
    """Learns from every promise, also when the campaign fails."""

    def count_promise(self, message: Promise) -> None:
        """Count it, and keep its votes."""
        super().count_promise(message)
        if isinstance(self.acceptor, RememberingAcceptor):
            self.acceptor.learn(message)


@control(
    "control-highest-known-vote",
    wrong="a new leader proposes the highest vote that it knows of, one reported for its earlier ballots included",
    right="had a value been chosen above that vote, it would be reported now; below, it is the value of that vote",
    also=(RememberingAcceptor, RememberingCampaign),
)
class HighestKnownVote(Proposer):
    """See its entry."""

    def lead(self, ballot: Ballot, promises: Iterable[Promise]) -> None:
        """Add the votes that earlier promises reported."""
        super().lead(ballot, promises)
        if isinstance(self.acceptor, RememberingAcceptor):
            for slot, vote in self.acceptor.known.items():
                if slot > self.learner.decided:
                    self._reported.setdefault(slot, []).append(vote)


class ForgivingAcceptor(Acceptor):
    """Keeps in mind which votes were replaced, and takes back a vote of which a crash has torn the record."""

    replaced: dict[Slot, Acceptance] = {}  # noqa: RUF012  Replaced, never changed.

    def vote(self, ballot: Ballot, slot: Slot, value: Value) -> None:
        """Vote, also where the torn record has another value at this ballot."""
        known = self.accepted.get(slot)
        if known is not None and known.ballot < ballot:
            self.replaced = {**self.replaced, slot: known}
        if known is not None and known.ballot == ballot and known.value != value:
            del self.accepted[slot]
        super().vote(ballot, slot, value)


@control(
    "control-torn-vote",
    wrong="a crash leaves the value of a new vote beside the ballot of the vote before, and the acceptor reports that",
    right="nobody heard of the new vote, and any value chosen below its ballot is its value (`checks/vote_rules.py`)",
    also=(ForgivingAcceptor,),
)
class TornVote(GroupCommit):
    """See its entry."""

    def record(self, records: list[JournalRecord]) -> None:
        """Write a vote that replaces another in two steps: its value at the old ballot first."""
        acceptor = self.replica.acceptor
        if isinstance(acceptor, ForgivingAcceptor) and acceptor.replaced:
            self.storage.append(
                [
                    AcceptedRecord(acceptor.replaced[record.slot].ballot, record.slot, record.value)
                    for record in records
                    if isinstance(record, AcceptedRecord) and record.slot in acceptor.replaced
                ]
            )
            acceptor.replaced = {}
        super().record(records)
