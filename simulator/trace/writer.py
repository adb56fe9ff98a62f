"""Turns what happened into the lines of a trace: calls of `Observer` go in, text comes out, in the same order.

Nothing is looked up but what was written before, so a trace can be written while its run goes on. The text depends on
the calls alone: the same run gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from heapq import merge
from typing import Any, assert_never

import msgspec

from chain.block import Block
from simulator.cluster.history import Event as HistoryEvent
from simulator.trace.format import (
    AnyLine,
    Applied,
    Asked,
    Cut,
    Delivered,
    Ended,
    Header,
    History,
    Lost,
    Recorded,
    RecoveredLine,
    Sent,
    Struck,
    Synced,
    Told,
    Woken,
)
from simulator.trace.journal_records import entry_of
from simulator.trace.recorder import Happening, Kind

_encode = msgspec.json.Encoder(order=None).encode


def trace_lines(
    header: Header, happenings: Iterable[Happening], history: Iterable[HistoryEvent] = (), cut: str = ""
) -> Iterator[str]:
    """The lines of a trace, without their newlines: header, events, and the history's events at their times.

    `cut` says why recording stopped before the run did.
    """
    yield _encode(header).decode()
    scribe = Scribe()
    # At one moment the history comes last: whoever was answered was answered by something.
    told = ((int(event.time), 1, event) for event in history)
    happened = ((happening[1][0], 0, happening) for happening in happenings)
    last_ms = 0
    for last_ms, is_history, what in merge(happened, told, key=lambda item: item[:2]):
        line = History(at_ms=last_ms, entry=what) if is_history else scribe.line(*what)  # type: ignore[arg-type,misc]
        yield _encode(line).decode()
    if cut:
        yield _encode(Cut(at_ms=last_ms, why=cut)).decode()


class Scribe:
    """Keeps the Lamport clocks, and knows which blocks have been written in full."""

    def __init__(self) -> None:
        self._clocks: dict[int, int] = {}
        self._sent: dict[int, int] = {}
        self._blocks: dict[int, Block] = {}

    def line(self, kind: Kind, args: tuple[Any, ...]) -> AnyLine:  # noqa: C901  One case a kind.
        """The line for one call of `Observer`: its name and its arguments."""
        at_ms = args[0]
        match kind:
            case "sent":
                _, node, to, message, number = args
                clock = self._sent[number] = self._tick(node)
                return Sent(at_ms=at_ms, node=node, clock=clock, to=to, number=number, message=message)
            case "delivered":
                _, source, node, _, number = args
                clock = self._tick(node, self._sent.get(number, 0))
                return Delivered(at_ms=at_ms, node=node, clock=clock, source=source, number=number)
            case "lost":
                _, source, node, _, number = args
                # What never arrives is no event of the node: its clock stands still.
                return Lost(at_ms=at_ms, node=node, clock=self._clocks.get(node, 0), source=source, number=number)
            case "struck":
                fault = args[1]
                node = getattr(fault, "node", 0)
                return Struck(at_ms=at_ms, node=node, clock=self._clocks.get(node, 0), fault=fault)
        node = args[1]
        clock = self._tick(node)
        match kind:
            case "asked":
                return Asked(at_ms=at_ms, node=node, clock=clock, call=args[2])
            case "told":
                return Told(at_ms=at_ms, node=node, clock=clock, report=args[2])
            case "woken":
                return Woken(at_ms=at_ms, node=node, clock=clock, timer=args[2])
            case "recovered":
                return RecoveredLine(at_ms=at_ms, node=node, clock=clock, found=args[2])
            case "recorded":
                records = tuple([entry_of(record) for record in args[2]])
                return Recorded(at_ms=at_ms, node=node, clock=clock, records=records)
            case "synced":
                return Synced(at_ms=at_ms, node=node, clock=clock)
            case "applied":
                blocks = tuple([self._block(block) for block in args[2]])
                return Applied(at_ms=at_ms, node=node, clock=clock, blocks=blocks)
            case "ended":
                return Ended(at_ms=at_ms, node=node, clock=clock, how=args[2])
            case _:
                assert_never(kind)

    def _tick(self, node: int, cause: int = 0) -> int:
        clock = self._clocks[node] = max(self._clocks.get(node, 0), cause) + 1
        return clock

    def _block(self, block: Block) -> Block | int:
        if self._blocks.get(block.height) == block:
            return block.height
        self._blocks[block.height] = block
        return block
