"""What our own node does with one event: from a numbered state to a numbered state, computed once.

The node is the real one, on a disk in memory. Between two events every time-out passes, as on a slow network: so no age
can be told from another, and a state holds no time. Pre-votes are granted at once. Messages that promise, vote and
decide nothing are lost (`HINTS`): who leads, whose links work, who remembers what.
"""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple, Protocol

import msgspec

from blog.operations import Post
from chain.mining import mine
from paxos.ballot import NO_BALLOT, Ballot, NodeId
from paxos.effects import Timer
from paxos.messages import (
    Acceptance,
    Accepted,
    AnyMessage,
    AskMemory,
    Heartbeat,
    HeartbeatAck,
    Hints,
    LinkStates,
    Memory,
    PreVote,
    PreVoteReply,
    Promise,
    Reject,
    Request,
    StepDown,
)
from paxos.timeouts import Timeouts
from simulator.mutants.registry import node_type
from simulator.node.client_api import ClientWrite, NodeReport, WriteAnswer
from simulator.node.codec import operation_text
from simulator.node.node import Node, NodeStopped
from simulator.node.probe import Probe
from simulator.node.state_machine import StateMachine
from simulator.node.storage.identity import Identity
from simulator.node.storage.storage import Storage
from simulator.settings import Settings
from simulator.worlds.exhaustive.actors import Interner
from simulator.worlds.exhaustive.memory_disk import Killed, MemoryDisk
from simulator.worlds.exhaustive.snapshots import Snapshots

PACE_MS = 1_000
"""How much later each event comes than the one before it, by the node's clock: every time-out is shorter."""
HINTS = (AskMemory, Heartbeat, HeartbeatAck, Hints, LinkStates, Memory, Reject, StepDown)
"""Messages that are lost: none of them makes a node promise, vote or decide."""

Event = tuple[object, ...]
"""("deliver", message number) · ("write", number, rounds) · ("campaign", rounds) · ("crash",); see `NodeSteps.step`."""


class FixedTimeouts(Timeouts):
    """Timeouts that no measurement changes."""

    def measured(self, peer: NodeId, stamp: int) -> None:
        """Measure nothing."""

    def leader_reported(self, round_trip_ms: int) -> None:
        """Believe nothing."""

    def heard_after(self, gap_ms: int) -> None:
        """Note nothing."""


class Facts(msgspec.Struct, frozen=True):
    """What is judged of one node: its chain as text, and what is durable of its votes and promises."""

    chain: tuple[str, ...]
    promised: Ballot
    opened: Ballot
    votes: dict[int, Acceptance]


class Step(NamedTuple):
    """One outcome of an event: the node's state after it, the messages sent, ballots opened, and what was wrong."""

    after: int
    sent: tuple[int, ...]
    opened: int
    wrong: str


