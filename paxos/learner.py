"""The learner: the decided prefix, chosen slots beyond a gap, and how gaps are closed (rules 11 and 12).

Decisions are performed in slot order (van Renesse & Altinbuken 2015, §3). Fetched blocks are text that the learner
does not read.
"""

from __future__ import annotations

from collections.abc import Callable

from paxos.acceptor import Acceptor
from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.core import Core
from paxos.effects import Deliver, Install, ServeCatchup, Timer
from paxos.messages import Catchup, CatchupReply, Value
from paxos.routes import Routes
from paxos.rules import rule
from paxos.timeouts import Timeouts

LONGEST_PAUSE = 5
"""How often the pause doubles while every peer's blocks are refused."""


class Learner:
    """Invariants: `decided` never falls; every slot up to it was delivered or installed once, in order.

    `chosen` holds values chosen beyond a gap; `prefixes` the farthest decided prefix that each peer has announced;
    `wanted` the last slot known to be decided anywhere. `settle` is called with every value that is delivered.
    """

    def __init__(
        self,
        core: Core,
        timeouts: Timeouts,
        acceptor: Acceptor,
        decided: Slot,
        settle: Callable[[Value], None],
        *,
        routes: Routes,
    ) -> None:
        self.core = core
        self.timeouts = timeouts
        self.routes = routes
        self.acceptor = acceptor
        self.decided = decided
        self.chosen: dict[Slot, Value] = {}
        self.prefixes: dict[NodeId, Slot] = {}
        self.wanted: Slot = decided
        self._settle = settle
        self._prefix_ballot: Ballot = NO_BALLOT
        self._prefix_end: Slot = 0
        self._asked: NodeId = 0  # Who was asked for slots last; 0 while no request is open.
        self._installing = False  # The driver checks fetched blocks; `installed` follows.
        self._turn = 0
        self._refused = 0  # How many replies in a row held nothing that this node could apply.
        self.serves = True  # Others may believe what this chain holds (`chain_proof`).

    def forget_hints(self) -> None:
        """Forget who has which slots, what was asked for, and an announced prefix that is delivered."""
        self.prefixes.clear()
        self.wanted, self._asked, self._refused = self.decided, 0, 0
        if self._prefix_end <= self.decided:
            self._prefix_ballot, self._prefix_end = NO_BALLOT, 0

    def essence(self) -> tuple[object, ...]:
        """What of this role can still matter to safety: see `Replica.essence`."""
        known = tuple(sorted(self.chosen.items())), self._prefix_ballot, self._prefix_end
        return self.decided, known, self._installing, self.serves

    @property
    def stated(self) -> Slot:
        """The decided prefix that others are told of: none while this chain waits for their word."""
        return self.decided if self.serves else 0

    def choose(self, slot: Slot, value: Value) -> None:
        """`slot` is chosen with `value`: keep it until every earlier slot is decided."""
        if slot > self.decided:
            self.chosen[slot] = value

    @rule("11")
    def advance(self) -> None:
        """Deliver the decided slots up to the first gap, in order."""
        while (slot := self.next_to_deliver()) is not None:
            value = self.chosen.pop(slot, None)
            if value is None:
                value = self.acceptor.accepted[slot].value
            self.decided = slot
            self.core.effects.append(Deliver(slot, value))
            self._settle(value)

    @rule("11")
    def next_to_deliver(self) -> Slot | None:
        """The slot right after the prefix, if it is known to be chosen."""
        slot = self.decided + 1
        return slot if slot in self.chosen or self.proved_by_prefix(slot) else None

    @rule("12")
    def prefix_decided(self, ballot: Ballot, upto: Slot, source: NodeId) -> None:
        """`source` announces at `ballot` that every slot up to `upto` is chosen: deliver what it proves, want the rest.

        Only the announcement of the highest ballot is kept, so this costs the same however far behind this node is.
        What older announcements could prove besides is fetched.
        """
        if upto <= self.decided:
            return
        if ballot > self._prefix_ballot:
            self._prefix_ballot, self._prefix_end = ballot, upto
        elif ballot == self._prefix_ballot:
            self._prefix_end = max(self._prefix_end, upto)
        self.advance()
        if upto > self.decided:
            self.want(upto, source)

    @rule("12")
    def proved_by_prefix(self, slot: Slot) -> bool:
        """True when the announced prefix covers `slot` and this node's vote there has the same ballot."""
        if slot > self._prefix_end:
            return False
        vote = self.acceptor.accepted.get(slot)
        return vote is not None and vote.ballot == self._prefix_ballot

    def want(self, upto: Slot, source: NodeId) -> None:
        """`source` has every slot up to `upto`: fetch what is missing here."""
        if source != self.core.me and upto > self.prefixes.get(source, 0):
            self.prefixes[source] = upto
        self.wanted = max(self.wanted, upto)

    def forget(self, node: NodeId) -> None:
        """`node` has lost its memory: what it said to have is perhaps gone."""
        self.prefixes.pop(node, None)
        self.wanted = max(self.prefixes.values(), default=self.decided)

    def flush(self) -> None:
        """End a batch: ask for missing slots unless a request is open."""
        if self.wanted > self.decided and not self._asked and not self._installing:
            self._ask()

    def retry(self) -> None:
        """The CATCHUP timer fired: no answer came in time, so ask another peer."""
        self._asked = 0

    @rule("12")
    def serve(self, message: Catchup) -> None:
        """A peer asks for decided slots: have the driver send those that are on this node's chain."""
        last = min(message.last_slot, self.decided)
        if self.serves and message.first_slot <= last:
            self.core.effects.append(ServeCatchup(message.sender, message.first_slot, last))

    def fetched(self, message: CatchupReply) -> None:
        """Fetched blocks came in: have the driver check and apply them if they continue the prefix."""
        self.want(message.decided, message.sender)
        if message.sender == self._asked:
            self._asked = 0
        if message.first_slot <= self.decided + 1 <= message.first_slot + len(message.blocks) - 1:
            self.core.effects.append(Install(message.sender, message.first_slot, message.blocks))
            self._installing = True

    def installed(self, slot: Slot) -> None:
        """The driver has applied fetched blocks: the chain now reaches `slot`."""
        self._installing = False
        if slot <= self.decided:
            self._pause_if_all_refused()
        else:
            self._refused = 0
            if self._asked == self.core.me:  # A late reply was good: no pause is needed.
                self._asked = 0
            self.decided = slot
            for known in [s for s in self.chosen if s <= slot]:
                del self.chosen[known]
        self.advance()

    def _pause_if_all_refused(self) -> None:
        """A reply was refused. Ask the next peer at once, but pause after a turn of all, longer each time."""
        self._refused += 1
        turns = self._refused // max(1, len(self.core.others))
        if turns:
            self._asked = self.core.me  # As if a request were open, until the timer fires.
            delay_ms = self.timeouts.resend_ms() << min(turns, LONGEST_PAUSE)
            self.core.set_timer(Timer.CATCHUP, delay_ms, 2 * delay_ms)

    def _ask(self) -> None:
        sources = sorted(node for node, upto in self.prefixes.items() if upto > self.decided)
        heard = self.core.heard_within(self.timeouts.election_ms())
        sources = [node for node in sources if node in heard] or sources  # A silent one may be cut off.
        if not sources:
            self.wanted = self.decided  # No peer is known to have them: wait for the next announcement.
            return
        sources = [node for node in sources if self.routes.reaches(node)] or sources
        self._turn += 1
        source = sources[self._turn % len(sources)]
        self._asked = source
        first = self.decided + 1
        most = self.core.config.limits.catchup_slots
        last = self._end_of_gap(first, min(self.prefixes[source], first + most - 1))
        self.routes.send(source, Catchup(sender=self.core.me, first_slot=first, last_slot=last))
        delay_ms = self.timeouts.resend_ms()
        self.core.set_timer(Timer.CATCHUP, delay_ms, 2 * delay_ms)

    def _end_of_gap(self, first: Slot, last: Slot) -> Slot:
        """The last slot of the gap that begins at `first`, at most `last`: do not fetch what is known here."""
        slot = first
        while slot < last and not (slot + 1 in self.chosen or self.proved_by_prefix(slot + 1)):
            slot += 1
        return slot
