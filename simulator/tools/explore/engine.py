"""Runs batches on any executor with the standard interface: a pool of this machine's cores, or another library's.

A batch takes about a second, and more on more than twenty cores, so that progress is visible and an interrupt loses
little. On an interrupt, running batches are dropped and finished ones are kept. A batch whose worker dies is run again
by another one, and only a result that has come counts, so no seed is lost or counted twice.
"""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, CancelledError, Executor, Future, ProcessPoolExecutor, wait
from contextlib import contextmanager

from simulator import __version__
from simulator.errors import InputError
from simulator.tools.explore.batch import Batch, BatchResult, Search, run_batch
from simulator.tools.explore.seeds import Seeds

BATCH_S = 1.0
FIRST_BATCH = 4
LARGEST_BATCH = 2_000
AHEAD = 2
"""How many batches wait for each worker, so that none is idle while its result is on the way."""
BATCHES_A_SECOND = 20
"""The most that a whole cluster asks for: a scheduler of Dask takes 4 ms of processor time for each (docs/scale.md)."""
TRIES = 5
"""So often a batch is handed out anew when Dask has given it up, each time after the death of several workers."""


def local_executor(workers: int) -> Executor:
    """A pool of fresh processes that ignore Ctrl-C, which is handled by the parent."""
    return ProcessPoolExecutor(workers, mp_context=multiprocessing.get_context("spawn"), initializer=_hear_no_interrupt)


def _hear_no_interrupt() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


@contextmanager
def dask_executor(address: str) -> Iterator[tuple[Executor, int]]:
    """The executor of the Dask cluster whose scheduler listens at `address`, and its number of workers.

    Raises:
        InputError: Dask is not installed, nobody answers, or the scheduler is gone during the work.
    """
    try:
        from distributed import Client  # noqa: PLC0415  An extra that few have.
    except ImportError:
        raise InputError("'--dask' needs Dask: install it with pip install '.[cluster]'.") from None
    for name in ("distributed", "distributed.client"):  # What a person must know is said in a sentence.
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(address, timeout="10s")
    except (OSError, ValueError, TimeoutError) as error:
        raise InputError(f"no Dask scheduler answers at {address!r} ({error}): write tcp://HOST:PORT.") from None
    try:
        yield client.get_executor(), max(1, sum(client.ncores().values()))
    except CancelledError:
        raise InputError(
            f"the Dask scheduler at {address!r} is gone: start it again, and the same command with --results FILE goes "
            "on from what that file holds."
        ) from None
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
    under_way: dict[Future[BatchResult], tuple[Batch, int]] = {}  # The batch, and how often it was handed out.
    size = FIRST_BATCH
    try:
        while True:
            while len(under_way) < workers * AHEAD and not enough():
                batch = seeds.take(_towards_the_end(size, seeds.left, workers))
                if batch is None:
                    break
                under_way[executor.submit(run_batch, batch, search)] = batch, 1
            if not under_way or enough():
                return
            for future in wait(under_way, return_when=FIRST_COMPLETED).done:
                batch, tries = under_way.pop(future)
                if _given_up(future.exception()) and tries < TRIES:
                    under_way[executor.submit(run_batch, batch, search)] = batch, tries + 1
                    continue
                result = future.result()
                if result.version != __version__:
                    raise InputError(f"a worker runs paxsim {result.version}, and this is {__version__}: update one.")
                size = _next_size(result, max(BATCH_S, workers / BATCHES_A_SECOND))
                yield result
    finally:
        for future in under_way:
            future.cancel()


def _given_up(error: BaseException | None) -> bool:
    """True when Dask gives a task up because the workers that had it died: nothing is wrong with the seeds."""
    return type(error).__name__ == "KilledWorker"  # The class is there only where Dask is.


def run_here(seeds: Seeds, search: Search, *, enough: Callable[[], bool] = lambda: False) -> Iterator[BatchResult]:
    """The same in this process, for one worker: no pool and no start-up."""
    size = FIRST_BATCH
    while not enough() and (batch := seeds.take(size)) is not None:
        result = run_batch(batch, search)
        size = _next_size(result, BATCH_S)
        yield result


def _towards_the_end(size: int, left: int, workers: int) -> int:
    """The size of a batch when so many seeds are left: it falls to an eighth, so that all workers end at about once."""
    return max(1, size // 8, min(size, left // (AHEAD * workers)))


def _next_size(result: BatchResult, batch_s: float) -> int:
    rate = result.batch.count / max(result.seconds, 1e-3)
    return max(1, min(LARGEST_BATCH, int(rate * batch_s)))
