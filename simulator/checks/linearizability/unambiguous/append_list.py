"""A list that only grows, whose elements are distinct: the longest read gives the order of the appends.

Every read shows a first part of the list, so the appends that a read shows are ordered, and each read stands between
two of them. Appends that no read shows come after all reads. One pass places each operation at the earliest moment that
the order allows; it fails if and only if some operation is over by then.
"""

from __future__ import annotations

from collections.abc import Sequence

from simulator.checks.linearizability.model import State, frozen
from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict
from simulator.checks.linearizability.unambiguous.sequence import sequence_conflict


def decide_append_list(table: Operations, numbers: Sequence[int], first: Sequence[State]) -> Conflict | None:
    """None if the operations `numbers` of a list that began with `first` are linearizable. Linear in what reads show.

    Raises:
        Ambiguous: an element that reads show was appended twice.
    """
    appends: dict[State, int] = {}
    repeated: set[State] = set(first)
    reads: list[tuple[int, tuple[State, ...], int]] = []
    for number in numbers:
        if table.f[number] == "append":
            element = frozen(table.arg[number][1])
            if appends.setdefault(element, number) != number:
                repeated.add(element)
        else:
            shown = tuple(map(frozen, table.result[number][1] or ()))
            reads.append((len(shown), shown, number))
    reads.sort(key=lambda read: (read[0], table.call[read[2]]))
    longest, latest = (reads[-1][1], reads[-1][2]) if reads else (tuple(first), -1)
    if not repeated.isdisjoint(longest[len(first) :]):
        raise Ambiguous
    for length, shown, number in reads:
        if shown != longest[:length]:
            return Conflict("{0} and {1} show lists of which neither is the beginning of the other", (number, latest))
        if shown[: len(first)] != tuple(first):
            return Conflict("{0} does not show what the list began with", (number,))
    order: list[int] = []
    for element in longest[len(first) :]:
        if element not in appends:
            return Conflict("{0} shows an element that nobody appended", (latest,))
        order.append(appends[element])
    if len(set(order)) != len(order):
        return Conflict("{0} shows an element twice that was appended once", (latest,))
    steps = between(order, [(length - len(first), number) for length, _, number in reads])
    return sequence_conflict(table, steps) or _rest_conflict(table, numbers, set(order), steps)


def between(order: Sequence[int], reads: Sequence[tuple[int, int]]) -> list[int]:
    """The writes in `order`, with each read after as many of them as it shows. `reads` are sorted (count, read)."""
    steps: list[int] = []
    at = 0
    for place in range(len(order) + 1):
        while at < len(reads) and reads[at][0] == place:
            steps.append(reads[at][1])
            at += 1
        steps += order[place : place + 1]
    return steps


def _rest_conflict(table: Operations, numbers: Sequence[int], shown: set[int], steps: Sequence[int]) -> Conflict | None:
    """Appends that no read shows come after every read and every append that one shows."""
    if not steps:
        return None
    last = max(steps, key=table.call.__getitem__)
    for number in numbers:
        if table.f[number] == "append" and number not in shown and table.ret[number] < table.call[last]:
            return Conflict("{0} ended before {1} began, and no read shows its element", (number, last))
    return None
