"""A register whose values that are read were written once: decided by the zones of the values."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.checks.linearizability.model import State, frozen
from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict
from simulator.checks.linearizability.unambiguous.zones import FIRST, Zone, zone_conflict, zone_of


def decide_register(table: Operations, numbers: Sequence[int], first: State) -> Conflict | None:
    """None if the operations `numbers` of a register that starts with `first` are linearizable. O(n log n).

    A pending write that nobody read can be left out of every order. One that was read took effect, and its return lies
    after all events; nothing else changes.

    Raises:
        Ambiguous: a value that was read was written twice.
    """
    reads, writes = _clusters(table, numbers)
    written: dict[State, int] = {first: FIRST}
    repeated: set[State] = set()
    for value, number in writes:
        if value in written:
            repeated.add(value)
        written[value] = number
    calls, rets = table.call, table.ret
    zones: list[Zone] = []
    for value, readers in reads.items():
        if value in repeated:
            raise Ambiguous
        writer = written.get(value)
        if writer is None:
            return Conflict("{0} read a value that nobody wrote", (readers[0],))
        if writer == FIRST:
            zones.append(zone_of(table, readers, from_start=True))
            continue
        ended_first = min(readers, key=rets.__getitem__)
        if rets[ended_first] < calls[writer]:
            return Conflict("{0} ended before {1} began, and read its value", (ended_first, writer))
        readers.append(writer)
        zones.append(zone_of(table, readers, from_start=False))
    for value, number in writes:
        if value not in reads and rets[number] != PENDING:
            zones.append(Zone(rets[number], calls[number], number, number))
    return zone_conflict(zones)


def _clusters(table: Operations, numbers: Sequence[int]) -> tuple[dict[State, list[int]], list[tuple[State, int]]]:
    """The reads of each value, and all writes as (value, operation)."""
    fs, args, results = table.f, table.arg, table.result
    reads: dict[State, list[int]] = {}
    writes: list[tuple[State, int]] = []
    for number in numbers:
        if fs[number] == "write":
            writes.append((frozen(args[number]), number))
        else:
            reads.setdefault(frozen(results[number]), []).append(number)
    return reads, writes
