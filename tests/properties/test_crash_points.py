"""A restart from any moment: every node killed at every crash point of every sync, one after the other, none left out.

Three nodes handle four writes; the plan is run once for each moment, so this is no sample but all there are. A random
storm seldom dies between two certain lines; these runs do it each time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import get_args

import pytest

from simulator.cluster.interface import AnswerKind
from simulator.faults.faults import Crash, CrashPoint, Fault, Restart
from simulator.settings import Settings
from simulator.tools.explore.schedule import Again, Call, Schedule, ScheduledFault, Write
from tests.properties.driver import Life, answer_of, audit, judge, text

POINTS: tuple[CrashPoint, ...] = get_args(CrashPoint)
FIRST_MS, LAST_MS, STEP_MS = 0, 330, 11
"""From before the first promise until after the last decision; nodes sync every few milliseconds meanwhile."""
NODES = (1, 2, 3)


def four_writes() -> tuple[Call, ...]:
    """Two clients at two nodes, and a retry of each write at the third while a crash may still be on its way."""
    writes = [
        Write(200, 1, 1, "post", "ann", "t1", "c1"),
        Write(230, 2, 2, "post", "ben", "t1", "c2"),
        Write(260, 1, 1, "comment", "ann", "t1", "c3"),
        Write(290, 2, 2, "post", "ben", "t2", "c4"),
    ]
    again = [Again(call.at_ms + 350, call.client, 3, call.content) for call in writes]
    return (*writes, *again)


def plan_with(*faults: ScheduledFault, seed: int = 3) -> Schedule:
    """The four writes with these faults."""
    settings = Settings(nodes=3, data="", seed=seed, difficulty=0)
    return Schedule(settings=settings, faults=faults, calls=four_writes(), heals_ms=800, profile="crash points")


def killed_at_every_moment(point: CrashPoint, nodes: tuple[int, ...]) -> Iterator[Schedule]:
    """One plan a moment: from then on, these nodes die when they next come to `point`; they restart 100 ms later."""
    for at_ms in range(FIRST_MS, LAST_MS, STEP_MS):
        fates: list[Fault] = [Crash(node, point) for node in nodes]
        back: list[Fault] = [Restart(node) for node in nodes]
        yield plan_with(
            *(ScheduledFault(at_ms, fault) for fault in fates),
            *(ScheduledFault(at_ms + 100, fault) for fault in back),
        )


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("node", NODES)
def test_a_node_may_die_at_any_moment(node: int, point: CrashPoint) -> None:
    """Alone, and nothing is violated; in nearly all runs it did die there, or this would say nothing."""
    died = 0
    for schedule in killed_at_every_moment(point, (node,)):
        died += judge(schedule).sometimes.get("restarts", 0)

    assert died >= len(range(FIRST_MS, LAST_MS, STEP_MS)) // 2


@pytest.mark.parametrize("point", POINTS)
def test_all_nodes_may_die_at_any_moment(point: CrashPoint) -> None:
    """One after the other, as each comes to the point; what was answered before is there when they are back."""
    answered = 0
    for schedule in killed_at_every_moment(point, NODES):
        life = Life(schedule)
        effects = Counter(life.contents())
        for content, ticket in life.writes.items():
            if ticket.answer is not None and ticket.answer.kind is AnswerKind.OK:
                answered += 1
                assert effects[content] == 1, f"{answer_of(ticket)}{text(schedule)}"
        assert max(effects[content] for content in life.writes) <= 1, text(schedule)
        assert audit(life.cluster, schedule.settings.difficulty) == [], text(schedule)
        judge(schedule)

    assert answered > 0
