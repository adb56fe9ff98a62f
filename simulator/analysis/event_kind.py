"""The kind of an event, of those that people jump to, and the kinds of messages that a node sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from simulator.cluster.message_text import describe
from simulator.node.client_api import NoteLine
from simulator.trace.events import BlocksApplied, Event, FaultInjected, MessageSent, NodeReported

EventKind = Literal["", "election", "decision", "fault"]


def kind_of(event: Event) -> EventKind:
    """The kind of an event; "" for one that nobody jumps to. A decision shows where a block is applied."""
    match event:
        case FaultInjected():
            return "fault"
        case BlocksApplied():
            return "decision"
        case NodeReported(report=NoteLine(kind="leader")):
            return "election"
        case _:
            return ""


def highest_applied(event: Event) -> int:
    """The height of the last block that this event applies; 0 for other events."""
    return event.blocks[-1].height if isinstance(event, BlocksApplied) and event.blocks else 0


def kinds_sent(events: Iterable[Event], node: int) -> list[str]:
    """The kinds of messages that a node sends in these events, each once, in lower case: `promise`."""
    sent = [event for event in events if isinstance(event, MessageSent) and event.node == node]
    return [*dict.fromkeys(describe(event.message).split()[0].lower() for event in sent)]
