"""The memory of the cluster: promises and votes (phases 1b and 2b of Lamport 2001, §2.2).

It knows nothing of leaders, time or what a value means. A `Persist` stands before the `Send` that speaks of it, because
a promise that a crash can erase is no promise (§2.5).
"""

from __future__ import annotations

from collections.abc import Mapping

from paxos.ballot import NOBODY, Ballot, NodeId, Slot
from paxos.core import Core, ProtocolError
from paxos.messages import Accept, Acceptance, Accepted, Prepare, Promise, Reject, Value
from paxos.records import AcceptedRecord, OpenedRecord, PromiseRecord


class Acceptor:
    """Invariants: `promised` never falls, and no vote is above it. Each rule is a method, so that one can be broken."""

    def __init__(self, core: Core, promised: Ballot, opened: Ballot, accepted: Mapping[Slot, Acceptance]) -> None:
        self.core = core
        self.promised = max(promised, opened)
        self.opened = opened
        self.accepted: dict[Slot, Acceptance] = dict(accepted)
        self._kept_from: Slot = 0

    def may_promise(self, ballot: Ballot) -> bool:
        """Rule 3: at least what was promised."""
        return ballot >= self.promised

    def may_accept(self, ballot: Ballot) -> bool:
        """Rule 9: at least what was promised; an equal one need not have been promised here."""
        return ballot >= self.promised

    def open(self, ballot: Ballot) -> None:
        """Bid with `ballot`: it is kept before anyone hears of it, and never opened again."""
        self.promised = self.opened = ballot
        self.keep_opened(ballot)

    def keep_opened(self, ballot: Ballot) -> None:
        """Put the bid on disk: a later life must not open it once more."""
        self.core.persist(OpenedRecord(ballot))

    def promise(self, message: Prepare, decided: Slot) -> bool:
        """Answer a PREPARE with a promise, or refuse it and return False. A repeated one is answered again."""
        if not self.may_promise(message.ballot):
            self.refuse(message.sender, message.ballot, NOBODY, decided)
            return False
        if message.ballot != self.promised:
            self.keep_promise(message.ballot)
        self.answer_prepare(message, decided)
        return True

    def keep_promise(self, ballot: Ballot) -> None:
        """Make `ballot` the promise, on disk before it is said."""
        self.promised = ballot
        self.core.persist(PromiseRecord(ballot))

    def answer_prepare(self, message: Prepare, decided: Slot) -> None:
        """Say the promise, with everything the candidate must know (Lamport 2001, §3: for all slots at once)."""
        self.core.send((message.sender,), self.promise_for(message.ballot, message.first_slot, decided, message.stamp))

    def promise_for(self, ballot: Ballot, first_slot: Slot, decided: Slot, stamp: int) -> Promise:
        """The PROMISE message: votes from `first_slot` on that are not covered by the decided prefix."""
        return Promise(
            sender=self.core.me,
            ballot=ballot,
            accepted=self.reported(first_slot, decided),
            decided=self.reported_prefix(decided),
            stamp=stamp,
        )

    def reported(self, first_slot: Slot, decided: Slot) -> tuple[Acceptance, ...]:
        """Rule 3: every vote from `first_slot` on, in slot order; what is decided is reported as the prefix."""
        first = max(first_slot, decided + 1)
        return tuple(vote for slot, vote in sorted(self.accepted.items()) if slot >= first)

    def reported_prefix(self, decided: Slot) -> Slot:
        """Rule 3: the decided prefix, whether its votes are still here or compacted away."""
        return decided

    def accept(self, message: Accept) -> bool:
        """Vote for every value of an ACCEPT and say so, or return False when the ballot is below the promise."""
        ballot = message.ballot
        if not self.may_accept(ballot):
            return False
        if ballot > self.promised and message.values:  # Without a vote no record would carry the promise to disk.
            self.raise_promise(ballot)
        slot = message.first_slot
        for value in message.values:
            self.vote(ballot, slot, value)
            slot += 1
        self.acknowledge(message, slot - 1)
        return True

    def raise_promise(self, ballot: Ballot) -> None:
        """A vote is a promise too (the 2001 text leaves this unsaid); the vote's own record carries it to disk."""
        self.promised = ballot

    def vote(self, ballot: Ballot, slot: Slot, value: Value) -> None:
        """Keep one vote; the same vote twice is kept once.

        Raises:
            ProtocolError: one ballot carried two values for one slot.
        """
        known = self.accepted.get(slot)
        if known is not None and known.ballot == ballot:
            if known.value != value:
                raise ProtocolError(f"ballot {ballot} carried two values for slot {slot}")
            return
        self.accepted[slot] = Acceptance(slot, ballot, value)
        self.keep_vote(ballot, slot, value)

    def keep_vote(self, ballot: Ballot, slot: Slot, value: Value) -> None:
        """Put the vote on disk before it is said."""
        self.core.persist(AcceptedRecord(ballot, slot, value))

    def acknowledge(self, message: Accept, last_slot: Slot) -> None:
        """Phase 2b: exactly the slots of this message, which say nothing about slots below them."""
        if last_slot >= message.first_slot:
            self.core.send(
                (message.sender,),
                Accepted(
                    sender=self.core.me, ballot=message.ballot, first_slot=message.first_slot, last_slot=last_slot
                ),
            )

    def refuse(self, to: NodeId, ballot: Ballot, leader: NodeId, decided: Slot) -> None:
        """REJECT: a higher promise stands, or a leader is alive. A hint only, so it need not wait for the disk."""
        self.core.send_now(
            (to,), Reject(sender=self.core.me, ballot=ballot, promised=self.promised, leader=leader, decided=decided)
        )

    def forget_below(self, slot: Slot) -> None:
        """Drop votes below `slot`: they are decided and on the chain, and a PROMISE reports them as the prefix."""
        if slot - self._kept_from >= self.core.config.window:
            self._kept_from = slot
            self.accepted = {s: vote for s, vote in self.accepted.items() if s >= slot}
