"""The kinds of timed faults, and the random source that they are drawn from.

Each kind is a function: it draws one action, a fault with its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import get_args

from simulator.faults.faults import (
    ClearConditions,
    ClockFault,
    Crash,
    CrashPoint,
    CutLink,
    DeliverHeld,
    DiskFault,
    DiskFaultKind,
    Fault,
    Heal,
    Hold,
    LinkConditions,
    MendLink,
    Partition,
    Pause,
    Release,
    Restart,
    Resume,
)
from simulator.faults.links import Link, LinkRule

POINTS: tuple[CrashPoint, ...] = get_args(CrashPoint)
REFUSALS: tuple[DiskFaultKind, ...] = ("full", "readonly", "failing-write", "failing-sync")

Timed = Iterator[tuple[int, Fault]]
"""The faults of one action, each with the milliseconds from its beginning."""


class Draw:
    """The random source of one schedule, and what is drawn from it.

    `favourite` is the node that faults choose most often.
    """

    def __init__(self, nodes: int, dice: Random) -> None:
        self.nodes = tuple(range(1, nodes + 1))
        self.dice = dice
        self.favourite = dice.choice(self.nodes)

    def node(self) -> int:
        """A node; every third time the favourite."""
        return self.favourite if self.dice.random() < 1 / 3 else self.dice.choice(self.nodes)

    def span(self, least: int, most: int) -> int:
        """A number from `least` to `most`, with each octave equally likely: short spans are as likely as long ones.

        It uses no logarithm, whose last bit differs between machines.
        """
        octaves = (most // least).bit_length()
        low = least << self.dice.randrange(octaves)
        return self.dice.randint(low, min(most, 2 * low))

    def gap(self, mean_ms: int) -> int:
        """The time to the next of events that come every `mean_ms` on average."""
        return self.dice.randint(1, 2 * mean_ms)

    def shuffled(self) -> list[int]:
        """All nodes in random order."""
        return self.dice.sample(self.nodes, len(self.nodes))

    def links(self) -> tuple[Link, ...]:
        """All links (an empty tuple), those of one node, or one link."""
        fate = self.dice.random()
        if fate < 0.4 or len(self.nodes) == 1:
            return ()
        node, other = self.dice.sample(self.nodes, 2)
        if fate < 0.8:
            return tuple(link for peer in self.nodes if peer != node for link in ((node, peer), (peer, node)))
        return ((node, other),)


def _crash(draw: Draw) -> Timed:
    node = draw.node()
    yield 0, Crash(node)
    yield draw.span(5, 2_000), Restart(node)


def _crash_at_a_point(draw: Draw) -> Timed:
    node = draw.node()
    yield 0, Crash(node, draw.dice.choice(POINTS))
    yield draw.span(50, 1_000), Restart(node)
    yield 2_000, Restart(node)


def _blackout(draw: Draw) -> Timed:
    nodes = draw.shuffled()[: draw.dice.randint(len(draw.nodes) // 2, len(draw.nodes))]
    for node in nodes:
        yield 0, Crash(node)
    dark = draw.span(5, 1_000)
    for node in nodes:
        yield dark + draw.dice.randint(0, 50), Restart(node)


def _pause(draw: Draw) -> Timed:
    node = draw.node()
    yield 0, Pause(node)
    yield draw.span(20, 3_000), Resume(node)


def _partition(draw: Draw) -> Timed:
    nodes = draw.shuffled()
    cut = draw.dice.randint(1, max(1, len(nodes) // 2))
    groups = [nodes[:cut], nodes[cut:]]
    if len(nodes) > 3 and draw.dice.random() < 0.2:
        groups = [nodes[:cut], nodes[cut : cut + 1], nodes[cut + 1 :]]
    yield 0, Partition(tuple(tuple(sorted(group)) for group in groups if group))
    yield draw.span(50, 3_000), Heal()


def _partial_partition(draw: Draw) -> Timed:
    """A row, a star or a ring: each node reaches some of the others (Ng et al., *Omni-Paxos*, EuroSys 2023)."""
    row = draw.shuffled()
    shape = draw.dice.choice(("row", "star", "ring"))
    near = set(pairwise(row))
    if shape == "star":
        near = {(row[0], other) for other in row[1:]}
    elif shape == "ring":
        near.add((row[-1], row[0]))
    cut = [(a, b) for place, a in enumerate(row) for b in row[place + 1 :] if (a, b) not in near and (b, a) not in near]
    for a, b in cut:
        yield 0, CutLink(a, b)
    lasts = draw.span(100, 3_000)
    for a, b in cut:
        yield lasts, MendLink(a, b)


def _one_way(draw: Draw) -> Timed:
    lasts = draw.span(50, 3_000)
    node = draw.node()
    others = [other for other in draw.shuffled() if other != node]
    for other in others[: draw.dice.randint(1, max(1, len(others)))]:
        ends = (node, other) if draw.dice.random() < 0.5 else (other, node)
        yield 0, CutLink(*ends, one_way=True)
        yield lasts, MendLink(*ends, one_way=True)


def _conditions(draw: Draw, rule: LinkRule) -> Timed:
    yield 0, LinkConditions(rule, draw.links())
    yield draw.span(100, 4_000), ClearConditions()


def _delay(draw: Draw) -> Timed:
    delay = draw.span(1, 400)
    return _conditions(draw, LinkRule(delay_ms=delay, jitter_ms=draw.dice.choice((0, delay // 2, 2 * delay))))


def _drop(draw: Draw) -> Timed:
    return _conditions(draw, LinkRule(drop=draw.dice.choice((0.02, 0.1, 0.3, 0.5))))


def _duplicate(draw: Draw) -> Timed:
    return _conditions(draw, LinkRule(duplicate=draw.dice.choice((0.05, 0.3, 0.9)), jitter_ms=draw.span(1, 200)))


def _reorder(draw: Draw) -> Timed:
    return _conditions(draw, LinkRule(reorder=draw.dice.choice((0.05, 0.3, 0.9)), delay_ms=draw.span(1, 100)))


def _hold(draw: Draw) -> Timed:
    yield 0, Hold()
    lasts = draw.span(20, 600)
    for _ in range(draw.dice.randint(0, 4)):
        source, target = draw.dice.sample(draw.nodes, 2)
        yield draw.dice.randint(1, lasts), DeliverHeld(link=(source, target))
    yield lasts, Release()


def _disk_fails(draw: Draw) -> Timed:
    node = draw.node()
    kind = draw.dice.choice((*REFUSALS, "slow"))
    yield 0, DiskFault(node, kind, delay_ms=draw.dice.choice((5, 40, 250)) if kind == "slow" else 0)
    lasts = draw.span(50, 1_000)
    yield lasts, DiskFault(node, "ok")
    yield lasts + draw.span(1, 500), Restart(node)


def _clock(draw: Draw) -> Timed:
    node = draw.node()
    rate = draw.dice.choice((50, 80, 95, 100, 105, 125, 200))
    yield 0, ClockFault(node, rate, draw.dice.choice((-3_000, -200, 0, 0, 100, 2_000)))
    yield draw.span(200, 4_000), ClockFault(node)


KINDS: dict[str, Callable[[Draw], Timed]] = {
    "crash": _crash,
    "crash-at-a-point": _crash_at_a_point,
    "blackout": _blackout,
    "pause": _pause,
    "partition": _partition,
    "partial-partition": _partial_partition,
    "one-way": _one_way,
    "delay": _delay,
    "drop": _drop,
    "duplicate": _duplicate,
    "reorder": _reorder,
    "hold": _hold,
    "disk": _disk_fails,
    "clock": _clock,
}
"""All kinds of actions, by name."""
