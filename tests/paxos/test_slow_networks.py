"""Links that are cut, slow, lossy or too eager, and clocks that jump: who leads then, and what clients are told."""

from __future__ import annotations

import pytest

from paxos.messages import Accept, Decide, Forward, Heartbeat
from tests.paxos.bench_of_replicas import Bench, a_working, leads_alone

# Partitions


def test_a_minority_decides_nothing_and_its_clients_are_told() -> None:
    """Rules 6 and 10: the old leader steps down with two of five; both sides agree when it is over."""
    bench, leader, others = a_working()
    bench.split({leader, others[0]}, set(others[1:]))
    lost = [(node, bench.write(node)) for node in (leader, others[0])]
    read = bench.read(leader)

    new = others[1]
    kept = bench.write(new)
    assert bench.until(lambda: bench.answered(new, kept), 2_000)
    bench.run(9_000)

    assert [bench.seats[node].given_up.get(name) for node, name in lost] == [True, True]
    assert bench.seats[leader].reads == {read: -1}
    assert leader not in bench.leaders()
    bench.heal()
    assert bench.until(bench.converged, 3_000)
    assert kept in bench.seats[leader].where


@pytest.mark.parametrize("way", ["hears nothing", "reaches nobody"])
def test_a_follower_that_is_cut_one_way_disturbs_nobody(way: str) -> None:
    """Rule 2: whether it hears nothing or reaches nobody, the leader stays, and writes go on."""
    bench, leader, others = a_working()
    apart = others[0]
    bench.cut = {(node, apart) if way == "hears nothing" else (apart, node) for node in bench.nodes if node != apart}

    name = bench.write(leader)
    bench.run(3_000)

    assert bench.answered(leader, name)
    assert bench.leaders() == [leader]
    bench.heal()
    assert bench.until(bench.converged)
    bench.run(1_000)
    assert bench.leaders() == [leader]


@pytest.mark.parametrize("way", ["hears nothing", "reaches nobody"])
def test_a_leader_that_is_cut_one_way_makes_room(way: str) -> None:
    """Rule 6: a leader that reaches all but hears nobody must not keep its followers."""
    bench, leader, others = a_working()
    bench.cut = {(node, leader) if way == "hears nothing" else (leader, node) for node in others}

    assert bench.until(lambda: leads_alone(bench, *others), 2_000)

    name = bench.write(others[0])
    assert bench.until(lambda: bench.answered(others[0], name))


def test_a_write_passes_through_a_peer_when_the_link_to_the_leader_is_down() -> None:
    """Rule 7: faillink between a node and the leader; the write at that node succeeds, and nobody is unseated."""
    bench, leader, others = a_working()
    apart = others[0]
    bench.cut = {(apart, leader), (leader, apart)}

    first = bench.write(apart)
    assert bench.until(lambda: bench.answered(apart, first), 3_000)
    bench.run(2_000)
    second = bench.write(apart)
    third = bench.read(apart)
    assert bench.until(lambda: bench.answered(apart, second) and third in bench.seats[apart].reads, 3_000)

    assert bench.leaders() == [leader]
    assert any(message.path[0] == apart and len(message.path) > 1 for _, _, message in bench.messages_of(Forward))
    assert not bench.messages_of(Forward, leader)


@pytest.mark.parametrize("gone", ["to the leader", "from the leader"])
def test_a_write_succeeds_when_the_link_to_the_leader_is_cut_one_way(gone: str) -> None:
    """Rule 7: either direction may fail alone."""
    bench, leader, others = a_working()
    apart = others[0]
    bench.cut = {(apart, leader) if gone == "to the leader" else (leader, apart)}

    name = bench.write(apart)

    assert bench.until(lambda: bench.answered(apart, name), 3_000)
    assert bench.leaders() == [leader]


# Link conditions


def test_three_seconds_a_message_need_no_setting() -> None:
    """Rule 5: the delay begins while a leader works; a write is answered, and further ones keep the same leader."""
    bench, _, others = a_working()
    bench.delay = (3_000, 3_000)

    name = bench.write(others[0])

    assert bench.until(lambda: bench.answered(others[0], name), 60_000)
    bench.run(60_000)
    [leader] = bench.leaders()
    second = bench.write(others[1])
    assert bench.until(lambda: bench.answered(others[1], second), 30_000)
    assert bench.leaders() == [leader]


