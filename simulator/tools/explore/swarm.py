"""Draws hostile schedules: swarm testing (Groce et al., *Swarm Testing*, ISSTA 2012).

Many runs with a random few kinds of faults explore more than runs with all kinds, because kinds mask one another. So
each seed turns on a random subset of kinds, each with its own frequency; some seeds have one kind, and some none.

Faults after which a node must recover from lost promises (damaged or wiped files) are not among them.
"""

from __future__ import annotations

from random import Random

import msgspec

from simulator.mutants.registry import find
from simulator.settings import Settings
from simulator.tools.explore.client_habits import CROWD_SETTINGS, with_crowds, with_habits
from simulator.tools.explore.draw_calls import draw_calls
from simulator.tools.explore.fault_kinds import KINDS, Draw
from simulator.tools.explore.late_words import LateWord, draw_late_words
from simulator.tools.explore.leavers import Leaver, draw_leaver
from simulator.tools.explore.limits import draw_limits
from simulator.tools.explore.memory_faults import draw_memory_faults, without_absence
from simulator.tools.explore.permanent_faults import draw_permanent
from simulator.tools.explore.schedule import Schedule, ScheduledFault
from simulator.tools.explore.triggered_calls import draw_triggered_calls
from simulator.tools.explore.triggered_faults import (
    TriggeredFault,
    draw_member_triggers,
    draw_power_cuts,
    draw_triggers,
)


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """How schedules are drawn. `sizes` are numbers of nodes, `lasts_ms` bounds the time of faults.

    `quiet` and `single` are the chances of a run without faults and of one with a single kind; `shares` are the
    chances, one drawn for each run, with which each kind is on in all others. `every_ms` bounds the mean time between
    two actions of a kind; `calls_per_s` bounds the clients' load; `kinds` are those that may occur. The rest are
    chances of a run: `triggered` and `members` of triggered faults at moments of proposers and of the others, `late` of
    late words, `leaves` of a node that leaves for good, `power_cuts` of kills before power cuts, `permanent`
    of permanent faults, `forgetful` of losses of memory, `habits` of each habit of clients, `crowds` of a crowd, and
    `asks` of clients who ask new leaders at once. A mixture `of` other profiles draws one of them for each seed.
    """

    sizes: tuple[int, ...] = (3, 3, 3, 4, 5, 5, 6, 7)
    lasts_ms: tuple[int, int] = (1_500, 6_000)
    quiet: float = 0.05
    single: float = 0.3
    shares: tuple[float, ...] = (0.15, 0.3, 0.5)
    every_ms: tuple[int, int] = (150, 3_000)
    calls_per_s: tuple[int, int] = (3, 60)
    kinds: tuple[str, ...] = tuple(KINDS)
    triggered: float = 0.5
    members: float = 0.4
    late: float = 0.25
    leaves: float = 0.2
    power_cuts: float = 0.2
    permanent: float = 0.4
    habits: float = 0.4
    crowds: float = 0.08
    asks: float = 0.4
    forgetful: float = 0.25
    of: tuple[str, ...] = ()


PROFILES: dict[str, Profile] = {
    "swarm": Profile(of=("storm", "core")),
    "storm": Profile(),
    "core": Profile(
        sizes=(3, 3, 4, 5, 5), lasts_ms=(1_000, 3_000), quiet=0.6, single=0.3, calls_per_s=(20, 120), triggered=1.0
    ),
    "quiet": Profile(
        quiet=1.0,
        lasts_ms=(10_000, 30_000),
        triggered=0.0,
        members=0.0,
        late=0.0,
        leaves=0.0,
        power_cuts=0.0,
        permanent=0.0,
        forgetful=0.0,
    ),
    "amnesia": Profile(sizes=(3, 4, 5, 5, 7), lasts_ms=(1_000, 3_000), quiet=0.2, single=0.5, forgetful=1.0),
    "chaos": Profile(quiet=0.0, single=0.0, shares=(0.8, 1.0), every_ms=(100, 600)),
    "crashes": Profile(
        quiet=0.0, single=0.2, kinds=("crash", "crash-at-a-point", "blackout", "disk"), every_ms=(60, 800)
    ),
    "moments": Profile(
        sizes=(3, 3, 5), lasts_ms=(1_500, 3_000), quiet=0.9, single=0.1, calls_per_s=(40, 120), triggered=0.0,
        members=1.0, late=0.0, leaves=1.0, forgetful=0.0,
    ),
    "power-cuts": Profile(
        sizes=(3, 3, 5), lasts_ms=(1_500, 3_000), quiet=0.9, triggered=0.0, members=0.0, power_cuts=1.0
    ),
    "late": Profile(
        sizes=(3, 3, 5), lasts_ms=(1_500, 3_000), quiet=0.8, single=0.2, calls_per_s=(40, 120), triggered=0.2,
        members=0.0, late=1.0, leaves=0.0, power_cuts=0.0, forgetful=0.0,
    ),
    "rivals": Profile(
        sizes=(3, 3, 5), quiet=0.0, kinds=("pause", "partition", "partial-partition", "one-way", "hold", "delay"),
        every_ms=(100, 700),
    ),
    "long": Profile(lasts_ms=(20_000, 60_000), calls_per_s=(3, 20)),
}  # fmt: skip
"""The profiles by name: "storm" mixes all kinds of faults, "core" aims at changes of leader, "swarm" mixes both;
"moments" has faults at moments of acceptors and learners in every run, "late" has late words in every run."""


