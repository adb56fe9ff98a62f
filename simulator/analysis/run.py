"""A whole trace in memory: every line as an event, and for each arrival of a message the line that sent it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from simulator.errors import InputError
from simulator.trace.events import Event, MessageDelivered, MessageDuplicated, MessageHeld, MessageLost, MessageSent
from simulator.trace.format import Cut, Header
from simulator.trace.reader import Trace, read_trace

MOST_EVENTS = 2_000_000
"""The bound of what is kept: as many as a virtual run records."""

NOWHERE = -1
"""The index of an event that does not exist."""


class RecordedRun:
    """The lines of a trace after its header, in order. An event is named by its index; its line is the index plus 2.

    `sending[i]` is the index of the event that sent the message which `i` is about, or `NOWHERE`.
    """

    def __init__(self, header: Header, events: Iterable[Event], name: str = "") -> None:
        self.header = header
        self.name = name
        self.nodes = tuple(header.to_settings().node_ids)
        self.events: list[Event] = []
        self.sending: list[int] = []
        self.cut = ""
        sent: dict[int, int] = {}
        for index, event in enumerate(events):
            if index >= MOST_EVENTS:
                raise InputError(f"{name} has more than {MOST_EVENTS} events: record a shorter run.")
            self.events.append(event)
            origin = NOWHERE
            if isinstance(event, MessageSent):
                sent[event.number] = index
            elif isinstance(event, MessageDelivered | MessageLost | MessageHeld | MessageDuplicated):
                origin = sent.get(event.number, NOWHERE)
            elif isinstance(event, Cut):
                self.cut = event.why
            self.sending.append(origin)

    @property
    def end_ms(self) -> int:
        """When the last event happened."""
        return max((event.at_ms for event in self.events), default=0)


def load_run(name: str | Path) -> RecordedRun:
    """Read a whole trace.

    Raises:
        InputError: it is no trace, a line of it is malformed, or it has too many events.
    """
    trace = read_trace(name)
    return run_of(trace)


def run_of(trace: Trace) -> RecordedRun:
    """The run that a trace holds. See `load_run`."""
    return RecordedRun(trace.header, trace.lines(), str(trace.path))
