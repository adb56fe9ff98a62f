"""Controls: they look wrong and are not. Checks that report one raise false alarms."""

from __future__ import annotations

import msgspec

from paxos.acceptor import Acceptor
from paxos.ballot import NO_BALLOT, Ballot, Slot
from paxos.core import Config
from paxos.messages import Accept, Acceptance, Accepted
from paxos.proposer import Flight, Proposer
from simulator.mutants.registry import control
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
