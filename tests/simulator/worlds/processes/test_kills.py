"""kill -9 of a random node at a random moment, again and again, while clients write: nothing answered is ever lost."""

from __future__ import annotations

from collections import Counter
from functools import partial
from pathlib import Path
from random import Random

import msgspec
import pytest

from blog.operations import Post
from simulator.cluster.interface import AnswerKind
from simulator.faults.faults import Crash, Restart
from simulator.worlds.processes.cluster import ProcessCluster
from simulator.worlds.processes.node_main import build_node
from tests.simulator.worlds.processes.conftest import Start
from tests.simulator.worlds.processes.crowd import Crowd

CLIENT_TIMEOUT_MS = 60_000


def converged(cluster: ProcessCluster) -> bool:
    """All nodes are up and have the same chain."""
    states = [cluster.status(node) for node in cluster.settings.node_ids]
    return all(state.life == "up" for state in states) and len({state.hash for state in states}) == 1


def ids_on_chain(cluster: ProcessCluster, node: int) -> Counter[str]:
    """How often each request stands in the file of `node`."""
    lines = (Path(cluster.settings.data) / f"node-{node}" / "blockchain.txt").read_bytes().splitlines()
    return Counter(operation["id"] for line in lines for operation in msgspec.json.decode(line)["T"])


def torment(cluster: ProcessCluster, kills: int, dice: Random) -> None:
    """Kill, restart, and see that nothing answered is lost and that everybody goes on."""
    crowd = Crowd(cluster, 4, dice)
    assert cluster.wait(partial(crowd.reaches, 4), CLIENT_TIMEOUT_MS), "no first answers"
    killed: list[int] = []

    for number in range(kills):
        goal = crowd.pump() + dice.randint(1, 40)
        assert cluster.wait(partial(crowd.reaches, goal), CLIENT_TIMEOUT_MS), f"wedged before kill {number + 1}"
        if killed and (len(killed) == 2 or dice.random() < 0.5):  # Two of five may be down at once.
            cluster.apply(Restart(killed.pop(0)))
        victim = dice.choice(crowd.up())
        cluster.wait(partial(crowd.reaches, goal + 1_000), dice.randint(0, 9))  # Hit any moment of a write.
        cluster.apply(Crash(victim))
        killed.append(victim)
    for node in killed:
        cluster.apply(Restart(node))

    assert cluster.wait(crowd.idle, CLIENT_TIMEOUT_MS), "somebody waits for ever"
    for node in cluster.settings.node_ids:
        last = cluster.submit(node, Post("last", f"from node {node}", "still here"))
        assert cluster.wait(partial(getattr, last, "done"), CLIENT_TIMEOUT_MS)
        assert last.answer is not None
        assert last.answer.kind is AnswerKind.OK
    assert cluster.wait(lambda: converged(cluster), CLIENT_TIMEOUT_MS), "the chains do not meet"

    assert cluster.check() == dict.fromkeys(cluster.check(), "ok")
    for node in cluster.settings.node_ids:
        found = ids_on_chain(cluster, node)
        # A request may have been voted into two slots by two leaders; that it took effect once is what `check` judges.
        assert all(found[f"{ticket.client}:{ticket.seq}"] >= 1 for ticket in crowd.answered)
    assert len(crowd.answered) > kills


def test_a_dozen_kills_lose_nothing(start: Start) -> None:
    """The short run of the story below."""
    torment(start(build_node, nodes=5), 12, Random(12))


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_two_hundred_kills_lose_nothing(start: Start) -> None:
    """Every answered write is on all chains once, and no process is wedged."""
    torment(start(build_node, nodes=5), 200, Random(200))
