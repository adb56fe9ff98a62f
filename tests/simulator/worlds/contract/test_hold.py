"""While messages are held by hand, time stands still in both worlds, and passes in `wait` alone."""

from __future__ import annotations

from simulator.cluster.interface import AnswerKind, Cluster
from simulator.faults.faults import Crash, DeliverHeld, Hold, Pause, Release, Restart, Resume
from tests.simulator.worlds.contract.conftest import OpenNew
from tests.simulator.worlds.contract.driver import LONG_MS, finish, follower_of, leader_of, make_healthy, new_post


def kinds(cluster: Cluster, source: int) -> list[str]:
    """The kinds of the held messages of one node, in order."""
    return [held.text.split()[0] for held in cluster.held() if held.source == source]


def test_time_stands_still_while_messages_are_held(cluster: Cluster) -> None:
    """Whatever a person does meanwhile: nothing but `wait` lets a millisecond pass."""
    leader = leader_of(cluster)
    cluster.apply(Hold())
    now_ms = cluster.now_ms()

    ticket = cluster.submit(leader, new_post())
    assert cluster.wait(lambda: kinds(cluster, leader).count("ACCEPT") == 4, LONG_MS)
    passed_ms = cluster.now_ms() - now_ms
    cluster.attend(lambda: False, 300)
    for held in cluster.held():
        cluster.apply(DeliverHeld(number=held.number))
    assert cluster.now_ms() == now_ms + passed_ms
    assert passed_ms < 100

    assert not ticket.done
    cluster.apply(Release())
    assert finish(cluster, ticket).kind is AnswerKind.OK


def test_a_wait_lets_exactly_its_time_pass(cluster: Cluster) -> None:
    """However slow the machine is: timers fire at their times, and messages of every one are held."""
    leader = leader_of(cluster)
    cluster.apply(Hold())
    assert not cluster.wait(lambda: False, 0)
    before, now_ms = kinds(cluster, leader).count("HEARTBEAT"), cluster.now_ms()

    assert not cluster.wait(lambda: False, 200)

    assert cluster.now_ms() == now_ms + 200
    assert kinds(cluster, leader).count("HEARTBEAT") - before == 4 * 4  # One each 50 ms to each of four.


def test_a_leader_whose_heartbeats_are_held_steps_down_by_the_time_that_passes(cluster: Cluster) -> None:
    """Not before somebody waits, and then as it would without anybody who holds messages."""
    leader = leader_of(cluster)
    cluster.apply(Hold())
    cluster.attend(lambda: False, 500)
    assert cluster.status(leader).role == "leader"

    assert cluster.wait(lambda: cluster.status(leader).role != "leader", 5_000)


def test_a_request_is_given_up_by_the_time_that_passes(cluster: Cluster) -> None:
    """The limits of nodes and clients stand still with everything else."""
    follower = follower_of(cluster)
    cluster.apply(Hold())
    ticket = cluster.submit(follower, new_post())
    now_ms = cluster.now_ms()

    assert cluster.wait(lambda: ticket.done, LONG_MS)

    assert ticket.answer is not None
    assert ticket.answer.kind in {AnswerKind.NO_MAJORITY, AnswerKind.TIMEOUT}
    assert 5_000 <= cluster.now_ms() - now_ms <= 40_000


def test_nodes_that_sleep_or_start_anew_take_part_in_the_time_that_stands_still(cluster: Cluster) -> None:
    """A paused node holds up nobody; a restarted one has the time of the others."""
    follower = follower_of(cluster)
    cluster.apply(Hold())
    cluster.apply(Pause(follower))
    assert not cluster.wait(lambda: False, 300)
    cluster.apply(Resume(follower))
    cluster.apply(Crash(follower))
    cluster.apply(Restart(follower))
    now_ms = cluster.now_ms()

    assert cluster.wait(lambda: "PRE-VOTE" in kinds(cluster, follower), 1_000)

    assert cluster.now_ms() - now_ms <= 200
    make_healthy(cluster)


def test_time_goes_on_after_the_release(open_new: OpenNew) -> None:
    """From where it stood: the clock never jumps, and nodes lead and write as before."""
    cluster = open_new()
    make_healthy(cluster)
    cluster.apply(Hold())
    assert not cluster.wait(lambda: False, 5_000)
    now_ms = cluster.now_ms()
    cluster.attend(lambda: False, 200)
    cluster.apply(Release())

    assert cluster.now_ms() - now_ms < 200
    make_healthy(cluster)
    assert finish(cluster, cluster.submit(1, new_post())).kind is AnswerKind.OK
