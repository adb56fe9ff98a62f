"""Votes as facts: a vote that is stored, found or reported was given, and an acceptor that lies is named itself."""

from __future__ import annotations

import pytest

from paxos.ballot import Ballot
from paxos.messages import Promise, Value
from paxos.records import AcceptedRecord, PromiseRecord
from simulator.faults.faults import DiskFault
from simulator.trace.events import fault_injected
from tests.simulator.checks.scene import B1, B2, B3, Scene, X, Y

HIGH = Ballot(6, 1)


@pytest.fixture
def scene() -> Scene:
    """Three nodes. Node 1 leads with 1.1 and has proposed X in slot 1; node 2 has voted for it."""
    scene = Scene()
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.votes(2, B1, 1, X)
    return scene


@pytest.mark.parametrize(
    ("reported", "blame"),
    [
        ((HIGH, X), "node 2 reports a vote at 6.1 for slot 1 that it never gave"),
        ((B1, Y), "node 2 reports a vote at 1.1 for slot 1 with another value than it gave"),
    ],
)
def test_a_reported_vote_was_given(scene: Scene, reported: tuple[Ballot, Value], blame: str) -> None:
    """A higher ballot than the vote has would win against every true report. The acceptor is named, no ballot is."""
    scene.opens(B3)

    scene.promises(2, B3, votes={1: reported})

    assert scene.broken == {"true-word": blame}
    assert scene.checker.violations["true-word"].nodes == (2, 3)


def test_a_vote_that_another_node_gave_is_no_own_vote(scene: Scene) -> None:
    """Node 3 has seen the ACCEPT, and has not voted."""
    scene.opens(B2)

    scene.promises(3, B2, votes={1: (B1, X)})

    assert scene.broken["true-word"] == "node 3 reports a vote at 1.1 for slot 1 that it never gave"


def test_a_leader_that_believes_a_lie_is_not_to_blame(scene: Scene) -> None:
    """It proposes the value of the highest ballot that it was told of."""
    scene.opens(B3)
    scene.promises(2, B3, votes={1: (HIGH, Y)})

    scene.proposes(B3, 1, Y)

    assert set(scene.broken) == {"true-word"}


def test_a_vote_is_one_for_what_was_proposed(scene: Scene) -> None:
    """A value that the ballot never had, a ballot that proposed nothing, and an ACCEPT that never arrived."""
    other = Scene()
    other.leads(B1, 2, 3)
    other.proposes(B1, 1, X, to=(2,))

    scene.records(3, AcceptedRecord(B1, 1, Y))
    assert scene.broken["true-word"] == "node 3 votes at 1.1 for another value in slot 1 than that ballot proposed"

    scene = Scene()
    scene.records(3, AcceptedRecord(B2, 1, Y))
    assert scene.broken["true-word"] == "node 3 votes at 2.2 for slot 1, where that ballot has proposed nothing"

    other.records(3, AcceptedRecord(B1, 1, X))
    assert other.broken["true-word"] == "node 3 votes at 1.1 for slot 1, and no ACCEPT of it has reached the node"


@pytest.mark.parametrize(
    ("found", "blame"),
    [
        ((HIGH, X), "node 2 comes back with a vote at 6.1 for slot 1 that it never gave"),
        ((B1, Y), "node 2 comes back with a vote at 1.1 for slot 1 with another value than it gave"),
    ],
)
def test_a_vote_found_on_a_disk_is_the_one_that_was_synced(
    scene: Scene, found: tuple[Ballot, Value], blame: str
) -> None:
    """Nobody damaged the file, so a crash cannot have made another vote of it."""
    scene.crashes(2)

    scene.recovers(2, promised=HIGH, votes={1: found})

    assert scene.broken == {"true-word": blame}


def test_a_vote_may_be_found_that_was_written_and_not_told(scene: Scene) -> None:
    """The node ended between the write and its report: its ACCEPT had arrived, so the vote is a true one."""
    scene.crashes(3)
    scene.recovers(3, promised=B1, votes={1: (B1, X)})
    scene.opens(B2)

    scene.promises(3, B2, votes={1: (B1, X)})

    assert scene.broken == {}
    assert scene.checker.chosen_prefix == 1


def test_damage_on_purpose_excuses_what_is_found_and_not_what_is_said(scene: Scene) -> None:
    """What a damaged node finds is nobody's word. A vote that it reports is."""
    scene.crashes(2)
    scene.checker.observe(fault_injected(9, DiskFault(2, "corrupt", "paxos.txt")))
    scene.recovers(2, promised=B1)
    assert scene.broken == {}
    scene.opens(B3)

    scene.promises(2, B3, votes={1: (B2, Y)})

    assert "reports a vote at 2.2 for slot 1 that it never gave" in scene.broken["true-word"]


def torn() -> Scene:
    """Node 3 voted for X at 1.1. Then Y came at 2.2, and a crash left Y beside 1.1. Nobody heard of it."""
    scene = Scene()
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X, to=(3,))
    scene.votes(3, B1, 1, X)
    scene.opens(B2)
    scene.records(1, PromiseRecord(B2))
    scene.sends(1, (2,), Promise(sender=1, ballot=B2, accepted=(), decided=0, stamp=0))
    scene.proposes(B2, 1, Y)
    scene.records(3, AcceptedRecord(B2, 1, Y), sync=False)
    scene.crashes(3)
    scene.recovers(3, promised=B1, votes={1: (B1, Y)})
    return scene


def test_a_torn_vote_that_nobody_heard_of_is_safe() -> None:
    """The next leader hears of it and proposes Y, or hears of a higher ballot: see `vote_rules`."""
    scene = torn()
    later = Ballot(3, 1)

    scene.opens(later)
    scene.promises(3, later, votes={1: (B1, Y)})
    scene.chooses(later, 1, Y, 3)

    assert scene.broken == {}
    assert scene.checker.sometimes["torn votes"] == 1
    assert scene.checker.chosen_prefix == 1


def test_a_vote_that_was_synced_is_not_torn_afterwards() -> None:
    """Others have heard of the vote at 2.2, so the old ballot beside its value hides it."""
    scene = Scene()
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X, to=(3,))
    scene.votes(3, B1, 1, X)
    scene.leads(B2, 1)
    scene.proposes(B2, 1, Y)
    scene.votes(3, B2, 1, Y)
    scene.crashes(3)

    scene.recovers(3, promised=B2, votes={1: (B1, Y)})

    assert "forgot its synced vote at ballot 2.2" in scene.broken["durability"]


def test_the_highest_vote_that_a_leader_knows_of_is_safe() -> None:
    """Node 1 heard of Y at 2.2 in an earlier campaign. Its new promises report X at 1.1 alone; it proposes Y.

    Had another value been chosen between 2.2 and now, the new promises would report a ballot above 2.2. Had it been
    chosen below 2.2, it would be Y, which 2.2 was free to propose.
    """
    scene = Scene(5)
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X, to=(3,))
    scene.votes(3, B1, 1, X)
    scene.leads(B2, 1, 4)
    scene.proposes(B2, 1, Y, to=(5,))
    scene.votes(5, B2, 1, Y)
    earlier, later = Ballot(3, 1), Ballot(4, 1)
    scene.opens(earlier)
    scene.promises(5, earlier, votes={1: (B2, Y)})
    scene.opens(later)
    scene.promises(3, later, votes={1: (B1, X)})
    scene.promises(4, later)

    scene.chooses(later, 1, Y, 3, 4)

    assert scene.broken == {}
