"""Stories of a few replicas, good and bad: what must hold at the end of each."""

from __future__ import annotations

import pytest

from paxos.messages import Accept, Catchup, CatchupReply
from tests.paxos.bench_of_replicas import Bench, a_working, leads_alone
from tests.paxos.one_replica import request

# A good day


@pytest.mark.parametrize("nodes", [1, 2, 3, 4, 5, 7])
def test_writes_at_every_node_are_answered_and_logs_become_equal(nodes: int) -> None:
    """Rules 1, 4, 7 to 12: clusters of every size, one node alone among them."""
    bench = Bench(nodes)
    asked = [(node, bench.write(node)) for node in bench.nodes for _ in range(3)]

    assert bench.until(lambda: all(bench.answered(*one) for one in asked))

    assert bench.until(bench.converged)
    assert len(bench.oracle.took_effect) == 3 * nodes


def test_a_quiet_cluster_keeps_its_leader_and_opens_no_ballot() -> None:
    """Progress: a minute of nothing but heartbeats."""
    bench, leader, _ = a_working()
    ballots = [bench.of(node).status().elections for node in bench.nodes]

    bench.run(60_000)

    assert bench.leaders() == [leader]
    assert [bench.of(node).status().elections for node in bench.nodes] == ballots


def test_reads_everywhere_see_what_was_answered() -> None:
    """Reads: asked at any node, a linearizable read sees every write answered before it began (`oracle` checks it)."""
    bench, leader, others = a_working()
    for node in (leader, *others):
        name = bench.write(node)
        assert bench.until(lambda node=node, name=name: bench.answered(node, name))  # type: ignore[misc]
        number = bench.read(others[0])
        assert bench.until(lambda number=number: number in bench.seats[others[0]].reads)  # type: ignore[misc]

    assert sorted(bench.seats[others[0]].reads.values()) == [1, 2, 3, 4, 5]


def test_many_writes_share_slots_and_keep_their_order() -> None:
    """Rule 8: at most `ops_per_block` a slot, as they came, each once."""
    bench, leader, _ = a_working(ops_per_block=8, window=4)

    names = [bench.write(leader) for _ in range(100)]

    assert bench.until(lambda: len(bench.seats[leader].answered) == 100)
    log = bench.seats[leader].log
    assert [one.id for value in log for one in value] == names
    assert max(map(len, log)) == 8


def test_memory_grows_with_what_is_open_and_not_with_the_log() -> None:
    """Rule 3: votes that the chain holds are let go, on leader and followers; so is all else that belongs to a slot."""
    bench, leader, _ = a_working(window=8)
    for _ in range(500):
        bench.write(leader)
    assert bench.until(bench.converged)
    assert bench.until(lambda: len(bench.logs()[0]) == 500)
    bench.run(200)

    for node in bench.nodes:
        replica = bench.of(node)
        assert len(replica.votes()) <= 16
        assert (len(replica.learner.chosen), len(replica.waiting.writes), replica.status().in_flight) == (0, 0, 0)
    assert not bench.of(leader).proposer.queue


# Crashes


def test_a_dead_leader_is_replaced_within_a_second_and_nothing_answered_is_lost() -> None:
    """Rules 1 to 4: another leader, everything answered before still there, writes go on."""
    bench, leader, others = a_working()
    before = bench.write(leader)
    assert bench.until(lambda: bench.answered(leader, before))

    bench.crash(leader)

    assert bench.until(lambda: leads_alone(bench, *others), 1_000)
    after = bench.write(others[0])
    assert bench.until(lambda: bench.answered(others[0], after))
    assert before in bench.seats[others[0]].where


def test_a_leader_that_comes_back_follows() -> None:
    """Rules 2 and 15: it catches up from its files and its peers, and unseats nobody."""
    bench, old, others = a_working()
    bench.crash(old)
    new = bench.leader()
    name = bench.write(new)
    bench.until(lambda: bench.answered(new, name))

    bench.start(old)

    assert bench.until(bench.converged)
    bench.run(1_000)
    assert bench.leaders() == [new]
    assert all(bench.of(node).status().leader == new for node in (old, *others))


def test_a_majority_that_comes_back_goes_on_where_it_stopped() -> None:
    """Rules 4 and 15: all nodes die at once; what was answered is found again."""
    bench, leader, _ = a_working()
    names = [bench.write(leader) for _ in range(5)]
    bench.until(lambda: len(bench.seats[leader].answered) == 5)
    for node in bench.nodes:
        bench.crash(node)
        bench.seats[node].forget_the_end(3)

    for node in bench.nodes:
        bench.start(node)

    last = bench.write(1)
    assert bench.until(lambda: bench.answered(1, last))
    assert bench.until(bench.converged)
    assert {*names, last} <= set(bench.seats[1].where)


