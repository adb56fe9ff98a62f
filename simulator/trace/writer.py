"""Writes events as the lines of a trace, in the same order.

A line depends on earlier lines only, so a trace can be written while its run continues. Equal events give equal bytes.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from heapq import merge
from typing import cast

import msgspec

from chain.block import Block
from simulator.cluster.history import Event as HistoryEvent
from simulator.trace.events import (
    BlocksApplied,
    Event,
    FaultInjected,
    MessageDelivered,
    MessageDuplicated,
    MessageHeld,
    MessageLost,
    MessageSent,
    TurnBegan,
)
from simulator.trace.format import AnyLine, AppliedLine, Cut, DeliveredLine, Header, History, LostLine

_encode = msgspec.json.Encoder(order=None).encode


def trace_lines(
    header: Header, events: Iterable[Event], history: Iterable[HistoryEvent] = (), cut: str = ""
) -> Iterator[str]:
    """The lines of a trace, without newlines: the header, the events, and the history's entries at their times.

    `cut` is the reason why recording stopped before the run did.
    """
    yield _encode(header).decode()
    writer = TraceWriter()
    # At equal times the history comes last: an answer follows the events that caused it.
    entries = ((int(entry.time), 1, entry) for entry in history)
    happened = ((event.at_ms, 0, event) for event in events)
    last_ms = 0
    for last_ms, is_history, what in merge(happened, entries, key=lambda item: item[:2]):
        if is_history:
            line: AnyLine = History(at_ms=last_ms, entry=cast("HistoryEvent", what))
        else:
            line = writer.line(cast("Event", what))
        yield _encode(line).decode()
    if cut:
        yield _encode(Cut(at_ms=last_ms, why=cut)).decode()


class TraceWriter:
    """Keeps the Lamport clocks, those of all messages sent among them, and a hash of each block written in full."""

    def __init__(self) -> None:
        self._clocks: dict[int, int] = {}
        self._sent = array("q")  # By the number of the message: worlds count them from 1.
        self._blocks: dict[int, int] = {}

    def line(self, event: Event) -> AnyLine:
        """The line of one event: the event and its clock."""
        at_ms, node = event.at_ms, event.node
        match event:
            case MessageSent(number=number):
                clock = self._tick(node)
                self._sent.extend([0] * (number + 1 - len(self._sent)))
                self._sent[number] = clock
            case MessageDelivered(source=source, number=number):
                clock = self._tick(node, self._sent[number] if number < len(self._sent) else 0)
                return DeliveredLine(at_ms=at_ms, node=node, clock=clock, source=source, number=number)
            case MessageLost(source=source, number=number, why=why):
                # What happens to a message on its link is not an event of the node: its clock does not advance.
                clock = self._clocks.get(node, 0)
                return LostLine(at_ms=at_ms, node=node, clock=clock, source=source, number=number, why=why)
            case FaultInjected() | MessageHeld() | MessageDuplicated() | TurnBegan():
                clock = self._clocks.get(node, 0)
            case BlocksApplied(blocks=blocks):
                shown = tuple([self._block(block) for block in blocks])
                return AppliedLine(at_ms=at_ms, node=node, clock=self._tick(node), blocks=shown)
            case _:
                clock = self._tick(node)
        return cast("AnyLine", msgspec.structs.replace(event, clock=clock))

    def _tick(self, node: int, cause: int = 0) -> int:
        clock = self._clocks[node] = max(self._clocks.get(node, 0), cause) + 1
        return clock

    def _block(self, block: Block) -> Block | int:
        content = hash(block)
        if self._blocks.get(block.height) == content:
            return block.height
        self._blocks[block.height] = content
        return block
