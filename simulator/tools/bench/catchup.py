"""Catch-up of an empty node on a long chain, while clients write: how long it takes, and what the clients notice."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import median

from simulator.cluster.interface import AnswerKind, Ticket
from simulator.faults.faults import Crash, Restart
from simulator.settings import Settings
from simulator.tools.bench import real
from simulator.tools.bench.case import Case, Effort
from simulator.tools.bench.chains import BLOCKS, QUICK_BLOCKS, stored
from simulator.worlds.processes.cluster import ProcessCluster
from simulator.worlds.processes.node_main import node_directory

CLIENTS = 4
ALONE_S = 10
EMPTY = 5
"""The node that starts with nothing."""


class _Clients:
    """Four clients at as many nodes; each writes again as soon as its answer has come."""

    def __init__(self, cluster: ProcessCluster) -> None:
        self._cluster = cluster
        self._asked: dict[int, tuple[Ticket, float]] = {}

    def write_while(self, goes_on: Callable[[], bool]) -> list[float]:
        """Write as long as `goes_on()`, and return the milliseconds of each write."""
        took: list[float] = []
        while goes_on():
            for node in range(1, CLIENTS + 1):
                if node not in self._asked:
                    self._asked[node] = self._cluster.submit(node, real.operation()), time.perf_counter()
            self._cluster.wait(lambda: any(ticket.done for ticket, _ in self._asked.values()), real.LONG_MS)
            took += self._take()
        return took

    def _take(self) -> list[float]:
        now, took = time.perf_counter(), []
        for node, (ticket, began) in list(self._asked.items()):
            if ticket.done:
                if ticket.answer is None or ticket.answer.kind is not AnswerKind.OK:
                    raise RuntimeError(f"a write was answered {ticket.answer}")
                took.append(1000 * (now - began))
                del self._asked[node]
        return took


def _run(effort: Effort) -> dict[str, float]:
    blocks = effort.pick(BLOCKS, QUICK_BLOCKS)
    with stored(blocks) as chain, tempfile.TemporaryDirectory(prefix="paxsim-bench-") as name:
        for node in range(1, EMPTY):
            shutil.copytree(chain, Path(name) / f"node-{node}")
        settings = Settings(data=name)
        cluster = ProcessCluster(settings, keep_history=False)
        try:
            cluster.apply(Crash(EMPTY))
            if not cluster.wait(lambda: _leads(cluster), 10 * real.LONG_MS):  # Four nodes read a long chain first.
                raise RuntimeError("no node leads")
            for file in node_directory(settings, EMPTY).glob("*.txt"):
                file.unlink()
            real.leader(cluster)
            clients = _Clients(cluster)
            end = time.perf_counter() + effort.pick(ALONE_S, 1)
            alone = clients.write_while(lambda: time.perf_counter() < end)
            cluster.apply(Restart(EMPTY))
            began = time.perf_counter()
            beside = clients.write_while(lambda: cluster.status(EMPTY).height < cluster.status(1).height)
            took = time.perf_counter() - began
        finally:
            cluster.close()
    return {"writes-alone": median(alone), "writes-meanwhile": median(beside), "duration": took}


def _leads(cluster: ProcessCluster) -> bool:
    return any(cluster.status(node).role == "leader" for node in cluster.settings.node_ids)


class _Kept:
    """One run measures all three; the others are kept until they are asked for."""

    def __init__(self) -> None:
        self._values: dict[str, list[float]] = {}

    def take(self, effort: Effort, *, aspect: str) -> Sequence[float]:
        """The next value of an aspect."""
        if not self._values.get(aspect):
            for name, value in _run(effort).items():
                self._values.setdefault(name, []).append(value)
        return [self._values[aspect].pop(0)]


def _cases() -> list[Case]:
    kept = _Kept()
    settings = {"nodes": 5, "blocks": BLOCKS, "ops_per_block": 1, "clients": CLIENTS, "sync": "fsync"}
    return [
        Case(
            name="catch-up/writes-alone",
            story=f"a write of {CLIENTS} clients at as many nodes, on a long chain, one node down",
            unit="ms",
            better="lower",
            measure=partial(kept.take, aspect="writes-alone"),
            settings=settings,
        ),
        Case(
            name="catch-up/writes-meanwhile",
            story="the same while the fifth node, which is empty, fetches the chain",
            unit="ms",
            better="lower",
            measure=partial(kept.take, aspect="writes-meanwhile"),
            settings=settings,
            limit="catch-up/writes-alone",
            aim=2,
        ),
        Case(
            name="catch-up/duration",
            story="from the start of the empty node until it holds the chain, the clients' new blocks included",
            unit="s",
            better="lower",
            measure=partial(kept.take, aspect="duration"),
            settings=settings,
        ),
    ]


CASES = _cases()
