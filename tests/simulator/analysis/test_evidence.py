"""The few events that prove a violation."""

from __future__ import annotations

from pathlib import Path

import pytest

from simulator.analysis.evidence import MOST, event_sentence, judge_run
from simulator.analysis.run import load_run
from simulator.checks.trace_check import check_trace
from simulator.trace.events import BlocksApplied
from tests.simulator.analysis.recorded import trace_of_lesson


@pytest.mark.parametrize("lesson", ["a-quorum-of-two", "old-acceptances-ignored", "a-promise-forgotten"])
def test_a_violation_is_proven_by_few_events(lesson: str, tmp_path: Path) -> None:
    """The events stand in order, are at most fourteen, and the one at which the check failed is among them."""
    trace = trace_of_lesson(lesson, tmp_path)

    judgement = judge_run(load_run(trace))

    assert judgement.violations
    assert judgement.verdicts == check_trace(trace).verdicts()
    for proven in judgement.violations:
        assert proven.at in proven.events
        assert list(proven.events) == sorted(set(proven.events))
        assert 1 < len(proven.events) <= MOST


def test_two_blocks_of_one_height_are_both_shown(tmp_path: Path) -> None:
    """That two nodes disagree is seen where each applies its block, and where each leader had its votes."""
    run = load_run(trace_of_lesson("a-quorum-of-two", tmp_path))
    proven = next(one for one in judge_run(run).violations if one.violation.invariant == "agreement")

    applied = [run.events[index] for index in proven.events if isinstance(run.events[index], BlocksApplied)]
    sentences = [event_sentence(run, index) for index in proven.events]

    assert len({event.blocks[0].hash for event in applied if isinstance(event, BlocksApplied)}) == 2
    assert sum("leads with ballot" in sentence for sentence in sentences) == 2
    assert any(sentence.endswith("partition 5,1 / 2,3,4") for sentence in sentences)
    assert any("Minority" in sentence for sentence in sentences)
    assert any("Majority" in sentence for sentence in sentences)


def test_a_sound_run_has_no_violation(tmp_path: Path) -> None:
    """All verdicts are "ok", and the counts say that there was something to check."""
    judgement = judge_run(load_run(trace_of_lesson("leader-dies-before-a-write", tmp_path)))

    assert set(judgement.verdicts.values()) == {"ok"}
    assert not judgement.violations
    assert judgement.occasions["elections"] >= 2
