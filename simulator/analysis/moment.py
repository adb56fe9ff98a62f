"""The state of a recorded cluster at one moment, folded from the events up to there.

It shows what the trace tells: who is up and leads, promises and votes, chains, posts and comments. Queues inside a
node are in no trace and stay 0. Keyframes make any moment as near as any other, backward as forward.
"""

from __future__ import annotations

import copy
from bisect import bisect_right
from typing import Any

import msgspec

from blog.operations import Post
from chain.block import GENESIS_HASH, Block
from paxos.ballot import NO_BALLOT, Ballot
from paxos.records import AcceptedRecord, OpenedRecord, PromiseRecord
from simulator.analysis.run import RecordedRun
from simulator.faults.faults import Pause, Resume
from simulator.node.client_api import ClientRead, ClientWrite, NodeFailed, NoteLine, ReadAnswer, WriteAnswer
from simulator.node.codec import MalformedText, parse_operations
from simulator.node.status import EntryView, NodeStatus
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    Event,
    FaultInjected,
    IncarnationEnded,
    JournalSynced,
    MessageDelivered,
    MessageSent,
    NodeRecovered,
    NodeReported,
    RecordsAppended,
)

EVERY = 2_000
"""The events between two keyframes: folding so many takes a few milliseconds."""
_HASHES = 5
_ENTRIES = 5


class _Node:
    """What is known of one node. Immutable values only, so that a keyframe is a shallow copy."""

    def __init__(self, node: int) -> None:
        self.node = node
        self.life = "down"
        self.role = "follower"
        self.ballot = self.promised = NO_BALLOT
        self.leader = 0
        self.accepted = self.height = 0
        self.counted = 0  # The highest block whose operations are counted: a restart may apply it again.
        self.hashes: tuple[str, ...] = ()
        self.posts = self.comments = 0
        self.titles: frozenset[str] = frozenset()
        self.newest: tuple[EntryView, ...] = ()
        self.pending: frozenset[object] = frozenset()
        self.elections = self.leaderships = self.messages_in = self.messages_out = self.syncs = 0
        self.error = ""

    def status(self) -> NodeStatus:
        """The status that a lab would show."""
        ballot, promised = self.ballot, self.promised
        return NodeStatus(
            node=self.node,
            life=self.life,  # type: ignore[arg-type]  # One of the words that `_fold` sets.
            role=self.role,  # type: ignore[arg-type]
            ballot=(ballot.round, ballot.owner),
            promised=(promised.round, promised.owner),
            leader=self.leader,
            accepted=max(self.accepted, self.height),
            decided=self.height,
            applied=self.height,
            pending=len(self.pending),
            height=self.height,
            hash=self.hashes[-1] if self.hashes else GENESIS_HASH,
            hashes=self.hashes,
            posts=self.posts,
            comments=self.comments,
            newest=self.newest,
            elections=self.elections,
            leaderships=self.leaderships,
            messages_in=self.messages_in,
            messages_out=self.messages_out,
            syncs=self.syncs,
            error=self.error,
        )


class Moment(msgspec.Struct, frozen=True):
    """The cluster after event `index` (-1: before the first)."""

    index: int
    at_ms: int
    nodes: tuple[NodeStatus, ...]


