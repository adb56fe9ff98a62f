"""What the record of the cluster tells an audit: folders that are gone, or were put back from an older copy."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path

import pytest

from blog.operations import Post
from simulator.checks.audit import verify_directory
from simulator.settings import Settings
from simulator.worlds.processes.cluster_file import ClusterFile
from simulator.worlds.virtual.cluster import VirtualCluster


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data directory of three nodes, with its record, and beside it an older copy."""
    path = tmp_path / "data"
    with closing(VirtualCluster(Settings(nodes=3, data="", seed=5))) as cluster:
        for copy in (tmp_path / "older", path):
            for number in range(3):
                ticket = cluster.submit(1, Post("ann", f"{copy.name} {number}", "text"))
                assert cluster.wait(lambda ticket=ticket: ticket.done, 20_000)  # type: ignore[misc]
            cluster.run(cluster.now_ms() + 1_000)
            for node, machine in cluster.machines.items():
                machine.disk.write_out(copy / f"node-{node}")
    record = ClusterFile(path, (1, 2, 3))
    for node in (1, 2, 3):
        record.ended(node, failed=False)
    return path


def problems(data: Path) -> dict[int, tuple[str, ...]]:
    """What an audit says of each node."""
    return {node.node: node.problems for node in verify_directory(data).nodes}


def test_whole_folders_have_no_problem(data: Path) -> None:
    """The record is no farther than the journals."""
    assert problems(data) == {1: (), 2: (), 3: ()}


@pytest.mark.parametrize("nodes", [(2,), (1, 3)])
def test_an_older_copy_is_named(data: Path, nodes: tuple[int, ...]) -> None:
    """All its lines are sound, and the node will not vote at first."""
    for node in nodes:
        shutil.rmtree(data / f"node-{node}")
        shutil.copytree(data.parent / "older" / f"node-{node}", data / f"node-{node}")

    found = problems(data)

    assert {node for node, what in found.items() if what} == set(nodes)
    for node in nodes:
        assert "it is older, or shorter, than the node left it" in found[node][0]
        assert "the node does not vote before a majority of the others has answered" in found[node][0]


def test_a_journal_without_its_last_lines_is_named(data: Path) -> None:
    """The checksums hold, because each covers what stands before it only."""
    journal = data / "node-1" / "paxos.txt"
    journal.write_bytes(b"".join(journal.read_bytes().splitlines(keepends=True)[:-2]))

    assert any("it is older, or shorter, than the node left it" in what for what in problems(data)[1])


def test_a_folder_that_is_gone_is_named(data: Path) -> None:
    """The record knows that the node has run."""
    shutil.rmtree(data / "node-2")

    assert "its whole folder is missing, and the node has run" in problems(data)[2][0]


def test_the_owner_of_a_folder_is_named(data: Path) -> None:
    """A meta.txt of another node is mended as long as the journal tells whose folder it is, and else keeps it down."""
    shutil.copy(data / "node-1" / "meta.txt", data / "node-3" / "meta.txt")
    (mended,) = [node.warnings for node in verify_directory(data).nodes if node.node == 3]

    assert problems(data)[3] == ()
    assert "perhaps two folders were swapped; paxos.txt is its own, so the node writes this file anew" in mended[0]
    (data / "node-3" / "paxos.txt").unlink()
    assert any(what.endswith("swapped; the node does not start.") for what in problems(data)[3])
