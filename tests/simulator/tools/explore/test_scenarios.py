"""A plan written down as a scenario is the same run: what explore finds, `paxsim run` shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from simulator.faults.faults import (
    ClearConditions,
    ClockFault,
    Crash,
    CrashPoint,
    CutLink,
    DeliverHeld,
    DiskFault,
    DiskFaultKind,
    Fault,
    Heal,
    Hold,
    KeepCopies,
    Kill,
    LinkConditions,
    MendLink,
    Partition,
    Pause,
    Release,
    Restart,
    Resume,
)
from simulator.faults.links import LinkRule
from simulator.scenario.language.commands import Line
from simulator.scenario.language.parser import parse_line
from simulator.scenario.session.fault_commands import faults_of
from simulator.scenario.session.library import load_scenario
from simulator.scenario.session.output import NoOutput
from simulator.scenario.session.run_scenarios import run_scenario
from simulator.scenario.session.session import Session
from simulator.settings import Settings
from simulator.tools.explore.batch import Search
from simulator.tools.explore.command import Wishes, run_search
from simulator.tools.explore.schedule import Schedule
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from simulator.worlds.virtual.cluster import VirtualCluster
from tests.mutants.test_search import seeds_needed
from tests.simulator.tools.explore.test_explore import Silent

NEED_MORE = {"corrupt", "tear", "wipe", "zero", "slow"}
"""Kinds of disk faults that name a file or a time."""
FAULTS: tuple[Fault, ...] = (
    Crash(2),
    *(Crash(3, point) for point in get_args(CrashPoint)),
    Kill(2),
    Restart(2),
    Pause(1),
    Resume(1),
    Partition(((1, 2), (3, 4, 5))),
    CutLink(1, 2),
    CutLink(2, 1, one_way=True),
    MendLink(1, 2),
    MendLink(2, 1, one_way=True),
    Heal(),
    LinkConditions(LinkRule(delay_ms=3_000, jitter_ms=70, drop=0.3, duplicate=0.05, reorder=0.9)),
    LinkConditions(LinkRule(drop=0.02), ((1, 2), (2, 1))),
    ClearConditions(),
    Hold(),
    KeepCopies("heartbeat-ack", 4),
    DeliverHeld(link=(1, 2)),
    DeliverHeld(number=7),
    DeliverHeld(),
    Release(),
    *(DiskFault(2, kind) for kind in get_args(DiskFaultKind) if kind not in NEED_MORE),
    DiskFault(2, "zero", "paxos.txt"),
    DiskFault(2, "slow", delay_ms=50),
    DiskFault(2, "corrupt", "paxos.txt", 3),
    DiskFault(2, "tear", "blog.txt"),
    DiskFault(2, "wipe", "blockchain.txt"),
    ClockFault(2, 80, -3_000),
    ClockFault(2),
)


def test_every_fault_is_written_down_above() -> None:
    """No kind is forgotten when a new one comes."""
    assert {type(fault) for fault in FAULTS} == set(get_args(Fault))


@pytest.mark.parametrize("fault", FAULTS, ids=[fault.line() for fault in FAULTS])
def test_a_faults_line_is_read_back_as_the_fault(fault: Fault) -> None:
    """What a plan prints is what the language understands."""
    cluster = VirtualCluster(Settings(data=""), keep_trace=False)
    if isinstance(fault, Restart):
        cluster.apply(Crash(fault.node))
    if isinstance(fault, Resume):
        cluster.apply(Pause(fault.node))
    line = parse_line(fault.line())
    assert isinstance(line, Line)

    [read] = faults_of(line.command, cluster, Session(cluster, NoOutput()).selector(), lambda: 1)

    if isinstance(fault, LinkConditions) and not fault.links:
        assert isinstance(read, LinkConditions)
        assert read.rule == fault.rule
        assert set(read.links) in (set(), {(a, b) for a in range(1, 6) for b in range(1, 6) if a != b})
    else:
        assert read == fault


def scenario_of(schedule: Schedule, folder: Path) -> tuple[list[str], bool]:
    """The trace of the plan's scenario, as `paxsim run` carries it out, and whether it passed."""
    file, trace = folder / "plan.paxsim", folder / "trace.jsonl"
    file.write_text("\n".join(schedule.lines()) + "\n", encoding="utf-8")
    settings = msgspec.structs.replace(schedule.settings, break_rule=None)
    result = run_scenario(load_scenario(str(file)), settings, world="virtual", trace=str(trace))
    return trace.read_text(encoding="utf-8").splitlines(), result.passed


def events(lines: list[str], until_ms: int) -> list[dict[str, Any]]:
    """What happened until then, without the names that clients have."""
    found = [msgspec.json.decode(line) for line in lines[1:]]
    kept = ("event", "at_ms", "node", "clock", "source", "to", "number", "timer", "how")
    return [
        {key: one[key] for key in kept if key in one}
        for one in found
        if one["event"] != "history" and one["at_ms"] <= until_ms
    ]


@pytest.mark.parametrize("seed", range(12))
def test_a_schedule_and_its_scenario_are_one_run(seed: int, tmp_path: Path) -> None:
    """To the millisecond, until all is mended; and then the scenario passes as the plan did."""
    done = run_trial(draw_schedule(seed)).done
    lines: list[str] = []
    run_trial(done, trace=lines.extend)

    found, passed = scenario_of(done, tmp_path)

    assert events(found, done.heals_ms) == events(lines, done.heals_ms)
    assert passed


@pytest.mark.parametrize(
    "rule",
    [
        "accept-ignores-promise",
        "promise-goes-down",
        "old-leader-reads",
        pytest.param("send-once", marks=pytest.mark.slow),
    ],
)
def test_what_was_found_is_shown_by_its_scenario(rule: str, tmp_path: Path) -> None:
    """The command that a failure names as its replay is `paxsim run`, and that run fails by the same check.

    The search begins at the seed that docs/mutants.md names.
    """
    start = seeds_needed()[rule] - 1
    search = Search(break_rule=rule)
    wishes = Wishes(search=search, start=start, seeds=600, folder=str(tmp_path), enough=1, shrink=1, shrink_runs=300)

    [found, *_] = run_search(wishes, Silent()).findings

    assert found.replay == f"paxsim run {found.scenario} --world virtual"
    assert found.faults + found.operations < 40
