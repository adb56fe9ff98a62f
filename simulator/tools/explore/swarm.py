"""Draws hostile schedules: swarm testing (Groce et al., *Swarm Testing*, ISSTA 2012).

Many runs with a random few kinds of faults explore more than runs with all kinds, because kinds mask one another. So
each seed turns on a random subset of kinds, each with its own frequency; some seeds have one kind, and some none.

Faults after which a node must recover from lost promises (damaged or wiped files) are not among them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from random import Random
from typing import get_args

import msgspec

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
from simulator.mutants.registry import find
from simulator.settings import Settings
from simulator.tools.explore.permanent_faults import draw_permanent
from simulator.tools.explore.schedule import Again, Call, Look, LookKind, Schedule, ScheduledFault, Write, WriteKind
from simulator.tools.explore.triggered_faults import draw_triggers

POINTS: tuple[CrashPoint, ...] = get_args(CrashPoint)
REFUSALS: tuple[DiskFaultKind, ...] = ("full", "readonly", "failing-write", "failing-sync")
TITLES = tuple(f"t{number}" for number in range(1, 13))
LOOKS: tuple[LookKind, ...] = ("all", "all", "user", "title")
WRITES: tuple[WriteKind, ...] = ("post", "comment")
USERS = ("ann", "ben", "cyd", "dot")

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


def _disk_refuses(draw: Draw) -> Timed:
    node = draw.node()
    yield 0, DiskFault(node, draw.dice.choice(REFUSALS))
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
    "disk": _disk_refuses,
    "clock": _clock,
}
"""All kinds of actions, by name."""


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How schedules are drawn. `sizes` are numbers of nodes, `lasts_ms` bounds the time of faults.

    `quiet` and `single` are the chances of a run without faults and of one with a single kind; `shares` are the
    chances, one drawn for each run, with which each kind is on in all others. `every_ms` bounds the mean time between
    two actions of a kind; `calls_per_s` bounds the clients' load; `kinds` are those that may occur. `triggered` and
    `permanent` are the chances of a run with triggered faults and with permanent ones. A mixture `of` other profiles
    draws one of them for each seed.
    """

    sizes: tuple[int, ...] = (3, 3, 3, 4, 5, 5, 7)
    lasts_ms: tuple[int, int] = (1_500, 6_000)
    quiet: float = 0.05
    single: float = 0.3
    shares: tuple[float, ...] = (0.15, 0.3, 0.5)
    every_ms: tuple[int, int] = (150, 3_000)
    calls_per_s: tuple[int, int] = (3, 60)
    kinds: tuple[str, ...] = tuple(KINDS)
    triggered: float = 0.5
    permanent: float = 0.4
    of: tuple[str, ...] = ()


PROFILES: dict[str, Profile] = {
    "swarm": Profile(of=("storm", "core")),
    "storm": Profile(),
    "core": Profile(
        sizes=(3, 3, 4, 5, 5), lasts_ms=(1_000, 3_000), quiet=0.6, single=0.3, calls_per_s=(20, 120), triggered=1.0
    ),
    "quiet": Profile(quiet=1.0, lasts_ms=(10_000, 30_000), triggered=0.0, permanent=0.0),
    "chaos": Profile(quiet=0.0, single=0.0, shares=(0.8, 1.0), every_ms=(100, 600)),
    "crashes": Profile(
        quiet=0.0, single=0.2, kinds=("crash", "crash-at-a-point", "blackout", "disk"), every_ms=(60, 800)
    ),
    "rivals": Profile(
        sizes=(3, 3, 5), quiet=0.0, kinds=("pause", "partition", "partial-partition", "one-way", "hold", "delay"),
        every_ms=(100, 700),
    ),
    "long": Profile(lasts_ms=(20_000, 60_000), calls_per_s=(3, 20)),
}  # fmt: skip
"""The profiles by name: "storm" mixes all kinds of faults, "core" aims at changes of leader, "swarm" mixes both."""


def draw_schedule(seed: int, profile: str = "swarm", *, break_rule: str | None = None) -> Schedule:
    """The schedule of `seed`: always the same one, on any machine.

    Raises:
        KeyError: there is no such profile.
        InputError: there is no such rule to break.
    """
    dice = Random(f"plan {profile} {seed}")
    how = PROFILES[profile]
    if how.of:
        how = PROFILES[dice.choice(how.of)]
    only = find(break_rule).nodes if break_rule else 0
    settings = Settings(
        nodes=dice.choice((only,) if only else how.sizes),
        data="",
        seed=seed,
        difficulty=dice.choice((0, 1, 1, 1, 2)),
        ops_per_block=dice.choice((1, 1, 2, 8)),
        window=dice.choice((1, 2, 4, 16, 256)),
        break_rule=break_rule,
    )
    draw = Draw(settings.nodes, dice)
    heals_ms = dice.randint(*how.lasts_ms)
    return Schedule(
        settings=settings,
        faults=tuple(_scheduled_faults(draw, how, heals_ms)),
        calls=tuple(_calls(draw, how, heals_ms)),
        heals_ms=heals_ms,
        triggers=draw_triggers(dice, heals_ms) if dice.random() < how.triggered else (),
        permanent=draw_permanent(settings.nodes, dice) if dice.random() < how.permanent else (),
        profile=profile,
    )


def _scheduled_faults(draw: Draw, how: Profile, heals_ms: int) -> list[ScheduledFault]:
    dice = draw.dice
    fate = dice.random()
    if fate < how.quiet:
        return []
    if fate < how.quiet + how.single:
        kinds = [dice.choice(how.kinds)]
    else:
        share = dice.choice(how.shares)
        kinds = [kind for kind in how.kinds if dice.random() < share] or [dice.choice(how.kinds)]
    faults: list[ScheduledFault] = []
    for kind in kinds:
        every_ms = draw.span(*how.every_ms)
        at = draw.gap(every_ms)
        while at < heals_ms:
            faults += [ScheduledFault(at + later, fault) for later, fault in KINDS[kind](draw)]
            at += draw.gap(every_ms)
    faults.sort(
        key=lambda scheduled: scheduled.at_ms
    )  # Stable: the faults of one action at one moment keep their order.
    return [scheduled for scheduled in faults if scheduled.at_ms < heals_ms]


def _calls(draw: Draw, how: Profile, heals_ms: int) -> list[Call]:
    dice = draw.dice
    clients = dice.randint(1, 8)
    every_ms = 1_000 // draw.span(*how.calls_per_s)
    reads, again = dice.choice((0.2, 0.5, 0.8)), dice.choice((0.0, 0.2, 0.6))
    local = dice.choice((0.1, 0.5))
    calls: list[Call] = []
    at = draw.gap(every_ms)
    while at < heals_ms:
        client, node = dice.randint(1, clients), dice.choice(draw.nodes)
        if dice.random() < reads:
            kind: LookKind = dice.choice(LOOKS)
            name = "" if kind == "all" else dice.choice(USERS if kind == "user" else TITLES)
            calls.append(Look(at, client, node, kind, name, dice.random() >= local))
        else:
            content = f"c{len(calls)}"
            calls.append(Write(at, client, node, dice.choice(WRITES), dice.choice(USERS), dice.choice(TITLES), content))
            while dice.random() < again:
                calls.append(Again(at + draw.span(5, 1_500), client, dice.choice(draw.nodes), content))
        at += draw.gap(every_ms)
    calls.sort(key=lambda call: call.at_ms)
    return [call for call in calls if call.at_ms < heals_ms]
