"""Mutants of what nodes state: which votes they gave, which block holds a write, why they do not start."""

from __future__ import annotations

import msgspec

from blog.blog import Outcome
from blog.operations import Operation
from paxos.acceptor import Acceptor
from paxos.ballot import Ballot, Slot
from paxos.messages import Accept, Acceptance, Promise, RequestId
from paxos.request_forwarder import RequestForwarder
from simulator.errors import StorageDamage
from simulator.mutants.registry import mutant
from simulator.node.catchup import BlockTransfer
from simulator.node.node import Node
from simulator.node.pending_requests import PendingRequests
from simulator.node.storage.storage import Recovered, Replay, Storage

TRUE = "the invariant True word: a vote in a PROMISE, or read back from a disk, is one that was given and synced"


@mutant(
    "vote-reported-at-promise",
    "S",
    wrong="a PROMISE reports each vote at the acceptor's promise, not at the ballot at which it was given",
    forbidden_by=TRUE,
    expects="true-word",
)
class VoteReportedAtPromise(Acceptor):
    """See its entry."""

    def promise_for(self, ballot: Ballot, first_slot: Slot, decided: Slot, stamp: int) -> Promise:
        """Report every vote as if it were given just now."""
        promise = super().promise_for(ballot, first_slot, decided, stamp)
        votes = tuple(Acceptance(vote.slot, ballot, vote.value) for vote in promise.accepted)
        return msgspec.structs.replace(promise, accepted=votes)


@mutant(
    "late-vote-replaces",
    "S",
    wrong="a late vote of a lower ballot takes the place of a higher one",
    forbidden_by="rule 9: an acceptor keeps the vote of its highest ballot",
    expects="promise durability",
)
class LateVoteReplaces(Acceptor):
    """See its entry."""

    def accept(self, message: Accept) -> bool:
        """Refuse, but store whatever came last."""
        accepted = super().accept(message)
        if not accepted:
            for slot, value in enumerate(message.values, message.first_slot):
                self.accepted[slot] = Acceptance(slot, message.ballot, value)
                self.keep_vote(message.ballot, slot, value)
        return accepted


class _Refusing:
    """Loads a node's files, and changes what is found."""

    def __init__(self, storage: Storage) -> None:
        self.load_all = storage.load

    def load(self, replay: Replay) -> Recovered:
        """Refuse a file of which the last line was torn."""
        found = self.load_all(replay)
        if any("torn" in note for note in found.notes):
            raise StorageDamage("a file has a torn last line.")
        return found

    def load_wrong(self, replay: Replay) -> Recovered:
        """Give every vote the ballot of the promise."""
        found = self.load_all(replay)
        votes = {slot: Acceptance(slot, found.promised, vote.value) for slot, vote in found.accepted.items()}
        return msgspec.structs.replace(found, accepted=votes)


@mutant(
    "torn-line-refused",
    "D L",
    wrong="a node refuses to start when a crash has torn the last line of a file",
    forbidden_by="rule 16: a torn last line is cut off: it was never acknowledged",
    expects="true-word",
)
class TornLineRefused(Node):
    """See its entry."""

    def start(self, now_ms: int) -> None:
        """Call a torn line damage."""
        self.storage.load = _Refusing(self.storage).load  # type: ignore[method-assign]
        super().start(now_ms)


@mutant(
    "votes-restored-at-promise",
    "S D",
    wrong="after a restart an acceptor takes its promise for the ballot of its votes",
    forbidden_by=TRUE,
    expects="true-word",
)
class VotesRestoredAtPromise(Node):
    """See its entry."""

    def start(self, now_ms: int) -> None:
        """Read the promise alone."""
        self.storage.load = _Refusing(self.storage).load_wrong  # type: ignore[method-assign]
        super().start(now_ms)


@mutant(
    "answer-names-the-tip",
    "E",
    wrong="an answer names the newest block, and not the one that holds its write",
    forbidden_by="the invariant True word: the height in an answer is the block of that write",
    expects="true-word",
)
class AnswerNamesTheTip(PendingRequests):
    """See its entry."""

    def answer(self, name: RequestId, operation: Operation, outcome: Outcome, height: int) -> None:
        """Answer with the height of the chain."""
        super().answer(name, operation, outcome, self.state_machine.height)


@mutant(
    "request-dropped-on-change",
    "L",
    wrong="a node forgets a write that waits when another leader is known",
    forbidden_by="rule 7, and the invariant Progress: a request is answered, or its client learns why it is not",
    expects="progress",
)
class RequestDroppedOnChange(RequestForwarder):
    """See its entry."""

    def flush(self) -> None:
        """Drop the newest write at a change of leader."""
        target = (self.view.leader, self.view.ballot)
        if self.waiting.writes and self._target[0] and target != self._target:
            self.waiting.writes.popitem()
        super().flush()


@mutant(
    "block-served-changed",
    "S",
    wrong="catch-up hands over a block with another hash than the chain has",
    forbidden_by="rule 12: a follower asks for decided slots and gets what is on the chain",
    expects="true-word",
)
class BlockServedChanged(BlockTransfer):
    """See its entry."""

    def lines_to_serve(self, first: Slot, last: Slot) -> list[str]:
        """Change the last letter of the last hash."""
        lines = super().lines_to_serve(first, last)
        if lines:
            lines[-1] = lines[-1][:-3] + ("0" if lines[-1][-3] != "0" else "1") + lines[-1][-2:]
        return lines
