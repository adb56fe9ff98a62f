"""Chrome's trace events, which Perfetto opens: a process a node, a track each for leadership, messages and the disk.

A message is a short slice where it is sent and one where it arrives, joined by a flow arrow. Operations of clients are
slices of a process of their own. Times are microseconds of cluster time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from simulator.analysis.event_text import event_text
from simulator.analysis.operations import operations_of
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.analysis.timeline import Timeline
from simulator.cluster.message_text import describe
from simulator.export.spread import microseconds
from simulator.text.sanitize import safe
from simulator.trace.events import (
    BlocksApplied,
    Event,
    FaultInjected,
    MessageDelivered,
    MessageLost,
    MessageSent,
    TimerFired,
    TurnBegan,
)
from simulator.trace.format import Cut, History

CLUSTER, CLIENTS = 100, 101
"""The processes that stand for no node."""
_STATE, _MESSAGES, _EVENTS = 1, 2, 3
_SHORT_US = 50

TraceEvent = dict[str, Any]


def perfetto(run: RecordedRun) -> Iterator[str]:
    """The file, a line a trace event."""
    encode = msgspec.json.Encoder().encode
    before = '{"displayTimeUnit":"ms","traceEvents":['
    for event in _events(run):
        yield before + encode(event).decode()
        before = ","
    yield "]}" if before == "," else before + "]}"


def _events(run: RecordedRun) -> Iterator[TraceEvent]:
    times = microseconds(run)
    yield from _names(run)
    yield from _spans(run, times)
    for index, event in enumerate(run.events):
        yield from _moment(run, index, event, times)
    end = max(times, default=0)
    for operation in operations_of(run):
        begin = times[operation.invoked]
        until = times[operation.returned] if operation.returned != NOWHERE else end
        yield {
            "ph": "X",
            "name": safe(operation.text),
            "cat": operation.outcome,
            "pid": CLIENTS,
            "tid": operation.process + 1,
            "ts": begin,
            "dur": max(until - begin, 1),
            "args": {"outcome": operation.outcome, "answer": safe(operation.answer), "block": operation.height},
        }


def _names(run: RecordedRun) -> Iterator[TraceEvent]:
    for pid, name in [*((node, f"node {node}") for node in run.nodes), (CLUSTER, "cluster"), (CLIENTS, "clients")]:
        yield {"ph": "M", "name": "process_name", "pid": pid, "tid": 0, "args": {"name": name}}
        yield {"ph": "M", "name": "process_sort_index", "pid": pid, "tid": 0, "args": {"sort_index": pid}}
    for node in run.nodes:
        for tid, name in ((_STATE, "state"), (_MESSAGES, "messages"), (_EVENTS, "events")):
            yield {"ph": "M", "name": "thread_name", "pid": node, "tid": tid, "args": {"name": name}}


def _spans(run: RecordedRun, times: list[int]) -> Iterator[TraceEvent]:
    end = max(times, default=0)
    for number, span in enumerate(Timeline(run).spans):
        begin = times[span.begin]
        until = times[span.end] if span.end != NOWHERE else end
        name = f"leads with {span.text}" if span.kind == "leader" else f"{span.kind}: {span.text}"
        if span.node:
            yield {
                "ph": "X",
                "name": safe(name),
                "cat": span.kind,
                "pid": span.node,
                "tid": _STATE,
                "ts": begin,
                "dur": max(until - begin, 1),
            }
        else:  # Conditions of the network may overlap: an asynchronous slice each.
            both = {"name": safe(span.text), "cat": span.kind, "pid": CLUSTER, "tid": 0, "id": number}
            yield {"ph": "b", "ts": begin, **both}
            yield {"ph": "e", "ts": max(until, begin + 1), **both}


def _moment(run: RecordedRun, index: int, event: Event, times: list[int]) -> Iterator[TraceEvent]:
    at = times[index]
    match event:
        case MessageSent(node=node, message=message, number=number):
            yield _slice(node, at, describe(message), {"to": list(event.to), "number": number})
        case MessageDelivered(node=node, message=message, number=number):
            yield _slice(node, at, describe(message), {"from": event.source, "number": number})
            if run.sending[index] != NOWHERE:
                flow = {"name": "message", "cat": "message", "id": index}
                yield {"ph": "s", "pid": event.source, "tid": _MESSAGES, "ts": times[run.sending[index]], **flow}
                yield {"ph": "f", "bp": "e", "pid": node, "tid": _MESSAGES, "ts": at, **flow}
        case MessageLost() | TimerFired() | TurnBegan() | History() | Cut():
            if isinstance(event, MessageLost | Cut):
                yield _instant(event.node or CLUSTER, at, event_text(event), "t" if event.node else "g")
        case FaultInjected():
            yield _instant(CLUSTER, at, event_text(event), "g")
        case _:
            yield _instant(event.node, at, event_text(event), "t")
            if isinstance(event, BlocksApplied) and event.blocks:
                height = event.blocks[-1].height
                yield {"ph": "C", "name": "height", "pid": event.node, "tid": 0, "ts": at, "args": {"blocks": height}}


def _slice(node: int, at: int, name: str, args: dict[str, Any]) -> TraceEvent:
    word = name.split(" ", 1)[0]
    return {
        "ph": "X",
        "name": word,
        "cat": "message",
        "pid": node,
        "tid": _MESSAGES,
        "ts": at,
        "dur": _SHORT_US,
        "args": {"message": name, **args},
    }


def _instant(pid: int, at: int, name: str, scope: str) -> TraceEvent:
    tid = _EVENTS if pid < CLUSTER else 0
    return {"ph": "i", "name": safe(name), "cat": "event", "pid": pid, "tid": tid, "ts": at, "s": scope}
