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


class Life(NamedTuple):
    """The events of one element: positions of its add, and of its only remove, which was called after the add ended."""

    add_call: float
    add_ret: float
    remove_call: float
    remove_ret: float


def read_windows(
    reads: Mapping[int, tuple[float, float, frozenset[State]]], lives: Mapping[State, Life]
) -> dict[int, tuple[float, float]]:
    """For each read (call, return, elements) the bounds between which it took effect; they are empty in no order."""
    coming = sorted(lives, key=lambda element: lives[element].add_call, reverse=True)
    alive: dict[State, Life] = {}
    windows: dict[int, tuple[float, float]] = {}
    for number, (call, ret, shown) in sorted(reads.items(), key=lambda read: read[1][1]):
        while coming and lives[coming[-1]].add_call < ret:
            element = coming.pop()
            alive[element] = lives[element]
        for element in [element for element, life in alive.items() if life.remove_ret < _oldest(reads, number)]:
            del alive[element]
        windows[number] = _narrowed(call, ret, shown, alive, lives)
    return windows


def _oldest(reads: Mapping[int, tuple[float, float, frozenset[State]]], number: int) -> float:
    return reads[number][0] - HALF


def _narrowed(
    low: float, high: float, shown: frozenset[State], alive: Mapping[State, Life], lives: Mapping[State, Life]
) -> tuple[float, float]:
    for element in shown:
        life = lives.get(element)
        if life is not None:
            low = max(low, life.add_call + HALF)
            high = min(high, life.remove_ret - HALF)
    undecided = [life for element, life in alive.items() if element not in shown and life.remove_ret > low]
    moved = True
    while moved and undecided:
        moved = False
        left: list[Life] = []
        for life in undecided:
            if life.add_ret < low and life.remove_call > low:
                low, moved = life.remove_call + HALF, True
            elif life.remove_call > high and life.add_ret < high:
                high, moved = life.add_ret - HALF, True
            elif life.add_ret > low and life.remove_call < high:
                left.append(life)
        undecided = left
    return low, high
