"""Quorums that meet, and a time that a clock cannot spoil: the words of the protocol, and rule 5."""

from __future__ import annotations

import pytest

from paxos.core import LEAP_MS, Config, Core
from tests.paxos.one_replica import core


@pytest.mark.parametrize(("nodes", "majority"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (7, 4), (9, 5)])
def test_a_majority_is_more_than_half_of_all(nodes: int, majority: int) -> None:
    """Words: chosen by a majority of all nodes, whichever of them are up; both phases need one."""
    shared = core(nodes=nodes)

    assert (shared.quorums.majority, shared.quorums.prepare, shared.quorums.accept) == (majority, majority, majority)


@pytest.mark.parametrize(("nodes", "prepare", "accept"), [(4, 3, 2), (4, 2, 3), (5, 4, 2), (5, 5, 1)])
def test_quorums_that_meet_are_allowed(nodes: int, prepare: int, accept: int) -> None:
    """Howard et al., Flexible Paxos, 2016: only quorums of different phases need a node in common."""
    shared = core(nodes=nodes, prepare_quorum=prepare, accept_quorum=accept)

    assert (shared.quorums.prepare, shared.quorums.accept) == (prepare, accept)


@pytest.mark.parametrize(("nodes", "prepare", "accept"), [(4, 2, 2), (5, 2, 3), (5, 1, 3)])
def test_quorums_that_can_miss_each_other_are_refused(nodes: int, prepare: int, accept: int) -> None:
    """Lamport 2001, §2.2: two quorums without a node in common can choose two values."""
    with pytest.raises(ValueError, match="can miss each other"):
        core(nodes=nodes, prepare_quorum=prepare, accept_quorum=accept)


def test_time_begins_with_an_incarnation() -> None:
    """Whatever the driver's clock shows at first, no time has passed."""
    shared = Core(Config(node=1, nodes=(1, 2, 3)))

    shared.see_clock(1_700_000_000_000)
    assert shared.now == 0
    shared.see_clock(1_700_000_000_025)

    assert shared.now == 25


def test_a_clock_that_jumps_back_takes_no_time_back() -> None:
    """Rule 5: round trips measured so far stay measured, and time goes on from there."""
    shared = core()
    shared.see_clock(500)

    shared.see_clock(-10_000)
    assert shared.now == 500
    shared.see_clock(-9_970)

    assert shared.now == 530


def test_a_leap_of_the_clock_is_remembered() -> None:
    """Rule 5: what was on its way across a leap tells nothing about the network, so it must be known."""
    shared = core()
    shared.see_clock(LEAP_MS - 1)
    assert shared.leap_ms == 0

    shared.see_clock(3_600_000)

    assert (shared.leapt_at_ms, shared.leap_ms) == (3_600_000, 3_600_000 - LEAP_MS + 1)


def test_who_was_heard_lately() -> None:
    """Rule 6: a node counts as heard for the asked time and not a millisecond longer."""
    shared = core()
    shared.heard_ms[3] = 0
    shared.heard_ms[2] = 50

    shared.see_clock(100)

    assert shared.heard_within(100) == (2,)
    assert shared.heard_within(101) == (2, 3)
