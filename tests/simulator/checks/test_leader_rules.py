"""The rules of leaders and learners: wrong elections, wrong proposals, and decided prefixes that are not chosen."""

from __future__ import annotations

import pytest

from paxos.ballot import Ballot
from paxos.messages import NO_OP, Accept, Accepted, Heartbeat, Prepare
from paxos.records import AcceptedRecord, OpenedRecord, PromiseRecord
from tests.simulator.checks.scene import B1, B2, B3, Scene, X, Y, value


@pytest.fixture
def scene() -> Scene:
    """Three nodes with empty files."""
    return Scene()


def test_a_ballot_is_durable_before_prepare_is_sent(scene: Scene) -> None:
    """A ballot that a crash can erase could be opened twice."""
    scene.records(1, OpenedRecord(B1), sync=False)

    scene.prepares(B1)

    assert "opened nowhere on its disk" in scene.broken["one-leader-per-ballot"]


def test_a_ballot_is_not_opened_again_after_a_restart(scene: Scene) -> None:
    """The round was durable, and is opened again."""
    scene.opens(B1)
    scene.crashes(1)
    scene.recovers(1, promised=B1, opened=B1)

    scene.opens(B1)

    assert "opens ballot 1.1 again" in scene.broken["one-leader-per-ballot"]


def test_a_ballot_of_an_earlier_incarnation_proposes_nothing(scene: Scene) -> None:
    """A node that restarts no longer leads."""
    scene.leads(B1, 2, 3)
    scene.crashes(1)
    scene.recovers(1, promised=B1, opened=B1)

    scene.proposes(B1, 1, X)

    assert "not opened in this life" in scene.broken["one-leader-per-ballot"]


def test_a_ballot_that_was_lost_before_prepare_may_be_opened_again(scene: Scene) -> None:
    """Nothing was synced and nothing was sent."""
    scene.records(1, OpenedRecord(B1), sync=False)
    scene.crashes(1)
    scene.recovers(1)

    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, 2)

    assert scene.broken == {}


def test_a_ballot_has_one_owner(scene: Scene) -> None:
    """A node must not campaign with another node's ballot."""
    scene.records(2, PromiseRecord(B1))

    scene.sends(2, (3,), Prepare(sender=2, ballot=B1, first_slot=1, stamp=0))

    assert "belongs to node 1" in scene.broken["one-leader-per-ballot"]


def test_a_leader_needs_a_majority_of_promises() -> None:
    """Two promises of five are not enough."""
    scene = Scene(5)
    scene.leads(B1, 2)

    scene.proposes(B1, 1, X)

    assert "promises of 2 nodes, and 3 are needed" in scene.broken["proposal"]


def test_a_promise_that_never_arrived_does_not_count() -> None:
    """Four nodes have synced a promise; one PROMISE has arrived."""
    scene = Scene(5)
    scene.leads(B1, 2)
    for node in (3, 4):
        scene.records(node, PromiseRecord(B1))

    scene.proposes(B1, 1, X)

    assert "proposal" in scene.broken


def test_a_doubled_promise_counts_once() -> None:
    """Promises are counted by sender."""
    scene = Scene(5)
    scene.leads(B1, 2)
    scene.sends_promise(2, B1)

    scene.proposes(B1, 1, X)

    assert "proposal" in scene.broken


def test_a_reported_value_is_proposed_again(scene: Scene) -> None:
    """X is chosen and was reported to the new leader, which proposes Y."""
    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, 2)
    scene.opens(B3)
    scene.promises(2, B3, votes={1: (B1, X)})

    scene.proposes(B3, 1, Y)

    assert "another value for slot 1 than the one chosen at 1.1" in scene.broken["proposal"]


def test_of_reported_values_the_highest_ballot_wins() -> None:
    """X at 1.1 and Y at 2.2, neither chosen: only Y may be proposed at 3.3."""
    for proposed, sound in ((Y, True), (X, False), (value("Z"), False)):
        scene = Scene()
        scene.leads(B1, 2)
        scene.proposes(B1, 1, X, to=())
        scene.votes(1, B1, 1, X)
        scene.leads(B2, 3)
        scene.proposes(B2, 1, Y, to=())
        scene.votes(2, B2, 1, Y)
        scene.opens(B3)
        scene.promises(1, B3, votes={1: (B1, X)})
        scene.promises(2, B3, votes={1: (B2, Y)})

        scene.proposes(B3, 1, proposed)

        # Node 3 has voted for nothing: with node 1 alone X would be right, with both of them it may be, by P2c.
        assert (scene.broken == {}) == (sound or proposed == X)


def test_the_highest_ballot_binds_when_every_quorum_has_seen_it() -> None:
    """The leader's own vote at 2.2 belongs to every quorum of two with itself."""
    scene = Scene()
    scene.leads(B1, 2)
    scene.proposes(B1, 1, X, to=())
    scene.votes(1, B1, 1, X)
    scene.leads(B2, 3)
    scene.proposes(B2, 1, Y, to=())
    scene.votes(2, B2, 1, Y)
    later = Ballot(3, 2)
    scene.opens(later)
    scene.promises(1, later, votes={1: (B1, X)})

    scene.proposes(later, 1, X)

    assert "highest ballot that any quorum" in scene.broken["proposal"]


