"""What our own node does with one event: from a numbered state to a numbered state, computed once.

The node is the real one, on a disk in memory. Between two events every time-out passes, as on a slow network: so no age
can be told from another, and a state holds no time. Pre-votes are granted at once. Messages that promise, vote and
decide nothing are lost (`HINTS`): who leads, whose links work, who remembers what. After each event the node forgets
what it knew of these (`Replica.forget_hints`). Catch-up is one step: see `_fetch`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
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
    Catchup,
    CatchupReply,
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
from simulator.worlds.exhaustive.snapshots import Snapshot, Snapshots

PACE_MS = 1_000
"""How much later each event comes than the one before it, by the node's clock: every time-out is shorter."""
HINTS = (AskMemory, ForwardReply, Heartbeat, HeartbeatAck, Hints, LinkStates, Memory, Reject, StepDown)
"""Messages that are lost: none of them makes a node promise, vote or decide."""
APART = (*HINTS, Catchup, CatchupReply, PreVote, PreVoteReply)
"""Messages that are never on their way between two steps: those of catch-up and pre-votes are part of a step."""

Event = tuple[object, ...]
"""("deliver", message number) · ("write", number, rounds) · ("campaign", rounds) · ("campaign again",) ·
("fetch", state of a peer) · ("crash",) · ("crash", *event): a crash while that event is handled, before its records are
durable."""


class FixedTimeouts(Timeouts):
    """Timeouts that no measurement changes."""

    def measured(self, peer: NodeId, stamp: int) -> None:
        """Measure nothing."""

    def leader_reported(self, round_trip_ms: int) -> None:
        """Believe nothing."""

    def heard_after(self, gap_ms: int) -> None:
        """Note nothing."""


class Facts(msgspec.Struct, frozen=True):
    """What is judged of one node: its chain as text, and what is durable of its chain, votes and promises."""

    chain: tuple[str, ...]
    height: int
    promised: Ballot
    opened: Ballot
    votes: dict[int, Acceptance]


class Step(NamedTuple):
    """One outcome of an event: the node's state after it, the messages sent, ballots opened, and what was wrong.

    `sent` is in the order of sending.
    """

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


Sent = tuple[NodeId, NodeId, AnyMessage]
"""A message: from, to, what."""


