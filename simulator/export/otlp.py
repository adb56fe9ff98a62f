"""OpenTelemetry's OTLP in JSON: a trace for each operation of a client, with a span for each step that it caused.

The root span is the operation, at the service `clients`. Below it are the call at its node, the proposal of its slot,
the vote of each acceptor, and each node's application of the block. Cluster time 0 is the year 2000.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import msgspec

from paxos.messages import Accept
from paxos.records import AcceptedRecord
from simulator.analysis.operations import ClientOperation, operations_of
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.export.spread import microseconds
from simulator.text.sanitize import safe
from simulator.trace.events import BlocksApplied, JournalSynced, MessageSent, RecordsAppended

EPOCH_NS = 946_684_800_000_000_000
"""1 January 2000, as Unix time."""

Span = dict[str, Any]
_INTERNAL, _SERVER, _CLIENT = 1, 2, 3
_OK, _ERROR = 1, 2


def otlp(run: RecordedRun) -> Iterator[str]:
    """The document, which is one line."""
    spans: dict[str, list[Span]] = {"clients": []}
    for node in run.nodes:
        spans[f"node-{node}"] = []
    steps = _Steps(run)
    for number, operation in enumerate(operations_of(run)):
        for service, span in steps.spans(number, operation):
            spans[service].append(span)
    document = {"resourceSpans": [_resource(service, found) for service, found in spans.items() if found]}
    yield msgspec.json.encode(document).decode()


def _resource(service: str, spans: list[Span]) -> dict[str, Any]:
    return {
        "resource": {"attributes": [_attribute("service.name", service)]},
        "scopeSpans": [{"scope": {"name": "paxsim"}, "spans": spans}],
    }


class _Steps:
    """Where each slot was proposed, voted for and applied."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run
        self._times = microseconds(run)
        self._proposed: dict[int, int] = {}
        self._voted: dict[int, list[tuple[int, int, int]]] = {}  # By slot: node, record, sync.
        self._applied: dict[int, list[tuple[int, int]]] = {}
        unsynced: dict[int, list[tuple[int, int]]] = {}
        for index, event in enumerate(run.events):
            match event:
                case MessageSent(message=Accept() as accept):
                    for slot in range(accept.first_slot, accept.first_slot + len(accept.values)):
                        self._proposed.setdefault(slot, index)
                case RecordsAppended(node=node, records=records):
                    unsynced.setdefault(node, []).extend(
                        (record.slot, index) for record in records if isinstance(record, AcceptedRecord)
                    )
                case JournalSynced(node=node):
                    for slot, recorded in unsynced.pop(node, ()):
                        self._voted.setdefault(slot, []).append((node, recorded, index))
                case BlocksApplied(node=node, blocks=blocks):
                    for block in blocks:
                        self._applied.setdefault(block.height, []).append((node, index))
                case _:
                    pass

    def spans(self, number: int, operation: ClientOperation) -> Iterator[tuple[str, Span]]:
        """The spans of one operation, each with its service."""
        trace = sha256(f"{self._run.header.seed} {number}".encode()).hexdigest()[:32]
        last = len(self._times) - 1
        returned = operation.returned if operation.returned != NOWHERE else last
        root = _id(trace, "root")
        ends = (operation.invoked, returned)
        span = self._span(trace, root, "", name=operation.text, kind=_CLIENT, ends=ends, operation=operation)
        yield "clients", span
        if operation.asked == NOWHERE:
            return
        call = _id(trace, "call")
        ends = (operation.asked, returned)
        name = f"handle {operation.f}"
        span = self._span(trace, call, root, name=name, kind=_SERVER, ends=ends, operation=operation)
        yield f"node-{operation.node}", span
        if operation.request and self._proposed.get(operation.height, returned) < returned:
            yield from self._slot(trace, call, operation)

    def _slot(self, trace: str, call: str, operation: ClientOperation) -> Iterator[tuple[str, Span]]:
        """The proposal of the operation's slot, and under it the votes and the applications."""
        slot = operation.height
        proposed, applied = self._proposed[slot], self._applied.get(slot, [])
        leader = self._run.events[proposed].node
        end = next((index for node, index in applied if node == leader), max(operation.effect, proposed))
        proposal = _id(trace, "propose")
        name = f"propose slot {slot}"
        yield f"node-{leader}", self._span(trace, proposal, call, name=name, kind=_INTERNAL, ends=(proposed, end))
        steps = [(node, f"accept slot {slot}", (begin, end)) for node, begin, end in self._voted.get(slot, ())]
        steps += [(node, f"apply block {slot}", (index, index)) for node, index in applied]
        for node, name, ends in steps:
            step = _id(trace, f"{name} {node} {ends}")
            yield f"node-{node}", self._span(trace, step, proposal, name=name, kind=_INTERNAL, ends=ends)

    def _span(
        self,
        trace: str,
        span: str,
        parent: str,
        /,
        *,
        name: str,
        kind: int,
        ends: tuple[int, int],
        operation: ClientOperation | None = None,
    ) -> Span:
        """A span from the first to the second event of `ends`."""
        begin, end = ends
        made: Span = {
            "traceId": trace,
            "spanId": span,
            "name": safe(name),
            "kind": kind,
            "startTimeUnixNano": str(EPOCH_NS + 1000 * self._times[begin]),
            "endTimeUnixNano": str(EPOCH_NS + 1000 * max(self._times[end], self._times[begin])),
            "attributes": [],
            "status": {},
        }
        if parent:
            made["parentSpanId"] = parent
        if operation is not None:
            facts = {"outcome": operation.outcome, "answer": safe(operation.answer), "request": operation.request}
            made["attributes"] = [_attribute(f"paxsim.{key}", value) for key, value in facts.items() if value]
            if operation.height >= 0:
                made["attributes"].append({"key": "paxsim.block", "value": {"intValue": str(operation.height)}})
            made["status"] = {"code": _OK if operation.outcome in {"ok", "refused"} else _ERROR}
        return made


def _id(trace: str, step: str) -> str:
    return sha256(f"{trace} {step}".encode()).hexdigest()[:16]


def _attribute(key: str, value: str) -> dict[str, Any]:
    return {"key": key, "value": {"stringValue": value}}
