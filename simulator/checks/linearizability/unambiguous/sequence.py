"""Operations whose order is known: whether real time allows it."""

from __future__ import annotations

from collections.abc import Iterable

from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.unambiguous.conflict import Conflict


def sequence_conflict(table: Operations, steps: Iterable[int]) -> Conflict | None:
    """The contradiction if the operations `steps` cannot take effect in this order.

    One pass places each at the earliest moment, its own call or that of one before it.
    """
    calls, rets = table.call, table.ret
    latest = -1
    moment = -1
    for number in steps:
        if rets[number] < moment:
            return Conflict("{0} ended before {1} began, but what reads show puts it later", (number, latest))
        if calls[number] > moment:
            latest, moment = number, calls[number]
    return None
