"""The leader: it recovers, proposes, counts votes and resends (rules 4, 7, 8, 10 and 11).

Follows phase 2a of Lamport 2001, §2.2, for a sequence of instances as in §3. Slots are pipelined up to `window`; each
ACCEPT carries the decided prefix, so a decision costs no message of its own while there is more to propose.
It knows nothing of elections; heartbeats and reads are roles of their own.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

import msgspec

from paxos.acceptor import Acceptor
from paxos.ballot import MOST_IN_FLIGHT, NO_BALLOT, Ballot, NodeId, Slot
from paxos.core import Core
from paxos.effects import Timer
from paxos.heartbeats import Heartbeats
from paxos.learner import Learner
from paxos.messages import (
    NO_OP,
    Accept,
    Acceptance,
    Accepted,
    Decide,
    ForwardReply,
    Path,
    Promise,
    Request,
    RequestId,
    Value,
)
from paxos.reads import Reads
from paxos.routes import Routes
from paxos.rules import rule
from paxos.timeouts import Timeouts


class Flight(msgspec.Struct, gc=False):
    """A slot proposed and not yet chosen. Bit n of `voters` is set when node n has accepted it at our ballot."""

    value: Value
    due_ms: int
    voters: int = 0
    tries: int = 0


class Proposer:
    """Invariants: one value a slot at one ballot; no new value is proposed before recovery is complete.

    It leads from `lead` to `resign`. `queue` holds requests without a slot, `flight` the slots proposed and not chosen,
    `returns` the ways back to origins that may not hear this node. `applied` gives the slot in which a request was
    applied on this node, 0 when it was not.
    """

    def __init__(
        self,
        core: Core,
        timeouts: Timeouts,
        acceptor: Acceptor,
        learner: Learner,
        *,
        heartbeats: Heartbeats,
        reads: Reads,
        routes: Routes,
        applied: Callable[[str, int], Slot],
    ) -> None:
        self.core = core
        self.timeouts = timeouts
        self.acceptor = acceptor
        self.learner = learner
        self.heartbeats = heartbeats
        self.reads = reads
        self.routes = routes
        self.leading = False
        self.recovered = False
        self.ballot: Ballot = NO_BALLOT
        self.queue: deque[Request] = deque()
        self.flight: dict[Slot, Flight] = {}
        self.returns: dict[RequestId, Path] = {}
        self._applied = applied
        self._queued: set[RequestId] = set()
        self._placed: dict[RequestId, Slot] = {}  # In flight, or chosen and perhaps not applied yet.
        self._chosen: deque[tuple[Slot, Value]] = deque()  # Chosen and perhaps not applied yet, in order of choosing.
        self._carried_out: Slot = 0
        self._unplaced_at: Slot = -1  # The decided prefix at the last look for queued requests in the log.
        self._reported: dict[Slot, list[Acceptance]] = {}
        self._fetch_upto: Slot = 0
        self._recovered_upto: Slot = 0
        self._next_slot: Slot = 1
        self._announced: Slot = 0
        self._decided_returns: list[tuple[RequestId, Path, Slot]] = []
        self._resend_set = False
        self._moved: tuple[Slot, int] = (0, 0)  # The decided prefix, and when it last moved, while recovering.

    def essence(self) -> tuple[object, ...]:
        """What of this role can still matter to safety: see `Replica.essence`."""
        if not self.leading:
            return ()
        flight = tuple((slot, one.value, one.voters) for slot, one in sorted(self.flight.items()))
        reported = tuple((slot, tuple(votes)) for slot, votes in sorted(self._reported.items()))
        applied = self._applied  # What is applied is found there: that it was placed here no longer matters.
        placed = tuple((name, slot) for name, slot in sorted(self._placed.items()) if not applied(*name))
        chosen = tuple(one for one in self._chosen if not all(applied(*request.id) for request in one[1]))
        fetching = () if self.recovered else (self._fetch_upto, reported)
        bounds = fetching, max(self._next_slot, self.learner.decided + 1), self._announced
        queue = tuple(self.queue), self._unplaced_at if self.queue else 0
        back = tuple(sorted(self.returns.items())), tuple(self._decided_returns)
        return self.ballot, flight, queue, placed, chosen, bounds, back

    # Beginning and end

    def lead(self, ballot: Ballot, promises: Iterable[Promise]) -> None:
        """Lead with `ballot`, for which these promises came. Proposals wait until decided slots are fetched."""
        self.leading, self.ballot, self.recovered = True, ballot, False
        self.heartbeats.ballot = ballot
        self._clear()
        self._announced = self.announced_prefix()
        now = self.core.now
        for promise in promises:
            self._fetch_upto = max(self._fetch_upto, promise.decided)
            for vote in promise.accepted:
                self._reported.setdefault(vote.slot, []).append(vote)
            self.heartbeats.answered(promise.sender)
        self._moved = (self.learner.decided, now)
        self.core.note("leader", f"node {self.core.me} leads with ballot {ballot}")
        self.heartbeat()
        self.core.set_timer(Timer.HEARTBEAT, self.core.config.heartbeat_ms, self.core.config.heartbeat_ms)

    def resign(self, why: str) -> None:
        """Stop leading: send reads back to their origins, where clients' requests go on waiting."""
        self.leading = self.recovered = False
        self.core.note("step-down", f"node {self.core.me} leads no longer: {why}")
        self.reads.send_back()
        self._clear()

    def _clear(self) -> None:
        self.heartbeats.clear()
        self.reads.clear()
        self._recovered_upto = 0
        self.queue.clear()
        self.flight.clear()
        self.returns.clear()
        self._queued.clear()
        self._placed.clear()
        self._chosen.clear()
        self._carried_out = 0
        self._reported.clear()
        self._decided_returns.clear()
        self._fetch_upto = 0
        self._resend_set = False

    # Recovery (rule 4)

    @rule("4")
    def recover(self) -> None:
        """Propose again every value that may be chosen, and the no-op in gaps; decided slots are fetched before."""
        first = self.learner.decided + 1
        last = self._last_believed(first)
        self.recovered = True
        self._recovered_upto = last
        self._next_slot = max(first, last + 1)
        for run in self._runs(self.slots_to_recover(first, last)):
            self._propose(run[0], [self.value_to_recover(slot) for slot in run])
        self._reported.clear()

    @rule("4")
    def _last_believed(self, first: Slot) -> Slot:
        """The last slot reported that some leader can have proposed.

        Whoever proposed a slot knew all but `MOST_IN_FLIGHT` slots below it to be decided, and a majority reports a
        vote for each of those. So a vote beyond more gaps than that belongs to no chosen value.
        """
        last, gaps = 0, 0
        for slot in sorted(slot for slot in self._reported if slot >= first):
            gaps += slot - max(last + 1, first)
            if gaps > MOST_IN_FLIGHT:
                break
            last = slot
        return last

    def slots_to_recover(self, first: Slot, last: Slot) -> list[Slot]:
        """Every slot up to the last one reported, gaps too: an open slot would block all later ones."""
        return list(range(first, last + 1))

    def value_to_recover(self, slot: Slot) -> Value:
        """The value to propose in an open slot: the one that may be chosen, or the no-op if none was reported."""
        votes = self.votes_for(slot)
        return self.best_vote(votes).value if votes else NO_OP

    def votes_for(self, slot: Slot) -> list[Acceptance]:
        """Every vote that the promises reported for `slot`."""
        return self._reported.get(slot, [])

    @rule("4")
    def best_vote(self, votes: list[Acceptance]) -> Acceptance:
        """The reported vote of the highest ballot: property P2c of Lamport 2001, §2.2."""
        return max(votes, key=lambda vote: vote.ballot)

    def _cannot_recover(self) -> bool:
        """True when decided slots could not be fetched for four election timeouts: their holders may be down."""
        decided, since = self._moved
        if decided != self.learner.decided:
            self._moved = (self.learner.decided, self.core.now)
            return False
        return not self.recovered and self.core.now - since > 4 * self.timeouts.election_ms()

    # Proposing (rules 7, 8 and 10)

    def enqueue(self, request: Request, path: Path = ()) -> None:
        """Queue a write. `path` is the way back to its origin, if the origin may not hear this node."""
        name = request.id
        if path and not self._is_chosen(name):  # Its way back would never be used.
            self.returns[name] = path
        if name not in self._queued and not self.is_placed(name):
            if not self.queue:
                self._unplaced_at = self.learner.decided
            self._queued.add(name)
            self.queue.append(request)

    def is_placed(self, name: RequestId) -> bool:
        """True when the request has a slot: a retried or recovered request needs no second one."""
        return name in self._placed or self._applied(*name) > 0

    def _is_chosen(self, name: RequestId) -> bool:
        """True when the request has a slot of this leadership that is chosen."""
        slot = self._placed.get(name)
        return slot is not None and slot not in self.flight

    @rule("8")
    def propose(self) -> None:
        """Propose the queued requests in the next slots, as far as the window allows."""
        most, room = self.core.config.ops_per_block, self.core.config.window - len(self.flight)
        self._next_slot = max(self._next_slot, self.learner.decided + 1)  # Other leaders may have decided some.
        queue, together = self.queue, self.core.config.limits.slots_a_message
        values: list[Value] = []
        while queue and room > 0:
            value = self._next_batch(most)
            if value:
                values.append(value)
                room -= 1
            if len(values) == together:
                self._propose(self._next_slot, values)
                values = []
        if values:
            self._propose(self._next_slot, values)

    def _next_batch(self, most: int) -> Value:
        queue = self.queue
        known = self._unplaced_at == self.learner.decided
        batch: list[Request] = []
        while queue and len(batch) < most:
            request = queue.popleft()
            name = (request.client, request.seq)
            self._queued.discard(name)
            if (known and name not in self._placed) or not self.is_placed(name):
                batch.append(request)
        return tuple(batch)

    def _propose(self, first: Slot, values: list[Value]) -> None:
        due = self.core.now + self.timeouts.resend_ms()
        for slot, value in enumerate(values, first):
            self.flight[slot] = Flight(value, due)
            for request in value:
                self._placed[request.client, request.seq] = slot
        self._next_slot = max(self._next_slot, first + len(values))
        message = self._accept(first, values)
        self._announced = message.decided
        self.core.send_now(self.core.others, message)
        self.vote_for_own(message)
        if not self._resend_set:
            self._set_resend()

    def vote_for_own(self, message: Accept) -> None:
        """Vote at this node's own acceptor: that vote counts once it is durable, like any other."""
        self.acceptor.accept(message)

    def _accept(self, first: Slot, values: Sequence[Value]) -> Accept:
        return Accept(
            sender=self.core.me,
            ballot=self.ballot,
            first_slot=first,
            values=tuple(values),
            decided=self.announced_prefix(),
        )

    @rule("10")
    def resend(self) -> None:
        """The RESEND timer fired: send overdue ACCEPTs again to the nodes that have not answered, with backoff."""
        now = self.core.now
        self._resend_set = False
        overdue = [slot for slot, flight in self.flight.items() if flight.due_ms <= now]
        for slot in overdue:
            flight = self.flight[slot]
            flight.tries += 1
            flight.due_ms = now + self.timeouts.again_ms(flight.tries)
        for node in self.core.others:
            for run in self._runs([slot for slot in overdue if not self.flight[slot].voters >> node & 1]):
                self.core.send_now((node,), self._accept(run[0], [self.flight[slot].value for slot in run]))
        if self.flight:
            self._set_resend()

    def _set_resend(self) -> None:
        delay_ms = self.timeouts.resend_ms()
        self._resend_set = True
        self.core.set_timer(Timer.RESEND, delay_ms, delay_ms)

    def _runs(self, slots: list[Slot]) -> list[list[Slot]]:
        """These slots in runs without a gap, none longer than one message carries."""
        together = self.core.config.limits.slots_a_message
        runs: list[list[Slot]] = []
        for slot in sorted(slots):
            if runs and slot == runs[-1][-1] + 1 and len(runs[-1]) < together:
                runs[-1].append(slot)
            else:
                runs.append([slot])
        return runs

    # Deciding (rule 10)

    def accepted(self, message: Accepted) -> None:
        """Count the votes of an ACCEPTED, which may be this node's own, for exactly its slots."""
        if not self.leading or not self.is_for_my_ballot(message.ballot):
            return
        self.heartbeats.answered(message.sender)
        slots: Iterable[Slot] = range(message.first_slot, message.last_slot + 1)
        if message.last_slot - message.first_slot >= len(self.flight):
            slots = [slot for slot in self.flight if message.first_slot <= slot <= message.last_slot]
        flights, voter = self.flight, message.sender
        for slot in slots:
            flight = flights.get(slot)
            if flight is not None:
                self.count_vote(flight, voter)
                if self.enough_votes(flight):
                    self._decide(slot, flight)
        self.learner.advance()

    @rule("10")
    def is_for_my_ballot(self, ballot: Ballot) -> bool:
        """A vote counts only for the ballot that it names."""
        return ballot == self.ballot

    @rule("10")
    def count_vote(self, flight: Flight, voter: NodeId) -> None:
        """Count one vote a node: a repeated one counts once."""
        flight.voters |= 1 << voter

    @rule("17")
    def uncount(self, node: NodeId) -> None:
        """`node` has lost its memory: the votes that it gave before count no longer in slots that are not chosen."""
        for flight in self.flight.values():
            flight.voters &= ~(1 << node)

    @rule("10")
    def enough_votes(self, flight: Flight) -> bool:
        """True when the value is chosen: a majority of distinct nodes has accepted it at this ballot."""
        return flight.voters.bit_count() >= self.core.quorums.accept

    def _decide(self, slot: Slot, flight: Flight) -> None:
        del self.flight[slot]
        self.learner.choose(slot, flight.value)
        self._chosen.append((slot, flight.value))
        if self.returns:
            for request in flight.value:
                path = self.returns.pop(request.id, None)
                if path is not None:
                    self._decided_returns.append((request.id, path, slot))

    # The end of a batch

    def flush(self) -> None:
        """End a batch: recover, propose, announce decisions, confirm reads."""
        self._forget_applied()
        if not self.recovered and self.learner.decided >= self._fetch_upto:
            self.recover()
        if self.recovered and self.queue:
            self.propose()
        if self.announced_prefix() > self._announced:
            self.spread()
        if self._decided_returns:
            self._return()
        reads = self.reads
        if reads.new and self.may_read():
            self.heartbeat()
            reads.begin_round(self.learner.decided)
        if reads.rounds:
            reads.serve()

    def _forget_applied(self) -> None:
        """Forget placed requests that have been applied since the last flush: `_applied` finds them."""
        chosen, placed = self._chosen, self._placed
        while chosen and chosen[0][0] <= self._carried_out:
            for request in chosen.popleft()[1]:
                placed.pop((request.client, request.seq), None)
        self._carried_out = self.learner.decided

    @rule("11")
    def spread(self) -> None:
        """Send DECIDE to all: no ACCEPT of this batch has carried the new prefix."""
        self._announced = self.announced_prefix()
        self.core.send_now(self.core.others, Decide(sender=self.core.me, ballot=self.ballot, decided=self._announced))

    @rule("12")
    def announced_prefix(self) -> Slot:
        """The decided prefix that may be announced at this ballot; it ends before the first slot in flight.

        A slot in flight may be decided all the same, with another value, at a higher ballot that others told of.
        """
        first = next(iter(self.flight), 0)  # They are proposed in order.
        return min(self.learner.decided, first - 1) if first else self.learner.decided

    def _return(self) -> None:
        decided = self.learner.decided
        together: dict[Path, list[RequestId]] = {}
        later = []
        for name, path, slot in self._decided_returns:
            if slot <= decided:
                together.setdefault(path, []).append(name)
            else:
                later.append((name, path, slot))
        self._decided_returns = later
        for path, names in together.items():
            to, back = self.routes.back(path)
            self.routes.send(
                to,
                ForwardReply(sender=self.core.me, path=back, ids=tuple(names), leader=self.core.me, decided=decided),
            )

    # Reads and heartbeats

    @rule("4")
    def may_read(self) -> bool:
        """True once everything that was recovered is decided: only then is a linearizable read served."""
        return self.recovered and self.learner.decided >= self._recovered_upto

    def heartbeat(self) -> None:
        """Send a round of heartbeats with the prefix announced at this ballot."""
        self.heartbeats.send(self.announced_prefix())

    @rule("6")
    def beat(self) -> str:
        """The HEARTBEAT timer fired. Returns why this node must step down, or an empty text."""
        if not self.heartbeats.has_majority():
            return "no majority has answered for an election timeout"
        if self._cannot_recover():
            return "decided slots that it lacks cannot be fetched"
        self.heartbeat()
        self.core.set_timer(Timer.HEARTBEAT, self.core.config.heartbeat_ms, self.core.config.heartbeat_ms)
        return ""