def test_a_late_promise_may_be_ignored() -> None:
    """Three of five reported no vote, so any value may be proposed, whatever a fourth reports later."""
    scene = Scene(5)
    scene.leads(B1, 2, 4)
    scene.proposes(B1, 1, X, to=())
    scene.votes(1, B1, 1, X)
    scene.opens(B3)
    scene.promises(2, B3)
    scene.promises(4, B3)
    scene.promises(1, B3, votes={1: (B1, X)})

    scene.proposes(B3, 1, Y)

    assert scene.broken == {}


def test_gaps_are_filled_with_the_no_op(scene: Scene) -> None:
    """Slot 2 was accepted, slot 1 was not: the new leader may fill it with the no-op."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 2, X, to=(2,))
    scene.votes(2, B1, 2, X)
    scene.opens(B3)
    scene.promises(2, B3, votes={2: (B1, X)})

    scene.proposes(B3, 1, NO_OP, X)

    assert scene.broken == {}


def test_a_stated_prefix_is_chosen(scene: Scene) -> None:
    """One vote of three is no majority, so no message may state that prefix."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.votes(1, B1, 1, X)

    scene.decides(B1, 1)

    assert "slots up to 1 are decided" in scene.broken["decision"]


def test_the_leaders_own_vote_counts_when_it_is_synced(scene: Scene) -> None:
    """Two votes of three, one of them the leader's unsynced own, were counted too early."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.records(1, AcceptedRecord(B1, 1, X), sync=False)
    scene.votes(2, B1, 1, X)

    scene.decides(B1, 1)

    assert "decision" in scene.broken


def test_a_prefix_has_no_gap(scene: Scene) -> None:
    """Slot 2 is chosen and slot 1 is not: "decided up to 2" is wrong."""
    scene.leads(B1, 2, 3)
    scene.chooses(B1, 2, X, 2)

    scene.decides(B1, 2)

    assert "slot 1 has no majority" in scene.broken["decision"]


def test_catch_up_sends_chosen_values_only(scene: Scene) -> None:
    """An accepted value is sent as a decided one."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.votes(2, B1, 1, X)

    scene.catches_up(3, 2, 1, 1)

    assert "CatchupReply" in scene.broken["decision"]


def test_a_leader_that_stepped_down_may_learn_from_its_old_votes(scene: Scene) -> None:
    """ACCEPTEDs of its old ballot arrive after another leader was elected; the slot is chosen all the same."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.votes(1, B1, 1, X)
    scene.records(2, AcceptedRecord(B1, 1, X))
    scene.opens(B3)
    scene.promises(2, B3, votes={1: (B1, X)})
    scene.proposes(B3, 1, X)

    scene.sends_accepted(2, B1, 1)
    scene.applies(1, X)

    assert scene.broken == {}


def test_a_vote_at_another_ballot_proves_nothing_to_the_leader(scene: Scene) -> None:
    """The value is chosen, but too few votes of that ballot have reached this leader."""
    again = Ballot(2, 1)
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.records(2, AcceptedRecord(B1, 1, X))
    scene.records(3, AcceptedRecord(B1, 1, X))
    scene.records(1, OpenedRecord(again))
    scene.prepares(again)
    scene.promises(2, again, votes={1: (B1, X)})
    scene.proposes(again, 1, X, to=())
    scene.sends(2, (1,), Accepted(sender=2, ballot=B1, first_slot=1, last_slot=1))

    scene.applies(1, X)

    assert "nothing that reached it says that it is chosen" in scene.broken["decision"]


def test_a_prefix_does_not_prove_older_votes(scene: Scene) -> None:
    """Node 3 accepted X at 1.1 and receives "decided up to 1" at 2.2: the chosen value may differ from X."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X, to=(3,))
    scene.votes(3, B1, 1, X)
    scene.opens(B2)
    scene.promises(3, B2, votes={1: (B1, X)})
    scene.proposes(B2, 1, X, to=(1,))
    scene.votes(2, B2, 1, X)
    scene.votes(1, B2, 1, X)
    scene.decides(B2, 1)

    scene.applies(1, X)
    assert scene.broken == {}
    scene.applies(3, X)

    assert "node 3 applies slot 1" in scene.broken["decision"]


def test_only_the_owner_proposes(scene: Scene) -> None:
    """A follower that sends ACCEPT at its leader's ballot would be a second leader."""
    scene.leads(B1, 2, 3)

    scene.sends(2, (3,), Accept(sender=2, ballot=B1, first_slot=1, values=(X,), decided=0))

    assert "one-leader-per-ballot" in scene.broken


def test_superseded_leaders_are_counted(scene: Scene) -> None:
    """A leader still sends heartbeats while a newer one leads."""
    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, 2)
    scene.opens(B3)
    scene.promises(2, B3, votes={1: (B1, X)})
    scene.proposes(B3, 1, X)

    for round_ in (1, 2):
        beat = Heartbeat(sender=1, ballot=B1, decided=0, round=round_, stamp=0, heard=(), round_trip_ms=0)
        scene.sends(1, (2, 3), beat)

    assert scene.broken == {}
    assert scene.checker.sometimes["minority leaders"] == 1
    assert scene.checker.sometimes["proposals recovered"] == 1
