"""How requests reach the leader, and how answers come back (rule 7).

A request of this node's own clients is sent again, at growing intervals, until it is settled or given up. It goes to
the leader, or through a peer when this node does not hear the leader. Requests of other nodes are passed on.
"""

from __future__ import annotations

from collections.abc import Callable

from paxos.ballot import NO_BALLOT, NOBODY, Ballot, NodeId, Slot
from paxos.core import LOOK_MS, Core
from paxos.effects import GiveUp, ReadGiveUp, Timer
from paxos.election import Election
from paxos.leader_view import LeaderView
from paxos.learner import Learner
from paxos.messages import AskRead, Forward, ForwardReply, Path, ReadAt, Request, RequestId
from paxos.proposer import Proposer
from paxos.recovery import Recovery
from paxos.routes import Routes
from paxos.rules import rule
from paxos.timeouts import Timeouts
from paxos.waiting_requests import Waiting, WaitingRequests


class RequestForwarder:
    """Sends the waiting requests of this node, and passes on those of others.

    `applied` gives the slot in which a request was applied on this node, 0 when it was not.
    """

    def __init__(
        self,
        core: Core,
        timeouts: Timeouts,
        routes: Routes,
        *,
        view: LeaderView,
        election: Election,
        learner: Learner,
        proposer: Proposer,
        recovery: Recovery,
        waiting: WaitingRequests,
        applied: Callable[[str, int], Slot],
    ) -> None:
        self.core = core
        self.timeouts = timeouts
        self.routes = routes
        self.view = view
        self.election = election
        self.learner = learner
        self.proposer = proposer
        self.recovery = recovery
        self.waiting = waiting
        self.applied = applied
        self._target: tuple[NodeId, Ballot] = (NOBODY, NO_BALLOT)  # The leader that requests were sent to last.
        self._alarm_set = False

    # This node's own clients

    def submit(self, request: Request) -> None:
        """A client's write reached this node."""
        self.waiting.add_write(request, self.core.now)

    def read(self, number: int, question: object = None) -> None:
        """A client's linearizable read reached this node."""
        self.waiting.add_read(number, question, self.core.now)

    def flush(self) -> None:
        """End a batch: send new requests, and all of them again when another leader is known."""
        waiting = self.waiting
        if not (waiting.writes or waiting.reads):
            return
        target = (self.view.leader, self.view.ballot)
        if target != self._target:
            self._target = target
            waiting.new = waiting.all_to_send()
            for one in waiting.new:
                one.due_ms, one.tries = self.core.now, 0
        if waiting.new:
            new, waiting.new = waiting.new, []
            self._send_due(new)
        if not self._alarm_set:
            self._set_alarm()

    def alarm(self) -> None:
        """The FORWARD timer fired: give up what has waited too long, send again what is overdue."""
        self._alarm_set = False
        self._give_up()
        if not self.waiting.nothing_to_send():
            self._send_due(self.waiting.all_to_send())
            self._set_alarm()

    # On the way to the leader

    def forwarded(self, message: Forward) -> None:
        """Handle writes from another node: queue them if this node leads, else pass them on or answer."""
        path = message.path
        open_requests: list[Request] = []
        done: list[Request] = []
        for request in message.requests:
            (done if self.applied(*request.id) else open_requests).append(request)
        if done:
            self._reply(path, [request.id for request in done], self.learner.decided)
        if not open_requests:
            return
        if self.proposer.leading:
            back = path if len(path) > 1 or path[0] not in self.proposer.heartbeats.heard() else ()
            for request in open_requests:
                self.proposer.enqueue(request, back)
        elif self._may_pass_on(path):
            self.routes.send(
                self._next_hop(path),
                Forward(sender=self.core.me, path=(*path, self.core.me), requests=tuple(open_requests)),
            )
        else:
            self._reply(path, [request.id for request in open_requests], 0)

    def asked(self, message: AskRead) -> None:
        """Handle linearizable reads from another node: confirm them if this node leads, else pass them on or answer."""
        path = message.path
        if self.proposer.leading:
            self.proposer.reads.ask(path, message.reads)
        elif self._may_pass_on(path):
            self.routes.send(
                self._next_hop(path),
                AskRead(sender=self.core.me, path=(*path, self.core.me), reads=message.reads),
            )
        else:
            to, back = self.routes.back(path)
            self.routes.send(
                to, ReadAt(sender=self.core.me, path=back, reads=message.reads, slot=-1, leader=self.view.leader)
            )

    # On the way back

    def replied(self, message: ForwardReply) -> None:
        """Handle an answer to a FORWARD: pass it on towards its origin, and fetch what it states to be decided."""
        if message.path:
            to, back = self.routes.back(message.path)
            self.routes.send(
                to,
                ForwardReply(
                    sender=self.core.me,
                    path=back,
                    ids=message.ids,
                    leader=message.leader,
                    decided=message.decided,
                ),
            )
        if message.decided:
            self.learner.want(message.decided, message.sender)

    def placed_read(self, message: ReadAt) -> None:
        """Handle an answer to an ASK-READ: pass it on towards its origin, or confirm this node's own reads."""
        if message.path:
            to, back = self.routes.back(message.path)
            self.routes.send(
                to,
                ReadAt(
                    sender=self.core.me,
                    path=back,
                    reads=message.reads,
                    slot=message.slot,
                    leader=message.leader,
                ),
            )
        elif message.slot >= 0:
            self.waiting.confirm_reads(message.reads, message.slot)
        if message.slot > 0:
            self.learner.want(message.slot, message.sender)

    # Helpers

    def _send_due(self, those: list[Waiting]) -> None:
        """Send the requests that are due; those with the same number of tries take the same way."""
        if self.view.leader == NOBODY:
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

    @rule("7")
    def _way(self, tries: int) -> NodeId:
        """The node to send a request to that was sent `tries` times: the leader and peers take turns.

        Before a way is known to a leader that this node does not hear, the peers that have named it come first.
        """
        leader = self.view.leader
        if leader == self.core.me:
            return leader
        if named := self._named_by():
            ways = [*named, leader]
            return ways[tries % len(ways)]
        peers = [node for node in self.core.others if node != leader]
        return peers[tries // 2 % len(peers)] if tries % 2 and peers else leader

    def _named_by(self) -> list[NodeId]:
        """The peers that have named a leader that this node does not hear, while no way to it is known."""
        return [] if self.routes.active or self.view.hears_leader() else self.view.ways()

    def _send_writes(self, to: NodeId, requests: list[Request]) -> None:
        if to == self.core.me:
            if self.proposer.leading:
                for request in requests:
                    self.proposer.enqueue(request)
            return
        together = self.core.config.limits.requests_a_message
        for start in range(0, len(requests), together):
            part = tuple(requests[start : start + together])
            self.routes.send(to, Forward(sender=self.core.me, path=(self.core.me,), requests=part))

    def _send_reads(self, to: NodeId, numbers: tuple[int, ...]) -> None:
        if to != self.core.me:
            self.routes.send(to, AskRead(sender=self.core.me, path=(self.core.me,), reads=numbers))
        elif self.proposer.leading:
            self.proposer.reads.ask((), numbers)

    @rule("7")
    def _may_pass_on(self, path: Path) -> bool:
        """True when a leader is known that `path` has not passed, and the hops do not loop."""
        leader = self.view.leader
        passed = {*path, self.core.me}
        return leader not in (NOBODY, *passed) and self.core.me not in path and len(path) < len(self.core.nodes)

    def _next_hop(self, path: Path) -> NodeId:
        """The node to pass a request on to: the leader, or a peer that has named it."""
        return next((node for node in self._named_by() if node not in path), self.view.leader)

    def _reply(self, path: Path, ids: list[RequestId], decided: Slot) -> None:
        to, back = self.routes.back(path)
        self.routes.send(
            to, ForwardReply(sender=self.core.me, path=back, ids=tuple(ids), leader=self.view.leader, decided=decided)
        )

    def _set_alarm(self) -> None:
        self._alarm_set = True
        delay_ms = min(self.timeouts.resend_ms(), LOOK_MS)
        self.core.set_timer(Timer.FORWARD, delay_ms, delay_ms)

    def _give_up(self) -> None:
        forgetful = self.recovery.forgetful() if self.view.leader == NOBODY else ()
        without_majority = bool(forgetful) or self.is_without_majority()
        limit_ms = self.timeouts.no_majority_ms() if without_majority else self.timeouts.give_up_ms()
        writes, reads = self.waiting.end_overdue(limit_ms, self.core.now)
        if writes:
            self.core.effects.append(GiveUp(writes, without_majority, forgetful))
        if reads:
            self.core.effects.append(ReadGiveUp(reads, without_majority, forgetful))

    @rule("6")
    def is_without_majority(self) -> bool:
        """True when no leader is known and too few nodes for a majority were heard for `no_majority_ms`."""
        if self.view.leader != NOBODY:
            return False
        return not self.core.quorums.is_majority(len(self.core.heard_within(self.timeouts.no_majority_ms())) + 1)
