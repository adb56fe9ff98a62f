"""The limits of a cluster: drawn by the seed, written down with a failure, and taken away when that changes nothing."""

from __future__ import annotations

import json
from collections import Counter

import msgspec

from simulator.scenario.language.commands import SetKey
from simulator.scenario.language.parser import parse_scenario
from simulator.settings import LIMITS, Limits, Settings
from simulator.tools.explore.bound import bound_ms
from simulator.tools.explore.limits import SMALL
from simulator.tools.explore.schedule import Schedule, Write
from simulator.tools.explore.shrink import shrink
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from simulator.trace.format import Header, header_for
from simulator.worlds.open import with_wishes

SMALLEST = Limits(**{name: min(values) for name, values in SMALL.items()})


def test_every_limit_is_small_in_some_seeds_and_all_are_usual_in_half_of_them() -> None:
    """The same seed has the same ones."""
    drawn = [draw_schedule(seed).settings.limits for seed in range(200)]

    assert drawn == [draw_schedule(seed).settings.limits for seed in range(200)]
    small = Counter(name for limits in drawn for name in limits.drawn())
    assert set(small) == set(LIMITS) == set(SMALL)
    assert min(small.values()) >= 20
    assert 70 <= drawn.count(Limits()) <= 130


def test_a_trace_and_a_scenario_tell_the_limits() -> None:
    """Those that are not the usual ones, so that the run can be repeated from either."""
    settings = Settings(nodes=3, limits=Limits(compact_bytes=300, catchup_slots=1))
    schedule = Schedule(settings=settings, heals_ms=10)

    header = header_for(settings, "virtual")
    commands = [line.command for line in parse_scenario("\n".join(schedule.lines()), nodes=3)]
    wishes = {command.key: command.value for command in commands if isinstance(command, SetKey)}

    assert header.settings["limits"] == {"catchup_slots": 1, "compact_bytes": 300}
    assert header.to_settings().limits == settings.limits
    assert with_wishes(Settings(), wishes).limits == settings.limits
    assert "limits" not in header_for(Settings(), "virtual").settings
    assert json.loads(json.dumps(header.settings)) == header.settings
    assert Header(trace=2, world="virtual", seed=0, settings={}).to_settings().limits == Limits()


def test_the_smallest_limits_of_all_are_survived() -> None:
    """All of them at once, on schedules with the usual ones."""
    happened: Counter[str] = Counter()
    for seed in range(8):
        schedule = draw_schedule(seed)
        for name in LIMITS:
            settings = schedule.settings.changed(name, getattr(SMALLEST, name))
            schedule = msgspec.structs.replace(schedule, settings=settings)
        outcome = run_trial(schedule)
        assert outcome.violations == (), outcome.violations[0].sentence(f"seed {seed}")
        happened.update(outcome.sometimes)

    for what in (
        "compactions",
        "votes deferred",
        "ACCEPTs that go on after a full one",
        "full CATCHUPs",
        "full FORWARDs",
    ):
        assert happened[what] >= 8, what


def test_a_failure_is_shrunk_to_the_usual_limits_where_they_do_not_matter() -> None:
    """A small quorum needs no limit to break something."""
    calls = tuple(Write(at, 1, 1, "post", "ann", f"t{at}", f"c{at}") for at in range(300, 800, 20))
    settings = Settings(nodes=4, data="", seed=1, limits=SMALLEST, break_rule="small-accept-quorum", difficulty=0)

    small = shrink(Schedule(settings=settings, calls=calls, heals_ms=1_000), "decision", most_runs=60)

    assert small.schedule.settings.limits == Limits()


def test_a_node_that_fetches_slot_by_slot_has_time_for_it() -> None:
    """The bound on recovery grows with what is missing where replies are small, and hardly where they are large.

    What is decided while it fetches is missing too: seed 4299 lacked 44 slots of 47 in the end, on links of 250 ms.
    """
    usual, small = (Schedule(settings=Settings(nodes=3, limits=limits), heals_ms=10) for limits in (Limits(), SMALLEST))

    assert bound_ms(small, 0, 100) == bound_ms(small) + 100 * 20
    assert bound_ms(usual, 0, 100) == bound_ms(usual)
