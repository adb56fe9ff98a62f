"""`paxsim explore --dask` against a real scheduler and real workers on the loopback, some of which are killed.

They need the extra `.[cluster]`; `make slow` installs it.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from simulator.cli.main import main
from simulator.errors import InputError
from simulator.tools.explore.batch import Batch, BatchResult, Failure, Search, run_batch
from simulator.tools.explore.command import Report, Wishes, run_search
from simulator.tools.explore.engine import TRIES, explore
from simulator.tools.explore.seeds import Seeds, Shard

needs_dask = pytest.mark.skipif(
    find_spec("distributed") is None, reason="needs the extra cluster: pip install '.[cluster]'"
)
SEEDS = 60
Captured = pytest.CaptureFixture[str]


class DaskCluster:
    """A scheduler and workers, each a process of its own. `address` is the scheduler's."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._stack = stack
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.address = f"tcp://127.0.0.1:{self._port}"
        self.scheduler = self.start_scheduler()
        self.workers = [self.start_worker(), self.start_worker()]

    def start_scheduler(self) -> subprocess.Popen[bytes]:
        """Start the scheduler."""
        return self._start("scheduler", "--host", "127.0.0.1", "--port", str(self._port))

    def start_worker(self) -> subprocess.Popen[bytes]:
        """Start a worker; it waits until the scheduler is there."""
        return self._start(
            "worker", self.address, "--nthreads", "1", "--no-nanny", "--local-directory", str(self._folder)
        )

    def _start(self, *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", *words, "--no-dashboard"]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._stack.callback(process.wait)
        self._stack.callback(process.kill)
        return process


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[DaskCluster]:
    """A scheduler and two workers."""
    with ExitStack() as stack:
        yield DaskCluster(tmp_path, stack)


class AtFirst:
    """A listener that does something when the first batch has come."""

    def __init__(self, act: Callable[[], object] = lambda: None) -> None:
        self._act = act
        self._came = 0

    def begin(self, total: int, done: int) -> None:
        """See `Listener`."""

    def came(self, report: Report) -> None:
        """See `Listener`."""
        self._came += 1
        if self._came == 1:
            self._act()

    def shrinking(self, failure: Failure) -> None:
        """See `Listener`."""


def wishes(cluster: DaskCluster | None, results: Path | None = None) -> Wishes:
    """The search of these tests."""
    return Wishes(
        search=Search(),
        seeds=SEEDS,
        dask=cluster.address if cluster else None,
        results=str(results) if results else None,
    )


@needs_dask
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_killed_worker_costs_no_seed_and_none_counts_twice(cluster: DaskCluster, tmp_path: Path) -> None:
    """One of two workers is killed midway and another one comes: the same report as without a cluster."""
    results = tmp_path / "results.jsonl"

    def replace_worker() -> None:
        cluster.workers[0].kill()
        cluster.start_worker()

    found = run_search(wishes(cluster, results), AtFirst(replace_worker))

    expected = run_search(wishes(None), AtFirst())
    seeds = [seed for line in results.read_bytes().splitlines() for seed in Batch(**json.loads(line)["batch"]).seeds()]
    assert (found.seeds, found.failures, found.sometimes) == (expected.seeds, expected.failures, expected.sometimes)
    assert sorted(seeds) == list(range(SEEDS))


@needs_dask
@pytest.mark.slow
@pytest.mark.timeout(300)
def test_without_its_scheduler_a_search_ends_with_a_sentence_and_goes_on_later(
    cluster: DaskCluster, tmp_path: Path
) -> None:
    """The same search with the same results file runs what is left, once the scheduler is back."""
    results = tmp_path / "results.jsonl"

    with pytest.raises(InputError, match="is gone: start it again"):
        run_search(wishes(cluster, results), AtFirst(cluster.scheduler.kill))
    done = len(results.read_bytes().splitlines())
    cluster.scheduler.wait()
    cluster.start_scheduler()
    cluster.start_worker()
    found = run_search(wishes(cluster, results), AtFirst())

    assert done > 0
    assert found.seeds == SEEDS
    assert not found.failures


@needs_dask
@pytest.mark.slow
def test_a_scheduler_that_is_not_there_is_told(capsys: Captured) -> None:
    """Status 2, and the address."""
    assert main(["explore", "--seeds", "1", "--dask", "tcp://127.0.0.1:9"]) == 2
    assert "no Dask scheduler answers at 'tcp://127.0.0.1:9'" in capsys.readouterr().err


def test_without_the_extra_a_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    """Status 2."""
    monkeypatch.setitem(sys.modules, "distributed", None)

    assert main(["explore", "--seeds", "1", "--dask", "tcp://127.0.0.1:9"]) == 2
    assert "pip install '.[cluster]'" in capsys.readouterr().err


class KilledWorker(Exception):
    """As Dask raises it when several workers have died with a task."""


class DyingWorkers(Executor):
    """Gives every batch up so many times before it runs it."""

    def __init__(self, deaths: int) -> None:
        self._deaths = deaths
        self._tried: dict[Batch, int] = {}

    def submit(self, _function: Any, /, *arguments: Any, **_keywords: Any) -> Future[Any]:
        """Run a batch at once, or lose its worker."""
        future: Future[BatchResult] = Future()
        batch, search = arguments
        self._tried[batch] = self._tried.get(batch, 0) + 1
        if self._tried[batch] <= self._deaths:
            future.set_exception(KilledWorker("four workers died"))
        else:
            future.set_result(run_batch(batch, search))
        return future


def test_a_batch_that_dask_gives_up_is_handed_out_again() -> None:
    """Each seed has one result, however often its workers died; but not for ever."""
    seeds = Seeds(0, 6, Shard(), set())

    results = list(explore(seeds, Search(), DyingWorkers(TRIES - 1), 2))

    assert sorted(seed for result in results for seed in result.batch.seeds()) == list(range(6))
    with pytest.raises(KilledWorker):
        list(explore(Seeds(0, 6, Shard(), set()), Search(), DyingWorkers(TRIES), 2))
