"""The acceptor: promises and votes (phases 1b and 2b of Lamport 2001, §2.2).

It emits a `Persist` before the `Send` that depends on it: a promise that a crash can erase is no promise (§2.5). It
knows nothing of leaders, time or what a value means.
"""

from __future__ import annotations

from collections.abc import Mapping

from paxos.ballot import NOBODY, Ballot, NodeId, Slot
from paxos.core import Core, ProtocolError
from paxos.messages import Accept, Acceptance, Accepted, Prepare, Promise, Reject, Value
from paxos.records import AcceptedRecord, OpenedRecord, PromiseRecord
from paxos.rules import rule


class Acceptor:
    """Invariants: `promised` never falls, and no vote is above it.

    `opened` is the highest ballot of this node itself; `accepted` holds the votes by slot. Each rule is a method, so
    that a mutant can break one (`simulator/mutants/`).
    """

    def __init__(self, core: Core, promised: Ballot, opened: Ballot, accepted: Mapping[Slot, Acceptance]) -> None:
        self.core = core
        self.promised = max(promised, opened)
        self.opened = opened
        self.accepted: dict[Slot, Acceptance] = dict(accepted)
        self._kept_from: Slot = 0

    @rule("3")
    def may_promise(self, ballot: Ballot) -> bool:
        """True when `ballot` is at least the promise."""
        return ballot >= self.promised and not ballot.jumps(self.promised)

    @rule("9")
    def may_accept(self, ballot: Ballot) -> bool:
        """True when `ballot` is at least the promise; it need not have been promised here before."""
        return ballot >= self.promised and not ballot.jumps(self.promised)

    def open(self, ballot: Ballot) -> None:
        """Open `ballot` for a campaign of this node. It is durable before any message carries it."""
        self.promised = self.opened = ballot
        self.keep_opened(ballot)

    def keep_opened(self, ballot: Ballot) -> None:
        """Persist the opened ballot, so that a later incarnation does not open it again."""
        self.core.persist(OpenedRecord(ballot))

    @rule("3")
    def promise(self, message: Prepare, decided: Slot) -> bool:
        """Answer a PREPARE with a promise, or refuse it and return False. A repeated PREPARE is answered again."""
        if not self.may_promise(message.ballot):
            self.refuse(message.sender, message.ballot, NOBODY, decided)
            return False
        if message.ballot != self.promised:
            self.keep_promise(message.ballot)
        self.answer_prepare(message, decided)
        return True

    def keep_promise(self, ballot: Ballot) -> None:
        """Make `ballot` the promise, durable before PROMISE is sent."""
        self.promised = ballot
        self.core.persist(PromiseRecord(ballot))

    def answer_prepare(self, message: Prepare, decided: Slot) -> None:
        """Send the PROMISE with every vote that the candidate must know (Lamport 2001, §3: for all slots at once)."""
        self.core.send((message.sender,), self.promise_for(message.ballot, message.first_slot, decided, message.stamp))

    def promise_for(self, ballot: Ballot, first_slot: Slot, decided: Slot, stamp: int) -> Promise:
        """The PROMISE message: votes from `first_slot` on, above the decided prefix."""
        return Promise(
            sender=self.core.me,
            ballot=ballot,
            accepted=self.reported(first_slot, decided),
            decided=self.reported_prefix(decided),
            stamp=stamp,
            eras=self.core.eras,
        )

    @rule("3")
    def reported(self, first_slot: Slot, decided: Slot) -> tuple[Acceptance, ...]:
        """Every vote from `first_slot` on, in slot order; decided slots are reported as the prefix instead."""
        first = max(first_slot, decided + 1)
        return tuple(vote for slot, vote in sorted(self.accepted.items()) if slot >= first)

    @rule("3")
    def reported_prefix(self, decided: Slot) -> Slot:
        """The decided prefix, whether its votes are still here or compacted away."""
        return decided

    @rule("9")
    def accept(self, message: Accept) -> bool:
        """Vote for every value of an ACCEPT and acknowledge it; return False when its ballot is below the promise."""
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
        """Raise the promise to the ballot of a vote, whose record makes it durable (Lamport 2001 omits this)."""
        self.promised = ballot

    def vote(self, ballot: Ballot, slot: Slot, value: Value) -> None:
        """Store one vote. Storing the same vote again changes nothing.

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
        """Persist the vote, so that it is durable before ACCEPTED is sent."""
        self.core.persist(AcceptedRecord(ballot, slot, value))

    def acknowledge(self, message: Accept, last_slot: Slot) -> None:
        """Send ACCEPTED (phase 2b) for exactly the slots of this message; it states nothing about lower slots."""
        if last_slot >= message.first_slot:
            self.core.send(
                (message.sender,),
                Accepted(
                    sender=self.core.me,
                    ballot=message.ballot,
                    first_slot=message.first_slot,
                    last_slot=last_slot,
                    eras=self.core.eras,
                ),
            )

    def refuse(self, to: NodeId, ballot: Ballot, leader: NodeId, decided: Slot) -> None:
        """Send REJECT: a higher promise stands, or a leader is alive. It is a hint and needs no sync."""
        self.core.send_now(
            (to,), Reject(sender=self.core.me, ballot=ballot, promised=self.promised, leader=leader, decided=decided)
        )

    def essence(self) -> tuple[object, ...]:
        """What of this role can still matter to safety: see `Replica.essence`."""
        return self.promised, self.opened, tuple(sorted(self.accepted.items()))

    def forget_below(self, slot: Slot) -> None:
        """Drop the votes below `slot`: those slots are on the chain, and a PROMISE reports them as the prefix."""
        if slot - self._kept_from >= self.core.config.window:
            self._kept_from = slot
            self.accepted = {s: vote for s, vote in self.accepted.items() if s >= slot}