class Watch(Probe, Protocol):
    """Hears what a node does in a step, in its order: what it records and applies, what it sends and answers."""

    def sent(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """The node sent a message."""
        ...

    def reported(self, report: NodeReport) -> None:
        """The node answered a client or noted something."""
        ...

    def ended(self) -> None:
        """The node crashed. What it does from now on is its restart."""
        ...


class _Host:
    """See `Host`: it collects, and tells a `watch` of it."""

    def __init__(self, watch: Watch | None = None) -> None:
        self.watch = watch
        self.sent: list[tuple[NodeId, AnyMessage]] = []
        self.answers: list[WriteAnswer] = []

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        self.sent += [(node, message) for node in to]
        if self.watch is not None:
            self.watch.sent(to, message)

    def push(self) -> None:
        pass

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        pass

    def report(self, report: NodeReport) -> None:
        if isinstance(report, WriteAnswer):
            self.answers.append(report)
        if self.watch is not None:
            self.watch.reported(report)


class NodeSteps:
    """All states that nodes have come to, by number, and all messages ever sent: (from, to, message)."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        base = node_type(settings.break_rule)
        replica = type(base.replica_type.__name__, (base.replica_type,), {"timeouts_role": FixedTimeouts})
        self._class: type[Node] = type(base.__name__, (base,), {"replica_type": replica})
        self._snapshots = Snapshots()
        self._states: Interner[object] = Interner()
        self._frozen: list[bytes] = []
        self._durable: dict[object, Facts] = {}
        self.facts: list[Facts] = []
        self.messages: Interner[tuple[NodeId, NodeId, AnyMessage]] = Interner()
        self.taken = 0

    def first(self, me: NodeId) -> int:
        """The state of a new node."""
        return self._kept(self._started(me, MemoryDisk()))

    def step(self, me: NodeId, state: int, event: Event) -> list[Step]:
        """All outcomes of one event: several if it is a crash, which may leave more or less of what was not synced.

        ("crash", *event) is a crash while that event is handled, before its records are durable.
        """
        self.taken += 1
        node = self._snapshots.restore(self._frozen[state])
        before = self.facts[state]
        host = node.host
        assert isinstance(host, _Host)
        disk = node.storage._disk  # noqa: SLF001  Only here are the files of a dead node needed.
        assert isinstance(disk, MemoryDisk)
        crash = event[0] == "crash"
        event = event[1:] if crash else event
        disk.kill_at_sync = crash
        won = node.replica.campaign.opened
        try:
            if event:
                self._handle(node, host, event)
                if crash:
                    return []  # It synced nothing: the same as a crash before or after it.
        except Killed:
            pass
        except NodeStopped:
            return [Step(state, (), 0, f"true-word: {node.stopped}")]
        disk.kill_at_sync = False
        opened = node.replica.campaign.opened - won
        sent = tuple(sorted(self._send(me, host)))
        if not crash:
            after = self._kept(node)
            return [Step(after, sent, opened, self._wrong(before, self.facts[after], host))]
        steps: dict[int, Step] = {}
        for files in disk.remainders():
            try:
                again = self._started(me, MemoryDisk(files))
            except NodeStopped as error:
                return [Step(state, sent, opened, f"true-word: {error}")]
            after = self._kept(again)
            steps[after] = Step(after, sent, opened, self._wrong(before, self.facts[after], host))
        return list(steps.values())

    def watched_start(self, me: NodeId, watch: Watch) -> None:
        """Start a new node, and tell `watch` what it does."""
        self._started(me, MemoryDisk(), watch)

    def retold(self, me: NodeId, state: int, event: Event, after: int, watch: Watch) -> None:
        """Take one step again, with its outcome `after`, and tell `watch` what the node does."""
        node = self._snapshots.restore(self._frozen[state])
        disk = node.storage._disk  # noqa: SLF001  As in `step`.
        assert isinstance(disk, MemoryDisk)
        crash = event[0] == "crash"
        event = event[1:] if crash else event
        disk.kill_at_sync = crash
        node.host = node.outbox._host = node.pending_requests.host = host = _Host(watch)  # noqa: SLF001
        node.probe = node.group_commit.probe = watch
        node.group_commit.host = host
        with suppress(Killed, NodeStopped):
            if event:
                self._handle(node, host, event)
        if crash:
            watch.ended()
            for files in disk.remainders():
                if self._kept(self._started(me, MemoryDisk(files))) == after:
                    self._started(me, MemoryDisk(files), watch)
                    return

    # Driving

    def _started(self, me: NodeId, disk: MemoryDisk, watch: Watch | None = None) -> Node:
        identity = Identity("every-schedule", me)
        storage = Storage(disk, self.settings.difficulty, identity)
        node = self._class(me, self.settings, storage, _Host(watch), probe=watch, miner=mine, nonce=1)
        node.start(0)
        node.flush(0)
        if node.replica.core.unsure:  # Nobody answers what it asks about its chain.
            node.wake(Timer.RECOVERY, PACE_MS)
            node.flush(PACE_MS)
        return node

    def _handle(self, node: Node, host: _Host, event: Event) -> None:
        now = node.replica.core.now + PACE_MS
        match event:
            case ("deliver", int(number)):
                node.receive(self.messages.values[number][2], now)
                node.flush(now)
            case ("write", int(number), int(rounds)):
                node.call(ClientWrite(write(number)), now)
                node.flush(now)
                self._grant(node, host, now, rounds)
            case ("campaign", int(rounds)):
                for _ in range(2):  # The first alarm may only end what the last one began.
                    node.wake(Timer.ELECTION, now)
                    node.flush(now)
                    if self._grant(node, host, now, rounds):
                        break
                    now += PACE_MS

    def _grant(self, node: Node, host: _Host, now: int, rounds: int) -> bool:
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

    def _send(self, me: NodeId, host: _Host) -> list[int]:
        return [number for to, message in host.sent for _, number, _ in self.numbered(me, (to,), message)]

    def numbered(self, me: NodeId, to: tuple[NodeId, ...], message: AnyMessage) -> list[tuple[NodeId, int, AnyMessage]]:
        """A message for each of its targets, with its number and as it travels; none if the model leaves it out."""
        if isinstance(message, (*HINTS, PreVote, PreVoteReply)):
            return []
        plain = msgspec.structs.replace(message, stamp=0) if hasattr(message, "stamp") else message
        return [(target, self.messages((me, target, plain)), plain) for target in to]

    # States

    def _kept(self, node: Node) -> int:
        host, disk = node.host, node.storage._disk  # noqa: SLF001  As above.
        assert isinstance(host, _Host)
        assert isinstance(disk, MemoryDisk)
        facts = self._facts_of(node, disk)
        known = (node.me, node.replica.essence(), facts.chain, facts.promised, facts.opened, tuple(facts.votes.items()))
        unsynced = tuple((name, data[synced:]) for name, (data, synced) in sorted(disk.files.items()))
        number = self._states((*known, unsynced))
        if number == len(self._frozen):
            node.host = node.outbox._host = node.pending_requests.host = _Host()  # noqa: SLF001
            node.group_commit.host = node.host
            self._frozen.append(self._snapshots.take(node))
            self.facts.append(facts)
        return number

    def _facts_of(self, node: Node, disk: MemoryDisk) -> Facts:
        """What would be found if the power failed now and left no more than it must."""
        durable = {name: (data[:synced], synced) for name, (data, synced) in disk.files.items()}
        lines = disk.files["blockchain.txt"][0].decode().splitlines() if "blockchain.txt" in disk.files else []
        chain = (*lines, *node.storage.read_lines(len(lines) + 1, node.state_machine.height))
        key = (node.me, chain, tuple(sorted(durable.items())))
        facts = self._durable.get(key)
        if facts is None:
            found = Storage(MemoryDisk(durable), self.settings.difficulty, Identity("every-schedule", node.me)).load(
                StateMachine(self.settings.difficulty).replay
            )
            facts = Facts(chain, found.promised, found.opened, dict(sorted(found.accepted.items())))
            self._durable[key] = facts
        return facts

    # What one node alone can do wrong

    def _wrong(self, before: Facts, after: Facts, host: _Host) -> str:
        if after.promised < before.promised:
            return f"promise: it falls from {before.promised} to {after.promised}"
        for slot, vote in after.votes.items():
            if vote.ballot < before.promised and before.votes.get(slot) != vote:
                return f"promise: it accepts slot {slot} at {vote.ballot}, below its promise {before.promised}"
        for slot, vote in before.votes.items():
            if slot > len(after.chain) and (slot not in after.votes or after.votes[slot].ballot < vote.ballot):
                return f"durability: its vote for slot {slot} at {vote.ballot} is gone"
        for _, message in host.sent:
            if isinstance(message, Promise) and after.promised < message.ballot:
                return f"promise: it promises {message.ballot}, and only {after.promised} is durable"
            if isinstance(message, Accepted):
                for slot in range(message.first_slot, message.last_slot + 1):
                    known = after.votes.get(slot)
                    if slot > len(after.chain) and (known is None or known.ballot < message.ballot):
                        return f"durability: it acknowledges slot {slot} at {message.ballot}, and has no durable vote"
        return ""


def write(number: int) -> Request:
    """The client's write of this number, from 1."""
    return Request("c", number, operation_text(Post("alice", f"t{number}", "x"), "c", number))
