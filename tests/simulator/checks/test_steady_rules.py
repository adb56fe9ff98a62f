"""The rules of steadiness: a leader that works stays, and who would unseat it is named; every excuse is one."""

from __future__ import annotations

import pytest

from paxos.ballot import Ballot
from paxos.messages import Heartbeat, HeartbeatAck, Prepare, PreVote, PreVoteReply, Promise, Reject, StepDown
from paxos.records import OpenedRecord, PromiseRecord
from simulator.faults.faults import ClockFault
from simulator.trace.events import fault_injected
from tests.simulator.checks.scene import B1, Scene

RIVAL = Ballot(2, 3)


@pytest.fixture
def scene() -> Scene:
    """Three nodes. Node 1 has led with 1.1 for a while; node 2 follows it, and node 3 does not hear it."""
    scene = Scene(simulated=True)
    scene.leads(B1, 2)
    beats(scene)
    scene.now += 50
    beats(scene)
    return scene


def beats(scene: Scene) -> None:
    """Node 1 sends a heartbeat, and node 2 acknowledges it."""
    beat = Heartbeat(sender=1, ballot=B1, decided=0, round=1, stamp=0, heard=(2,), round_trip_ms=2)
    scene.sends(1, (2, 3), beat)
    scene.sends(2, (1,), HeartbeatAck(sender=2, ballot=B1, round=1, stamp=0, decided=0))


def grants(scene: Scene, node: int, asker: int) -> None:
    """A node answers a pre-vote with yes."""
    reply = PreVoteReply(sender=node, stamp=0, would_grant=True, leader=0, hops=0, promised=B1, decided=0)
    scene.sends(node, (asker,), reply)


def promises(scene: Scene, node: int) -> None:
    """A node promises the ballot of node 3."""
    scene.records(node, PromiseRecord(RIVAL))
    scene.sends(node, (3,), Promise(sender=node, ballot=RIVAL, accepted=(), decided=0, stamp=0))


def campaigns(scene: Scene) -> None:
    """Node 3 opens a ballot."""
    scene.records(3, OpenedRecord(RIVAL))
    scene.sends(3, (1, 2), Prepare(sender=3, ballot=RIVAL, first_slot=1, stamp=0))


def test_a_node_that_hears_a_leader_does_not_promise(scene: Scene) -> None:
    """Node 2 has just acknowledged node 1 (rule 2)."""
    promises(scene, 2)

    blame = "node 2 promises ballot 2.3, and has acknowledged the leader of 1.1 within the last 100 ms"
    assert scene.broken == {"steadiness": blame}


def test_nor_does_it_say_that_it_would(scene: Scene) -> None:
    """Its pre-vote helps a rival to campaign."""
    grants(scene, 2, 3)

    assert "node 2 would promise node 3 a ballot" in scene.broken["steadiness"]


def test_a_leader_promises_nothing_to_others(scene: Scene) -> None:
    """It hears itself."""
    promises(scene, 1)

    assert "node 1 promises ballot 2.3" in scene.broken["steadiness"]


def test_nobody_campaigns_without_the_leave_of_a_majority_while_a_leader_works(scene: Scene) -> None:
    """Node 3 hears nobody and asks nobody. Its high promise would unseat node 1 when it comes back."""
    scene.now += 20

    campaigns(scene)

    assert scene.broken["steadiness"] == (
        "node 3 bids with ballot 2.3 with the leave of 1 nodes, itself included, and 2 are needed: "
        "a majority follows node 1 at 1.1"
    )


def test_leave_that_was_given_before_the_leader_worked_is_leave() -> None:
    """Node 2 granted its pre-vote long ago, on a slow network. The promise is another matter."""
    early = Scene(simulated=True)
    grants(early, 2, 3)
    early.leads(B1, 2)
    beats(early)
    early.now += 50
    beats(early)
    early.now += 20

    campaigns(early)

    assert early.broken == {}


def test_a_refusal_in_the_same_moment_may_come_too_late() -> None:
    """Found by `explore`, seed 40132: node 3 had opened its ballot when a refusal came, just before PREPARE left."""
    early = Scene(simulated=True)
    grants(early, 2, 3)
    early.leads(B1, 2)
    beats(early)
    early.now += 50
    beats(early)
    early.now += 20
    refusal = PreVoteReply(sender=2, stamp=0, would_grant=False, leader=1, hops=1, promised=B1, decided=0)
    early.sends(2, (3,), refusal)

    campaigns(early)

    assert early.broken == {}


def test_a_leader_that_works_does_not_step_down(scene: Scene) -> None:
    """A refusal of an older ballot is no reason."""
    scene.now += 20
    scene.sends(3, (1,), Reject(sender=3, ballot=Ballot(0, 1), promised=RIVAL, leader=0, decided=0))

    scene.sends(1, (2, 3), StepDown(sender=1, ballot=B1))

    assert "node 1 gives up its place as the leader of 1.1" in scene.broken["steadiness"]


@pytest.mark.parametrize("reason", ["outbid", "silence", "decided slots", "clock"])
def test_a_leader_steps_down_for_a_reason(scene: Scene, reason: str) -> None:
    """A higher promise refused it; no majority answers; it cannot fetch what it lacks; its clock was set."""
    if reason == "outbid":
        scene.sends(3, (1,), Reject(sender=3, ballot=B1, promised=RIVAL, leader=0, decided=0))
    elif reason == "silence":
        scene.now += 400
    elif reason == "decided slots":
        scene = Scene(simulated=True)
        scene.leads(B1, 2)
        scene.checker._oracle.extend_chosen_prefix(4)  # Votes that were compacted long ago.
        scene.sends_promise(2, B1, decided=4)
        for _ in range(2):
            beats(scene)
            scene.now += 50
    else:
        scene.checker.observe(fault_injected(scene.now, ClockFault(1, 100, 2_000)))
    scene.now += 20

    scene.sends(1, (2, 3), PreVote(sender=1, stamp=0, decided=0, promised=B1))

    assert scene.broken == {}


@pytest.mark.parametrize("excuse", ["long ago", "clock", "step-down", "itself", "restart"])
def test_a_promise_has_its_excuses(scene: Scene, excuse: str) -> None:
    """The leader was silent, stepped down or campaigns anew; the clock of the node runs fast; the node restarted."""
    if excuse == "long ago":
        scene.now += 101
    elif excuse == "clock":
        scene.checker.observe(fault_injected(scene.now, ClockFault(2, 200)))
    elif excuse == "step-down":
        scene.now += 400
        beats(scene)
        scene.now += 5
        scene.sends(1, (2, 3), StepDown(sender=1, ballot=B1))
    elif excuse == "restart":
        scene.crashes(2)
        scene.recovers(2, promised=B1)
    if excuse == "itself":
        later = Ballot(2, 1)
        scene.records(2, PromiseRecord(later))
        scene.sends(2, (1,), Promise(sender=2, ballot=later, accepted=(), decided=0, stamp=0))
    else:
        promises(scene, 2)

    assert scene.broken == {}


def test_on_real_machines_it_is_not_judged() -> None:
    """A process that was stopped by its machine looks the same."""
    scene = Scene()
    scene.leads(B1, 2)
    beats(scene)

    promises(scene, 2)

    assert scene.broken == {}
