"""A Mermaid sequence diagram of a window of the run: a participant a node, an arrow a message, a note what happened.

Routine messages are left out. Mermaid draws some hundred lines; a longer window is cut, and a comment says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from simulator.analysis.event_text import event_text
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.cluster.message_text import ROUTINE, describe
from simulator.node.client_api import NoteLine, WriteAnswer
from simulator.text.sanitize import safe
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    Event,
    FaultInjected,
    IncarnationEnded,
    MessageDelivered,
    MessageLost,
    NodeRecovered,
    NodeReported,
)

MOST_LINES = 300
_MOST_TEXT = 90
_SPECIAL = re.compile(r"[^\w .,:+>=/'()\[\]-]|[<#;]")


def mermaid(run: RecordedRun, begin_ms: int = 0, end_ms: int | None = None) -> Iterator[str]:
    """The lines of the diagram of what happened from `begin_ms` to `end_ms` (None: the end)."""
    yield "sequenceDiagram"
    for node in run.nodes:
        yield f"    participant N{node} as node {node}"
    lines = 0
    for index, event in enumerate(run.events):
        if event.at_ms < begin_ms or (end_ms is not None and event.at_ms > end_ms):
            continue
        line = _line(run, index, event)
        if line is None:
            continue
        if lines == MOST_LINES:
            yield f"    %% cut at {event.at_ms} ms: a diagram has at most {MOST_LINES} lines"
            return
        lines += 1
        yield f"    {line}"
    if not lines:
        yield f"    Note over N{run.nodes[0]}: nothing happened in this window"


def _line(run: RecordedRun, index: int, event: Event) -> str | None:
    match event:
        case MessageDelivered() | MessageLost():
            if isinstance(event.message, ROUTINE):
                return None
            sent = run.sending[index]
            took = f" ({event.at_ms - run.events[sent].at_ms} ms)" if sent != NOWHERE else ""
            arrow = "->>" if isinstance(event, MessageDelivered) else "--x"
            return f"N{event.source}{arrow}N{event.node}: {_text(describe(event.message) + took)}"
        case FaultInjected():
            return f"Note over N{run.nodes[0]},N{run.nodes[-1]}: {_text(event_text(event))}"
        case NodeReported(report=NoteLine() | WriteAnswer()) | ClientCalled():
            return f"Note over N{event.node}: {_text(event_text(event))}"
        case BlocksApplied() | IncarnationEnded() | NodeRecovered():
            return f"Note over N{event.node}: {_text(event_text(event))}"
        case _:
            return None


def _text(text: str) -> str:
    """Text in which nothing has a meaning for Mermaid: its special characters are written by their number."""
    short = text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 1]}…"
    return _SPECIAL.sub(lambda found: f"#{ord(found[0])};", safe(short))
