"""All invariants of the protocol, checked while a world runs, or later from its trace.

`InvariantChecker` is an `Observer` of what nodes append, sync, send and apply, and of clients' calls and answers. It
keeps the state of all journals (`oracle`) and one replay of the chain (`chain_replay`), and trusts no node's statement
about what is chosen. An event costs about a microsecond, so the checker is always on in the virtual world. The checks
are grouped by role: `acceptor_rules`, `leader_rules`, `learner_rules`, `client_rules`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from blog.blog import Blog
from paxos.ballot import NodeId
from paxos.messages import (
    Accept,
    Accepted,
    CatchupReply,
    Decide,
    ForwardReply,
    Heartbeat,
    HeartbeatAck,
    LinkStates,
    Memory,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
    ReadAt,
    Reject,
    Relay,
    StepDown,
)
from simulator.checks.acceptor_rules import AcceptorRules
from simulator.checks.chain_replay import ChainReplay
from simulator.checks.client_rules import ClientRules
from simulator.checks.leader_rules import LeaderRules
from simulator.checks.learner_rules import LearnerRules
from simulator.checks.oracle import Oracle
from simulator.checks.start_rules import StartRules
from simulator.checks.steady_rules import SteadyRules
from simulator.checks.violation import INVARIANTS, Violation
from simulator.cluster.verdicts import OK, unknown_beyond
from simulator.faults.faults import ClockFault, DiskFault
from simulator.node.client_api import NodeFailed
from simulator.settings import Settings
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    Event,
    FaultInjected,
    IncarnationEnded,
    JournalSynced,
    MessageDelivered,
    MessageLost,
    MessageSent,
    NodeRecovered,
    NodeReported,
    RecordsAppended,
)
from simulator.trace.format import Cut
from simulator.trace.observer import ByMessage, Handler, Observer


class InvariantChecker(Observer):
    """Checks events. `replay` is the command that verdicts name; a world may set it at any time.

    `violations` holds the first violation of each invariant, in the order found. `sometimes` counts what happened: a
    check that never had anything to check proves nothing. Quorums of 0 are majorities. Where time and disks are
    `simulated`, nothing happens to a node without an event, and more can be judged.
    """

    def __init__(
        self, settings: Settings, *, prepare_quorum: int = 0, accept_quorum: int = 0, simulated: bool = False
    ) -> None:
        self.replay = ""
        self.violations: dict[str, Violation] = {}
        self.unknown = ""  # What to say of all else, when the record of the run ended before the run.
        self._oracle = oracle = Oracle(settings.node_ids, prepare_quorum, accept_quorum, self.declare)
        self._acceptors = acceptors = AcceptorRules(oracle)
        self._leaders = leaders = LeaderRules(oracle)
        self._learners = learners = LearnerRules(oracle)
        self._chain = ChainReplay(oracle, learners, settings.difficulty, simulated=simulated)
        self._clients = ClientRules(oracle, self._chain)
        self._steady = steady = SteadyRules(oracle, simulated=simulated)
        self._starts = StartRules(oracle, simulated=simulated)
        self._simulated = simulated
        # Of some messages only the decided prefix can be checked: they share one handler.
        self._on_sent: dict[type, Callable[[int, NodeId, Any], None]] = {
            Accept: leaders.accept_sent,
            Accepted: acceptors.accepted_sent,
            PreVote: self._pre_vote_sent,
            CatchupReply: self._catchup_sent,
            Decide: leaders.prefix_sent,
            ForwardReply: leaders.prefix_sent,
            Heartbeat: self._heartbeat_sent,
            LinkStates: leaders.link_states_sent,
            Prepare: self._prepare_sent,
            Promise: self._promise_sent,
            ReadAt: leaders.read_at_sent,
            Reject: leaders.prefix_sent,
            Relay: self._relay_sent,
            StepDown: self._step_down_sent,
        }
        self._on_delivered: dict[type, Callable[[NodeId, NodeId, Any], None]] = {
            Accept: learners.accept_delivered,
            Accepted: learners.accepted_delivered,
            CatchupReply: learners.catchup_delivered,
            Decide: learners.prefix_delivered,
            Heartbeat: learners.prefix_delivered,
            Prepare: self._prepare_delivered,
            PreVote: steady.step_down_delivered,
            Promise: leaders.promise_delivered,
            Reject: steady.reject_delivered,
            Relay: self._relay_delivered,
            StepDown: steady.step_down_delivered,
        }

    @property
    def sometimes(self) -> Counter[str]:
        """Counts of what happened: elections, leaderships, step-downs, minority leaders, restarts and more."""
        return self._oracle.sometimes

    @property
    def oracle(self) -> Oracle:
        """The state of all journals. Whoever asks for it reads it only."""
        return self._oracle

    @property
    def chosen_prefix(self) -> int:
        """Every slot up to this one is chosen on the synced journals."""
        return self._oracle.chosen_prefix

    def verdicts(self) -> dict[str, str]:
        """Each invariant by name: "ok", a sentence that says what was violated, when and where, or "unknown …"."""
        found = dict.fromkeys(INVARIANTS, self.unknown or OK)
        found.update({name: violation.sentence(self.replay) for name, violation in self.violations.items()})
        return found

    def declare(self, violation: Violation) -> None:
        """Note a violation, which another check may have found (progress, linearizability). The first one stays.

        What clients saw in the wrong order may have been led to by any step; what they wait for is nobody's lie.
        """
        if violation.first is None and violation.invariant == "linearizability":
            violation = msgspec.structs.replace(violation, first=self._oracle.first_wrong())
        self.violations.setdefault(violation.invariant, violation)

    def check_blog(self, at_ms: int, node: NodeId, blog: Blog) -> None:
        """Compare a live node's blog with the replay of what it has applied. The cost grows with the blog."""
        self._clients.check_blog(at_ms, node, blog)

    # Events

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return {
            ClientCalled: self._clients.called,
            NodeReported: self._reported,
            MessageSent: ByMessage(
                {
                    **{kind: _of_sender(check) for kind, check in self._on_sent.items()},
                    HeartbeatAck: self._ack_sent,
                    PreVoteReply: self._reply_sent,
                    Memory: self._acceptors.memory_sent,
                }
            ),
            MessageDelivered: ByMessage(
                {
                    **{kind: _of_receiver(note) for kind, note in self._on_delivered.items()},
                    HeartbeatAck: self._steady.ack_delivered,
                    PreVoteReply: self._steady.reply_delivered,
                }
            ),
            MessageLost: self._lost,
            NodeRecovered: self._recovered,
            RecordsAppended: self._acceptors.recorded,
            JournalSynced: self._acceptors.synced,
            BlocksApplied: self._chain.applied,
            IncarnationEnded: self._ended,
            FaultInjected: self._injected,
            Cut: self._cut,
        }

    def _reported(self, event: NodeReported) -> None:
        report = event.report
        if type(report) is not NodeFailed:
            self._clients.reported(event)
        else:
            self._starts.failed(event, report)

    def _lost(self, event: MessageLost) -> None:
        self._oracle.sometimes["messages lost"] += 1

    def _recovered(self, event: NodeRecovered) -> None:
        at, recovered = self._oracle.nodes[event.node], event.found
        if at.incarnation:
            self._oracle.sometimes["restarts"] += 1
        else:
            self._chain.adopt_requests(recovered)
        if self._starts.is_up(event.node):
            self._chain.retracted(at)
            self._learners.ended(at)
        harmed = at.damaged or not self._simulated
        self._starts.recovered(event.node)
        self._acceptors.recovered(event.at_ms, event.node, recovered)
        self._chain.recovered(event.at_ms, at, recovered, harmed=harmed)

    def _ended(self, event: IncarnationEnded) -> None:
        node = event.node
        if self._leaders.leads(node):
            self._oracle.sometimes[f"leader lost: {event.how}"] += 1
        self._starts.ended(node)
        self._steady.ended(node)
        self._acceptors.ended(node)
        self._learners.ended(self._oracle.nodes[node])

    def _injected(self, event: FaultInjected) -> None:
        fault = event.fault
        self._oracle.sometimes[f"fault {type(fault).__name__}"] += 1
        if isinstance(fault, DiskFault):
            self._starts.injected(fault)
        elif isinstance(fault, ClockFault):
            self._steady.clock_changed(event.at_ms, fault)

    def _cut(self, event: Cut) -> None:
        self.unknown = unknown_beyond(event.at_ms, f"the record of the run ends there: {event.why}")

    # Messages that several rules judge

    def _heartbeat_sent(self, at_ms: int, node: NodeId, message: Heartbeat) -> None:
        self._leaders.heartbeat_sent(at_ms, node, message)
        self._steady.heartbeat_sent(at_ms, node, message)

    def _ack_sent(self, event: MessageSent) -> None:
        message = event.message
        assert isinstance(message, HeartbeatAck)
        if message.decided > self._oracle.chosen_prefix:
            self._leaders.prefix_sent(event.at_ms, event.node, message)
        self._steady.ack_sent(event.at_ms, event.node, message)

    def _reply_sent(self, event: MessageSent) -> None:
        assert isinstance(event.message, PreVoteReply)
        self._leaders.prefix_sent(event.at_ms, event.node, event.message)
        self._steady.reply_sent(event, event.message)

    def _prepare_sent(self, at_ms: int, node: NodeId, message: Prepare) -> None:
        self._leaders.prepare_sent(at_ms, node, message)
        self._steady.prepare_sent(at_ms, node, message)

    def _prepare_delivered(self, source: NodeId, node: NodeId, message: Prepare) -> None:
        self._leaders.prepare_delivered(source, node, message)
        self._steady.step_down_delivered(source, node, message)

    def _pre_vote_sent(self, at_ms: int, node: NodeId, message: PreVote) -> None:
        self._leaders.prefix_sent(at_ms, node, message)
        self._steady.pre_vote_sent(at_ms, node, message)

    def _step_down_sent(self, at_ms: int, node: NodeId, message: StepDown) -> None:
        self._leaders.step_down_sent(at_ms, node, message)
        self._steady.step_down_sent(at_ms, node, message)

    def _catchup_sent(self, at_ms: int, node: NodeId, message: CatchupReply) -> None:
        self._leaders.catchup_sent(at_ms, node, message)
        self._chain.served(at_ms, node, message)

    def _relay_sent(self, at_ms: int, node: NodeId, relay: Relay) -> None:
        """A message began its way through other nodes, or one of these passed it on."""
        inner = relay.message
        check = self._on_sent.get(type(inner))
        if inner.sender == node and check is not None:
            check(at_ms, node, inner)

    def _relay_delivered(self, source: NodeId, node: NodeId, relay: Relay) -> None:
        if not relay.path:
            self._oracle.sometimes[f"relayed {type(relay.message).__name__}"] += 1
            note = self._on_delivered.get(type(relay.message))
            if note is not None:
                note(relay.message.sender, node, relay.message)

    def _promise_sent(self, at_ms: int, node: NodeId, message: Promise) -> None:
        self._acceptors.promise_sent(at_ms, node, message)
        self._leaders.prefix_sent(at_ms, node, message)
        self._steady.promise_sent(at_ms, node, message)


def _of_sender(check: Callable[[int, NodeId, Any], None]) -> Handler:
    """The handler of a message that was sent, from the check of the time, its sender and itself."""
    return lambda event: check(event.at_ms, event.node, event.message)


def _of_receiver(note: Callable[[NodeId, NodeId, Any], None]) -> Handler:
    """The handler of a message that arrived, from what notes its source, its receiver and itself."""
    return lambda event: note(event.source, event.node, event.message)
