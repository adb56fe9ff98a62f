"""What holds for every line of a trace besides the types of its fields: nodes exist, and numbers have a size.

A trace may come from anybody and may have been edited. The checks that replay it rely on what is checked here.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from paxos.ballot import Ballot, NodeId
from paxos.messages import AnyMessage, Relay
from simulator.settings import Settings
from simulator.trace.events import FaultInjected, MessageDuplicated, MessageHeld, MessageSent
from simulator.trace.format import AnyLine, Cut, DeliveredLine, History, LostLine

LARGEST = 1 << 53
"""The largest number in a trace: up to here every program that reads JSON has whole numbers."""


def _named_in(message: AnyMessage) -> Iterable[NodeId]:
    """The nodes that a message names."""
    yield message.sender
    if isinstance(message, Relay):
        yield from message.path
        yield message.message.sender


class LineValidator:
    """Validates the lines of one trace, of a cluster with these settings."""

    def __init__(self, settings: Settings) -> None:
        self._nodes = frozenset(settings.node_ids)
        self._last = settings.nodes

    def mistake(self, line: AnyLine) -> str:
        """What is wrong with the line, in a few words; an empty text if nothing is."""
        if isinstance(line, History | Cut):
            return ""
        if isinstance(line, FaultInjected):
            return self._of_nodes([getattr(line.fault, "node", None) or line.node or 1])
        wrong = self._of_nodes([line.node])
        if not wrong and isinstance(line, DeliveredLine | LostLine | MessageHeld | MessageDuplicated):
            wrong = self._of_nodes([line.source])
        if not wrong and isinstance(line, MessageSent):
            wrong = self._of_nodes([*line.to, *_named_in(line.message)])
        return wrong or self._of_numbers(line)

    def _of_nodes(self, named: Iterable[NodeId]) -> str:
        wrong = next((node for node in named if node not in self._nodes), None)
        return "" if wrong is None else f"it names node {wrong}, and the nodes of this cluster are 1 to {self._last}"

    def _of_numbers(self, line: AnyLine) -> str:
        stack: list[object] = [line]
        while stack:
            match stack.pop():
                case bool():
                    pass
                case int(number):
                    if not -LARGEST <= number <= LARGEST:
                        return f"it holds a number beyond {LARGEST}, which no run reaches"
                case Ballot(owner=owner):
                    if owner and owner not in self._nodes:
                        return self._of_nodes([owner])
                case msgspec.Struct() as whole:
                    stack.extend(getattr(whole, name) for name in whole.__struct_fields__)
                case dict() as whole:
                    stack.extend(whole)
                    stack.extend(whole.values())
                case list() | tuple() as whole:
                    stack.extend(whole)
                case _:
                    pass
        return ""
