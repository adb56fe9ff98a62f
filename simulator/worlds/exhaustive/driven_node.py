"""Our own node, driven through one event: on a disk in memory, with a host that collects what it sends.

Between two events every time-out passes, as on a slow network: so no age can be told from another, and a state holds no
time. Pre-votes are granted at once. Messages that promise, vote and decide nothing are lost (`HINTS`): who leads, whose
links work, who remembers what. Catch-up is one step: see `Driver._fetch`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from blog.operations import Post
from chain.mining import mine
from paxos.ballot import NO_BALLOT, Ballot, NodeId
from paxos.effects import Timer
from paxos.messages import (
    AnyMessage,
    AskMemory,
    Catchup,
    CatchupReply,
    ForwardReply,
    Heartbeat,
    HeartbeatAck,
    Hints,
    LinkStates,
    Memory,
    PreVote,
    PreVoteReply,
    Reject,
    Request,
    StepDown,
)
from paxos.timeouts import Timeouts
from simulator.mutants.registry import node_type
from simulator.node.client_api import ClientWrite, NodeReport
from simulator.node.codec import operation_text
from simulator.node.node import Node
from simulator.node.probe import Probe
from simulator.node.storage.identity import Identity
from simulator.node.storage.storage import Storage
from simulator.settings import Settings
from simulator.worlds.exhaustive.memory_disk import MemoryDisk

PACE_MS = 1_000
"""How much later each event comes than the one before it, by the node's clock: every time-out is shorter."""
HINTS = (AskMemory, ForwardReply, Heartbeat, HeartbeatAck, Hints, LinkStates, Memory, Reject, StepDown)
"""Messages that are lost: none of them makes a node promise, vote or decide."""
APART = (*HINTS, Catchup, CatchupReply, PreVote, PreVoteReply)
"""Messages that are never on their way between two steps: those of catch-up and pre-votes are part of a step."""
DIRECTORY = "every-schedule"
"""The name of the cluster whose files the nodes hold."""

Event = tuple[str | int, ...]
"""("deliver", message number) · ("write", number, rounds) · ("campaign", rounds) · ("campaign again",) ·
("fetch", state of a peer) · ("crash",) · ("crash", *event): a crash while that event is handled, before its records are
durable."""
Sent = tuple[NodeId, NodeId, AnyMessage]
"""A message: from, to, what."""


class FixedTimeouts(Timeouts):
    """Timeouts that no measurement changes."""

    def measured(self, peer: NodeId, stamp: int) -> None:
        """Measure nothing."""

    def leader_reported(self, round_trip_ms: int) -> None:
        """Believe nothing."""

    def heard_after(self, gap_ms: int) -> None:
        """Note nothing."""