class Moments:
    """All moments of a run. The keyframes are made once; each moment folds at most `EVERY` events after one."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._times = [event.at_ms for event in run.events]
        state = {node: _Node(node) for node in run.nodes}
        self._frames = [_copy(state)]
        for index, event in enumerate(run.events, 1):
            _fold(state, event)
            if index % EVERY == 0:
                self._frames.append(_copy(state))

    def at(self, index: int) -> Moment:
        """The moment after event `index`, within the run."""
        index = max(-1, min(index, len(self._run.events) - 1))
        frame = (index + 1) // EVERY
        state = _copy(self._frames[frame])
        for event in self._run.events[frame * EVERY : index + 1]:
            _fold(state, event)
        return Moment(index, self._times[index] if index >= 0 else 0, tuple(one.status() for one in state.values()))

    def at_time(self, at_ms: int) -> Moment:
        """The moment after the last event at or before a time."""
        found = self.at(bisect_right(self._times, at_ms) - 1)
        return msgspec.structs.replace(found, at_ms=at_ms)


def _copy(state: dict[int, _Node]) -> dict[int, _Node]:
    return {node: copy.copy(one) for node, one in state.items()}


def _fold(state: dict[int, _Node], event: Event) -> None:
    if isinstance(event, FaultInjected):
        if isinstance(event.fault, Pause | Resume) and state[event.fault.node].life != "down":
            state[event.fault.node].life = "paused" if isinstance(event.fault, Pause) else "up"
        return
    node = state.get(event.node)
    if node is None:
        return
    match event:
        case RecordsAppended(records=records):
            for record in records:
                _record(node, record)
        case BlocksApplied(blocks=blocks):
            for block in blocks:
                _apply(node, block)
        case ClientCalled() | NodeReported():
            _client(node, event)
        case NodeRecovered() | IncarnationEnded():
            _life(node, event)
        case _:
            _count(node, event)


def _count(node: _Node, event: Event) -> None:
    match event:
        case MessageSent():
            node.messages_out += len(event.to)
        case MessageDelivered():
            node.messages_in += 1
        case JournalSynced():
            node.syncs += 1
        case _:
            pass


def _life(node: _Node, event: NodeRecovered | IncarnationEnded) -> None:
    if isinstance(event, IncarnationEnded):
        node.life, node.role, node.leader = "down", "follower", 0
        node.pending = frozenset()
        node.elections = node.leaderships = node.messages_in = node.messages_out = node.syncs = 0
        return
    found = event.found
    node.life, node.error = "up", ""
    node.promised = found.promised
    node.accepted = max(found.accepted, default=0)
    node.height = found.height
    if not node.hashes or node.hashes[-1] != found.tip:
        node.hashes = (found.tip,) if found.height else ()


def _record(node: _Node, record: Any) -> None:
    if isinstance(record, PromiseRecord | OpenedRecord | AcceptedRecord):
        node.promised = max(node.promised, record.ballot)
    if isinstance(record, AcceptedRecord):
        node.accepted = max(node.accepted, record.slot)


def _apply(node: _Node, block: Block) -> None:
    node.height = block.height
    node.hashes = (*node.hashes, block.hash)[-_HASHES:]
    if block.height <= node.counted:
        return
    node.counted = block.height
    try:
        operations = parse_operations(block.operations_text)
    except MalformedText:
        return
    for operation, _, _ in operations:
        post = isinstance(operation, Post)
        if post is (operation.title in node.titles):
            continue  # Refused: it changes nothing.
        if post:
            node.titles |= {operation.title}
            node.posts += 1
        else:
            node.comments += 1
        entry = EntryView(
            kind="post" if post else "comment",
            username=operation.username,
            title=operation.title,
            content=operation.content,
        )
        node.newest = (*node.newest, entry)[-_ENTRIES:]


def _client(node: _Node, event: Event) -> None:
    match event:
        case ClientCalled(call=ClientWrite(request)):
            node.pending |= {request.id}
        case ClientCalled(call=ClientRead(number)):
            node.pending |= {number}
        case NodeReported(report=WriteAnswer(client, seq)):
            node.pending -= {(client, seq)}
        case NodeReported(report=ReadAnswer(number)):
            node.pending -= {number}
        case NodeReported(report=NodeFailed(text)):
            node.error = text
        case NodeReported(report=NoteLine(kind, text)):
            _note(node, kind, text)
        case _:
            pass


def _note(node: _Node, kind: str, text: str) -> None:
    match kind:
        case "election":
            node.role, node.elections, node.leader = "candidate", node.elections + 1, 0
        case "leader":
            node.role, node.leaderships, node.leader = "leader", node.leaderships + 1, node.node
            node.ballot = _ballot(text)
        case "follows":
            node.role = "follower"
            node.leader = int(text.split()[4])
            node.ballot = _ballot(text)
        case "step-down":
            node.role, node.leader = "follower", 0
        case _:
            pass


def _ballot(text: str) -> Ballot:
    """The ballot at the end of a note."""
    number, _, owner = text.rpartition(" ")[2].partition(".")
    return Ballot(int(number), int(owner))
