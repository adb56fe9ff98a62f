"""The rules of acceptors: violations are found, and correct behaviour that looks wrong passes."""

from __future__ import annotations

import pytest

from paxos.ballot import Ballot
from paxos.records import AcceptedRecord, OpenedRecord, PromiseRecord
from simulator.faults.faults import DiskFault
from simulator.trace.events import fault_injected
from tests.simulator.checks.scene import B1, B2, B3, Scene, X, Y


@pytest.fixture
def scene() -> Scene:
    """Three nodes with empty files."""
    return Scene()


def test_a_correct_beginning_breaks_nothing(scene: Scene) -> None:
    """An election, a write, three chains: every invariant holds, and each step is counted."""
    scene.correct_start()

    assert scene.broken == {}
    assert set(scene.checker.verdicts().values()) == {"ok"}
    assert scene.checker.chosen_prefix == 1
    assert (scene.checker.sometimes["elections"], scene.checker.sometimes["leaderships"]) == (1, 1)


def test_a_promise_never_decreases(scene: Scene) -> None:
    """A late PREPARE of a lower ballot must not be promised."""
    scene.records(2, PromiseRecord(B2))

    scene.records(2, PromiseRecord(B1))

    assert "promised 2.2 and now promises 1.1" in scene.broken["promise"]


def test_a_promise_is_synced_before_it_is_sent(scene: Scene) -> None:
    """The record was appended but not synced when PROMISE left."""
    scene.opens(B1)
    scene.records(2, PromiseRecord(B1), sync=False)

    scene.sends_promise(2, B1)

    assert "without a synced record" in scene.broken["promise"]


def test_a_vote_is_synced_before_it_is_sent(scene: Scene) -> None:
    """The same for ACCEPTED."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.records(2, AcceptedRecord(B1, 1, X), sync=False)

    scene.sends_accepted(2, B1, 1)

    assert "without a synced vote" in scene.broken["promise"]


def test_accepted_needs_a_vote_in_each_of_its_slots(scene: Scene) -> None:
    """ACCEPTED for slots 1 to 8 needs eight synced votes."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 8, X)
    scene.records(2, AcceptedRecord(B1, 8, X))

    scene.sends_accepted(2, B1, 1, 8)

    assert "slot 1" in scene.broken["promise"]


def test_nothing_is_accepted_below_the_promise(scene: Scene) -> None:
    """ACCEPTED for a ballot below a higher promise is a violation."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.records(2, PromiseRecord(B2))

    scene.votes(2, B1, 1, X)

    assert "below its promise" in scene.broken["promise"]


def test_a_late_vote_may_be_stored_without_an_answer(scene: Scene) -> None:
    """A value of a lower ballot may be stored if no ACCEPTED is sent. It does not count."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.records(2, PromiseRecord(B2))
    scene.records(3, PromiseRecord(B2))

    scene.votes(2, B1, 1, X, answers=False)
    scene.votes(3, B1, 1, X, answers=False)
    scene.votes(1, B1, 1, X)

    assert scene.broken == {}
    assert scene.checker.chosen_prefix == 0
    assert scene.checker.sometimes["late votes stored"] == 2


