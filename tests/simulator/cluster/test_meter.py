"""How busy a cluster is: answers a second, latencies, elections."""

from __future__ import annotations

from simulator.cluster.meter import SECONDS_KEPT, Meter


def test_the_rate_is_that_of_the_last_whole_seconds() -> None:
    """The second that has just begun says nothing yet."""
    meter = Meter()
    for at_ms in (100, 1_100, 1_200, 2_100, 2_200, 2_300, 3_050):
        meter.answered(at_ms, 7)

    figures = meter.figures(3_060, waiting=4)

    assert figures.per_second == (1, 2, 3)
    assert figures.rate == 2.0
    assert figures.waiting == 4


def test_seconds_without_answers_count_as_zero_and_old_ones_are_forgotten() -> None:
    """A cluster that has stood still shows it."""
    meter = Meter()
    meter.answered(500, 7)

    assert meter.figures(4_000, waiting=0).per_second == (1, 0, 0, 0)
    assert meter.figures(4_000, waiting=0).rate == 0
    assert meter.figures(1_000_000, waiting=0).per_second == (0,) * SECONDS_KEPT


def test_latencies_are_those_of_recent_answers() -> None:
    """The median, and what one in a hundred exceeds; none when nothing was answered lately."""
    meter = Meter()
    for took_ms in range(1, 101):
        meter.answered(1_000, took_ms)

    figures = meter.figures(1_500, waiting=0)

    assert (figures.latency_ms, figures.late_ms) == (50, 100)
    assert meter.figures(20_000, waiting=0).latency_ms is None


def test_the_last_election_is_known() -> None:
    """How many there were, and when the last one was won."""
    meter = Meter()
    assert meter.figures(10, waiting=0).elected_ms is None

    meter.elected(40)
    meter.elected(90)

    figures = meter.figures(100, waiting=0)
    assert (figures.elections, figures.elected_ms) == (2, 90)
