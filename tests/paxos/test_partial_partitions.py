"""Progress while only some links work: quorum loss, constrained election, chained (Ng et al., EuroSys 2023).

In each there is one stable leader within four election timeouts, and no further change of leader; with lossy links too,
where an election timeout is what the slowest node has made of it (`docs/decisions/0008`).
In a row of seven no node reaches a majority of four, so nobody may lead, and clients must be told.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import pytest

from paxos.ballot import NodeId
from tests.paxos.bench_of_replicas import Bench

ELECTION_MS = 200
"""The election timeout where nothing is lost."""
WATCHED_MS = 5_000
"""For so long no leader changes: a hundred heartbeats."""
SEEDS = range(4)
LOSS = [pytest.param(0.0, id="no loss"), pytest.param(0.1, id="one message in ten lost")]


@dataclass
class Stay:
    """A cluster whose links were cut, and what came of it."""

    bench: Bench
    before: NodeId
    hub: NodeId


def quorum_loss(bench: Bench, _: NodeId, hub: NodeId) -> None:
    """Only the hub reaches a majority; the leader reaches the hub alone."""
    bench.keep_only(*((hub, node) for node in bench.nodes if node != hub))


def constrained(bench: Bench, leader: NodeId, hub: NodeId) -> None:
    """The leader is gone, and the one node that reaches a majority of the rest has an old log."""
    bench.crash(leader)
    bench.keep_only(*((hub, node) for node in bench.nodes if node not in (hub, leader)))


def chained(bench: Bench, leader: NodeId, _: NodeId) -> None:
    """A row of nodes, each reaching its neighbours only; the leader stands at one end."""
    row = [leader, *(node for node in bench.nodes if node != leader)]
    bench.keep_only(*pairwise(row))


def happen(fault: Callable[[Bench, NodeId, NodeId], None], nodes: int, seed: int, loss: float) -> Stay:
    """A leader at work, a hub that lags behind it, and then the fault; four election timeouts pass."""
    bench = Bench(nodes, seed=seed)
    leader = bench.leader()
    hub = next(node for node in bench.nodes if node != leader)
    bench.cut = {(node, hub) for node in bench.nodes if node != hub}
    for _ in range(5):
        bench.write(leader)
    bench.run(60)
    bench.cut.clear()
    fault(bench, leader, hub)
    bench.drop = loss
    begun = bench.now
    bench.run(4 * ELECTION_MS)
    if loss:
        longest = max(bench.of(node).timeouts.election_ms() for node in bench.alive())
        bench.run(begun + 4 * longest - bench.now)
    return Stay(bench, leader, hub)


def assert_steady(bench: Bench, leader: NodeId) -> None:
    """`leader` leads, nobody else does, and no ballot is opened for as long as is watched."""
    ballots = {node: bench.of(node).status().elections for node in bench.alive()}
    assert bench.leaders() == [leader]

    bench.run(WATCHED_MS)

    assert bench.leaders() == [leader]
    assert {node: bench.of(node).status().elections for node in bench.alive()} == ballots


def assert_all_write(bench: Bench) -> None:
    """Every node that lives reaches the leader in some way: its clients' writes are answered."""
    asked = [(node, bench.write(node)) for node in bench.alive()]

    assert bench.until(lambda: all(bench.answered(*one) for one in asked), 5_000)


@pytest.mark.parametrize("loss", LOSS)
@pytest.mark.parametrize("nodes", [3, 5, 7])
@pytest.mark.parametrize("seed", SEEDS)
def test_quorum_loss_ends_with_the_hub_leading(nodes: int, seed: int, loss: float) -> None:
    """Rules 2 and 6: the leader sees that it has no majority and makes room; the hub alone can take over.

    With three nodes the leader and the hub are a majority already, and nothing changes.
    """
    stay = happen(quorum_loss, nodes, seed, loss)

    leader = stay.before if nodes == 3 else stay.hub
    assert_steady(stay.bench, leader)
    assert_all_write(stay.bench)


@pytest.mark.parametrize("loss", LOSS)
@pytest.mark.parametrize("nodes", [3, 5, 7])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_constrained_election_is_won_with_an_old_log(nodes: int, seed: int, loss: float) -> None:
    """Rule 3: whoever reaches a majority leads, and fetches what it lacks before it proposes.

    With three nodes the hub and the one other are a majority: either may lead.
    """
    stay = happen(constrained, nodes, seed, loss)

    bench = stay.bench
    [leader] = bench.leaders()
    assert nodes == 3 or leader == stay.hub
    assert_steady(bench, leader)
    assert_all_write(bench)
    assert set(bench.oracle.answers) <= set(bench.seats[leader].where), "what was answered before is still there"


@pytest.mark.parametrize("loss", LOSS)
@pytest.mark.parametrize("nodes", [3, 5])
@pytest.mark.parametrize("seed", SEEDS)
def test_a_row_finds_one_leader_inside_it(nodes: int, seed: int, loss: float) -> None:
    """Rules 2 and 7: somebody inside leads; the far end hears of it by word of mouth, and writes through others."""
    stay = happen(chained, nodes, seed, loss)

    bench = stay.bench
    [leader] = bench.leaders()
    assert_steady(bench, leader)
    assert_all_write(bench)


@pytest.mark.parametrize("loss", LOSS)
@pytest.mark.parametrize("seed", SEEDS)
def test_in_a_row_of_seven_nobody_leads(seed: int, loss: float) -> None:
    """Rules 4 and 6: three in a row are no majority of seven; no ballot is opened, and clients are told so."""
    stay = happen(chained, 7, seed, loss)
    bench = stay.bench
    assert bench.leaders() == []
    ballots = [bench.of(node).status().elections for node in bench.nodes]
    asked = [(node, bench.write(node)) for node in bench.nodes]

    bench.run(WATCHED_MS + 3_000)

    assert bench.leaders() == []
    assert [bench.of(node).status().elections for node in bench.nodes] == ballots
    assert [bench.seats[node].given_up.get(name) for node, name in asked] == [True] * 7


@pytest.mark.parametrize("fault", [quorum_loss, constrained, chained])
@pytest.mark.parametrize("seed", SEEDS)
def test_healing_makes_all_alike(fault: Callable[[Bench, NodeId, NodeId], None], seed: int) -> None:
    """Progress: when the links are whole again everybody follows the one leader and has the same log."""
    bench = happen(fault, 5, seed, 0.0).bench
    asked = [(node, bench.write(node)) for node in bench.alive()]

    bench.heal()
    for node in set(bench.nodes) - set(bench.alive()):
        bench.start(node)

    assert bench.until(lambda: all(bench.answered(*one) for one in asked), 5_000)
    assert bench.until(bench.converged)
    [leader] = bench.leaders()
    assert_steady(bench, leader)
