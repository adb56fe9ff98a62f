"""What lasted: who led when, which nodes were down or paused, which links were cut, and how the chains grew."""

from __future__ import annotations

from typing import Any

import msgspec

from simulator.analysis.run import RecordedRun
from simulator.faults.faults import (
    ClearConditions,
    CutLink,
    Heal,
    Hold,
    LinkConditions,
    MendLink,
    Partition,
    Pause,
    Release,
    Resume,
)
from simulator.node.client_api import NodeFailed, NoteLine
from simulator.trace.events import (
    BlocksApplied,
    Event,
    FaultInjected,
    IncarnationEnded,
    NodeRecovered,
    NodeReported,
)

ALL_NODES = 0


class Span(msgspec.Struct, frozen=True):
    """From event `begin` on, something held at `node` (0: everywhere) until event `end` (-1: until the trace ends)."""

    kind: str
    node: int
    begin: int
    end: int
    text: str


class Timeline:
    """Spans in the order in which they began, and what happened once.

    `heights` has for each node the events at which its chain grew: (event, height). `first_applied` has for each slot
    the first event that applied it. `elections`, `decisions`, `faults` and `refusals` are events.
    """

    def __init__(self, run: RecordedRun) -> None:
        self.spans: list[Span] = []
        self.heights: dict[int, list[tuple[int, int]]] = {node: [] for node in run.nodes}
        self.first_applied: dict[int, int] = {}
        self.elections: list[int] = []
        self.faults: list[int] = []
        self._open: dict[tuple[str, int, str], tuple[int, str]] = {}
        for index, event in enumerate(run.events):
            self._take(index, event)
        for kind, node, key in list(self._open):
            self._close(kind, node, key, -1)
        self.spans.sort(key=lambda span: span.begin)

    def _take(self, index: int, event: Event) -> None:
        match event:
            case FaultInjected(fault=fault):
                self.faults.append(index)
                self._fault(index, fault)
            case NodeReported(node=node, report=NoteLine(kind, text)):
                self._note(index, node, kind, text)
            case NodeReported(node=node, report=NodeFailed(text)):
                self._close("leader", node, "", index)
            case IncarnationEnded(node=node, how=how):
                for kind in ("leader", "paused"):
                    self._close(kind, node, "", index)
                self._begin("down", node, "", index, how)
            case NodeRecovered(node=node, found=found):
                self._close("down", node, "", index)
                self.heights[node].append((index, found.height))
            case BlocksApplied(node=node, blocks=blocks) if blocks:
                self.heights[node].append((index, blocks[-1].height))
                for block in blocks:
                    self.first_applied.setdefault(block.height, index)
            case _:
                pass

    def _note(self, index: int, node: int, kind: str, text: str) -> None:
        if kind == "leader":
            self.elections.append(index)
            self._close("leader", node, "", index)
            self._begin("leader", node, "", index, text.rpartition(" ")[2])
        elif kind in {"step-down", "follows"}:
            self._close("leader", node, "", index)

    def _fault(self, index: int, fault: Any) -> None:
        match fault:
            case Pause(node=node):
                self._begin("paused", node, "", index, fault.line())
            case Resume(node=node):
                self._close("paused", node, "", index)
            case Hold():
                self._begin("hold", ALL_NODES, "", index, fault.line())
            case Release():
                self._close("hold", ALL_NODES, "", index)
            case Heal() | ClearConditions():
                ended = {"conditions"} | ({"partition", "cut"} if isinstance(fault, Heal) else set())
                for kind, node, key in list(self._open):
                    if kind in ended:
                        self._close(kind, node, key, index)
            case _:
                self._link_fault(index, fault)

    def _link_fault(self, index: int, fault: Any) -> None:
        match fault:
            case Partition():
                self._close("partition", ALL_NODES, "", index)
                self._begin("partition", ALL_NODES, "", index, fault.line())
            case CutLink(source=source, target=target):
                self._begin("cut", ALL_NODES, f"{source}-{target}", index, fault.line())
            case MendLink(source=source, target=target):
                self._close("cut", ALL_NODES, f"{source}-{target}", index)
                self._close("cut", ALL_NODES, f"{target}-{source}", index)
            case LinkConditions(rule=rule):
                key = str(fault.links)
                self._close("conditions", ALL_NODES, key, index)
                if not rule.clear:
                    self._begin("conditions", ALL_NODES, key, index, fault.line())
            case _:
                pass

    def _begin(self, kind: str, node: int, key: str, index: int, text: str) -> None:
        self._open.setdefault((kind, node, key), (index, text))

    def _close(self, kind: str, node: int, key: str, index: int) -> None:
        begun = self._open.pop((kind, node, key), None)
        if begun is not None:
            self.spans.append(Span(kind, node, begun[0], index, begun[1]))
