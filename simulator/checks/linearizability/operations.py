"""A history as operations: each call paired with its return, in columns for fast reading.

Moments are positions in the list of events, not times: the list is in real-time order, so events of one millisecond are
ordered too. Operations that certainly had no effect (`fail`) stay in the columns, marked `FAILED`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from simulator.cluster.history import Event

PENDING = sys.maxsize
"""The return of a pending operation: it has none, so it may take effect at any moment after its call, or never."""

FAILED = -1
"""The return of an operation that certainly did not happen."""


@dataclass(slots=True)
class Operations:
    """Operations in order of call. `call` and `ret` are positions of events; `ret` may be `PENDING` or `FAILED`.

    `returned` holds the operations that returned `ok`, in order of return. `node` is filled in for local reads only.
    """

    f: list[str] = field(default_factory=list)
    arg: list[Any] = field(default_factory=list)
    result: list[Any] = field(default_factory=list)
    call: list[int] = field(default_factory=list)
    ret: list[int] = field(default_factory=list)
    process: list[int] = field(default_factory=list)
    node: list[int] = field(default_factory=list)
    returned: list[int] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.f)


@dataclass(slots=True)
class PairedHistory:
    """A history: the operations that must be linearizable, the local reads, and the number of events."""

    main: Operations
    local: Operations
    events: int


def pair(events: Sequence[Event]) -> PairedHistory:
    """Pair calls with returns, in one pass. Events that do not fit are left out: see `misplaced`."""
    main, local = Operations(), Operations()
    open_at: dict[int, tuple[Operations, int]] = {}
    fs, args, results, calls, rets = main.f, main.arg, main.result, main.call, main.ret
    processes, returned = main.process, main.returned
    for position, event in enumerate(events):
        kind, process = event.type, event.process
        if kind == "invoke":
            if event.read:
                open_at[process] = local, len(local)
                _open(local, event, position)
                continue
            open_at[process] = main, len(fs)
            fs.append(event.f)
            args.append(event.value)
            results.append(None)
            calls.append(position)
            rets.append(PENDING)
            processes.append(process)
            continue
        entry = open_at.pop(process, None)
        if entry is None:
            continue
        table, number = entry
        if kind == "ok":
            if table is main:
                rets[number] = position
                results[number] = event.value
                returned.append(number)
            else:
                table.ret[number] = position
                table.result[number] = event.value
                table.returned.append(number)
        elif kind == "fail":
            table.ret[number] = FAILED
    return PairedHistory(main, local, len(events))


def misplaced(events: Sequence[Event], lines: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Each event that does not fit, as (position, reason): a return without a call, a second call.

    `lines` are line numbers in the file; reasons name earlier events by them.
    """
    open_calls: dict[int, int] = {}
    for position, event in enumerate(events):
        process = event.process
        if event.type == "invoke":
            earlier = open_calls.get(process)
            if earlier is not None:
                still = f"its {events[earlier].f!r} of line {lines[earlier]} is still open"
                yield position, f"process {process} calls {event.f!r} while {still}"
            open_calls[process] = position
            continue
        earlier = open_calls.pop(process, None)
        if earlier is None:
            yield position, f"{event.type!r} of process {process}, which has no open call"
            continue
        called = events[earlier]
        if called.f != event.f:
            yield position, f"{event.f!r} ends a call of {called.f!r} (line {lines[earlier]})"
        elif called.read != event.read or called.node != event.node:
            yield position, f"its read and node are not those of its call (line {lines[earlier]})"


_AS_OTHER = 1_000_000
"""A node that has lost its memory counts as another one: what it shows may go back once."""


def _open(table: Operations, event: Event, position: int) -> None:
    table.f.append(event.f)
    table.arg.append(event.value)
    table.result.append(None)
    table.call.append(position)
    table.ret.append(PENDING)
    table.process.append(event.process)
    table.node.append(event.node + _AS_OTHER * event.anew)