@pytest.mark.parametrize("nodes", [2, 3, 5])
def test_a_cluster_that_starts_in_slow_link_conditions_finds_a_leader(nodes: int) -> None:
    """Rule 5: nothing was ever measured on a quick network, and what a node says to itself measures none."""
    bench = Bench(nodes)
    bench.delay = (2_500, 3_500)

    name = bench.write(1)

    assert bench.until(lambda: bench.answered(1, name), 90_000)


def test_after_slow_link_conditions_a_dead_leader_is_noticed_quickly_again() -> None:
    """Rule 5: limits follow the network down, too.

    A leader that died in the slow spell leaves no long timeout behind.
    """
    bench, _, _ = a_working()
    bench.delay = (1_000, 1_000)
    bench.run(20_000)
    bench.crash(bench.leader())
    assert bench.until(lambda: leads_alone(bench, *bench.alive()), 60_000)
    bench.delay = (1, 2)
    bench.run(10_000)

    bench.crash(bench.leader())

    assert bench.until(lambda: leads_alone(bench, *bench.alive()), 2_000)


def test_with_three_messages_in_ten_lost_everything_is_answered() -> None:
    """Rule 10: lost messages are sent again to those who have not answered."""
    bench, _, _ = a_working()
    bench.drop = 0.3

    asked = [(node, bench.write(node)) for node in bench.nodes for _ in range(5)]

    assert bench.until(lambda: all(bench.answered(*one) for one in asked), 20_000)
    bench.heal()
    assert bench.until(bench.converged)
    assert len(bench.oracle.took_effect) == 25


def test_doubled_and_reordered_messages_change_nothing() -> None:
    """Messages: everything comes twice and in another order; each request has one slot, and the leader stays."""
    bench, leader, others = a_working()
    bench.duplicate, bench.reorder = 1.0, 0.3

    asked = [(node, bench.write(node)) for node in bench.nodes for _ in range(20)]

    assert bench.until(lambda: all(bench.answered(*one) for one in asked))
    assert bench.until(bench.converged)
    placed = [one.id for value in bench.seats[others[0]].log for one in value]
    assert sorted(placed) == sorted(name for _, name in asked)
    assert bench.leaders() == [leader]


@pytest.mark.parametrize("leap_ms", [-3_600_000, -500, 500, 3_600_000])
@pytest.mark.parametrize("whose", ["leader", "follower"])
def test_a_clock_that_jumps_costs_an_election_at_most(whose: str, leap_ms: int) -> None:
    """Rule 5: no clock is trusted; writes go on at once, at the node itself too."""
    bench, leader, others = a_working()
    node = leader if whose == "leader" else others[0]

    bench.seats[node].ahead_ms += leap_ms
    bench.run(20)
    name = bench.write(node)

    assert bench.until(lambda: bench.answered(node, name), 1_500)
    bench.run(1_000)
    assert leads_alone(bench, *bench.nodes)
    assert max(bench.of(other).timeouts.election_ms() for other in bench.nodes) < 1_500


# Messages


def test_decisions_of_a_busy_leader_cost_no_messages_of_their_own() -> None:
    """Rule 11: the next ACCEPT carries the prefix, so DECIDE is said when there is nothing more to propose."""
    bench, leader, _ = a_working(window=1)
    begun = len(bench.sent)
    for _ in range(50):
        bench.write(leader)
    assert bench.until(lambda: len(bench.seats[leader].answered) == 50)
    bench.run(5)

    sent = [message for _, _, message in bench.sent[begun:]]
    assert sum(isinstance(message, Decide) for message in sent) <= 2 * 4
    assert sum(isinstance(message, Accept) for message in sent) == 50 * 4


def test_an_idle_cluster_says_only_that_it_lives() -> None:
    """Rule 6: a heartbeat to each follower and its acknowledgement, twenty times a second, and nothing else."""
    bench, leader, _ = a_working()
    begun = len(bench.sent)

    bench.run(1_000)

    assert len(bench.sent) - begun <= 2 * 4 * 21
    assert {type(message).__name__ for _, _, message in bench.sent[begun:]} == {"Heartbeat", "HeartbeatAck"}
    assert bench.messages_of(Heartbeat, leader)
