"""What clients of this node wait for, and how it reaches the leader and comes back: rule 7, and reads on their way.

A request stays here until it is applied on this node or given up; until then it is sent again, ever more patiently, to
whoever leads, through a peer where this node does not hear the leader itself. Requests of other nodes are passed on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from paxos.ballot import NO_BALLOT, NOBODY, Ballot, NodeId, Slot
from paxos.core import LOOK_MS, Core
from paxos.effects import GiveUp, ReadGiveUp, ReadReady, Timer
from paxos.election import Election
from paxos.leadership import Path
from paxos.learner import Learner
from paxos.messages import AnyMessage, AskRead, Forward, ForwardReply, ReadAt, Request, Value
from paxos.proposer import Proposer, RequestId
from paxos.timeouts import Timeouts

MOST_A_MESSAGE = 512
"""The most requests that one FORWARD carries."""


class Waiting:
    """A request of this node's own client without an answer. Times in milliseconds; a read has a `slot` in the end."""

    __slots__ = ("due_ms", "read", "request", "since_ms", "slot", "tries")

    def __init__(self, request: Request | None, read: int, since_ms: int) -> None:
        self.request = request  # None for a read, which has a number instead.
        self.read = read
        self.since_ms = since_ms
        self.due_ms = since_ms
        self.tries = 0
        self.slot: Slot = -1