def test_what_a_dead_leader_had_accepted_at_a_minority_may_live_or_die_but_only_in_one_way() -> None:
    """Rule 4: a slot is decided by a later leader, as the dead one proposed it or as a no-op, the same on all nodes."""
    bench, leader, others = a_working()
    bench.cut |= {(leader, node) for node in others[1:]}
    name = bench.write(leader)
    bench.until(lambda: 1 in bench.of(others[0]).votes())

    bench.crash(leader)
    bench.cut.clear()
    bench.leader()
    bench.start(leader)
    bench.until(bench.converged)

    assert sum(request.id == name for value in bench.seats[leader].log for request in value) <= 1
    assert not bench.answered(leader, name)


def test_a_retry_at_another_node_takes_effect_once() -> None:
    """Rule 14: the answer was lost with the leader; the client asks again elsewhere and is told the same slot."""
    bench, leader, others = a_working()
    name = bench.write(leader)
    assert bench.until(lambda: bench.answered(leader, name))
    bench.crash(leader)
    bench.leader()

    bench.submit(others[0], request(1))
    bench.submit(others[1], request(1))

    assert bench.until(lambda: bench.answered(others[0], name) and bench.answered(others[1], name))
    bench.run(200)
    assert bench.seats[others[0]].answered == bench.seats[others[1]].answered == {name: 1}
    assert sum(one.id == name for value in bench.seats[others[0]].log for one in value) == 1


def test_a_node_that_missed_a_thousand_slots_catches_up_in_chunks() -> None:
    """Rule 12: as a stream of blocks, each fetched once, while writes go on."""
    bench, leader, others = a_working(window=64)
    away = others[0]
    bench.crash(away)
    for _ in range(1_000):
        bench.write(leader)
    assert bench.until(lambda: len(bench.seats[leader].answered) == 1_000)

    bench.start(away)
    last = bench.write(away)

    assert bench.until(lambda: bench.answered(away, last))
    assert bench.until(bench.converged)
    fetched = [len(reply.blocks) for _, to, reply in bench.messages_of(CatchupReply) if to == away]
    assert sum(fetched) <= 1_001
    assert len(bench.messages_of(Catchup, away)) <= len(fetched) + 1


def test_a_leader_that_lacks_a_thousand_slots_fetches_them_before_it_proposes() -> None:
    """Rules 3 and 4: the node with the old log wins, and puts nothing into slots that others have decided."""
    bench, leader, others = a_working(3)
    bench.crash(others[0])
    for _ in range(1_000):
        bench.write(leader)
    assert bench.until(lambda: len(bench.seats[leader].answered) == 1_000)
    bench.run(100)
    bench.crash(leader)
    bench.crash(others[1])
    bench.start(others[0])
    bench.run(100)
    bench.start(others[1])
    bench.seats[others[1]].alarms.clear()  # It never campaigns.

    assert bench.leader() == others[0]
    name = bench.write(others[0])

    assert bench.until(lambda: bench.answered(others[0], name))
    assert bench.seats[others[0]].answered[name] > 1_000
    assert min(message.first_slot for _, _, message in bench.messages_of(Accept, others[0])) > 1_000


# Rivals


def test_two_that_campaign_at_once_leave_one_leader() -> None:
    """Rules 3 and 5: both ask, both may open a ballot; the higher one stands or the next attempt does."""
    for seed in range(20):
        bench = Bench(5, seed=seed)
        for node in (1, 2):
            bench.of(node).election.begin_pre_vote()
            bench.seats[node].alarms.clear()
            bench._settle(bench.seats[node])

        assert bench.until(lambda bench=bench: leads_alone(bench, *bench.nodes), 1_000)  # type: ignore[misc]


def test_five_with_waiting_clients_do_not_duel() -> None:
    """Rules 1 and 5: every node has a write to place and no leader; all are placed soon, under long delays too."""
    for seed in range(10):
        bench = Bench(5, seed=seed)
        bench.delay = (30, 60)
        asked = [(node, bench.write(node)) for node in bench.nodes]

        assert bench.until(lambda bench=bench, asked=asked: all(bench.answered(*one) for one in asked), 4_000)  # type: ignore[misc]


def test_who_comes_back_with_a_high_ballot_unseats_nobody() -> None:
    """Rule 2: a node died after it had opened a ballot that nobody heard of; the leader campaigns above it."""
    bench, leader, others = a_working()
    high = others[0]
    bench.split({high}, set(bench.nodes) - {high})
    bench.of(high).campaign.see(bench.of(high).status().promised.above(5).above(5))
    bench.of(high).election.open_ballot()
    bench._settle(bench.seats[high])
    assert bench.of(high).status().promised > bench.of(leader).status().promised
    bench.crash(high)
    bench.heal()
    for node in bench.nodes:
        bench.seats[node].notes.clear()

    bench.start(high)
    name = bench.write(high)

    assert bench.until(lambda: bench.answered(high, name))
    bench.run(1_000)
    assert bench.leaders() == [leader]
    assert all(node == leader for node in bench.nodes if "leader" in bench.seats[node].notes)
    assert bench.of(high).status().leader == leader
