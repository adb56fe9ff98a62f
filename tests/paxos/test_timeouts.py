"""Time limits follow the network: rules 5 and 10, and `docs/decisions/0008`."""

from __future__ import annotations

import pytest

from paxos.timeouts import LONGEST_GAP_MS, LONGEST_SAMPLE_MS, Timeouts
from tests.paxos.one_replica import core


def timeouts(nodes: int = 5, now: int = 0) -> Timeouts:
    """Node 1's, at this time."""
    shared = core(nodes=nodes)
    for clock in range(0, now + 1, 500):
        shared.see_clock(clock)
    return Timeouts(shared)


def test_without_measures_the_limits_are_the_configured_ones() -> None:
    """Rule 5: on a quick network nothing is longer than it must be."""
    limits = timeouts()

    assert limits.election_ms() == 200
    assert limits.resend_ms() == 100
    assert limits.no_majority_ms() == 6_000
    assert limits.give_up_ms() == 30_000


def test_no_limit_falls_below_its_floor() -> None:
    """Rule 1: a network of no delay at all does not make elections frantic."""
    limits = timeouts(now=1_000)
    for peer in (2, 3, 4, 5):
        limits.measured(peer, stamp=1_000)

    assert limits.election_ms() == 200


def test_three_seconds_a_message_stretch_every_limit() -> None:
    """Rule 5: an injected delay of 3 s per message is outlasted without any setting changed."""
    limits = timeouts(now=6_000)
    for peer in (2, 3, 4, 5):
        limits.measured(peer, stamp=0)

    assert limits.election_ms() > 2 * 6_000
    assert limits.resend_ms() > 6_000
    assert limits.no_majority_ms() >= 4 * 6_000
    assert limits.give_up_ms() >= 60_000


def test_what_counts_is_the_slowest_of_the_fastest_majority() -> None:
    """Rule 10: a majority decides, so the far ones beyond it need not be waited for."""
    limits = timeouts(now=10_000)
    for peer, stamp in ((2, 9_990), (3, 9_900), (4, 5_000), (5, 0)):
        limits.measured(peer, stamp)

    assert limits.round_trip_ms() == 100


def test_what_a_node_says_to_itself_measures_nothing() -> None:
    """Rule 5: a candidate of three promises itself at once, and must still learn how slow the two others are."""
    limits = timeouts(nodes=3, now=6_000)
    limits.measured(1, stamp=6_000)
    limits.measured(2, stamp=4_000)

    assert limits.round_trip_ms() == 2_000


def test_a_slower_round_trip_counts_at_once_and_a_quicker_one_slowly() -> None:
    """Rule 5: quick to rise, so that nothing is given up early; slow to fall: one lucky message is no rule."""
    limits = timeouts(nodes=3, now=1_000)
    limits.measured(2, stamp=200)
    assert limits.round_trip_ms() == 800

    limits.measured(2, stamp=1_000)
    assert limits.round_trip_ms() == 700
    for _ in range(60):
        limits.measured(2, stamp=1_000)

    assert limits.round_trip_ms() == 0


def test_a_follower_believes_its_leader() -> None:
    """Rule 5: a follower measures nothing itself; what its leader measured replaces what it once did."""
    limits = timeouts(now=1_000)
    for peer in (2, 3):
        limits.measured(peer, stamp=0)

    limits.leader_reported(40)

    assert limits.round_trip_ms() == 40


def test_what_a_dead_leader_measured_is_forgotten_when_it_is_measured_anew() -> None:
    """Rule 5: a leader that died in a slow spell must not leave its long timeouts to all leaders after it."""
    limits = timeouts(now=7_000)
    limits.leader_reported(6_000)

    for _ in range(80):
        for peer in (2, 3, 4, 5):
            limits.measured(peer, stamp=6_990)

    assert limits.round_trip_ms() == 10


def test_a_stamp_from_the_future_measures_nothing() -> None:
    """An answer to an earlier incarnation may hold any stamp; no time is negative."""
    limits = timeouts(nodes=3)

    limits.measured(2, stamp=5_000)

    assert limits.round_trip_ms() == 0


def test_an_answer_after_hours_teaches_no_timeout_of_hours() -> None:
    """Rule 5: what is measured is bounded, here and where it is told."""
    limits = timeouts(nodes=3, now=100_000)

    limits.measured(2, stamp=0)
    assert limits.round_trip_ms() == LONGEST_SAMPLE_MS
    limits.leader_reported(10**9)

    assert limits.round_trip_ms() == LONGEST_SAMPLE_MS


def test_a_clock_that_leaps_teaches_no_timeout() -> None:
    """Rule 5: an answer that was on its way while the clock was set, or while the node slept, took no longer for it."""
    limits = timeouts(nodes=3, now=1_000)
    limits.core.see_clock(1_001_000)
    limits.core.see_clock(1_001_004)

    limits.measured(2, stamp=994)
    assert limits.round_trip_ms() == 10
    limits.measured(2, stamp=1_001_000)

    assert limits.round_trip_ms() == 9


def test_an_unsteady_leader_is_given_more_time() -> None:
    """Rule 1: where heartbeats get lost, three times the longest silence lately must pass."""
    limits = timeouts()
    limits.heard_after(150)
    assert limits.election_ms() == 450

    for _ in range(500):
        limits.heard_after(50)

    assert limits.election_ms() == 200


def test_an_outage_is_no_unsteadiness() -> None:
    """Rule 1: a leader that was away for long does not slow the next election down."""
    limits = timeouts()

    limits.heard_after(60_000)

    assert limits.election_ms() == 3 * LONGEST_GAP_MS


@pytest.mark.parametrize(("tries", "ms"), [(0, 100), (1, 200), (2, 400), (3, 400), (50, 400)])
def test_resending_slow_down_up_to_a_cap(tries: int, ms: int) -> None:
    """Rule 10: lost messages are sent again with backoff, twice as long each time, never past four times."""
    assert timeouts().again_ms(tries) == ms


def test_one_node_waits_for_nobody() -> None:
    """A cluster of one has no round trips."""
    assert timeouts(nodes=1).round_trip_ms() == 0
