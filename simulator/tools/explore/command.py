"""Carries out `paxsim explore`: runs seeds, collects results, shrinks the first failures, reports."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import Protocol

import msgspec

from simulator.errors import InputError
from simulator.mutants.registry import find
from simulator.text.suggest import did_you_mean
from simulator.tools.explore.batch import BatchResult, Failure, Search
from simulator.tools.explore.engine import dask_executor, explore, local_executor, run_here
from simulator.tools.explore.findings import Finding, write_down
from simulator.tools.explore.seeds import Results, Seeds, Shard
from simulator.tools.explore.shrink import MOST_RUNS
from simulator.tools.explore.swarm import PROFILES


class Wishes(msgspec.Struct, frozen=True, kw_only=True):
    """The options of the command. The search ends after `enough` failures; `shrink` are shrunk into `folder`."""

    search: Search
    seeds: int
    start: int = 0
    workers: int = 1
    shard: Shard = Shard()
    dask: str | None = None
    results: str | None = None
    folder: str = "paxsim-failures"
    enough: int = 10
    shrink: int = 3
    shrink_runs: int = MOST_RUNS


class Report(msgspec.Struct, kw_only=True):
    """What was found.

    `seeds` counts those run, earlier runs with the same results file included; `sometimes` counts seeds.
    """

    seeds: int = 0
    failures: list[Failure] = msgspec.field(default_factory=list)
    findings: list[Finding] = msgspec.field(default_factory=list)
    seconds: float = 0.0
    runs_per_second: float = 0.0
    sometimes: Counter[str] = msgspec.field(default_factory=Counter)
    interrupted: bool = False

    def document(self, search: Search) -> dict[str, object]:
        """The document that `--json` prints."""
        written = {(found.seed, found.invariant): found for found in self.findings}
        failures = []
        for failure in self.failures:
            found = written.get((failure.seed, failure.invariant))
            failures.append(
                {
                    "seed": failure.seed,
                    "invariant": failure.invariant,
                    "why": failure.why,
                    "replay": found.replay if found else search.command(failure.seed),
                    "shrunk_trace": found.shrunk_trace if found else None,
                    "scenario": found.scenario if found else None,
                    "first_wrong": found.first_wrong if found else None,
                }
            )
        return {
            "seeds": self.seeds,
            "failures": failures,
            "seconds": round(self.seconds, 3),
            "runs_per_second": round(self.runs_per_second, 1),
            "profile": search.profile,
            "break": search.break_rule,
            "sometimes": dict(sorted(self.sometimes.items())),
            "interrupted": self.interrupted,
        }


class Listener(Protocol):
    """Shows progress."""

    def begin(self, total: int, done: int) -> None:
        """The search begins: it has so many seeds, of which so many were done before."""
        ...

    def came(self, report: Report) -> None:
        """A batch came back; `report` contains it."""
        ...

    def shrinking(self, failure: Failure) -> None:
        """A failure is being shrunk."""
        ...


def check_search(search: Search) -> None:
    """Check profile and rule before anything starts.

    Raises:
        InputError: one of the two is unknown.
    """
    if search.profile not in PROFILES:
        known = ", ".join(PROFILES)
        guess = did_you_mean(search.profile, PROFILES)
        raise InputError(f"there is no profile {search.profile!r}{guess} There are {known}.")
    if search.break_rule is not None:
        find(search.break_rule)


def run_search(wishes: Wishes, listener: Listener) -> Report:
    """Explore, and shrink failures. Ctrl-C ends the search and keeps what was found.

    Raises:
        InputError: an unknown profile or rule, a results file or a Dask cluster that cannot be used.
    """
    check_search(wishes.search)
    results = Results(wishes.results, wishes.search)
    seeds = Seeds(wishes.start, wishes.seeds, wishes.shard, results.seeds_done())
    report = Report()
    for earlier in results.before:
        _take_in(report, earlier, wishes)
    listener.begin(seeds.total, seeds.done_before)
    began = time.perf_counter()
    ran = 0
    try:
        for result in _batches(seeds, wishes, report):
            results.add(result)
            ran += result.batch.count
            _take_in(report, result, wishes)
            report.seconds = time.perf_counter() - began
            report.runs_per_second = ran / max(report.seconds, 1e-6)
            listener.came(report)
        _write_down(report, wishes, listener)
    except KeyboardInterrupt:
        report.interrupted = True
    report.failures.sort(key=lambda failure: failure.seed)
    return report


def _batches(seeds: Seeds, wishes: Wishes, report: Report) -> Iterator[BatchResult]:
    def enough() -> bool:
        return len({failure.seed for failure in report.failures}) >= wishes.enough

    if wishes.dask is None and wishes.workers == 1:
        yield from run_here(seeds, wishes.search, enough=enough)
        return
    with ExitStack() as stack:
        executor: Executor
        workers = wishes.workers
        if wishes.dask is not None:
            executor, workers = stack.enter_context(dask_executor(wishes.dask))
        else:
            executor = local_executor(workers)
            stack.callback(executor.shutdown, wait=False, cancel_futures=True)
        yield from explore(seeds, wishes.search, executor, workers, enough=enough)


def _take_in(report: Report, result: BatchResult, wishes: Wishes) -> None:
    wanted = range(wishes.start + wishes.shard.number - 1, wishes.start + wishes.seeds, wishes.shard.parts)
    seeds = [seed for seed in result.batch.seeds() if seed in wanted]
    report.seeds += len(seeds)
    report.failures += [failure for failure in result.failures if failure.seed in wanted]
    report.sometimes.update(result.sometimes)


def _write_down(report: Report, wishes: Wishes, listener: Listener) -> None:
    """Shrink the first failures, one for each violated invariant first."""
    answered: set[str] = set()
    chosen: list[Failure] = []
    for failure in sorted(report.failures, key=lambda failure: failure.seed):
        if failure.invariant not in answered:
            answered.add(failure.invariant)
            chosen.append(failure)
    for failure in chosen[: wishes.shrink]:
        listener.shrinking(failure)
        report.findings.append(write_down(failure, wishes.search, wishes.folder, wishes.shrink_runs))
