"""The share of the states of `prove` that seeds visit."""

from __future__ import annotations

import pytest

from paxos.ballot import NO_BALLOT, Ballot
from simulator.cli.main import main
from simulator.tools.explore.share_of_prove import (
    NodeView,
    canonical,
    reached_by_prove,
    share_of,
    small,
    visited_by,
)
from simulator.worlds.exhaustive.cluster_model import Budgets

ONE = Budgets(writes=1, elections=1)


def test_seeds_visit_many_states_of_prove_and_no_others() -> None:
    """With one write and one election, forty seeds see most of what every schedule leads to, and nothing else."""
    reached = reached_by_prove(ONE)

    share = share_of(40, reached, visited_by(range(40), budgets=ONE), ONE)

    assert share.outside == 0
    assert share.reached / 2 < share.visited <= share.reached == 18


def test_more_seeds_visit_no_fewer_states() -> None:
    """The states of a part are among those of the whole, and the same seeds visit the same states."""
    few, all_of_them = visited_by(range(5), budgets=ONE), visited_by(range(15), budgets=ONE)

    assert few < all_of_them
    assert all_of_them == few | visited_by(range(5, 15), budgets=ONE)


def test_names_of_nodes_and_numbers_of_rounds_make_no_difference() -> None:
    """Node 1 with ballot 3.1, or node 2 with ballot 5.2: one node has opened the only ballot."""
    new = NodeView(NO_BALLOT, NO_BALLOT, (), ())
    first, second = Ballot(3, 1), Ballot(5, 2)
    one = (NodeView(first, first, ((1, first, (1,)),), ()), new, new)
    other = (new, NodeView(second, second, ((1, second, (1,)),), ()), new)

    assert canonical(one) == canonical(other)
    assert canonical((new, NodeView(second, second, (), ((1,),)), new)) != canonical(other)


def test_the_order_of_two_ballots_makes_a_difference() -> None:
    """The one that was opened later is the higher one, whoever owns it."""
    low, high = Ballot(1, 1), Ballot(2, 2)
    new = NodeView(NO_BALLOT, NO_BALLOT, (), ())
    later = (NodeView(low, low, (), ()), NodeView(high, high, (), ()), new)
    voted = (NodeView(low, low, ((1, low, (1,)),), ()), NodeView(high, high, (), ()), new)
    behind = (NodeView(low, low, (), ()), NodeView(high, high, ((1, high, (1,)),), ()), new)

    assert len({canonical(later), canonical(voted), canonical(behind)}) == 3


def test_a_small_schedule_keeps_the_faults_of_its_seed() -> None:
    """Three nodes, one write, and all faults."""
    schedule = small(8, "storm", ONE)

    assert schedule.settings.nodes == 3
    assert len(schedule.calls) == 1
    assert schedule.faults


def test_the_share_stands_alone(capsys: pytest.CaptureFixture[str]) -> None:
    """It concerns the protocol as it is: with a broken rule it is refused, in one sentence."""
    status = main(["explore", "--share", "--break", "small-accept-quorum"])

    assert status == 2
    assert "'--share' goes with" in capsys.readouterr().err
