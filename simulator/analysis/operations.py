"""The operations of the clients as intervals, each with the moment at which it took effect.

The chain gives the order: a write takes effect when its block is first applied, and a linearizable read after the block
at whose height it was read. Both moments lie between call and return, or something is wrong.
"""

from __future__ import annotations

from collections import deque
from typing import Any

import msgspec

from blog.operations import Post
from simulator.analysis.event_text import value_text
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.cluster.history import Event as HistoryEvent
from simulator.node.client_api import ClientRead, ClientWrite, ReadAnswer
from simulator.node.codec import MalformedText, parse_operation, parse_operations
from simulator.trace.events import BlocksApplied, ClientCalled, NodeReported
from simulator.trace.format import History

_VIEWS = {"view_all": ("all", "whole"), "view_user": ("user", "any"), "view_title": ("title", "any")}


class ClientOperation(msgspec.Struct, kw_only=True):
    """One operation. `invoked`, `returned` and `effect` are events; `NOWHERE` where there is none.

    `outcome` is ok, refused, fail, info or open. `asked` is the event of the call at its node. `height` is the block of
    a write, and the height at which a read was answered; -1 if unknown. `late` is true when the effect lies outside of
    the interval: no such order can be right.
    """

    process: int
    f: str
    text: str
    invoked: int
    returned: int = NOWHERE
    outcome: str = "open"
    answer: str = ""
    local: bool = False
    node: int = 0
    asked: int = NOWHERE
    request: str = ""
    height: int = -1
    effect: int = NOWHERE
    late: bool = False


class _Answers:
    """Where each request and each block was first applied, and at which height each read was answered."""

    def __init__(self, run: RecordedRun) -> None:
        self.applied: dict[str, tuple[int, int]] = {}  # By request: event, height.
        self.heights: dict[int, int] = {}  # By height: event.
        self.reads: dict[tuple[int, int], tuple[int, int]] = {}  # By node and number: event, height.
        self.calls: dict[tuple[Any, ...], deque[int]] = {}
        for index, event in enumerate(run.events):
            match event:
                case BlocksApplied(blocks=blocks):
                    for block in blocks:
                        if block.height not in self.heights:
                            self.heights[block.height] = index
                        self._requests(index, block.height, block.operations_text)
                case NodeReported(node=node, report=ReadAnswer(number, height=height)):
                    self.reads.setdefault((node, number), (index, height))
                case ClientCalled(call=ClientWrite(request)):
                    try:
                        operation, _, _ = parse_operation(request.operation)
                    except MalformedText:
                        continue
                    f = "post" if isinstance(operation, Post) else "comment"
                    key = (f, operation.username, operation.title, operation.content)
                    self.calls.setdefault(key, deque()).append(index)
                case ClientCalled(call=ClientRead(_, kind, name, linearizable)):
                    self.calls.setdefault((kind, name, linearizable), deque()).append(index)
                case _:
                    pass

    def _requests(self, index: int, height: int, text: str) -> None:
        try:
            operations = parse_operations(text)
        except MalformedText:
            return
        for _, client, seq in operations:
            self.applied.setdefault(f"{client}:{seq}", (index, height))

    def call_of(self, run: RecordedRun, operation: ClientOperation, value: Any) -> int:
        """The event at which the call reached its node: the one of equal content and equal time."""
        at_ms = run.events[operation.invoked].at_ms
        keys: list[tuple[Any, ...]]
        if operation.f in _VIEWS:
            names = "" if value is None else value
            keys = [(kind, names, not operation.local) for kind in _VIEWS[operation.f]]
        else:
            keys = [(operation.f, *value)] if isinstance(value, list) else []
        for key in keys:
            waiting = self.calls.get(key)
            while waiting and run.events[waiting[0]].at_ms < at_ms - 1:
                waiting.popleft()  # Sent again by hand, or by a client that the history does not name.
            if waiting and run.events[waiting[0]].at_ms <= at_ms + 1:
                return waiting.popleft()
        return NOWHERE


def operations_of(run: RecordedRun) -> list[ClientOperation]:
    """All operations in the order of their calls."""
    answers = _Answers(run)
    found: list[ClientOperation] = []
    open_of: dict[int, ClientOperation] = {}
    for index, event in enumerate(run.events):
        if not isinstance(event, History):
            continue
        entry = event.entry
        if entry.type == "invoke":
            operation = _invoked(index, entry)
            operation.asked = answers.call_of(run, operation, entry.value)
            found.append(operation)
            open_of[entry.process] = operation
        elif (returning := open_of.pop(entry.process, None)) is not None:
            _return(returning, index, entry)
    for operation in found:
        _place(run, operation, answers)
    return found


def _invoked(index: int, entry: HistoryEvent) -> ClientOperation:
    return ClientOperation(
        process=entry.process,
        f=entry.f,
        text=f"{entry.f} {value_text(entry.value)}".rstrip(),
        invoked=index,
        local=entry.read == "local",
        node=entry.node,
    )


def _return(operation: ClientOperation, index: int, entry: HistoryEvent) -> None:
    operation.returned = index
    operation.outcome = entry.type
    operation.answer = value_text(entry.value)
    if entry.type == "ok" and operation.f in {"post", "comment"} and entry.value != "ok":
        operation.outcome = "refused"


def _place(run: RecordedRun, operation: ClientOperation, answers: _Answers) -> None:
    """Find the event at which the operation took effect."""
    if operation.asked == NOWHERE:
        return
    call = run.events[operation.asked]
    operation.node = call.node
    assert isinstance(call, ClientCalled)
    if isinstance(call.call, ClientWrite):
        operation.request = f"{call.call.request.client}:{call.call.request.seq}"
        operation.effect, operation.height = answers.applied.get(operation.request, (NOWHERE, -1))
    elif isinstance(call.call, ClientRead):
        answered, operation.height = answers.reads.get((call.node, call.call.number), (NOWHERE, -1))
        if answered == NOWHERE:
            return
        if operation.local:
            operation.effect = answered
        else:
            # It shows block `height`, so it comes after that block, and after its own call.
            operation.effect = max(operation.asked, answers.heights.get(operation.height, NOWHERE))
    if NOWHERE not in (operation.effect, operation.returned):
        operation.late = operation.outcome != "info" and operation.effect > operation.returned
