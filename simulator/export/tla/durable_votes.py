"""What each acceptor of a recorded run made durable: its promises and votes, slot by slot; and what was learned.

A record counts from the sync that made it durable. What a process had written before it was killed counts if its next
incarnation found it. Values are numbered as they appear, so nothing that a user wrote leaves the trace.

The slots are independent, but for promises, which hold in all of them. In each slot the promises of an acceptor between
two votes are one step, that to the highest; one that goes down stands for itself, and is not allowed.
"""

from __future__ import annotations

from collections import defaultdict
from typing import NamedTuple

import msgspec

from chain.block import Block
from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.records import AcceptedRecord, AmnesiaRecord, EraRecord, JournalRecord, OpenedRecord, PromiseRecord
from simulator.errors import InputError
from simulator.node.codec import operations_text
from simulator.node.storage.storage import Recovered
from simulator.trace.events import BlocksApplied, JournalSynced, NodeRecovered, RecordsAppended
from simulator.trace.reader import Trace

PROMISE = 0
LEARNER: NodeId = 0


class Step(NamedTuple):
    """One durable step of an acceptor: a vote for `value`, or a promise (`value` 0).

    Acceptor 0 and ballot 0: some node has applied `value`, so it must be chosen.
    """

    acceptor: NodeId
    ballot: int
    value: int


class DurableVotes(msgspec.Struct, frozen=True):
    """The steps of each slot for which somebody voted, and the ballot behind each number."""

    nodes: int
    slots: dict[Slot, list[Step]]
    ballots: list[Ballot]


def durable_votes(trace: Trace) -> DurableVotes:
    """The steps of a run.

    Raises:
        InputError: the run did not begin empty, or a node lost its memory: a voting specification has no word for it.
    """
    reader = _Reader(trace)
    for event in trace.events():
        match event:
            case RecordsAppended(node=node, records=records):
                reader.appended(node, records)
            case JournalSynced(node=node):
                reader.synced(node)
            case NodeRecovered(node=node, found=found):
                reader.recovered(node, found)
            case BlocksApplied(blocks=blocks):
                for block in blocks:
                    reader.applied(block)
            case _:
                pass  # When an incarnation ends, what the next one finds tells what was durable.
    return reader.result(trace.header.to_settings().nodes)


class _Reader:
    """The fold of a trace."""

    def __init__(self, trace: Trace) -> None:
        self._path = trace.path
        self._log: list[tuple[NodeId, Ballot, Slot, int]] = []  # Durable, in order; slot 0: a promise.
        self._unsynced: dict[NodeId, list[JournalRecord]] = defaultdict(list)
        self._begun: set[NodeId] = set()
        self._values: dict[str, int] = {}  # By their T.
        self._learned: set[tuple[Slot, int]] = set()

    def appended(self, node: NodeId, records: tuple[JournalRecord, ...]) -> None:
        """The node has appended these records."""
        if any(isinstance(record, AmnesiaRecord | EraRecord) for record in records):
            self._refuse(f"node {node} lost its memory in this run")
        self._unsynced[node] += records

    def synced(self, node: NodeId) -> None:
        """All that the node has appended is durable."""
        for record in self._unsynced.pop(node, ()):
            self._add(node, record)

    def recovered(self, node: NodeId, found: Recovered) -> None:
        """A new incarnation has found this in its files, and made it durable."""
        if found.lost:
            self._refuse(f"node {node} lost its memory in this run")
        if node not in self._begun and (found.height or found.accepted or found.promised.round):
            self._refuse(f"node {node} had files when the run began, and the trace does not tell what it voted before")
        self._begun.add(node)
        for record in self._unsynced.pop(node, ()):
            if _was_found(record, found):
                self._add(node, record)

    def applied(self, block: Block) -> None:
        """Some node has applied this block."""
        learned = (block.height, self._number(block.operations_text))
        if learned not in self._learned:
            self._learned.add(learned)
            self._log.append((LEARNER, NO_BALLOT, *learned))

    def result(self, nodes: int) -> DurableVotes:
        """The steps, slot by slot, with ballots as numbers."""
        ballots = sorted({ballot for _, ballot, _, _ in self._log} - {NO_BALLOT})
        numbers = {ballot: number for number, ballot in enumerate(ballots, 1)} | {NO_BALLOT: 0}
        slots: dict[Slot, _SlotSteps] = {slot: _SlotSteps() for _, _, slot, _ in self._log if slot}
        promises: list[Step] = []
        for node, ballot, slot, value in self._log:
            step = Step(node, numbers[ballot], value)
            if slot:
                slots[slot].vote(step, promises)
            else:
                promises.append(step)
        return DurableVotes(nodes, {slot: slots[slot].steps for slot in sorted(slots)}, ballots)

    def _add(self, node: NodeId, record: JournalRecord) -> None:
        match record:
            case PromiseRecord(ballot) | OpenedRecord(ballot):
                self._log.append((node, ballot, 0, PROMISE))
            case AcceptedRecord(ballot, slot, value):
                self._log.append((node, ballot, slot, self._number(operations_text(value))))
                self._log.append((node, ballot, 0, PROMISE))  # A vote is a promise in every other slot.
            case _:
                pass

    def _number(self, text: str) -> int:
        return self._values.setdefault(text, len(self._values) + 1)

    def _refuse(self, why: str) -> None:
        raise InputError(f"{self._path}: {why}: its votes are no run of a voting specification.")


class _SlotSteps:
    """The steps of one slot: its votes, each after the promises that were given before it anywhere."""

    def __init__(self) -> None:
        self.steps: list[Step] = []
        self._taken = 0  # How many of all promises stand in the steps.
        self._promised: dict[NodeId, int] = {}

    def vote(self, step: Step, promises: list[Step]) -> None:
        """Add the promises given since the last vote, and the vote."""
        pending: dict[NodeId, Step] = {}
        for promise in promises[self._taken :]:
            known = pending.get(promise.acceptor)
            if known is not None and promise.ballot < known.ballot:
                self._promise(known)
            pending[promise.acceptor] = promise
        self._taken = len(promises)
        for promise in pending.values():
            self._promise(promise)
        self.steps.append(step)
        self._promised[step.acceptor] = step.ballot

    def _promise(self, step: Step) -> None:
        if self._promised.get(step.acceptor) != step.ballot:
            self.steps.append(step)
            self._promised[step.acceptor] = step.ballot


def _was_found(record: JournalRecord, found: Recovered) -> bool:
    if isinstance(record, AcceptedRecord):
        kept = found.accepted.get(record.slot)
        return record.slot <= found.height or (kept is not None and kept.ballot >= record.ballot)
    return isinstance(record, PromiseRecord | OpenedRecord) and record.ballot <= found.promised
