"""For each mutant of safety: the step that first makes disagreement possible, and the rule that it breaks, by hand.

They are thought out from what the mutant does, and not from what the checks say.
"""

from __future__ import annotations

import msgspec

from simulator.checks.first_wrong import KEPT, WORDS, StepKind
from simulator.mutants.registry import mutants


class Expected(msgspec.Struct, frozen=True):
    """The kind of the step, the rule, and the step in words."""

    kind: StepKind
    rule: str
    step: str


_LATE = Expected("vote", "9", "the vote at the lower ballot, below the acceptor's promise")
_CHOICE = Expected("proposal", "4", "the ACCEPT with another value than that of the highest ballot reported")
_FEW = Expected("proposal", "4", "the first ACCEPT of a candidate with too few promises")
_EARLY = Expected("decision", "10", "the decision without a majority of votes at this ballot")
_UNKEPT = Expected("missing record", KEPT, "the message that leaves before its record is durable")

EXPECTED: dict[str, tuple[Expected, ...]] = {
    "accept-ignores-promise": (_LATE,),
    "promise-goes-down": (Expected("promise", "3", "the promise of a lower ballot than the one promised"),),
    "ignore-reported-values": (_CHOICE,),
    "lowest-ballot-wins": (_CHOICE,),
    "lowest-ballot-wins-first": (_CHOICE,),
    "lowest-ballot-wins-last": (_CHOICE,),
    "lowest-ballot-wins-most-common": (_CHOICE,),
    "small-promise-quorum": (_FEW,),
    "small-accept-quorum": (_EARLY,),
    "duplicates-fill-quorum": (_EARLY, _FEW),
    "accepted-by-slot-only": (_EARLY,),
    "ballot-reused": (Expected("ballot", KEPT, "the PREPARE for a ballot that is on no disk"),),
    "acceptance-raises-nothing": (_LATE,),
    "acceptance-wiped-by-promise": (Expected("promise", "3", "the PROMISE that hides the vote that was wiped"),),
    "skip-phase-one": (_FEW,),
    "refused-but-acknowledged": (
        Expected("missing record", "9", "ACCEPTED for a vote below the promise, never given"),
    ),
    "speak-before-sync": (Expected("ballot", KEPT, "the first PREPARE, before its ballot is durable"), _UNKEPT),
    "promise-not-kept": (Expected("missing record", KEPT, "the PROMISE whose record is missing"),),
    "acceptance-not-kept": (Expected("missing record", KEPT, "the ACCEPTED whose record is missing"),),
    "promise-hides-decided": (Expected("promise", "3", "the PROMISE that hides a slot that its sender has applied"),),
    "own-log-only": (_CHOICE,),
    "commit-by-index": (Expected("decision", "12", "the block applied from a vote of an older ballot"),),
    "acknowledge-past-a-gap": (Expected("missing record", KEPT, "ACCEPTED for the gap, where there is no vote"),),
    "catch-up-ships-tentative": (Expected("decision", "12", "the CATCHUP-REPLY with a slot that is not chosen"),),
    "apply-past-a-gap": (Expected("block", "11", "the block that holds the value of a later slot"),),
    "answer-on-accept": (Expected("answer", "11", "the answer to a write that nobody has applied"),),
    "nonce-differs": (Expected("block", WORDS, "the block with another nonce"),),
    "apply-reads-clock": (Expected("block", WORDS, "the block with the time in it"),),
    "found-not-synced": (Expected("missing record", KEPT, "the restart that believes a vote without a sync"),),
    "halves-merge": (_EARLY, _FEW),
    "promise-by-ping": (Expected("promise", "3", "the promise of a lower ballot than the one promised"), _LATE),
    "lowest-id-wins": (_LATE, Expected("promise", "3", "the promise of a lower ballot than the one promised")),
    "quorum-of-the-living": (_FEW, _EARLY),
    "amnesiac-votes": (
        Expected("vote", "17", "the first vote without a memory"),
        Expected("promise", "17", "the first promise without a memory"),
    ),
    "one-answer-recovers": (Expected("restart", "17", "the recovery that too few others remember"),),
    "old-era-counts": (Expected("missing record", "17", "MEMORY that counts, without a record of the new era"),),
    "vote-reported-at-promise": (Expected("promise", "True word", "the PROMISE with a vote that was never given"),),
    "late-vote-replaces": (Expected("vote", "9", "the late vote that takes the place of a higher one"),),
    "votes-restored-at-promise": (
        Expected("restart", "True word", "the restart that finds a vote that was never given"),
    ),
    "block-served-changed": (Expected("block", "12", "the CATCHUP-REPLY with another block than the chain's"),),
}
"""By name; several where it hangs on the schedule which of the two comes first."""


def safety_mutants() -> list[str]:
    """All mutants of safety, in the order of their list."""
    return [name for name, one in mutants().items() if "S" in one.kinds]
