"""Mutants of rule 17: what a node with amnesia may do, and when it is over."""

from __future__ import annotations

from paxos.messages import AskMemory
from paxos.recovery import Recovery
from simulator.mutants.registry import mutant

AMNESIA = "rule 17: a node with amnesia votes again only after a recovery that is proved safe"


@mutant(
    "amnesiac-votes",
    "S D",
    wrong="a node that lost its promises and votes goes on as if nothing had happened",
    forbidden_by=AMNESIA,
    expects="amnesia agreement proposal durability chain promise",
)
class AmnesiacVotes(Recovery):
    """See its entry."""

    def begin_era(self) -> None:
        """Forget that something was lost."""
        self.core.amnesia = ""


@mutant(
    "one-answer-recovers",
    "S D",
    wrong="a node with amnesia votes again as soon as one peer has told it what it knows",
    forbidden_by=AMNESIA,
    expects="amnesia agreement proposal durability chain promise",
)
class OneAnswerRecovers(Recovery):
    """See its entry."""

    def enough_answers(self) -> bool:
        """One will do."""
        return bool(self.answers)


@mutant(
    "old-era-counts",
    "S D",
    wrong="nobody remembers that a node has lost its memory, so what it said before goes on counting",
    forbidden_by=AMNESIA,
    expects="amnesia agreement proposal decision durability chain",
)
class OldEraCounts(Recovery):
    """See its entry."""

    def remember(self, message: AskMemory) -> int:
        """Forget it at once."""
        return message.era
