"""The benchmarks themselves, at their smallest: each measures something, and none leaves a process behind."""

from __future__ import annotations

import json
import math
import multiprocessing
import time
from functools import partial
from multiprocessing.connection import Connection

import pytest

from simulator.cli.main import main
from simulator.tools.bench import (
    chains,
    checkers,
    every_schedule,
    failover,
    growth,
    loops,
    turns,
    virtual_world,
    writes,
)
from simulator.tools.bench.case import Case, Effort, Skipped
from simulator.tools.bench.catalogue import CASES
from simulator.tools.bench.flow import Flow, busy_cores, processor_s
from simulator.tools.bench.rivals import bare, model_checkers

QUICK = Effort(quick=True)
SMALL = (
    "machine/append-and-sync",
    "machine/hash",
    "lone-write/bare/fsync",
    "lone-write/follower/fsync",
    "throughput/bare/flush/16-outstanding/1-a-block",
    "throughput/grouped/flush/64-outstanding/64-a-block",
    "throughput/paxsim/flush/64-outstanding/64-a-block",
    "delayed-write/leader",
    "start/bare",
    "start/cluster",
    "start/command",
    "virtual/empty-heap",
    "virtual/writes",
    "virtual/heartbeats",
    "checkers/blog-1000/5-clients/witness",
    "checkers/blog-1000/5-clients/no-witness",
    "checkers/register-9000",
    "checkers/set-1000/50-clients/right",
    "checkers/stack-1000/50-clients/stale",
    "prove/python-limit",
    "prove/paxos-small",
    "prove/own-node",
    "prove/memory",
    "prove/seconds/paxsim/wall",
    "start-up/plain-loop",
    "start-up/paxsim",
    "recording/on/256-outstanding/64-a-block",
    "growth/nodes-3/latency",
    "processor/64-outstanding/1-a-block/paxsim",
    "processor/1000-outstanding/64-a-block/bare",
    "turns/loaded/1000-outstanding/64-a-block/paxsim",
)
"""One of each kind; what takes seconds even at its smallest stands among the slow ones."""
SLOW = ("failover/paxsim", "lab/open", "lab/closed", "growth/chain-1000/catch-up")


def named(name: str) -> Case:
    """The case of this name."""
    return next(case for case in CASES if case.name == name)


@pytest.mark.parametrize("name", [*SMALL, *(pytest.param(name, marks=pytest.mark.slow) for name in SLOW)])
def test_a_benchmark_measures(name: str) -> None:
    """It gives a positive number and ends everything that it began."""
    values = named(name).measure(QUICK)

    assert values
    assert all(value > 0 for value in values)
    assert multiprocessing.active_children() == []


def test_every_limit_is_a_case_of_the_same_unit_and_direction() -> None:
    """A ratio of milliseconds to writes a second would be none."""
    by_name = {case.name: case for case in CASES}
    assert len(by_name) == len(CASES)
    for case in CASES:
        if case.limit:
            limit = by_name[case.limit]
            assert (limit.unit, limit.better, limit.family) == (case.unit, case.better, case.family), case.name


def test_every_figure_has_at_least_five_repeats() -> None:
    """Fewer are for trying."""
    assert min(case.repeats for case in CASES) >= 5


def _spin(seconds: float, done: Connection) -> None:
    while time.process_time() < seconds:
        pass
    done.send(True)
    done.recv()


def test_processor_time_is_that_of_all_processes() -> None:
    """What a child has used counts while the child still runs."""
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_spin, args=(0.5, theirs), daemon=True)
    before = processor_s() - time.process_time()
    child.start()
    try:
        ours.recv()
        used = processor_s() - time.process_time() - before
    finally:
        child.kill()
        child.join()
        child.close()

    assert used >= 0.5


def test_the_load_beside_is_not_counted() -> None:
    """A busy loop a core runs, and is no child whose time counts; it ends with what was measured."""
    with busy_cores():
        children = multiprocessing.active_children()

    assert children == []


def test_a_flow_tells_rate_and_cost() -> None:
    """Writes a second, and microseconds of processor a write."""
    flow = Flow(writes=2000, seconds=4, processor_s=0.5)

    assert (flow.rate, flow.processor_us) == (500, 250)
    with pytest.raises(Skipped, match="only Linux"):
        _ = Flow(2000, 4, math.nan).processor_us


def test_the_bare_pattern_writes_what_it_answers() -> None:
    """Its answers are those of a majority that has written: the limit is not that of an empty loop."""
    with bare.running(3, synced=True) as pattern:
        pattern.ask(bytes(8) + b"x" * 200)
        while not pattern.route():
            pass
        sizes = [path.stat().st_size for path in pattern.directory.glob("bare-*")]

    assert sorted(sizes)[1] == 208


def test_the_json_document_has_the_promised_shape(capsys: pytest.CaptureFixture[str]) -> None:
    """Machine and results, and nothing else on stdout; progress is on stderr."""
    status = main(["bench", "--quick", "--json", "--only", "machine/hash"])

    shown = capsys.readouterr()
    document = json.loads(shown.out)
    assert status == 0
    assert set(document) == {"machine", "results"}
    (result,) = document["results"]
    assert {"name", "unit", "median", "min", "max", "settings"} <= set(result)
    assert result["min"] <= result["median"] <= result["max"]
    assert "machine/hash [1/2]" in shown.err


def test_the_list_names_every_benchmark(capsys: pytest.CaptureFixture[str]) -> None:
    """And measures none."""
    assert main(["bench", "--list"]) == 0

    shown = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in shown] == [case.name for case in CASES]


def test_a_wrong_name_is_bad_usage(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, with the likeliest name."""
    assert main(["bench", "--only", "throughputt"]) == 2

    assert "did you mean 'throughput'?" in capsys.readouterr().err


def test_each_file_of_cases_is_in_the_catalogue() -> None:
    """A benchmark that nobody lists is measured by nobody."""
    modules = (checkers, chains, every_schedule, failover, growth, loops, model_checkers, turns, virtual_world, writes)
    for module in modules:
        assert all(case in CASES for case in module.CASES)


def test_a_partial_measurement_keeps_its_settings() -> None:
    """What a case says of itself is what it measures."""
    for case in CASES:
        if isinstance(case.measure, partial) and "outstanding" in case.measure.keywords:
            assert case.settings["outstanding"] == case.measure.keywords["outstanding"], case.name