class NodeSteps:
    """All states that nodes have come to, by number, and all messages ever sent.

    `owners` says whose state it is, `origins` the step that first led to it: (state, event, place among the outcomes),
    None for a new node; `message_origins` the step that first sent a message. `edges` is told of each step of a node
    from state to state, once, and whether it is a crash; `watchers` of each event and its outcomes. `asked` lists what
    the real nodes were asked: asked again in this order, they come to the same numbers.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._firsts: dict[NodeId, int] = {}
        self.edges: list[Callable[[int, int, bool], None]] = []
        self.watchers: list[Callable[[int, Event, tuple[Step, ...]], None]] = []
        self.owners: list[NodeId] = []
        self.origins: list[tuple[int, Event, int] | None] = []
        self.message_origins: list[tuple[int, Event]] = []
        self._done: list[dict[Event, tuple[Step, ...]]] = []
        self._after: list[set[tuple[int, bool]]] = []
        self._idle = _Host()  # The host of all nodes between two steps.
        self._in: dict[Node, int] = {}  # The state in which a node is now.
        self._restarts: dict[object, tuple[int, str]] = {}
        self._disks: list[object] = []
        self._opened: list[tuple[Ballot, ...]] = []
        self._servers: list[int] = []
        self._settled: list[int] = []
        self._first_with: dict[object, int] = {}
        base = node_type(settings.break_rule)
        replica = type(base.replica_type.__name__, (base.replica_type,), {"timeouts_role": FixedTimeouts})
        self._class: type[Node] = type(base.__name__, (base,), {"replica_type": replica})
        self._snapshots: Snapshots[Node] = Snapshots()
        self._states: Interner[object] = Interner()
        self._frozen: list[Snapshot[Node]] = []
        self._durable: dict[object, Facts] = {}
        self.facts: list[Facts] = []
        self.messages: Interner[Sent] = Interner()
        self.taken = 0

    def first(self, me: NodeId) -> int:
        """The state of a new node."""
        state = self._firsts.get(me)
        if state is None:
            state = self._firsts[me] = self._kept(self._started(me, MemoryDisk()))
        return state

    def outcomes(self, state: int, event: Event) -> tuple[Step, ...]:
        """All outcomes of one event: several if it is a crash, which may leave more or less of what was not synced.

        ("crash", *event) is a crash while that event is handled, before its records are durable. The real node is
        asked once.
        """
        done = self._done[state].get(event)
        if done is None:
            states = len(self.origins)
            done = tuple(self._step(self.owners[state], state, event))
            for place, step in enumerate(done):
                if step.after >= states:
                    self.origins[step.after] = self.origins[step.after] or (state, event, place)
            if done:
                self.message_origins += [(state, event)] * (len(self.messages.values) - len(self.message_origins))
            self._done[state][event] = done
            crash = event[0] == "crash"
            for step in done:
                if step.after != state and (step.after, crash) not in self._after[state]:
                    self._after[state].add((step.after, crash))
                    for tell in self.edges:
                        tell(state, step.after, crash)
            for watch in self.watchers:
                watch(state, event, done)
        return done

    def after(self, state: int) -> set[tuple[int, bool]]:
        """The other states to which the steps taken so far lead, and whether by a crash."""
        return self._after[state]

    def changes_nothing(self, state: int, number: int) -> bool:
        """True when this message, delivered in this state, changes nothing and makes the node send nothing."""
        done = self.outcomes(state, ("deliver", number))
        return len(done) == 1 and done[0].after == state and not done[0].sent and not done[0].wrong

    def _step(self, me: NodeId, state: int, event: Event) -> list[Step]:
        if event[0] == "crash" and len(event) > 1:
            (normal, *_) = self.outcomes(state, event[1:])
            if not normal.wrong and self._disks[normal.after] == self._disks[state]:
                return []  # It wrote nothing: a crash while it is handled is the same as one before or after it.
        self.taken += 1
        node = self._node_in(state)
        before = self.facts[state]
        node.host = node.outbox._host = node.pending_requests.host = host = _Host()  # noqa: SLF001
        node.group_commit.host = host
        disk = node.storage._disk  # noqa: SLF001  Only here are the files of a dead node needed.
        assert isinstance(disk, MemoryDisk)
        crash = event[0] == "crash"
        event = event[1:] if crash else event
        disk.kill_at_sync = crash
        won, ballots = node.replica.campaign.opened, set(self._opened[state])
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
        if event == ("campaign again",):
            opened = 0
            if node.replica.campaign.ballot not in ballots:
                return []  # A new ballot: that is "campaign".
        sent = tuple(self._send(me, host))
        ballots |= {message.ballot for _, message in host.sent if isinstance(message, Prepare)}
        if not crash:
            after = self._kept(node, ballots)
            self._in[node] = after
            return [Step(after, sent, opened, self._wrong(before, self.facts[after], host))]
        steps: dict[int, Step] = {}
        for files in disk.remainders():
            after, stopped = self._restarted(me, files, ballots)
            if stopped:
                return [Step(state, sent, opened, f"true-word: {stopped}")]
            steps[after] = Step(after, sent, opened, self._wrong(before, self.facts[after], host))
        return list(steps.values())

    def _node_in(self, state: int) -> Node:
        """A node in this state. Whoever changes it must say what state it is in then."""
        snapshot = self._frozen[state]
        node = snapshot.node
        if self._in.get(node) != state:
            self._snapshots.restore(snapshot)
        self._in[node] = -1
        return node

    def _restarted(self, me: NodeId, files: dict[str, tuple[bytes, int]], ballots: Iterable[Ballot]) -> tuple[int, str]:
        """The state after a start from these files, or why the node does not start."""
        key = me, tuple(sorted(files.items())), tuple(sorted(ballots))
        done = self._restarts.get(key)
        if done is None:
            try:
                done = self._kept(self._started(me, MemoryDisk(files)), ballots), ""
            except NodeStopped as error:
                done = -1, str(error)
            self._restarts[key] = done
        return done

    # Taking the steps of one run again, watched

    def watched_start(self, me: NodeId, watch: Watch) -> Node:
        """Start a new node, and tell `watch` what it does."""
        return self._started(me, MemoryDisk(), watch)

    def retold(self, node: Node, event: Event, which: int, watch: Watch) -> Node:
        """Have a node handle one event, tell `watch` what it does, and return the node, or the one after its restart.

        A crash has its outcome of this number, as in `outcomes`.
        """
        disk = node.storage._disk  # noqa: SLF001  As in `_step`.
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
        if not crash:
            node.replica.forget_hints()
            return node
        watch.ended()
        outcomes: dict[int, dict[str, tuple[bytes, int]]] = {}
        for files in disk.remainders():
            outcomes.setdefault(self._restarted(node.me, files, ())[0], files)
        return self._started(node.me, MemoryDisk(list(outcomes.values())[which]), watch)

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
                if node.replica.election.phase == "following":  # It does not hear a leader.
                    now = self._campaign(node, host, now, rounds)
                node.call(ClientWrite(write(number)), now)
                node.flush(now)
            case ("campaign", int(rounds)):
                self._campaign(node, host, now, rounds)
            case ("campaign again",):  # Nobody tells it of ballots that it does not know.
                self._campaign(node, host, now, 0)
            case ("fetch", int(peer)):
                self._fetch(node, host, peer, now)

    def _campaign(self, node: Node, host: _Host, now: int, rounds: int) -> int:
        """The alarm fires until a pre-vote is asked for: the first time it may only end what the last one began."""
        for _ in range(2):
            node.wake(Timer.ELECTION, now)
            node.flush(now)
            if self._grant(node, host, now, rounds):
                break
            now += PACE_MS
        return now

    def _fetch(self, node: Node, host: _Host, state: int, now: int) -> None:
        """A late answer to a pre-vote tells how far a peer is. The node asks for what it lacks, and gets it."""
        peer = self._node_in(state)
        peer.host = peer.outbox._host = peer.pending_requests.host = peer.group_commit.host = _Host()  # noqa: SLF001
        assert isinstance(peer.host, _Host)
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
        for to, message in peer.host.sent:
            if to == node.me and isinstance(message, CatchupReply):
                node.receive(message, now)
                node.flush(now)

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
        if isinstance(message, APART):
            return []
        plain = msgspec.structs.replace(message, stamp=0) if hasattr(message, "stamp") else message
        return [(target, self.messages((me, target, plain)), plain) for target in to]

    # States

    def _kept(self, node: Node, ballots: Iterable[Ballot] = ()) -> int:
        host, disk = node.host, node.storage._disk  # noqa: SLF001  As above.
        assert isinstance(host, _Host)
        assert isinstance(disk, MemoryDisk)
        node.replica.forget_hints()
        facts = self._facts_of(node, disk)
        forgotten = tuple(sorted(ballot for ballot in ballots if ballot > node.replica.acceptor.opened))
        known = (node.me, node.replica.essence(), facts.chain, forgotten)
        durable = facts.height, facts.promised, facts.opened, tuple(facts.votes.items())
        unsynced = tuple((name, data[synced:]) for name, (data, synced) in sorted(disk.files.items()))
        disk_now = durable, unsynced
        number = self._states((known, disk_now))
        if number == len(self._frozen):
            node.host = node.outbox._host = node.pending_requests.host = node.group_commit.host = self._idle  # noqa: SLF001
            self._frozen.append(self._snapshots.take(node))
            self.facts.append(facts)
            self.owners.append(node.me)
            self.origins.append(None)
            self._done.append({})
            self._after.append(set())
            self._disks.append(disk_now)
            self._opened.append((*forgotten, node.replica.acceptor.opened))
            votes = tuple(sorted(node.replica.acceptor.accepted.items()))
            serves = "serves", node.me, node.replica.learner.stated, facts.chain, votes
            self._servers.append(self._first_with.setdefault(serves, number))
            self._settled.append(self._first_with.setdefault(known, number))
        return number

    def server(self, state: int) -> int:
        """The first state in which this node had the same chain and votes, and stated as much of it to others.

        What it serves to them is the same. After a restart a node serves nothing until others have confirmed its chain.
        """
        return self._servers[state]

    def forgotten(self, state: int) -> bool:
        """True when this node has sent PREPARE for a ballot that it no longer knows to have opened."""
        return len(self._opened[state]) > 1

    def difference(self, one: int, other: int) -> str:
        """Where two states of nodes differ first, in words."""
        return _difference(self._states.values[one], self._states.values[other]) or "nothing"

    def settled(self, state: int) -> int:
        """The first state that differs from this one in nothing but what a crash would leave of it."""
        return self._settled[state]

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
            votes = {slot: vote for slot, vote in sorted(found.accepted.items()) if slot > found.height}
            facts = Facts(chain, found.height, found.promised, found.opened, votes)
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


def _difference(one: object, other: object) -> str:
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        return next((found for pair in zip(one, other, strict=True) if (found := _difference(*pair))), "")
    return "" if one == other else f"{one!r:.200}, and {other!r:.200}"
