"""Failures that properties and storms have found, each under a name of its own, with the plan that showed it.

A plan here is what hypothesis or `explore` shrank a failure to; it stays when the cause is mended.
"""

from __future__ import annotations

import pytest

from simulator.faults.faults import ClockFault, Crash, Pause, Resume
from simulator.settings import Settings
from simulator.tools.explore.schedule import Schedule, ScheduledFault
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from simulator.worlds.virtual.cluster import VirtualCluster
from tests.properties.driver import Life, judge


def three_nodes(*faults: ScheduledFault, seed: int = 0, heals_ms: int = 1_000) -> Schedule:
    """A plan as the properties draw them, without calls."""
    return Schedule(settings=Settings(nodes=3, data="", seed=seed, difficulty=1), faults=faults, heals_ms=heals_ms)


def test_a_node_paused_before_its_first_moment_starts_once() -> None:
    """Found by the state machine, seed 0: a node paused and resumed at 0 ms began two incarnations on one disk.

    The second took the place of the first, and with it went the calls that the first had taken.
    """
    schedule = three_nodes(ScheduledFault(0, Pause(1)), ScheduledFault(0, Resume(1)))
    cluster = VirtualCluster(schedule.settings)

    for scheduled in schedule.faults:
        cluster.apply(scheduled.fault)
    node = cluster.machines[1].node
    cluster.run(100)

    assert node is not None
    assert cluster.machines[1].node is node
    judge(schedule)


def test_a_leader_whose_heartbeats_sleep_is_replaced_and_nobody_is_to_blame() -> None:
    """Found by storms, seed 0: a clock that jumps back puts its alarms to sleep, the heartbeat among them.

    The followers rightly elect another leader long after everything was healed; only a check that expected a steady
    leader from then on was wrong.
    """
    schedule = three_nodes(ScheduledFault(0, Crash(1)), ScheduledFault(802, ClockFault(2, 100, -2_000)), heals_ms=902)

    judge(schedule)

    assert run_trial(schedule).sometimes["leaderships"] >= 1
    cluster = Life(schedule).cluster
    cluster.run(cluster.now_ms() + 3_000)
    assert sum(event.kind == "leader" for event in cluster.events(1_000)) == 2


@pytest.mark.parametrize(
    ("profile", "seed"),
    [
        pytest.param("swarm", 4099, id="a damaged chain line was read as the order of the writes"),
        pytest.param("swarm", 4267, id="a journal zeroed while its node ran left no length to compare with"),
        pytest.param("swarm", 5165, id="a folder wiped while its node ran was taken for a new one"),
        pytest.param("swarm", 110_031, id="a journal wiped while its node ran, in a cluster of seven"),
        pytest.param("swarm", 100_496, id="an era known by hearsay was told of as if it were recorded"),
        pytest.param("swarm", 100_632, id="a file damaged under a running node stopped it after the healing"),
        pytest.param("swarm", 101_056, id="a block was written before the vote for it was durable"),
        pytest.param("swarm", 200_651, id="a block damaged under a running node was handed to a peer"),
        pytest.param("swarm", 200_702, id="a chain damaged under a running node took its local reads back"),
        pytest.param("swarm", 201_248, id="half a chain of zeros was cut off as torn, and local reads went back"),
        pytest.param("swarm", 300_049, id="a hundred slots in flight were lost to one node, which fetches one a reply"),
        pytest.param("amnesia", 2_059, id="peers had promised a ballot that its owner did not remember"),
        pytest.param("amnesia", 2_288, id="the same after a rollback"),
    ],
)
def test_a_seed_that_failed_passes(profile: str, seed: int) -> None:
    """Found by `explore`; the name says what went wrong."""
    assert not run_trial(draw_schedule(seed, profile)).violations
