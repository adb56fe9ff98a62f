"""How figures grow with the chain and with the number of nodes."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from statistics import median

from simulator.settings import Settings
from simulator.tools.bench import real
from simulator.tools.bench.case import Case, Effort
from simulator.tools.bench.chains import stored
from simulator.tools.bench.writes import throughput
from simulator.worlds.processes.cluster import ProcessCluster

LENGTHS = (1_000, 10_000, 100_000, 1_000_000)
QUICK_LENGTH = 2_000
NODES = (3, 5, 7, 9)
OPS_PER_BLOCK = 64
OUTSTANDING = 1_000

ASPECTS = {
    "start-up": ("s", "lower", "from starting four nodes on such a chain to the first answered write"),
    "catch-up": ("s", "lower", "from the same moment until an empty fifth node holds the whole chain"),
    "latency": ("ms", "lower", "a lone write at the leader, on such a chain"),
    "throughput": ("writes/s", "higher", f"{OUTSTANDING} writes outstanding, on such a chain"),
    "memory": ("MiB", "lower", "the leader's memory afterwards"),
}
"""The aspects that one run on a chain measures: unit, whether higher is better, description."""


class _Lengths:
    """One run measures all aspects of a length; the others are kept until they are asked for."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, str], list[float]] = {}

    def take(self, effort: Effort, *, length: int, aspect: str) -> Sequence[float]:
        """The next value of an aspect at a length."""
        kept = self._kept.setdefault((length, aspect), [])
        if not kept:
            for name, value in _run(effort, effort.pick(length, min(length, QUICK_LENGTH))).items():
                self._kept.setdefault((length, name), []).append(value)
        return [kept.pop(0)]


def _run(effort: Effort, operations: int) -> dict[str, float]:
    blocks = operations // OPS_PER_BLOCK
    with (
        stored(blocks, OPS_PER_BLOCK) as chain,
        tempfile.TemporaryDirectory(prefix="paxsim-bench-") as name,
    ):
        for node in range(1, 5):
            shutil.copytree(chain, Path(name) / f"node-{node}")
        began = time.perf_counter()
        cluster = ProcessCluster(Settings(data=name, ops_per_block=OPS_PER_BLOCK), keep_history=False)
        try:
            ticket = cluster.submit(1, real.operation())
            cluster.wait(lambda: ticket.done, 10 * real.LONG_MS)
            start_up = time.perf_counter() - began
            if not cluster.wait(lambda: cluster.status(5).height >= blocks, 10 * real.LONG_MS):
                raise RuntimeError("the empty node does not catch up")
            catch_up = time.perf_counter() - began
            leads = real.leader(cluster)
            latency = median(real.write_ms(cluster, leads) for _ in range(effort.pick(100, 5)))
            stream = real.Stream(cluster, leads, OUTSTANDING)
            stream.flow(effort.pick(500, 50) / 1000)
            rate = stream.flow(effort.pick(2000, 100) / 1000)
            stream.drain()
            memory = _memory_mib(cluster.pid(leads))
        finally:
            cluster.close()
    return {
        "start-up": start_up, "catch-up": catch_up, "latency": latency, "throughput": rate, "memory": memory,
    }  # fmt: skip


def _memory_mib(pid: int | None) -> float:
    """The memory of a process in MiB; 0 where the system does not report it."""
    try:
        text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in text.splitlines() if line.startswith("VmRSS")), 0.0)


def lone_write(effort: Effort, *, nodes: int) -> Sequence[float]:
    """Milliseconds of a lone write at the leader of so many nodes."""
    with real.running(nodes=nodes) as cluster:
        leads = real.leader(cluster)
        return [median(real.write_ms(cluster, leads) for _ in range(effort.pick(200, 10)))]


def _cases() -> list[Case]:
    lengths = _Lengths()
    cases = [
        Case(
            name=f"growth/chain-{length}/{aspect}",
            story=story,
            unit=unit,
            better="higher" if better == "higher" else "lower",
            measure=partial(lengths.take, length=length, aspect=aspect),
            settings={"nodes": 5, "operations": length, "ops_per_block": OPS_PER_BLOCK, "sync": "fsync"},
        )
        for length in LENGTHS
        for aspect, (unit, better, story) in ASPECTS.items()
    ]
    for nodes in NODES:
        cases += [
            Case(
                name=f"growth/nodes-{nodes}/latency",
                story=f"a lone write at the leader of {nodes}",
                unit="ms",
                better="lower",
                measure=partial(lone_write, nodes=nodes),
                settings={"nodes": nodes, "sync": "fsync"},
            ),
            Case(
                name=f"growth/nodes-{nodes}/throughput",
                story=f"{OUTSTANDING} writes outstanding at the leader of {nodes}, up to {OPS_PER_BLOCK} a block",
                unit="writes/s",
                better="higher",
                measure=partial(
                    throughput, outstanding=OUTSTANDING, ops_per_block=OPS_PER_BLOCK, sync="fsync", nodes=nodes
                ),
                settings={"nodes": nodes, "sync": "fsync", "outstanding": OUTSTANDING, "ops_per_block": OPS_PER_BLOCK},
            ),
        ]
    return cases


CASES = _cases()
