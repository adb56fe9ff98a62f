"""Runs batches on any executor with the standard interface: a pool of this machine's cores, or another library's.

A batch takes about a second, so that progress is visible and an interrupt loses little. On an interrupt, running
batches are dropped and finished ones are kept.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager

from simulator import __version__
from simulator.errors import InputError
from simulator.tools.explore.batch import BatchResult, Search, run_batch
from simulator.tools.explore.seeds import Seeds

BATCH_S = 1.0
FIRST_BATCH = 4
LARGEST_BATCH = 2_000
AHEAD = 2
"""How many batches wait for each worker, so that none is idle while its result is on the way."""


def local_executor(workers: int) -> Executor:
    """A pool of fresh processes that ignore Ctrl-C, which is handled by the parent."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_hear_no_interrupt)


def _hear_no_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def dask_executor(address: str) -> Iterator[tuple[Executor, int]]:
    """The executor of the Dask cluster whose scheduler listens at `address`, and its number of workers.

    Raises:
        InputError: Dask is not installed, or nobody answers.
    """
    try:
        from distributed import Client  # noqa: PLC0415  An extra that few have.
    except ImportError:
        raise InputError("'--dask' needs Dask: install it with pip install 'paxsim[cluster]'.") from None
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"no Dask scheduler answers at {address!r} ({error}): write tcp://HOST:PORT.") from None
    try:
        yield client.get_executor(), max(1, sum(client.ncores().values()))
    finally:
        client.close()


def cores() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def explore(
    seeds: Seeds,
    search: Search,
    executor: Executor,
    workers: int,
    *,
    enough: Callable[[], bool] = lambda: False,
) -> Iterator[BatchResult]:
    """Run all seeds, and yield each batch's result when it comes. Stop early when `enough()` returns true.

    Raises:
        InputError: a worker runs another version of this program.
    """
    under_way: set[Future[BatchResult]] = set()
    size = FIRST_BATCH
    try:
        while True:
            while len(under_way) < workers * AHEAD and not enough():
                batch = seeds.take(size)
                if batch is None:
                    break
                under_way.add(executor.submit(run_batch, batch, search))
            if not under_way or enough():
                return
            done, under_way = wait(under_way, return_when=FIRST_COMPLETED)
            for future in done:
                result = future.result()
                if result.version != __version__:
                    raise InputError(f"a worker runs paxsim {result.version}, and this is {__version__}: update one.")
                size = _next_size(result)
                yield result
    finally:
        for future in under_way:
            future.cancel()


def run_here(seeds: Seeds, search: Search, *, enough: Callable[[], bool] = lambda: False) -> Iterator[BatchResult]:
    """The same in this process, for one worker: no pool and no start-up."""
    size = FIRST_BATCH
    while not enough() and (batch := seeds.take(size)) is not None:
        result = run_batch(batch, search)
        size = _next_size(result)
        yield result


def _next_size(result: BatchResult) -> int:
    rate = result.batch.count / max(result.seconds, 1e-3)
    return max(1, min(LARGEST_BATCH, int(rate * BATCH_S)))
