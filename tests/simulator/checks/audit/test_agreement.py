"""`paxsim verify` and the node say the same of every damage, and the node believes none of it."""

from __future__ import annotations

from contextlib import closing
from functools import cache, partial
from pathlib import Path

import pytest

from blog.operations import Post
from simulator.checks.audit import verify_directory
from simulator.errors import StorageDamage
from simulator.faults.faults import Crash, Restart
from simulator.settings import Limits, Settings
from simulator.worlds.virtual.cluster import VirtualCluster
from tests.simulator.checks.audit.damages import BLOG, CHAIN, JOURNAL, Damage, Files, all_damages
from tests.simulator.node.storage.builder import BareNode
from tests.simulator.node.storage.crash_disk import CrashDisk

DAMAGES = list(all_damages())
SAMPLE = DAMAGES[::9]
NODES = {"voted for all": 1, "fetched a part": 3, "compacted its journal": 2}


@cache
def files_of(history: str) -> Files:
    """The files of a node of a run in which node 3 was down for a while."""
    limits = Limits(compact_bytes=3_000) if "compacted" in history else Limits()
    with closing(VirtualCluster(Settings(nodes=3, seed=5, limits=limits))) as cluster:
        for number in range(27):
            if number == 6:
                cluster.apply(Crash(3))
            if number == 20:
                cluster.apply(Restart(3))
            cluster.submit(1, Post(f"user {number % 3}", f"title {number}", "text"))
            assert cluster.wait(partial(_reaches, cluster, number + 1), 20_000)
        assert cluster.wait(lambda: all(cluster.status(n).height >= 27 for n in (1, 2, 3)), 20_000)
        disk = cluster.machines[NODES[history]].disk
        return {name: bytes(disk.files[name].data) for name in (CHAIN, BLOG, JOURNAL)}


def _reaches(cluster: VirtualCluster, height: int) -> bool:
    return cluster.status(1).height >= height


def check(path: Path, history: str, damage: Damage) -> None:
    """Compare the words of both on damaged files, and what the node recovers with what it wrote."""
    whole = files_of(history)
    damaged = damage(whole)
    if damaged is None:
        return
    folder = path / f"node-{NODES[history]}"
    folder.mkdir()
    disk = CrashDisk()
    for name, data in damaged.items():
        (folder / name).write_bytes(data)
        disk.append(name, data)

    report = verify_directory(folder).nodes[0]
    try:
        node = BareNode(disk, difficulty=2)
    except StorageDamage:
        assert report.problems
        return
    recovered = node.recovered

    assert bool(report.problems) == bool(recovered.damaged or recovered.lost), (report, recovered)
    if not report.problems:
        assert bool(report.warnings) == bool(recovered.notes), (report, recovered)
        assert disk.files[BLOG].count(b"\n") <= whole[BLOG].count(b"\n")
    assert whole[CHAIN].startswith(disk.files[CHAIN])
    again = BareNode(disk, difficulty=2).recovered
    assert (again.height, again.tip, again.lost) == (recovered.height, recovered.tip, recovered.lost)
    assert (again.notes, again.damaged) == ((), ())


@pytest.mark.parametrize("history", NODES)
@pytest.mark.parametrize(("name", "damage"), SAMPLE, ids=[name for name, _ in SAMPLE])
def test_verify_and_the_node_agree(tmp_path: Path, history: str, name: str, damage: Damage) -> None:
    """A sample of all damages, on the files of a node that voted, of one that caught up, of one that compacted."""
    del name
    check(tmp_path, history, damage)


@pytest.mark.slow
@pytest.mark.parametrize("history", NODES)
@pytest.mark.parametrize(("name", "damage"), DAMAGES, ids=[name for name, _ in DAMAGES])
def test_verify_and_the_node_agree_on_everything(tmp_path: Path, history: str, name: str, damage: Damage) -> None:
    """All damages."""
    del name
    check(tmp_path, history, damage)


@pytest.mark.parametrize("history", NODES)
def test_they_agree_on_files_without_damage(tmp_path: Path, history: str) -> None:
    """Neither says anything."""
    files = files_of(history)
    folder = tmp_path / f"node-{NODES[history]}"
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)

    report = verify_directory(folder).nodes[0]

    assert (report.problems, report.warnings, report.height) == ((), (), 27)
