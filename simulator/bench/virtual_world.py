"""The virtual world on one core: messages a second with every invariant watched, beside an empty heap."""

from __future__ import annotations

import time
from collections.abc import Sequence

from simulator.bench import loops, real
from simulator.bench.case import Case, Effort
from simulator.cluster import Ticket
from simulator.settings import Settings
from simulator.virtual.cluster import VirtualCluster

OUTSTANDING = 16


def messages(effort: Effort) -> Sequence[float]:
    """Messages that reach a node, a second of this core, while clients write at all nodes."""
    cluster = VirtualCluster(Settings(seed=1), keep_trace=False)
    try:
        _load(cluster, effort.pick(200, 20))
        before, began = cluster.delivered, time.perf_counter()
        _load(cluster, effort.pick(4000, 100))
        return [(cluster.delivered - before) / (time.perf_counter() - began)]
    finally:
        bad = {name: why for name, why in cluster.check().items() if why != "ok"}
        cluster.close()
        if bad:
            raise RuntimeError(f"the virtual world is not sound: {bad}")


def _load(cluster: VirtualCluster, writes: int) -> None:
    nodes = cluster.settings.nodes
    tickets: list[Ticket] = []
    for number in range(0, writes, OUTSTANDING):
        now = [cluster.submit(1 + (number + client) % nodes, real.operation()) for client in range(OUTSTANDING)]
        tickets += now
        if not cluster.wait(lambda: all(ticket.done for ticket in now), real.LONG_MS):  # noqa: B023
            raise RuntimeError("writes in the virtual world are not answered")


CASES = [
    Case(
        name="virtual/empty-heap",
        story="as many messages through a heapq, nobody handles them",
        unit="messages/s",
        better="higher",
        measure=loops.heap,
    ),
    Case(
        name="virtual/paxsim",
        story="five nodes in virtual time, all invariants on, writes at every node",
        unit="messages/s",
        better="higher",
        measure=messages,
        settings={"nodes": 5, "outstanding": OUTSTANDING, "ops_per_block": 1, "seed": 1},
        limit="virtual/empty-heap",
        aim=1 / 12,
    ),
]
