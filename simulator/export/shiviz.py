r"""ShiViz: each event on two lines, its text, and its node with a vector clock.

The clocks are computed from the trace alone: a node counts its own events, and an arrival joins the sender's clock.
ShiViz's own expression for logs reads them: `(?<event>.*)\n(?<host>\S*) (?<clock>{.*})`.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from simulator.analysis.event_text import event_text
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.text.sanitize import safe
from simulator.trace.events import (
    FaultInjected,
    MessageDelivered,
    MessageDuplicated,
    MessageHeld,
    MessageLost,
    MessageSent,
)
from simulator.trace.format import Cut, History

_NOT_OF_A_NODE = (FaultInjected, History, Cut, MessageLost, MessageHeld, MessageDuplicated)
EXPRESSION = r"(?<event>.*)\n(?<host>\S*) (?<clock>{.*})"


def shiviz(run: RecordedRun) -> Iterator[str]:
    """The lines of the log."""
    clocks: dict[int, dict[str, int]] = {node: {} for node in run.nodes}
    sent: dict[int, dict[str, int]] = {}
    for index, event in enumerate(run.events):
        if isinstance(event, _NOT_OF_A_NODE):
            continue
        host, clock = f"node-{event.node}", clocks[event.node]
        if isinstance(event, MessageDelivered) and run.sending[index] != NOWHERE:
            for other, count in sent[run.sending[index]].items():
                clock[other] = max(clock.get(other, 0), count)
        clock[host] = clock.get(host, 0) + 1
        if isinstance(event, MessageSent):
            sent[index] = dict(clock)
        yield f"{event.at_ms / 1000:.3f} s {safe(event_text(event))}"
        yield f"{host} {msgspec.json.encode(clock, order='sorted').decode()}"
