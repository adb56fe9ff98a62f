"""What this node knows to be chosen: the decided prefix, what is chosen beyond a gap, and how gaps are closed.

Follows van Renesse & Altinbuken 2015, §3 (decisions are performed in slot order), and rule 12 for what a decided
prefix may vouch for. Blocks that are fetched are text it never reads.
"""

from __future__ import annotations

from collections.abc import Callable

from paxos.acceptor import Acceptor
from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.core import Core
from paxos.effects import Deliver, Install, ServeCatchup, Timer
from paxos.messages import Catchup, CatchupReply, Value
from paxos.timeouts import Timeouts

CATCHUP_SLOTS = 512
"""The most slots that one CATCHUP asks for."""


class Learner:
    """Invariants: `decided` never falls; every slot up to it was delivered or installed once, in order.

    `settle` is told every value that is delivered.
    """

    def __init__(
        self, core: Core, timeouts: Timeouts, acceptor: Acceptor, decided: Slot, settle: Callable[[Value], None]
    ) -> None:
        self.core = core
        self.timeouts = timeouts
        self.acceptor = acceptor
        self.decided = decided
        self.chosen: dict[Slot, Value] = {}
        self.prefixes: dict[NodeId, Slot] = {}  # The farthest decided prefix that each peer has told of.
        self.wanted: Slot = decided
        self._settle = settle
        self._prefix_ballot: Ballot = NO_BALLOT
        self._prefix_end: Slot = 0
        self._asked: NodeId = 0  # Who was asked last; 0 while no question is open.
        self._installing = False  # The driver has blocks of ours in hand: `installed` will tell what they were.
        self._turn = 0

    def choose(self, slot: Slot, value: Value) -> None:
        """`slot` is chosen with `value`: remember it until everything before it is known."""
        if slot > self.decided:
            self.chosen[slot] = value

    def advance(self) -> None:
        """Deliver what is decided without a gap."""
        while (slot := self.next_to_deliver()) is not None:
            value = self.chosen.pop(slot, None)
            if value is None:
                value = self.acceptor.accepted[slot].value
            self.decided = slot
            self.core.effects.append(Deliver(slot, value))
            self._settle(value)

    def next_to_deliver(self) -> Slot | None:
        """Rule 11: the slot right after the prefix, and no other."""
        slot = self.decided + 1
        return slot if slot in self.chosen or self.proved_by_prefix(slot) else None

    def prefix_decided(self, ballot: Ballot, upto: Slot, source: NodeId) -> None:
        """A node says at `ballot` that every slot to `upto` is chosen. Delivers what that proves here, wants the rest.

        Only the highest ballot's word is kept: it costs nothing however far behind we are, and what an older word could
        prove besides is fetched like everything else.
        """
        if ballot > self._prefix_ballot:
            self._prefix_ballot, self._prefix_end = ballot, upto
        elif ballot == self._prefix_ballot:
            self._prefix_end = max(self._prefix_end, upto)
        if upto <= self.decided:
            return
        self.advance()
        if upto > self.decided:
            self.want(upto, source)

    def proved_by_prefix(self, slot: Slot) -> bool:
        """Rule 12: a prefix said at a ballot proves what was accepted at exactly that ballot, and no older vote."""
        if slot > self._prefix_end:
            return False
        vote = self.acceptor.accepted.get(slot)
        return vote is not None and vote.ballot == self._prefix_ballot

    def want(self, upto: Slot, source: NodeId) -> None:
        """`source` has every slot up to `upto`: what is missing here will be fetched."""
        if source != self.core.me and upto > self.prefixes.get(source, 0):
            self.prefixes[source] = upto
        self.wanted = max(self.wanted, upto)

    def flush(self) -> None:
        """End of a batch: ask for missing slots unless a question is open."""
        if self.wanted > self.decided and not self._asked and not self._installing:
            self._ask()

    def retry(self) -> None:
        """The CATCHUP alarm: nobody answered in time, ask somebody else."""
        self._asked = 0

    def serve(self, message: Catchup) -> None:
        """Somebody lacks decided slots: what is on our chain of them is sent."""
        last = min(message.last_slot, self.decided)
        if message.first_slot <= last:
            self.core.effects.append(ServeCatchup(message.sender, message.first_slot, last))

    def fetched(self, message: CatchupReply) -> None:
        """Blocks came in: have them checked and applied if they continue our prefix."""
        self.want(message.decided, message.sender)
        if message.sender == self._asked:
            self._asked = 0
        if message.first_slot <= self.decided + 1 <= message.first_slot + len(message.blocks) - 1:
            self.core.effects.append(Install(message.sender, message.first_slot, message.blocks))
            self._installing = True

    def installed(self, slot: Slot) -> None:
        """The chain now reaches `slot`: go on from there."""
        self._installing = False
        if slot > self.decided:
            self.decided = slot
            for known in [s for s in self.chosen if s <= slot]:
                del self.chosen[known]
        self.advance()

    def _ask(self) -> None:
        sources = sorted(node for node, upto in self.prefixes.items() if upto > self.decided)
        if not sources:
            self.wanted = self.decided  # Nobody who is known to have it: wait until somebody says so again.
            return
        self._turn += 1
        source = sources[self._turn % len(sources)]
        self._asked = source
        first = self.decided + 1
        last = self._end_of_gap(first, min(self.prefixes[source], first + CATCHUP_SLOTS - 1))
        self.core.send_now((source,), Catchup(sender=self.core.me, first_slot=first, last_slot=last))
        delay_ms = self.timeouts.resend_ms()
        self.core.set_timer(Timer.CATCHUP, delay_ms, 2 * delay_ms)

    def _end_of_gap(self, first: Slot, last: Slot) -> Slot:
        """The last slot from `first` on that is not known here already: one lost message costs one block."""
        slot = first
        while slot < last and not (slot + 1 in self.chosen or self.proved_by_prefix(slot + 1)):
            slot += 1
        return slot
