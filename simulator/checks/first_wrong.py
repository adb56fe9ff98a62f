"""Where it first went wrong: the earliest step after which disagreement was possible, and the rule that it broke.

A violation shows late: two chains differ at the end of three ballots. What made it possible is one step of one node: a
vote that was not safe at its ballot (Lamport, *Paxos Made Simple*, 2001, §2.2), a promise that was taken back or hid a
vote, a record that was missing when a message relied on it. The checks note each such step with the rule of
`docs/protocol.md` that forbids it, and a violation names the earliest one that can have led to it.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import msgspec

from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot

StepKind = Literal[
    "vote", "promise", "missing record", "ballot", "proposal", "decision", "block", "restart", "answer"
]  # fmt: skip
"""A vote or a promise as its record says, a record that a message relies on and that is not durable, a ballot opened or
used, a value proposed (ACCEPT), slots said or taken to be decided, a block made or handed on, what a restart found or
believed, what a client was answered."""

KEPT = "What is on disk before what is said"
WORDS = "Words"
READS = "Reads"
BLOG = "Blog = replay of the chain"

RULES: dict[str, str] = {
    "2": "a node that hears a live leader does not promise, and a leader that works is not unseated",
    "3": "an acceptor promises a ballot that is at least its promise, and reports every vote and what it has decided",
    "4": "a candidate leads with a majority of promises, and proposes the value of the highest ballot reported",
    "9": "an acceptor accepts what is proposed at a ballot that is at least its promise, and keeps its highest vote",
    "10": "a majority of ACCEPTED from distinct nodes at this ballot decides the slot",
    "11": "decided slots are applied in order, and then the clients are answered",
    "12": "a decided prefix announced at a ballot vouches for votes of that ballot alone; what is fetched is the chain",
    "13": "a refusal is part of the log: the same answer for every retry",
    "14": "a request decided twice takes effect once and gets its first answer",
    "15": "a node restarts from its own files: promise, votes, chain, blog",
    "16": "a torn last line is cut off, and damage is named",
    "17": "a node that has lost its memory votes again only after a recovery that is proved safe",
    KEPT: "a promise, a vote and a ballot that a node opens are durable before the message about them",
    WORDS: "a block is computed from the decided log by every node in the same way; a ballot is one proposer's",
    READS: "a linearizable read shows every write answered before it was asked, and local reads never go back",
    "True word": "a vote in a PROMISE, or read back from a disk, is one that was given and synced",
    "One value per ballot and slot": "a ballot proposes one value for a slot",
    "Agreement": "no two nodes ever decide different values for a slot",
    "Validity": "every decided request was issued by a client",
    BLOG: "in memory and on disk",
}
"""The rules of the protocol page, by number, by section, or by the name of the invariant; each in a few words."""


def rule_name(rule: str) -> str:
    """A rule of the protocol page as people name it."""
    if rule.isdigit():
        return f"rule {rule}"
    return f"the section {rule!r}" if rule in {KEPT, WORDS, READS} else f"the invariant {rule!r}"


class WrongStep(msgspec.Struct, frozen=True, kw_only=True):
    """A step that a rule forbids. `event` counts the events of a trace from 0; -1: it is not known.

    `what` is a sentence without its end. `slot` and `ballot` are those that it concerns: 0 and `NO_BALLOT` for all. It
    may concern the slots up to `last_slot` too.
    """

    at_ms: int
    node: NodeId
    kind: StepKind
    what: str
    rule: str
    slot: Slot = 0
    last_slot: Slot = 0
    ballot: Ballot = NO_BALLOT
    event: int = -1

    @property
    def rule_words(self) -> str:
        """The rule by name, and what it says."""
        return f"{rule_name(self.rule)}: {RULES[self.rule]}"

    def sentence(self) -> str:
        """Where and when it was, what was done, and which rule forbids it."""
        line = f", line {self.event + 2} of the trace" if self.event >= 0 else ""
        return f"at {self.at_ms / 1000:.3f} s{line}: {self.what} ({self.rule_words})"

    def document(self) -> dict[str, object]:
        """As JSON; `line` is that of the trace, 0 if there is none."""
        return {
            "at_ms": self.at_ms,
            "line": self.event + 2 if self.event >= 0 else 0,
            "node": self.node,
            "step": self.kind,
            "what": self.what,
            "rule": self.rule,
            "rule_words": RULES[self.rule],
            "slot": self.slot,
            "ballot": [self.ballot.round, self.ballot.owner] if self.ballot != NO_BALLOT else None,
        }


MOST_STEPS = 4_096
"""So many wrong steps are kept: the first ones."""


class WrongSteps:
    """The steps of a run that some rule forbids, each once."""

    def __init__(self) -> None:
        self._steps: list[WrongStep] = []
        self._known: set[tuple[object, ...]] = set()

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: WrongStep) -> None:
        """Note a step. It may be earlier than those noted before: what followed has shown it to be wrong."""
        key = (step.node, step.kind, step.rule, step.slot, step.last_slot, step.ballot)
        if key not in self._known and len(self._steps) < MOST_STEPS:
            self._known.add(key)
            self._steps.append(step)

    def first_for(self, slot: Slot = 0, ballots: Collection[Ballot] = ()) -> WrongStep | None:
        """The earliest step that can have led to something wrong in this slot, in which these ballots have votes.

        Slot 0: the earliest of all. A step about another slot is no cause, nor is one about a ballot that never
        proposed anything for the slot. What only troubles a leader (rule 2) makes no disagreement possible.
        """
        matter = [step for step in self._steps if step.rule != "2" and _concerns(step, slot, ballots)]
        return min(matter, key=lambda step: (step.at_ms, step.event), default=None)


def _concerns(step: WrongStep, slot: Slot, ballots: Collection[Ballot]) -> bool:
    if not slot or step.slot <= slot <= max(step.slot, step.last_slot) != 0:
        return True
    return not step.slot and (step.ballot == NO_BALLOT or step.ballot in ballots)