def draw_schedule(seed: int, profile: str = "swarm", *, break_rule: str | None = None, nodes: int = 0) -> Schedule:
    """The schedule of `seed`: always the same one, on any machine; for a cluster of `nodes`, unless that is 0.

    Raises:
        KeyError: there is no such profile.
        InputError: there is no such rule to break.
    """
    dice = Random(f"plan {profile} {seed}")
    how = PROFILES[profile]
    if how.of:
        how = PROFILES[dice.choice(how.of)]
    only = nodes or (find(break_rule).nodes if break_rule else 0)
    settings = Settings(
        nodes=dice.choice((only,) if only else how.sizes),
        data="",
        seed=seed,
        difficulty=dice.choice((0, 1, 1, 1, 2)),
        ops_per_block=dice.choice((1, 1, 2, 8)),
        window=dice.choice((1, 2, 4, 16, 256)),
        break_rule=break_rule,
    )
    settings = draw_limits(settings, Random(f"limits {profile} {seed}"))
    draw, clients = Draw(settings.nodes, dice), Draw(settings.nodes, Random(f"clients {profile} {seed}"))
    heals_ms = dice.randint(*how.lasts_ms)
    faults = tuple(_scheduled_faults(draw, how, heals_ms))
    calls = with_habits(draw_calls(draw, how.calls_per_s, heals_ms), clients, heals_ms, how.habits)
    if clients.dice.random() < how.crowds:
        calls = with_crowds(calls, clients, heals_ms)
        settings = msgspec.structs.replace(settings, **clients.dice.choice(CROWD_SETTINGS))
    power = Random(f"power {profile} {seed}")
    power_cuts = draw_power_cuts(power, heals_ms) if power.random() < how.power_cuts else ()
    leaver, provoked = _leaver(settings.nodes, how, heals_ms, Random(f"leaver {profile} {seed}"))
    schedule = Schedule(
        settings=settings,
        faults=faults,
        calls=tuple(calls),
        heals_ms=heals_ms,
        triggers=_in_order(
            *_triggers(draw, how, heals_ms, Random(f"members {profile} {seed}")), *provoked, *power_cuts
        ),
        late_words=_late_words(settings.nodes, how, heals_ms, Random(f"late words {profile} {seed}")),
        leaver=leaver,
        permanent=draw_permanent(settings.nodes, dice) if dice.random() < how.permanent else (),
        asks=draw_triggered_calls(clients.dice, heals_ms) if clients.dice.random() < how.asks else (),
        profile=profile,
    )
    losses = Random(f"losses {profile} {seed}")  # Of their own, so that the rest of a seed stays what it was.
    if losses.random() >= how.forgetful:
        return schedule
    lossy = [*schedule.faults, *draw_memory_faults(settings.nodes, losses, heals_ms)]
    return msgspec.structs.replace(
        schedule,
        faults=tuple(sorted(lossy, key=lambda scheduled: scheduled.at_ms)),
        leaver=None,
        permanent=without_absence(schedule.permanent),
    )


def _triggers(draw: Draw, how: Profile, heals_ms: int, members: Random) -> tuple[TriggeredFault, ...]:
    """Those at moments of proposers, and those at moments of acceptors and learners."""
    laid = draw_triggers(draw.dice, heals_ms) if draw.dice.random() < how.triggered else ()
    return (*laid, *draw_member_triggers(members, heals_ms)) if members.random() < how.members else laid


def _in_order(*triggers: TriggeredFault) -> tuple[TriggeredFault, ...]:
    return tuple(sorted(triggers, key=lambda trigger: trigger.from_ms))


def _leaver(nodes: int, how: Profile, heals_ms: int, dice: Random) -> tuple[Leaver | None, tuple[TriggeredFault, ...]]:
    return draw_leaver(dice, nodes, heals_ms) if dice.random() < how.leaves else (None, ())


def _late_words(nodes: int, how: Profile, heals_ms: int, dice: Random) -> tuple[LateWord, ...]:
    return draw_late_words(dice, nodes, heals_ms) if dice.random() < how.late else ()


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