def test_a_late_vote_counts_for_nothing_after_a_restart_either(scene: Scene) -> None:
    """A vote stored below the promise is recovered, and still does not count."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.votes(1, B1, 1, X)
    scene.records(2, PromiseRecord(B2))
    scene.votes(2, B1, 1, X, answers=False)

    scene.crashes(2)
    scene.recovers(2, promised=B2, votes={1: (B1, X)})

    assert scene.broken == {}
    assert scene.checker.chosen_prefix == 0


def test_a_vote_is_a_promise_too(scene: Scene) -> None:
    """After a vote at 2.2, a vote at 1.1 is a violation, although 2.2 was never promised."""
    scene.leads(B1, 2)
    scene.proposes(B1, 2, X)
    scene.records(3, AcceptedRecord(B2, 1, Y))

    scene.votes(3, B1, 2, X)

    assert "below its promise" in scene.broken["promise"]


def test_a_vote_counts_as_a_record_of_its_ballot_beside_a_higher_promise(scene: Scene) -> None:
    """Found by `explore`, seed 9861: one batch held a vote at 1.1, a late PREPARE 1.1, a promise of 2.2, one sync."""
    scene.leads(B1, 2)
    scene.proposes(B1, 1, X)
    scene.opens(B2)

    scene.records(3, AcceptedRecord(B1, 1, X), PromiseRecord(B2))
    scene.sends_accepted(3, B1, 1)
    scene.sends_promise(3, B1)

    assert scene.broken == {}


def test_a_promise_reports_every_vote_below_it(scene: Scene) -> None:
    """A higher promise does not remove a vote."""
    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, 2)
    scene.opens(B3)

    scene.promises(2, B3)

    assert "hides, for slot 1, its vote at ballot 1.1" in scene.broken["promise"]


def test_a_promise_need_not_report_what_was_not_asked_for(scene: Scene) -> None:
    """A candidate that has decided slot 1 asks from slot 2 on."""
    scene.correct_start()
    scene.opens(B3, first_slot=2)

    scene.promises(2, B3, decided=1)

    assert scene.broken == {}


def test_a_promise_reports_decided_slots(scene: Scene) -> None:
    """A node that applied a slot without voting in it must report it as decided."""
    scene.correct_start()
    scene.opens(B2, first_slot=1)

    scene.promises(3, B2)

    assert "that it has applied it" in scene.broken["promise"]


def test_a_promise_may_be_older_than_what_was_applied_since(scene: Scene) -> None:
    """Slots applied after PREPARE arrived may be missing: the answer was made before."""
    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, 2)
    scene.opens(B3)
    scene.catches_up(3, 1, 1, 1)
    scene.applies(3, X)

    scene.promises(2, B3, votes={1: (B1, X)})

    assert scene.broken == {}


@pytest.mark.parametrize(
    ("recovered", "invariant"),
    [
        ({"promised": B1, "votes": {1: (B1, X)}}, "promise"),
        ({"promised": B2}, "durability"),
        ({"promised": B2, "votes": {1: (Ballot(1, 0), X)}}, "durability"),
    ],
)
def test_nothing_synced_is_forgotten(scene: Scene, recovered: dict[str, object], invariant: str) -> None:
    """A synced promise or vote is there after a restart."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.votes(2, B1, 1, X)
    scene.records(2, PromiseRecord(B2))

    scene.crashes(2)
    scene.recovers(2, **recovered)  # type: ignore[arg-type]

    assert set(scene.broken) == {invariant}


def test_what_was_not_synced_may_be_forgotten_or_kept(scene: Scene) -> None:
    """A crash may lose any part of it; what survives counts."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.votes(1, B1, 1, X)
    for node in (2, 3):
        scene.records(node, AcceptedRecord(B1, 1, X), sync=False)
        scene.crashes(node)

    scene.recovers(2, promised=B1)
    assert scene.checker.chosen_prefix == 0
    scene.recovers(3, promised=B1, votes={1: (B1, X)})

    assert scene.broken == {}
    assert scene.checker.chosen_prefix == 1


def test_after_a_wipe_the_node_must_still_respect_lost_promises(scene: Scene) -> None:
    """After its files were wiped, a node's recovery is not checked, but its messages are."""
    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, 2)
    scene.crashes(2)
    scene.checker.observe(fault_injected(9, DiskFault(2, "wipe", "paxos.txt")))
    scene.recovers(2)
    assert scene.broken == {}

    scene.opens(B3)
    scene.promises(2, B3)

    assert "hides, for slot 1" in scene.broken["promise"]


def test_one_ballot_has_one_value_a_slot(scene: Scene) -> None:
    """Two acceptors must not receive two values: the owner of the ballot is to blame."""
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X, to=(2,))

    scene.proposes(B1, 1, Y, to=(3,))

    assert "two values for slot 1" in scene.broken["one-value-per-ballot"]
    assert scene.checker.violations["one-value-per-ballot"].nodes == (1,)


def test_two_majorities_at_two_ballots_agree(scene: Scene) -> None:
    """Two chosen values in one slot are found on the disks, before any node decides."""
    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, 2)
    scene.records(1, OpenedRecord(Ballot(2, 1)))
    scene.records(2, AcceptedRecord(B3, 1, Y))

    scene.records(3, AcceptedRecord(B3, 1, Y))

    assert "two values are chosen for slot 1" in scene.broken["agreement"]


def test_four_nodes_may_have_quorums_of_three_and_two() -> None:
    """Any three of four nodes intersect any two."""
    scene = Scene(4, prepare_quorum=3, accept_quorum=2)

    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, 2)
    scene.applies(1, X)

    assert scene.broken == {}


def test_four_nodes_need_three_votes_otherwise() -> None:
    """With majorities the same run is a violation: two of four are no majority."""
    scene = Scene(4)

    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, 2)
    scene.applies(1, X)

    assert "decision" in scene.broken


def test_a_violation_names_time_nodes_and_slot(scene: Scene) -> None:
    """Its sentence names the nodes, the slot, the time, and the command that replays the run."""
    scene.checker.replay = "paxsim explore --start 7 --seeds 1"
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 5, X)
    scene.sends_accepted(2, B1, 5)
    scene.sends_accepted(3, B1, 5)

    found = scene.checker.violations["promise"]

    assert (found.nodes, found.slot) == ((2,), 5)
    sentence = scene.checker.verdicts()["promise"]
    assert f"at {found.at_ms / 1000:.3f} s, node 2, slot 5" in sentence
    assert sentence.endswith("replay: paxsim explore --start 7 --seeds 1")