class RequestForwarder:
    """Invariant: a request leaves `writes` or `reads` exactly when its client is answered or given up.

    `applied` gives the slot in which a request was applied on this node, 0 when it was not.
    """

    def __init__(
        self, core: Core, timeouts: Timeouts, election: Election, learner: Learner, applied: Callable[[str, int], Slot]
    ) -> None:
        self.core = core
        self.timeouts = timeouts
        self.election = election
        self.learner = learner
        self.applied = applied
        self.proposer: Proposer | None = None
        self.writes: dict[RequestId, Waiting] = {}
        self.reads: dict[int, Waiting] = {}
        self._new: list[Waiting] = []  # Not sent to anybody yet.
        self._servable = False
        self._routed: tuple[NodeId, Ballot] = (NOBODY, NO_BALLOT)
        self._alarm_set = False

    # This node's own clients

    def submit(self, request: Request) -> None:
        """A client's write; the same one again changes nothing."""
        name = (request.client, request.seq)
        if name not in self.writes:
            self.writes[name] = waiting = Waiting(request, 0, self.core.now)
            self._new.append(waiting)

    def read(self, number: int) -> None:
        """A client's linearizable read."""
        self.reads[number] = waiting = Waiting(None, number, self.core.now)
        self._new.append(waiting)

    def settle(self, value: Value) -> None:
        """This value is applied here: its clients are answered."""
        if self.writes:
            for request in value:
                self.writes.pop((request.client, request.seq), None)

    def installed(self) -> None:
        """Blocks were applied whose requests we have not seen."""
        for name in [name for name in self.writes if self.applied(*name)]:
            del self.writes[name]

    def read_at(self, numbers: Sequence[int], slot: Slot) -> None:
        """The leader has confirmed: these reads may be served once `slot` is applied here."""
        for number in numbers:
            waiting = self.reads.get(number)
            if waiting is not None and waiting.slot < 0:
                waiting.slot = slot
                self._servable = True

    def flush(self) -> None:
        """The end of a batch: send what is new, and everything once more when another leader is known."""
        if not (self.writes or self.reads):
            return
        target = (self.election.leader, self.election.ballot if self.election.leading else self.election.leader_ballot)
        if target != self._routed:
            self._routed = target
            self._new = self._all()
            for waiting in self._new:
                waiting.due_ms, waiting.tries = self.core.now, 0
        if self._new:
            new, self._new = self._new, []
            self._send_due(new)
        if not self._alarm_set:
            self._set_alarm()

    def serve_reads(self) -> None:
        """The end of a batch: reads whose slot is applied here are answered."""
        if self._servable:
            decided = self.learner.decided
            placed = [(number, waiting.slot) for number, waiting in self.reads.items() if waiting.slot >= 0]
            ready = tuple([number for number, slot in placed if slot <= decided])
            self._servable = len(ready) < len(placed)
            if ready:
                for number in ready:
                    del self.reads[number]
                self.core.effects.append(ReadReady(ready))

    def alarm(self) -> None:
        """The FORWARD alarm: give up what has waited too long, send again what is overdue."""
        self._alarm_set = False
        self._give_up()
        if self.writes or self.reads:
            self._send_due(self._all())
            self._set_alarm()

    # On the way to the leader

    def forwarded(self, message: Forward) -> None:
        """Writes that another node passes on."""
        path = message.path
        open_requests: list[Request] = []
        done: list[Request] = []
        for request in message.requests:
            (done if self.applied(*request.id) else open_requests).append(request)
        if done:
            self._reply(path, [request.id for request in done], self.learner.decided)
        if not open_requests:
            return
        if self.election.leading and self.proposer is not None:
            back = path if len(path) > 1 or path[0] not in self.proposer.heard() else ()
            for request in open_requests:
                self.proposer.enqueue(request, back)
        elif self._may_pass_on(path):
            self._pass_on(Forward(sender=self.core.me, path=(*path, self.core.me), requests=tuple(open_requests)))
        else:
            self._reply(path, [request.id for request in open_requests], 0)

    def asked(self, message: AskRead) -> None:
        """Linearizable reads that another node passes on."""
        path = message.path
        if self.election.leading and self.proposer is not None:
            self.proposer.ask_read(path, message.reads)
        elif self._may_pass_on(path):
            self._pass_on(AskRead(sender=self.core.me, path=(*path, self.core.me), reads=message.reads))
        else:
            self._send(
                path[-1],
                ReadAt(sender=self.core.me, path=path[:-1], reads=message.reads, slot=-1, leader=self.election.leader),
            )

    # On the way back

    def replied(self, message: ForwardReply) -> None:
        """An answer to a FORWARD: for us, or to be passed on towards its origin."""
        if message.path:
            self._send(
                message.path[-1],
                ForwardReply(
                    sender=self.core.me,
                    path=message.path[:-1],
                    ids=message.ids,
                    leader=message.leader,
                    decided=message.decided,
                ),
            )
        if message.decided:
            self.learner.want(message.decided, message.sender)

    def placed_read(self, message: ReadAt) -> None:
        """An answer to an ASK-READ: for us, or to be passed on towards its origin."""
        if message.path:
            self._send(
                message.path[-1],
                ReadAt(
                    sender=self.core.me,
                    path=message.path[:-1],
                    reads=message.reads,
                    slot=message.slot,
                    leader=message.leader,
                ),
            )
        elif message.slot >= 0:
            self.read_at(message.reads, message.slot)
        if message.slot > 0:
            self.learner.want(message.slot, message.sender)

    # Helpers

    def _all(self) -> list[Waiting]:
        return [*self.writes.values(), *self.reads.values()]

    def _send_due(self, those: list[Waiting]) -> None:
        """Those that are due leave together, by the first, second, … way that there is for their number of tries."""
        if self.election.leader == NOBODY:
            self.election.wanted()
            return
        now = self.core.now
        writes: dict[NodeId, list[Request]] = {}
        reads: dict[NodeId, list[int]] = {}
        ways: dict[int, tuple[NodeId, int]] = {}
        for waiting in those:
            if waiting.due_ms > now or waiting.slot >= 0:
                continue
            tries = waiting.tries
            waiting.tries = tries + 1
            if tries not in ways:
                ways[tries] = (self._way(tries), now + self.timeouts.again_ms(tries))
            to, waiting.due_ms = ways[tries]
            if waiting.request is not None:
                writes.setdefault(to, []).append(waiting.request)
            else:
                reads.setdefault(to, []).append(waiting.read)
        for to, requests in writes.items():
            self._send_writes(to, requests)
        for to, numbers in reads.items():
            self._send_reads(to, tuple(numbers))

    def _way(self, tries: int) -> NodeId:
        """The next node on the way to the leader, for a request that was sent `tries` times."""
        leader = self.election.leader
        if leader == self.core.me:
            return leader
        if not self.election.hears_leader():
            ways = [*self.election.ways(), leader]
            return ways[tries % len(ways)]
        peers = [node for node in self.core.others if node != leader]
        return peers[tries // 2 % len(peers)] if tries % 2 and peers else leader

    def _send_writes(self, to: NodeId, requests: list[Request]) -> None:
        if to == self.core.me:
            if self.proposer is not None and self.election.leading:
                for request in requests:
                    self.proposer.enqueue(request)
            return
        for start in range(0, len(requests), MOST_A_MESSAGE):
            part = tuple(requests[start : start + MOST_A_MESSAGE])
            self._send(to, Forward(sender=self.core.me, path=(self.core.me,), requests=part))

    def _send_reads(self, to: NodeId, numbers: tuple[int, ...]) -> None:
        if to != self.core.me:
            self._send(to, AskRead(sender=self.core.me, path=(self.core.me,), reads=numbers))
        elif self.proposer is not None and self.election.leading:
            self.proposer.ask_read((), numbers)

    def _may_pass_on(self, path: Path) -> bool:
        """Rule 7: the hops are bounded, and no way leads in a circle."""
        leader = self.election.leader
        passed = {*path, self.core.me}
        return leader not in (NOBODY, *passed) and self.core.me not in path and len(path) < len(self.core.nodes)

    def _pass_on(self, message: Forward | AskRead) -> None:
        leader = self.election.leader
        if self.election.hears_leader():
            self._send(leader, message)
        else:
            way = next((via for via in self.election.ways() if via not in message.path), leader)
            self._send(way, message)

    def _reply(self, path: Path, ids: list[RequestId], decided: Slot) -> None:
        self._send(
            path[-1],
            ForwardReply(
                sender=self.core.me, path=path[:-1], ids=tuple(ids), leader=self.election.leader, decided=decided
            ),
        )

    def _send(self, to: NodeId, message: AnyMessage) -> None:
        self.core.send_now((to,), message)

    def _set_alarm(self) -> None:
        self._alarm_set = True
        delay_ms = min(self.timeouts.resend_ms(), LOOK_MS)
        self.core.set_timer(Timer.FORWARD, delay_ms, delay_ms)

    def _give_up(self) -> None:
        now, without_majority = self.core.now, self.is_without_majority()
        limit = self.timeouts.no_majority_ms() if without_majority else self.timeouts.give_up_ms()
        writes = tuple(name for name, waiting in self.writes.items() if now - waiting.since_ms >= limit)
        reads = tuple(number for number, waiting in self.reads.items() if now - waiting.since_ms >= limit)
        for name in writes:
            del self.writes[name]
        for number in reads:
            del self.reads[number]
        if writes:
            self.core.effects.append(GiveUp(writes, without_majority))
        if reads:
            self.core.effects.append(ReadGiveUp(reads, without_majority))

    def is_without_majority(self) -> bool:
        """Nobody is known to lead, and for as long as a request waits too few nodes for a majority were heard from."""
        if self.election.leader != NOBODY:
            return False
        return len(self.core.heard_within(self.timeouts.no_majority_ms())) + 1 < self.core.majority