class Watch(Probe, Protocol):
    """Hears what a node does in a step, in its order: what it records and applies, what it sends and answers."""

    def sent(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """The node sent a message."""
        ...

    def reported(self, report: NodeReport) -> None:
        """The node answered a client or noted something."""
        ...

    def fetched(self, peer: NodeId, message: CatchupReply) -> None:
        """A peer sent blocks that the node had asked for, and they came."""
        ...

    def ended(self) -> None:
        """The node crashed. What it does from now on is its restart."""
        ...


class DrivenHost:
    """See `Host`: it collects what is sent, and tells a `watch` of it."""

    def __init__(self, watch: Watch | None = None) -> None:
        self.watch = watch
        self.sent: list[tuple[NodeId, AnyMessage]] = []

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Host`."""
        self.sent += [(node, message) for node in to]
        if self.watch is not None:
            self.watch.sent(to, message)

    def push(self) -> None:
        """See `Host`. What is sent has left."""

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """See `Host`. The search says when an alarm fires."""

    def report(self, report: NodeReport) -> None:
        """See `Host`."""
        if self.watch is not None:
            self.watch.reported(report)


class Driver:
    """Starts nodes of one kind and has them handle events.

    `message` gives a message by its number, `node_in` a node in a state.
    """

    def __init__(
        self, settings: Settings, message: Callable[[int], AnyMessage], node_in: Callable[[int], Node]
    ) -> None:
        self.settings = settings
        self._message = message
        self._node_in = node_in
        base = node_type(settings.break_rule)
        replica = type(base.replica_type.__name__, (base.replica_type,), {"timeouts_role": FixedTimeouts})
        self._class: type[Node] = type(base.__name__, (base,), {"replica_type": replica})

    def started(self, me: NodeId, disk: MemoryDisk, watch: Watch | None = None) -> Node:
        """A node that has just started from these files."""
        identity = Identity(DIRECTORY, me)
        storage = Storage(disk, self.settings.difficulty, identity)
        node = self._class(me, self.settings, storage, DrivenHost(watch), probe=watch, miner=mine, nonce=1)
        node.start(0)
        node.flush(0)
        if node.replica.core.unsure:  # Nobody answers what it asks about its chain.
            node.wake(Timer.RECOVERY, PACE_MS)
            node.flush(PACE_MS)
        return node

    def handle(self, node: Node, host: DrivenHost, event: Event) -> None:
        """Have a node handle an event, which is no crash. `host` is its own."""
        now = node.replica.core.now + PACE_MS
        match event:
            case ("deliver", int(number)):
                node.receive(self._message(number), now)
                node.flush(now)
            case ("write", int(number), int(rounds)):
                if node.replica.election.phase == "following":  # It does not hear a leader.
                    now = self._campaign(node, host, now, rounds)
                node.call(ClientWrite(write(number)), now)
                node.flush(now)
            case ("campaign", int(rounds)):
                self._campaign(node, host, now, rounds)
            case ("campaign again",):  # Nobody tells it of ballots that it does not know.
                self._campaign(node, host, now, 0)
            case ("fetch", int(peer)):
                self._fetch(node, host, self._node_in(peer), now)

    def _campaign(self, node: Node, host: DrivenHost, now: int, rounds: int) -> int:
        """The alarm fires until a pre-vote is asked for: the first time it may only end what the last one began."""
        for _ in range(2):
            node.wake(Timer.ELECTION, now)
            node.flush(now)
            if self._grant(node, host, now, rounds):
                break
            now += PACE_MS
        return now

    @staticmethod
    def _fetch(node: Node, host: DrivenHost, peer: Node, now: int) -> None:
        """A late answer to a pre-vote tells how far a peer is. The node asks for what it lacks, and gets it."""
        served = DrivenHost()
        set_host(peer, served)
        late = PreVoteReply(
            sender=peer.me,
            stamp=0,
            would_grant=False,
            leader=0,
            hops=0,
            promised=NO_BALLOT,
            decided=peer.replica.learner.stated,
        )
        node.receive(late, now)
        node.flush(now)
        later = peer.replica.core.now + PACE_MS
        for to, message in host.sent:
            if to == peer.me and isinstance(message, Catchup):
                peer.receive(message, later)
                peer.flush(later)
        for to, message in served.sent:
            if to == node.me and isinstance(message, CatchupReply):
                if host.watch is not None:
                    host.watch.fetched(peer.me, message)
                node.receive(message, now)
                node.flush(now)

    @staticmethod
    def _grant(node: Node, host: DrivenHost, now: int, rounds: int) -> bool:
        """Grant the pre-vote that the node has asked for, if any."""
        asked = [(to, message) for to, message in host.sent if isinstance(message, PreVote)]
        for to, message in asked:
            reply = PreVoteReply(
                sender=to,
                stamp=message.stamp,
                would_grant=True,
                leader=0,
                hops=0,
                promised=Ballot(rounds, 0) if rounds else NO_BALLOT,
                decided=0,
            )
            node.receive(reply, now)
            node.flush(now)
        return bool(asked)


def set_host(node: Node, host: DrivenHost) -> None:
    """Let all parts of a node have this host."""
    node.host = node.outbox._host = node.pending_requests.host = node.group_commit.host = host  # noqa: SLF001


def disk_of(node: Node) -> MemoryDisk:
    """Its files, which outlive it."""
    disk = node.storage._disk  # noqa: SLF001  Only here are the files of a dead node needed.
    assert isinstance(disk, MemoryDisk)
    return disk


def write(number: int) -> Request:
    """The client's write of this number, from 1."""
    return Request("c", number, operation_text(Post("alice", f"t{number}", "x"), "c", number))
