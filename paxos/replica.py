"""One replica of the log: it creates the roles and hands each event to the one that handles it.

Every message may be lost, late, duplicated or from an earlier incarnation of its sender; each role checks a ballot, a
stamp or a prefix to make that harmless. The replica has no blog, chain, file, clock or randomness: see `effects`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from paxos.acceptor import Acceptor
from paxos.ballot import NOBODY, Ballot, NodeId, Slot
from paxos.campaign import Campaign
from paxos.chain_proof import Chain, NoChain
from paxos.core import Config, Core
from paxos.effects import Effect, ReadReady, Timer
from paxos.election import Election
from paxos.eras import NO_LOSS, Eras
from paxos.heartbeats import Heartbeats
from paxos.leader_view import LeaderView
from paxos.learner import Learner
from paxos.link_gossip import LinkGossip
from paxos.messages import (
    Accept,
    Acceptance,
    Accepted,
    AnyMessage,
    AskMemory,
    AskRead,
    Catchup,
    CatchupReply,
    Decide,
    Forward,
    ForwardReply,
    Heartbeat,
    HeartbeatAck,
    Hints,
    LinkStates,
    Memory,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    ReadAt,
    Reject,
    Relay,
    Request,
    StepDown,
)
from paxos.pre_vote import PreVoteRound
from paxos.proposer import Proposer
from paxos.reads import Reads
from paxos.recovery import Recovery
from paxos.request_forwarder import RequestForwarder
from paxos.routes import Routes
from paxos.rules import rule
from paxos.status import ReplicaStatus
from paxos.timeouts import Timeouts
from paxos.waiting_requests import WaitingRequests


class Replica:
    """The roles of one node, and which event each handles. All times are milliseconds.

    It starts from the node's files: the highest promise, the highest ballot opened here, the votes above `decided`, and
    the height `decided` of the chain. `applied` gives the slot in which a request was applied here, 0 when it was not;
    `waiting` is the driver's register of its clients' requests. `amnesia` says what the files have lost, if anything;
    `eras` and `nonces` are those of `recovery`, `nonce` names this incarnation, and a `new` node has no past.
    `chain` is where the driver stores decided slots; `marked` is the last one that it is known to have had there.
    Calls emit effects; `flush` ends a batch, and `take_effects` returns everything since the last call.
    """

    timeouts_role = Timeouts
    routes_role = Routes
    acceptor_role = Acceptor
    learner_role = Learner
    leader_view_role = LeaderView
    pre_vote_role = PreVoteRound
    campaign_role = Campaign
    election_role = Election
    link_gossip_role = LinkGossip
    heartbeats_role = Heartbeats
    reads_role = Reads
    proposer_role = Proposer
    forwarder_role = RequestForwarder
    recovery_role = Recovery

    def __init__(
        self,
        config: Config,
        *,
        promised: Ballot,
        opened: Ballot,
        accepted: Mapping[Slot, Acceptance],
        decided: Slot,
        applied: Callable[[str, int], Slot],
        waiting: WaitingRequests,
        amnesia: str = "",
        eras: Eras = NO_LOSS,
        nonces: Mapping[NodeId, int] | None = None,
        nonce: int = 0,
        new: bool = True,
        chain: Chain | None = None,
        marked: Slot = 0,
    ) -> None:
        self.core = core = Core(config)
        core.amnesia, core.eras = amnesia, eras
        self.timeouts = timeouts = self.timeouts_role(core)
        self.routes = routes = self.routes_role(core)
        self.acceptor = acceptor = self.acceptor_role(core, promised, opened, accepted)
        self.waiting = waiting
        self._applied = applied
        self.learner = learner = self.learner_role(core, timeouts, acceptor, decided, waiting.settle, routes=routes)
        self.view = view = self.leader_view_role(core, timeouts)
        self.pre_vote = self.pre_vote_role(core, timeouts, acceptor, learner)
        self.campaign = self.campaign_role(core, timeouts, acceptor, learner)
        self.election = election = self.election_role(
            core, timeouts, acceptor, learner, view=view, pre_vote=self.pre_vote, campaign=self.campaign
        )
        self.heartbeats = self.heartbeats_role(core, timeouts, learner)
        self.reads = self.reads_role(core, self.heartbeats, routes, waiting.confirm_reads)
        self.proposer = proposer = self.proposer_role(
            core,
            timeouts,
            acceptor,
            learner,
            heartbeats=self.heartbeats,
            reads=self.reads,
            routes=routes,
            applied=applied,
        )
        self.recovery = self.recovery_role(
            core,
            timeouts,
            acceptor,
            learner,
            routes=routes,
            chain=chain or NoChain(),
            marked=marked,
            nonce=nonce,
            nonces=nonces or {},
            began=(self.campaign.uncount, proposer.uncount, learner.forget),
            sure=election.sure,
        )
        self.link_gossip = self.link_gossip_role(
            core, routes, view=view, learner=learner, election=election, recovery=self.recovery
        )
        self.forwarder = self.forwarder_role(
            core,
            timeouts,
            routes,
            view=view,
            election=election,
            learner=learner,
            proposer=proposer,
            recovery=self.recovery,
            waiting=waiting,
            applied=applied,
        )
        self._new = new
        self._kept_above: Slot = -1  # The last slot below which votes may have been dropped.

    # Events

    def start(self, now_ms: int) -> None:
        """Start an incarnation."""
        self.core.see_clock(now_ms)
        self.election.start()
        self.recovery.start(new=self._new)

    def submit(self, request: Request, now_ms: int) -> None:
        """A client's write reached this node."""
        self.core.see_clock(now_ms)
        self.forwarder.submit(request)

    def read(self, number: int, now_ms: int, question: object = None) -> None:
        """A client's linearizable read reached this node."""
        self.core.see_clock(now_ms)
        self.forwarder.read(number, question)

    def wake(self, timer: Timer, now_ms: int) -> None:
        """A timer fired."""
        self.core.see_clock(now_ms)
        self._alarms[timer](self)

    def receive(self, message: AnyMessage, now_ms: int) -> None:
        """Handle a message of a peer, or one of this node to itself, which arrives once its records are durable.

        Raises:
            ProtocolError: the message is one that no correct peer can send. This node must stop.
        """
        core = self.core
        if now_ms != core.clock_ms:
            core.see_clock(now_ms)
        if message.sender != core.me:
            core.heard_ms[message.sender] = core.now
        self._handlers[type(message)](self, message)

    def installed(self, slot: Slot) -> None:
        """After an `Install`: the chain reaches `slot`."""
        self.learner.installed(slot)
        self.waiting.settle_applied(self._applied)

    def flush(self, now_ms: int) -> None:
        """End a batch: propose, ask and answer once for all events since the last flush."""
        core, learner, waiting = self.core, self.learner, self.waiting
        if now_ms != core.clock_ms:
            core.see_clock(now_ms)
        if waiting.writes or waiting.reads:
            self.forwarder.flush()
        if self.proposer.leading:
            self.proposer.flush()
        if learner.wanted > learner.decided:
            learner.flush()
        if core.amnesia:
            self.recovery.recover_if_safe()
        if waiting.confirmed and (ready := waiting.end_ready_reads(learner.decided)):
            core.effects.append(ReadReady(ready))
        if learner.decided != self._kept_above:
            self._kept_above = learner.decided
            self.acceptor.forget_below(learner.decided + 1)

    def take_effects(self) -> list[Effect]:
        """The effects since the last call, in order."""
        return self.core.take_effects()

    # Rules that concern two roles

    @rule("9")
    def _vote(self, message: Accept) -> None:
        """Vote for an ACCEPT, which also shows that its leader is alive, or refuse it. A mute node only follows."""
        if self.core.votes and not self.acceptor.accept(message):
            self.acceptor.refuse(message.sender, message.ballot, NOBODY, self.learner.stated)
            return
        if self._follows(message.ballot, message.sender):
            self.learner.prefix_decided(message.ballot, message.decided, message.sender)

    def _voted(self, message: Accepted) -> None:
        if message.eras == self.core.eras or self.recovery.admits(message):
            self.recovery.votes[message.sender] = message
            self.proposer.accepted(message)

    def _decided(self, message: Decide) -> None:
        if self._follows(message.ballot, message.sender):
            self.learner.prefix_decided(message.ballot, message.decided, message.sender)

    def _hear_leader(self, message: Heartbeat) -> None:
        ballot, sender = message.ballot, message.sender
        if not self._follows(ballot, sender):
            self.acceptor.refuse(sender, ballot, NOBODY, self.learner.stated)
            return
        self.timeouts.leader_reported(message.round_trip_ms)
        self.view.heard_by_leader(heard=self.core.me in message.heard)
        self.link_gossip.leader_heard()
        self.learner.prefix_decided(ballot, message.decided, sender)
        self.core.send_now(
            (sender,),
            HeartbeatAck(
                sender=self.core.me,
                ballot=ballot,
                round=message.round,
                stamp=message.stamp,
                decided=self.learner.stated,
                votes=self.core.votes,
            ),
        )

    def _promised(self, message: Promise) -> None:
        recovery, sender = self.recovery, message.sender
        if not recovery.admits(message):
            return
        recovery.promises[sender] = max(message.ballot, recovery.promises.get(sender, message.ballot))
        if self.election.on_promise(message):
            self.proposer.lead(self.campaign.ballot, self.campaign.promises.values())

    def _refused(self, message: Reject) -> None:
        if self.election.on_reject(message):
            self._step_down(f"node {message.sender} has promised ballot {message.promised}")

    def _relayed(self, relay: Relay) -> None:
        """Pass a message on, or handle it as if it had come straight."""
        if relay.path:
            self.routes.pass_on(relay)
        else:
            self._handlers[type(relay.message)](self, relay.message)

    def _remembered(self, message: Memory) -> None:
        if self.recovery.answer(message) and self.election.leading:
            self._step_down(self.core.amnesia)

    def _election_alarm(self) -> None:
        self.link_gossip.election_alarm()
        self.election.alarm()

    def _heartbeat_alarm(self) -> None:
        if self.proposer.leading:
            why = self.proposer.beat()
            if why:
                self._step_down(why)

    def _resend_alarm(self) -> None:
        if self.proposer.leading:
            self.proposer.resend()
        else:
            self.election.ask_again()

    def _recovery_alarm(self) -> None:
        self.recovery.alarm()
        self.link_gossip.recovery_alarm()

    def _follows(self, ballot: Ballot, leader: NodeId) -> bool:
        """Follow the leader that sent this ballot unless it is stale; step down if this node leads with a lower one."""
        if leader == self.core.me:
            return True
        if not self.election.follow(ballot, leader):
            return False
        if self.proposer.leading:
            self.proposer.resign(f"node {leader} leads with ballot {ballot}")
            self.election.announce_step_down()
        return True

    def _step_down(self, why: str) -> None:
        self.proposer.resign(why)
        self.election.stepped_down()

    def decides_without_own_vote(self) -> bool:
        """True when this node leads and so many others answer that they choose values without its own vote."""
        return self.proposer.leading and self.core.quorums.completes_accept(len(self.heartbeats.heard()))

    def forget_hints(self) -> None:
        """Forget what no promise, vote or decision depends on: who leads, who has which slots, and who still waits.

        So does a follower whose leader has fallen silent, whose questions were lost, and whose clients gave up. What a
        candidate or a leader is to propose stays.
        """
        self.learner.forget_hints()
        self.acceptor.accepted = {s: vote for s, vote in self.acceptor.accepted.items() if s > self.learner.decided}
        self.campaign.failures = 0
        if not self.election.leading:
            self.view.forget()
            if self.election.phase == "following":
                self.waiting.forget()

    def essence(self) -> tuple[object, ...]:
        """All of this state that still matters to safety after `forget_hints`, when each event comes late.

        Two replicas with equal essence do the same from then on, but for times, hints and counts. It holds no time:
        with every time-out passed between two events, ages cannot be told apart. Left out is what only heartbeats, link
        states and questions after amnesia change.
        """
        core, phase = self.core, self.election.phase
        return (
            (phase, core.amnesia, core.unsure, core.eras),
            self.acceptor.essence(),
            self.learner.essence(),
            self.campaign.essence(preparing=phase == "preparing"),
            self.proposer.essence(),
            self.waiting.essence(),
        )

    # Status

    def status(self) -> ReplicaStatus:
        """What this replica is at this moment."""
        election, proposer = self.election, self.proposer
        phase, leading = election.phase, proposer.leading
        return ReplicaStatus(
            role="leader" if phase == "leading" else "follower" if phase == "following" else "candidate",
            ballot=self.view.ballot if phase == "following" else self.campaign.ballot,
            promised=self.acceptor.promised,
            leader=self.view.leader,
            accepted=max(self.acceptor.accepted, default=self.learner.decided),
            decided=self.learner.decided,
            queued=len(proposer.queue) if leading else len(self.waiting.writes),
            in_flight=len(proposer.flight),
            heard=self.core.heard_within(self.timeouts.election_ms()),
            round_trip_ms=self.timeouts.round_trip_ms(),
            elections=self.campaign.opened,
            leaderships=self.campaign.won,
            amnesia=self.core.amnesia,
            remembering=tuple(sorted(self.recovery.answers)) if self.core.amnesia else (),
        )

    def votes(self) -> Mapping[Slot, Acceptance]:
        """This acceptor's votes that are not yet compacted away."""
        return self.acceptor.accepted

    # Which role handles which message and timer: a table finds it at once, where a `match` tries one after another.

    _handlers: ClassVar[dict[type, Callable[[Any, Any], object]]] = {
        Accept: lambda self, message: self._vote(message),
        Accepted: lambda self, message: self._voted(message),
        AskMemory: lambda self, message: self.recovery.asked(message),
        AskRead: lambda self, message: self.forwarder.asked(message),
        Catchup: lambda self, message: self.learner.serve(message),
        CatchupReply: lambda self, message: self.learner.fetched(message),
        Decide: lambda self, message: self._decided(message),
        Forward: lambda self, message: self.forwarder.forwarded(message),
        ForwardReply: lambda self, message: self.forwarder.replied(message),
        Heartbeat: lambda self, message: self._hear_leader(message),
        HeartbeatAck: lambda self, message: self.heartbeats.on_ack(message),
        Hints: lambda _self, _message: None,  # They are the driver's.
        LinkStates: lambda self, message: self.link_gossip.heard(message),
        Memory: lambda self, message: self._remembered(message),
        PreVote: lambda self, message: self.election.on_pre_vote(message),
        PreVoteReply: lambda self, message: self.election.on_pre_vote_reply(message),
        Prepare: lambda self, message: self.election.on_prepare(message),
        Promise: lambda self, message: self._promised(message),
        ReadAt: lambda self, message: self.forwarder.placed_read(message),
        Reject: lambda self, message: self._refused(message),
        Relay: lambda self, message: self._relayed(message),
        StepDown: lambda self, message: self.election.on_step_down(message),
    }
    _alarms: ClassVar[dict[Timer, Callable[[Any], object]]] = {
        Timer.ELECTION: lambda self: self._election_alarm(),
        Timer.HEARTBEAT: lambda self: self._heartbeat_alarm(),
        Timer.RESEND: lambda self: self._resend_alarm(),
        Timer.FORWARD: lambda self: self.forwarder.alarm(),
        Timer.CATCHUP: lambda self: self.learner.retry(),
        Timer.RECOVERY: lambda self: self._recovery_alarm(),
        Timer.LINKS: lambda self: self.link_gossip.alarm(),
        Timer.SYNC: lambda _self: None,  # The driver's own.
    }
