"""The few events of a run that prove a violation: who voted for what in the slot, who applied it, who was answered."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from paxos.messages import Accept
from paxos.records import AcceptedRecord
from simulator.analysis.event_text import event_text, operations_words
from simulator.analysis.run import RecordedRun
from simulator.checks.invariants import InvariantChecker
from simulator.checks.trace_check import judged
from simulator.checks.violation import Violation
from simulator.cluster.message_text import ROUTINE
from simulator.node.client_api import ClientWrite, NoteLine, WriteAnswer
from simulator.node.codec import MalformedText, parse_operations
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    Event,
    FaultInjected,
    MessageDelivered,
    MessageSent,
    NodeReported,
    RecordsAppended,
    TimerFired,
    TurnBegan,
)
from simulator.trace.format import Cut, History

MOST = 14
"""So many events are named for one violation."""
_FAULTS = 3
_BEFORE = 3


class ProvenViolation(msgspec.Struct, frozen=True):
    """A violation, the event at which it became certain, and the events that prove it, in order, that one included.

    Where it first went wrong is `violation.first.event`, which is among them.
    """

    violation: Violation
    at: int
    events: tuple[int, ...]


class Judgement(msgspec.Struct, frozen=True):
    """What the checks say of a run: a verdict for each invariant, what they had to check, and the violations."""

    verdicts: dict[str, str]
    occasions: dict[str, int]
    violations: tuple[ProvenViolation, ...]


def judge_run(run: RecordedRun) -> Judgement:
    """Check every invariant, event by event, and prove each violation."""
    header = run.header
    checker = InvariantChecker(
        header.to_settings(),
        prepare_quorum=header.prepare_quorum,
        accept_quorum=header.accept_quorum,
        simulated=header.world == "virtual",
    )
    checker.replay = header.command
    found: dict[str, int] = {}

    def seen(index: int) -> None:
        if len(checker.violations) > len(found):
            for name in checker.violations:
                found.setdefault(name, index)

    judged(run.events, checker, seen)
    proven = tuple(
        ProvenViolation(violation, found[name], _evidence(run, violation, found[name]))
        for name, violation in checker.violations.items()
    )
    return Judgement(checker.verdicts(), dict(sorted(checker.sometimes.items())), proven)


def event_sentence(run: RecordedRun, index: int) -> str:
    """An event with its time and node, as a sentence for a person."""
    event = run.events[index]
    text = event_text(event)
    if isinstance(event, BlocksApplied):
        text = "; ".join(f"applies block {b.height}: {operations_words(b.operations_text)}" for b in event.blocks)
    where = f"node {event.node}" if event.node and not isinstance(event, FaultInjected) else ""
    return " ".join(word for word in (f"{event.at_ms / 1000:.3f} s", where, text) if word)


def _evidence(run: RecordedRun, violation: Violation, at: int) -> tuple[int, ...]:
    chosen = set(_about_slot(run, violation.slot, at)) if violation.slot else set()
    if violation.request:
        chosen |= set(_about_request(run, violation.request, at))
    for node in violation.nodes if not chosen else ():
        chosen |= set(_before(run, node, at))
    faults = [index for index in range(at) if isinstance(run.events[index], FaultInjected)]
    leaders = [index for index in range(at) if _is_leader_note(run.events[index])]
    few = sorted(chosen - {at})
    room = MOST - 2 - len(faults[-_FAULTS:]) - len(leaders[-2:])
    # The first ones tell how it began, and the last ones what went wrong.
    kept = few if len(few) <= room else few[: room // 2] + few[len(few) - (room - room // 2) :]
    first = violation.first
    cause = set() if first is None or first.event < 0 else {first.event}
    return tuple(sorted({*kept, *faults[-_FAULTS:], *leaders[-2:], *cause, at}))


def _about_slot(run: RecordedRun, slot: int, at: int) -> Iterator[int]:
    """Proposals, votes and blocks of a slot, the first of each kind, and the answers that its requests got."""
    known: set[tuple[object, ...]] = set()
    requests: set[tuple[str, int]] = set()
    for index in range(at + 1):
        event = run.events[index]
        facts: list[tuple[object, ...]] = []
        match event:
            case MessageSent(node=node, message=Accept() as accept):
                if accept.first_slot <= slot < accept.first_slot + len(accept.values):
                    facts = [("proposed", node, accept.ballot)]
            case RecordsAppended(node=node, records=records):
                facts = [
                    ("voted", node, record.ballot)
                    for record in records
                    if isinstance(record, AcceptedRecord) and record.slot == slot
                ]
            case BlocksApplied(node=node, blocks=blocks):
                for block in blocks:
                    if block.height == slot:
                        facts = [("applied", node, block.hash)]
                        requests |= _requests(block.operations_text)
            case NodeReported(report=WriteAnswer(client, seq)) if (client, seq) in requests:
                facts = [("answered", client, seq)]
            case _:
                pass
        fresh = [fact for fact in facts if fact not in known]
        known.update(fresh)
        if fresh:
            yield index


def _about_request(run: RecordedRun, request: str, at: int) -> Iterator[int]:
    for index in range(at + 1):
        match run.events[index]:
            case ClientCalled(call=ClientWrite(asked)) if f"{asked.client}:{asked.seq}" == request:
                yield index
            case NodeReported(report=WriteAnswer(client, seq)) if f"{client}:{seq}" == request:
                yield index
            case BlocksApplied(blocks=blocks) if any(request in _names(block.operations_text) for block in blocks):
                yield index
            case _:
                pass


def _before(run: RecordedRun, node: int, at: int) -> list[int]:
    """The last events of a node that tell something."""
    found: list[int] = []
    for index in range(at, -1, -1):
        event = run.events[index]
        routine = isinstance(event, MessageSent | MessageDelivered) and isinstance(event.message, ROUTINE)
        if event.node == node and not routine and not isinstance(event, TimerFired | TurnBegan | History | Cut):
            found.append(index)
            if len(found) == _BEFORE:
                break
    return found


def _is_leader_note(event: Event) -> bool:
    return isinstance(event, NodeReported) and isinstance(event.report, NoteLine) and event.report.kind == "leader"


def _requests(text: str) -> set[tuple[str, int]]:
    try:
        return {(client, seq) for _, client, seq in parse_operations(text)}
    except MalformedText:
        return set()


def _names(text: str) -> set[str]:
    return {f"{client}:{seq}" for client, seq in _requests(text)}
