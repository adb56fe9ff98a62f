"""One event of a run as a line of text, without its time and node: `sends to 1,2: PREPARE ballot 1.3 …`."""

from __future__ import annotations

from typing import Any

import msgspec

from paxos.records import AcceptedRecord, AmnesiaRecord, EraRecord, JournalRecord, OpenedRecord, RecoveredRecord
from simulator.cluster.message_text import describe
from simulator.node.client_api import (
    ClientCall,
    ClientRead,
    ClientWrite,
    Inspected,
    NodeFailed,
    NodeReport,
    NoteLine,
    ReadAnswer,
    WriteAnswer,
)
from simulator.node.codec import MalformedText, parse_operations
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    Event,
    FaultInjected,
    IncarnationEnded,
    JournalSynced,
    Loss,
    MessageDelivered,
    MessageDuplicated,
    MessageHeld,
    MessageLost,
    MessageSent,
    NodeRecovered,
    NodeReported,
    RecordsAppended,
    TimerFired,
    TurnBegan,
)
from simulator.trace.format import Cut, History

LOSSES: dict[Loss, str] = {
    "cut": "because the link is cut",
    "dropped": "because the link dropped it",
    "down": "because its target is down",
    "full": "because too many wait on the link",
}
"""Why a message was lost, as the end of a sentence."""


def event_text(event: Event) -> str:
    """What happened, in a few words. It may hold text of users as it is: whoever shows it makes it safe."""
    match event:
        case MessageSent() | MessageDelivered() | MessageLost():
            return _message_text(event)
        case RecordsAppended(records=records):
            return f"writes {', '.join(map(record_text, records))}"
        case JournalSynced():
            return "has it safely on disk"
        case TimerFired(timer=timer):
            return f"timer {timer.value} fires"
        case BlocksApplied(blocks=blocks):
            return "; ".join(f"applies block {block.height}: {block.operations_text}" for block in blocks)
        case ClientCalled(call=call):
            return call_text(call)
        case NodeReported(report=report):
            return report_text(report)
        case NodeRecovered():
            return _start_text(event)
        case IncarnationEnded(how=how):
            return f"is down: {how}"
        case FaultInjected(fault=fault):
            return fault.line()
        case _:
            return _line_text(event)


def _line_text(event: Event) -> str:
    """What happens to a message on its link, or a line of the trace that is no event of the run."""
    if isinstance(event, MessageHeld):
        return f"message #{event.number} from {event.source} is held"
    if isinstance(event, MessageDuplicated):
        return f"message #{event.number} from {event.source} is duplicated"
    if isinstance(event, TurnBegan):
        what = "reads its files" if event.nonce else f"handles {event.inputs} of what has reached it"
        return f"{what}, by its own clock at {event.own_ms} ms"
    if isinstance(event, History):
        entry = event.entry
        return f"client {entry.process}: {entry.type} {entry.f} {value_text(entry.value)}".rstrip()
    assert isinstance(event, Cut), event
    return f"the recording ends here: {event.why}"


def operations_words(text: str) -> str:
    """The operations of a block in a few words, without their content."""
    try:
        operations = parse_operations(text)
    except MalformedText:
        return text
    each = [f"{type(one).__name__.lower()} {one.username} {one.title}" for one, _, _ in operations]
    return ", ".join(each) or "no operation"


def _message_text(event: MessageSent | MessageDelivered | MessageLost) -> str:
    what = f"{describe(event.message)} (#{event.number})"
    if isinstance(event, MessageLost) and event.why:
        what += f", {LOSSES[event.why]}"
    if isinstance(event, MessageSent):
        return f"sends to {','.join(map(str, event.to))}: {what}"
    hears = "hears" if isinstance(event, MessageDelivered) else "will never hear"
    return f"{hears} from {event.source}: {what}"


def call_text(call: ClientCall) -> str:
    """What a client asked."""
    match call:
        case ClientWrite(request):
            return f"is asked to write {request.client}:{request.seq} {request.operation}"
        case ClientRead(number, kind, name, linearizable):
            how = "linearizable " if linearizable else ""
            return f"is asked for a {how}view {number}: {kind} {name}".rstrip()
        case _:
            return "is asked for its status"


def report_text(report: NodeReport) -> str:
    """What a node told its world."""
    match report:
        case WriteAnswer(client, seq, kind, text, height):
            return f"answers {client}:{seq} with {kind}: {text} (block {height})"
        case ReadAnswer(number, kind, text):
            return f"answers view {number} with {kind}: {text}"
        case NoteLine(kind, text):
            return f"{kind}: {text}"
        case NodeFailed(text):
            return f"fails: {text}"
        case Inspected(state=state):
            return f"is {state.role} at ballot {state.ballot[0]}.{state.ballot[1]}, height {state.height}"


def record_text(record: JournalRecord) -> str:
    """A record of the journal."""
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


def value_text(value: Any) -> str:
    """The value of a line of the history, as compact JSON; nothing for none."""
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _start_text(event: NodeRecovered) -> str:
    found = event.found
    beyond = f"votes for slots {sorted(found.accepted)}" if found.accepted else "no votes beyond"
    mended = f"; {'; '.join(found.notes)}" if found.notes else ""
    return f"starts with block {found.height}, promise {found.promised} and {beyond}{mended}"
