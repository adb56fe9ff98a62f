"""Ballots are compared by round and then by owner, never as text: rule 3."""

from __future__ import annotations

import pytest

from paxos.ballot import NO_BALLOT, Ballot
from tests.paxos.one_replica import ballot


def test_no_ballot_is_below_every_opened_ballot() -> None:
    """The lowest ballot there can be is above what a node starts with."""
    assert ballot(1, 1) > NO_BALLOT


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (ballot(1, 5), ballot(2, 1)),
        (ballot(2, 1), ballot(2, 2)),
        (ballot(9, 9), ballot(10, 1)),
    ],
    ids=["by round first", "then by owner", "as numbers, not as text"],
)
def test_ballots_are_ordered(low: Ballot, high: Ballot) -> None:
    """Rule 3: any two ballots are comparable, in both directions."""
    assert low < high
    assert high > low
    assert low != high


def test_equal_ballots_are_equal() -> None:
    """A ballot that came in a message is the one that was sent."""
    assert ballot(3, 2) == ballot(3, 2)
    assert ballot(3, 2) >= ballot(3, 2)


@pytest.mark.parametrize("owner", [1, 5, 9])
def test_the_next_ballot_is_above_whoever_campaigns(owner: int) -> None:
    """Rule 3: a campaign goes above every ballot seen, one of the same node too, and belongs to its candidate."""
    seen = ballot(9, 5)

    campaign = seen.above(owner)

    assert campaign > seen
    assert campaign.owner == owner


def test_two_nodes_never_share_a_ballot() -> None:
    """Lamport 2001, §2.5: having seen the same, two proposers still choose from disjoint sets."""
    seen = ballot(4, 1)

    assert len({seen.above(owner) for owner in range(1, 10)}) == 9


def test_a_ballot_reads_as_people_say_it() -> None:
    """Notes and statuses show round and owner."""
    assert str(ballot(12, 3)) == "12.3"
