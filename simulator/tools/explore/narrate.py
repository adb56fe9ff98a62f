"""Narrates one seed: one line for each event, in order.

Heartbeats and timers are left out, since they are frequent. Lost messages, records, syncs, blocks, answers and
violations are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from paxos.records import AcceptedRecord, AmnesiaRecord, EraRecord, JournalRecord, OpenedRecord, RecoveredRecord
from simulator.cluster.message_text import ROUTINE, describe
from simulator.node.client_api import (
    ClientRead,
    ClientWrite,
    NodeFailed,
    NoteLine,
    ReadAnswer,
    WriteAnswer,
)
from simulator.tools.explore.batch import Search
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import Outcome, run_trial
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
from simulator.trace.observer import Handler, Observer

Write = Callable[[str], None]


class Narrator(Observer):
    """Writes a sentence for each event."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return {
            ClientCalled: self._called,
            NodeReported: self._reported,
            MessageSent: self._sent,
            MessageDelivered: self._delivered,
            MessageLost: self._lost,
            NodeRecovered: self._recovered,
            RecordsAppended: lambda event: self._line(event, f"writes {', '.join(map(_record, event.records))}"),
            JournalSynced: lambda event: self._line(event, "has it safely on disk"),
            BlocksApplied: self._applied,
            IncarnationEnded: lambda event: self._line(event, f"is down: {event.how}"),
            FaultInjected: lambda event: self._write(f"{_time(event)}          * {event.fault.line()}"),
        }

    def _line(self, event: Event, text: str) -> None:
        self._write(f"{_time(event)}  node {event.node}  {text}")

    def _called(self, event: ClientCalled) -> None:
        match event.call:
            case ClientWrite(request):
                self._line(event, f"is asked to write {request.client}:{request.seq} {request.operation}")
            case ClientRead(number, kind, name, linearizable):
                how = "linearizable " if linearizable else ""
                self._line(event, f"is asked for a {how}view {number}: {kind} {name}".rstrip())
            case _:
                pass

    def _reported(self, event: NodeReported) -> None:
        match event.report:
            case WriteAnswer(client, seq, kind, text, height):
                self._line(event, f"answers {client}:{seq} with {kind}: {text} (block {height})")
            case ReadAnswer(number, kind, text):
                self._line(event, f"answers view {number} with {kind}: {text}")
            case NoteLine(kind, text):
                self._line(event, f"{kind}: {text}")
            case NodeFailed(text):
                self._line(event, f"fails: {text}")
            case _:
                pass

    def _sent(self, event: MessageSent) -> None:
        if not isinstance(event.message, ROUTINE):
            to = ",".join(map(str, event.to))
            self._line(event, f"sends to {to}: {describe(event.message)} (#{event.number})")

    def _delivered(self, event: MessageDelivered) -> None:
        if not isinstance(event.message, ROUTINE):
            self._line(event, f"hears from {event.source}: {describe(event.message)} (#{event.number})")

    def _lost(self, event: MessageLost) -> None:
        if not isinstance(event.message, ROUTINE):
            self._line(event, f"will never hear from {event.source}: {describe(event.message)} (#{event.number})")

    def _recovered(self, event: NodeRecovered) -> None:
        found = event.found
        beyond = f"votes for slots {sorted(found.accepted)}" if found.accepted else "no votes beyond"
        mended = f"; {'; '.join(found.notes)}" if found.notes else ""
        self._line(event, f"starts with block {found.height}, promise {found.promised} and {beyond}{mended}")

    def _applied(self, event: BlocksApplied) -> None:
        for block in event.blocks:
            self._line(event, f"applies block {block.height}: {block.operations_text}")


def narrate_seed(seed: int, search: Search, write: Write) -> Outcome:
    """Run one seed and write what happens, a line an event, and at the end which invariants were violated."""
    schedule = draw_schedule(seed, search.profile, break_rule=search.break_rule)
    settings = schedule.settings
    write(
        f"Seed {seed}, drawn as {schedule.profile!r}: {settings.nodes} nodes, at most {settings.ops_per_block} "
        f"operations a block, {settings.window} slots in flight, difficulty {settings.difficulty}; faults until "
        f"{schedule.heals_ms / 1000:g} s"
        + (f"; broken on purpose: {settings.break_rule}" if settings.break_rule else "")
    )
    outcome = run_trial(schedule, observers=[Narrator(write)], replay=search.command(seed))
    for violation in outcome.violations:
        write(f"VIOLATED {violation.invariant}: {violation.sentence()}")
    if not outcome.violations:
        took = f"all was well again {outcome.recovery_ms / 1000:g} s after the healing"
        write(f"Nothing was violated; {took}, and {outcome.bound_ms / 1000:g} s are allowed.")
    return outcome


def _time(event: Event) -> str:
    return f"{event.at_ms / 1000:9.3f} s"


def _record(record: JournalRecord) -> str:
    if isinstance(record, AcceptedRecord):
        return f"accepted slot {record.slot} at {record.ballot} ({len(record.value)} requests)"
    match record:
        case EraRecord(node, era):
            return f"node {node} begins era {era}"
        case AmnesiaRecord(why):
            return f"amnesia: {why}"
        case RecoveredRecord(ballot):
            return f"recovered with promise {ballot}"
        case _:
            return f"{'opened' if isinstance(record, OpenedRecord) else 'promise'} {record.ballot}"
