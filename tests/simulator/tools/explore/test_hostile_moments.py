"""The explorer makes every kind of trouble that it is meant to make: each has a count that is not zero."""

from __future__ import annotations

from collections import Counter
from functools import cache

import pytest

from simulator.node import node as node_module
from simulator.tools.explore.moments import WHEN, Moment
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from simulator.tools.explore.triggered_faults import MEMBER_MOMENTS, TriggeredFault

SEEDS = 24


@cache
def happened() -> Counter[str]:
    """In how many seeds of the profile "moments" each thing happened."""
    total: Counter[str] = Counter()
    for seed in range(SEEDS):
        outcome = run_trial(draw_schedule(seed, "moments"))
        assert outcome.violations == (), outcome.violations[0].sentence(f"seed {seed}")
        total.update(name for name, count in outcome.sometimes.items() if count)
    return total


@pytest.mark.parametrize("moment", sorted({*MEMBER_MOMENTS} - {"compact"}))
def test_faults_hit_every_moment_of_acceptors_and_learners(moment: Moment) -> None:
    """Those of proposers are hit in any sixty seeds (`test_swarm`); a compaction has a test of its own."""
    assert happened()[f"fault when {WHEN[moment]}"] > 0


def test_faults_hit_a_compaction(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a journal that is rewritten at a kilobyte, a node crashes while it rewrites it."""
    monkeypatch.setattr(node_module, "COMPACT_BYTES", 1_024)
    schedule = draw_schedule(0, "quiet")
    trigger = TriggeredFault(500, "compact", 1, "crash", 7)

    outcome = run_trial(
        type(schedule)(settings=schedule.settings, calls=schedule.calls, heals_ms=4_000, triggers=(trigger,))
    )

    assert outcome.violations == ()
    assert outcome.sometimes[f"fault when {WHEN['compact']}"] == 1
    assert outcome.sometimes["restarts"] >= 1
