"""When each read of a set may have taken effect: its interval, narrowed by the elements that it shows and misses.

A read that shows an element comes after the call of its add, and before the return of its remove. A read that misses
one comes before its add, or after its remove; that is known as soon as one of the two is excluded.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from simulator.checks.linearizability.model import State

HALF = 0.5
"""Bounds lie between events: a little after a call, a little before a return."""


class Span(NamedTuple):
    """The events of one element: positions of its add, and of its only remove, which was called after the add ended."""

    add_call: float
    add_ret: float
    remove_call: float
    remove_ret: float


def read_windows(
    reads: Mapping[int, tuple[float, float, frozenset[State]]], spans: Mapping[State, Span]
) -> dict[int, tuple[float, float]]:
    """For each read (call, return, elements) the bounds between which it took effect; they are empty in no order."""
    coming = sorted(spans, key=lambda element: spans[element].add_call, reverse=True)
    alive: dict[State, Span] = {}
    windows: dict[int, tuple[float, float]] = {}
    for number, (call, ret, shown) in sorted(reads.items(), key=lambda read: read[1][1]):
        while coming and spans[coming[-1]].add_call < ret:
            element = coming.pop()
            alive[element] = spans[element]
        for element in [element for element, span in alive.items() if span.remove_ret < _oldest(reads, number)]:
            del alive[element]
        windows[number] = _narrowed(call, ret, shown, alive, spans)
    return windows


def _oldest(reads: Mapping[int, tuple[float, float, frozenset[State]]], number: int) -> float:
    return reads[number][0] - HALF


def _narrowed(
    low: float, high: float, shown: frozenset[State], alive: Mapping[State, Span], spans: Mapping[State, Span]
) -> tuple[float, float]:
    for element in shown:
        span = spans.get(element)
        if span is not None:
            low = max(low, span.add_call + HALF)
            high = min(high, span.remove_ret - HALF)
    undecided = [span for element, span in alive.items() if element not in shown and span.remove_ret > low]
    moved = True
    while moved and undecided:
        moved = False
        left: list[Span] = []
        for span in undecided:
            if span.add_ret < low and span.remove_call > low:
                low, moved = span.remove_call + HALF, True
            elif span.remove_call > high and span.add_ret < high:
                high, moved = span.add_ret - HALF, True
            elif span.add_ret > low and span.remove_call < high:
                left.append(span)
        undecided = left
    return low, high
