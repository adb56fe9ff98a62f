"""The lines of an explanation: each is an event of the run, with what it means here."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from simulator.analysis.event_text import LOSSES, event_text
from simulator.analysis.run import RecordedRun
from simulator.trace.events import FaultInjected, MessageLost


class Line(msgspec.Struct, frozen=True):
    """One event of an explanation, and what it means."""

    index: int
    text: str


class Explanation(msgspec.Struct, frozen=True):
    """What is explained, in a sentence, and the events that explain it, in order."""

    title: str
    lines: tuple[Line, ...]


def explanation(title: str, lines: Iterable[Line]) -> Explanation:
    """The lines in the order of the events, each event once."""
    by_index: dict[int, Line] = {}
    for line in lines:
        by_index.setdefault(line.index, line)
    return Explanation(title, tuple(by_index[index] for index in sorted(by_index)))


def explanation_lines(run: RecordedRun, explained: Explanation) -> list[str]:
    """The explanation for a person: its sentence, then a line an event with its time."""
    lines = [f"{explained.title}:"]
    lines += [f"  {run.events[line.index].at_ms / 1000:9.3f} s  {line.text}" for line in explained.lines]
    return lines


def happened(run: RecordedRun, index: int) -> Line:
    """An event in its own words."""
    event = run.events[index]
    text = event_text(event)
    fault = isinstance(event, FaultInjected) or not event.node
    return Line(index, text if fault or text.startswith("node ") else f"node {event.node} {text}")


def because(event: MessageLost) -> str:
    """Why a message was lost, as the end of a sentence; "" in old traces."""
    return f", {LOSSES[event.why]}" if event.why else ""
