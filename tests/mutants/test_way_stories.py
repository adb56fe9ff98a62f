"""A ring of links that are whole one way only: whoever is served by way of others, or not at all (rule 7)."""

from __future__ import annotations

from itertools import permutations

from simulator.cluster.interface import AnswerKind, Query
from simulator.faults.faults import CutLink
from simulator.settings import Settings
from simulator.worlds.virtual.cluster import VirtualCluster
from tests.mutants.puppets import judge, tells_of
from tests.scenarios.one_way_topologies import find_leader, post


@tells_of("relay-dropped", "relay-sent-back", "answers-go-straight", "cut-off-in-silence")
def test_a_node_on_a_one_way_ring_is_served(rule: str | None) -> None:
    """Far reaches only near, near reaches only the leader; far hears only a voter, and near hears only far."""
    cluster = VirtualCluster(Settings(data="", difficulty=0, break_rule=rule), keep_trace=False)
    leader = find_leader(cluster)
    voter, other, near, far = (node for node in cluster.settings.node_ids if node != leader)
    whole = {(far, near), (near, leader), (voter, far), *permutations((leader, voter, other), 2)}
    for link in permutations(cluster.settings.node_ids, 2):
        if link not in whole:
            cluster.apply(CutLink(*link, one_way=True))
    cluster.run(cluster.now_ms() + 2_000)

    write = cluster.submit(far, post("far"))
    cluster.wait(lambda: write.done, 1_000)
    read = cluster.read(far, Query(kind="all", linearizable=True))
    cluster.wait(lambda: read.done, 1_000)

    served = [ticket.answer is not None and ticket.answer.kind is AnswerKind.OK for ticket in (write, read)]
    judge(rule, {name for name, why in cluster.check().items() if why != "ok"}, well=all(served))
