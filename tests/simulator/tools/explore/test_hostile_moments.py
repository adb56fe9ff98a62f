"""The explorer makes every kind of trouble that it is meant to make: each has a count that is not zero."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest
from msgspec.structs import replace

from simulator.faults.faults import Crash
from simulator.tools.explore.leavers import Leaver
from simulator.tools.explore.moments import WHEN, Moment
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from simulator.tools.explore.triggered_faults import MEMBER_MOMENTS, TriggeredFault

SEEDS = 24


LATE = ("heartbeat-ack", "read-at", "catchup-reply", "accepted", "promise", "decide")
"""Acknowledgements, answers to reads, catch-up replies, votes, promises and decided prefixes."""


@cache
def happened(profile: str) -> Counter[str]:
    """In how many seeds of this profile each thing happened."""
    total: Counter[str] = Counter()
    for seed in range(SEEDS):
        outcome = run_trial(draw_schedule(seed, profile))
        assert outcome.violations == (), outcome.violations[0].sentence(f"seed {seed} of {profile}")
        total.update(name for name, count in outcome.sometimes.items() if count)
    return total


@pytest.mark.parametrize("moment", sorted({*MEMBER_MOMENTS}))
def test_faults_hit_every_moment_of_acceptors_and_learners(moment: Moment) -> None:
    """Those of proposers are hit in any sixty seeds (`tests/properties/test_sometimes.py`)."""
    assert happened("moments")[f"fault when {WHEN[moment]}"] > 0


@pytest.mark.parametrize("kind", LATE)
def test_late_words_come_when_their_number_is_used_again(kind: str) -> None:
    """A copy of an answer arrives while another ballot, round or incarnation waits for one."""
    assert happened("late")[f"late {kind.upper()} when its number was used again"] > 0


@pytest.mark.parametrize("moment", ["a promise was given", "a vote makes a value chosen", "one node alone knows"])
def test_nodes_on_which_something_hangs_leave_for_good(moment: str) -> None:
    """Down, cut off, slow or lossy, shortly before the healing."""
    assert [what for what in happened("moments") if f"for good when {moment}" in what]


def test_a_leaver_takes_the_place_of_permanent_faults_and_is_written_down_as_one() -> None:
    """The run without the leaver, with what it did as a permanent fault, takes the same course."""
    schedule = draw_schedule(3, "moments")
    leaver = Leaver(1_000, "promise", "down", 1)
    start = TriggeredFault(1_000, "propose", 1, "exile", 5)
    drawn = replace(schedule, heals_ms=1_500, triggers=(start,), late_words=(), leaver=leaver)

    outcome = run_trial(drawn)

    assert outcome.sometimes["down for good when a promise was given"] == 1
    assert [type(fault) for fault in outcome.done.permanent] == [Crash]
    assert outcome.violations == ()
    assert run_trial(outcome.done).digest == outcome.digest


def test_processes_are_killed_with_records_that_no_sync_has_made_durable() -> None:
    """The next incarnation reads them, and then the power fails."""
    assert happened("power-cuts")["kills that left unsynced records"] >= SEEDS // 4
    assert happened("power-cuts")["fault Kill"] >= SEEDS // 4
