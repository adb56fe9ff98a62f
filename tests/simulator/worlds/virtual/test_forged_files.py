"""Files that were forged so well that they agree with each other: the others know that it was never so (rule 16)."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from blog.operations import Post
from simulator.checks.audit import verify_directory
from simulator.cluster.interface import Query
from simulator.faults.faults import Kill, Restart
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.journal import JOURNAL
from simulator.settings import Settings
from simulator.worlds.virtual.cluster import VirtualCluster
from simulator.worlds.virtual.simulated_file import SimulatedFile
from tests.simulator.worlds.forging import forged, sealed

WITHIN_MS = 30_000


def written(nodes: int = 5, posts: int = 6, seed: int = 0) -> VirtualCluster:
    """A cluster that has decided some posts, and whose nodes all have them."""
    cluster = VirtualCluster(Settings(nodes=nodes, data="", seed=seed, difficulty=1))
    for number in range(posts):
        post(cluster, 1, f"title {number}")
    assert cluster.wait(lambda: settled(cluster, posts), WITHIN_MS)
    return cluster


def post(cluster: VirtualCluster, node: int, title: str) -> str:
    """Write a post and wait for its answer."""
    ticket = cluster.submit(node, Post("ann", title, "text"))
    assert cluster.wait(lambda: ticket.done, WITHIN_MS)
    assert ticket.answer is not None
    return ticket.answer.kind.value


def settled(cluster: VirtualCluster, height: int, but: Iterable[int] = ()) -> bool:
    """True when all nodes have the same chain, of at least that height."""
    found = [cluster.status(node) for node in cluster.settings.node_ids if node not in but]
    return len({(one.height, one.hash) for one in found}) == 1 and found[0].height >= height


def stop(cluster: VirtualCluster) -> None:
    """End all nodes."""
    for node in cluster.settings.node_ids:
        cluster.apply(Kill(node))


def start(cluster: VirtualCluster, *nodes: int) -> None:
    """Start these nodes."""
    for node in nodes:
        cluster.apply(Restart(node))


def forge(cluster: VirtualCluster, node: int, at: int) -> None:
    """Forge block `at` of a node that is down, or one more block (0), in all its files."""
    machine = cluster.machines[node]
    cluster.checker.oracle.nodes[node].damaged = True
    files = forged({name: bytes(file.data) for name, file in machine.disk.files.items()}, 1, at=at)
    machine.disk.files = {name: SimulatedFile(data, listed=True) for name, data in files.items()}


def titles(cluster: VirtualCluster, node: int) -> str:
    """What a local read shows."""
    ticket = cluster.read(node, Query(kind="all"))
    assert cluster.wait(lambda: ticket.done, WITHIN_MS)
    assert ticket.answer is not None
    return str(ticket.answer.result)


@pytest.mark.parametrize("nodes", [3, 5])
@pytest.mark.parametrize("at", [0, 3, 6], ids=["one more", "in between", "the last"])
@pytest.mark.parametrize("seed", range(4))
def test_a_forged_block_is_not_believed_nor_spread(tmp_path: Path, nodes: int, at: int, seed: int) -> None:
    """The forger restarts with all others; not even its own first local read shows what it brought."""
    cluster = written(nodes, seed=seed)
    stop(cluster)
    forge(cluster, nodes, at)
    for node, machine in cluster.machines.items():
        machine.disk.write_out(tmp_path / f"node-{node}")
    report = verify_directory(tmp_path, difficulty=1)
    assert [bool(node.problems) for node in report.nodes] == [False] * (nodes - 1) + [True]
    assert any("so it was never decided; the node sets the file aside" in what for what in report.nodes[-1].problems)

    start(cluster, *cluster.settings.node_ids)
    shown = titles(cluster, nodes)
    answer = post(cluster, nodes, "after")

    assert "Forged" not in shown
    assert answer == "ok"
    assert cluster.wait(lambda: settled(cluster, 7), WITHIN_MS)
    for node in cluster.settings.node_ids:
        assert b"mallory" not in cluster.machines[node].disk.files[CHAIN].data
        assert cluster.wait(lambda node=node: cluster.status(node).memory in ("", "mended"), WITHIN_MS)  # type: ignore[misc]
    assert cluster.machines[nodes].disk.exists(f"{CHAIN}.damaged-1")
    assert set(cluster.check().values()) == {"ok"}


@pytest.mark.parametrize("seed", range(4))
def test_two_forgers_of_five_convince_nobody(seed: int) -> None:
    """Three others deny what the two brought, and that is a majority."""
    cluster = written(seed=seed)
    stop(cluster)
    for node in (2, 4):
        forge(cluster, node, 0)

    start(cluster, *cluster.settings.node_ids)

    assert post(cluster, 2, "after") == "ok"
    assert cluster.wait(lambda: settled(cluster, 7), WITHIN_MS)
    assert all(b"mallory" not in machine.disk.files[CHAIN].data for machine in cluster.machines.values())
    assert set(cluster.check().values()) == {"ok"}


def test_a_node_that_alone_has_a_decided_block_is_believed() -> None:
    """Two of three decided while the third was down. One of the two leaves: the other's word is all there is."""
    cluster = written(3)
    cluster.apply(Kill(3))
    for number in range(5):
        assert post(cluster, 1, f"more {number}") == "ok"
    for node in (1, 2):
        cluster.apply(Kill(node))

    start(cluster, 1, 3)

    assert post(cluster, 3, "and more") == "ok"
    assert cluster.wait(lambda: settled(cluster, 12, but=[2]), WITHIN_MS)


@pytest.mark.parametrize("owner", [2, 5])
def test_a_promise_that_no_cluster_reaches_does_not_spread(tmp_path: Path, owner: int) -> None:
    """Else the next leader would have to go above it, and no journal could hold its ballots."""
    cluster = written()
    stop(cluster)
    cluster.checker.oracle.nodes[2].damaged = True
    journal = cluster.machines[2].disk.files[JOURNAL]
    records = [json.loads(line.split(b" ", 1)[1]) for line in bytes(journal.data).splitlines()]
    cluster.machines[2].disk.files[JOURNAL] = SimulatedFile(
        sealed([*records, {"promise": [1 << 40, owner]}]), listed=True
    )
    for node, machine in cluster.machines.items():
        machine.disk.write_out(tmp_path / f"node-{node}")
    assert [bool(node.problems) for node in verify_directory(tmp_path, 1).nodes] == [False, True, False, False, False]

    for _ in range(2):
        start(cluster, *cluster.settings.node_ids)
        assert post(cluster, 2, f"after {cluster.now_ms()}") == "ok"
        assert cluster.wait(lambda: settled(cluster, 7), WITHIN_MS)
        assert cluster.wait(lambda: cluster.status(2).memory in ("", "mended"), WITHIN_MS)
        assert all(cluster.status(node).promised[0] < 100 for node in cluster.settings.node_ids)
        stop(cluster)
    assert cluster.machines[2].disk.exists(f"{JOURNAL}.damaged-1")
