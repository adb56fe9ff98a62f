"""Writes at five real nodes: a lone one, many at once, and one on slow links."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from statistics import median
from typing import Any

from simulator.faults.faults import LinkConditions
from simulator.faults.links import LinkRule
from simulator.settings import SyncMode
from simulator.tools.bench import real
from simulator.tools.bench.case import Case, Effort, Measure
from simulator.tools.bench.flow import Flow, processor_s
from simulator.tools.bench.rivals import bare
from simulator.worlds.processes.cluster import ProcessCluster

SYNCS: tuple[SyncMode, ...] = ("fsync", "flush")
DELAY_MS = 20
OUTSTANDING = (1, 16, 64, 256, 1000)
AIMS = {("fsync", 64, 1): 2.0}
"""The wanted ratios to the bare pattern, by sync, writes outstanding and operations a block."""


def node_to_ask(cluster: ProcessCluster, where: str) -> int:
    """The leader, or the first node that follows it."""
    leads = real.leader(cluster)
    return leads if where == "leader" else next(node for node in cluster.settings.node_ids if node != leads)


def lone_write(effort: Effort, *, where: str, sync: SyncMode) -> Sequence[float]:
    """Milliseconds from a write to its answer, with nothing else under way."""
    with real.running(sync=sync) as cluster:
        node = node_to_ask(cluster, where)
        for _ in range(effort.pick(50, 2)):
            real.write_ms(cluster, node)
        return [median(real.write_ms(cluster, node) for _ in range(effort.pick(300, 10)))]


def delayed_write(effort: Effort, *, where: str) -> Sequence[float]:
    """Milliseconds from a write to its answer with 20 ms on every link."""
    with real.running() as cluster:
        cluster.apply(LinkConditions(rule=LinkRule(delay_ms=DELAY_MS)))
        node = node_to_ask(cluster, where)
        for _ in range(effort.pick(10, 1)):
            real.write_ms(cluster, node)
        return [median(real.write_ms(cluster, node) for _ in range(effort.pick(60, 3)))]


def arithmetic(_effort: Effort, *, delays: int) -> Sequence[float]:
    """The sum of the link delays: no protocol can be faster."""
    return [float(delays * DELAY_MS)]


def throughput(
    effort: Effort, *, outstanding: int, ops_per_block: int, sync: SyncMode, nodes: int = 5
) -> Sequence[float]:
    """Writes a second that the leader answers."""
    return [flow(effort, outstanding=outstanding, ops_per_block=ops_per_block, sync=sync, nodes=nodes).rate]


def flow(effort: Effort, *, outstanding: int, ops_per_block: int, sync: SyncMode, nodes: int = 5) -> Flow:
    """The writes that the leader answers."""
    with real.running(nodes=nodes, sync=sync, ops_per_block=ops_per_block) as cluster:
        stream = real.Stream(cluster, real.leader(cluster), outstanding)
        stream.flow(effort.pick(1000, 100) / 1000)
        before, began, spent = stream.answered, time.perf_counter(), processor_s()
        while stream.answered == before:  # Beside much else, a short time may pass without an answer.
            stream.flow(effort.pick(3000, 200) / 1000)
        found = Flow(stream.answered - before, time.perf_counter() - began, processor_s() - spent)
        stream.drain()
        return found


def _lone_cases() -> list[Case]:
    cases = []
    for sync in SYNCS:
        limit = f"lone-write/bare/{sync}"
        cases.append(
            Case(
                name=limit,
                story="the bare pattern: fan-out to four, collect two, nothing in it",
                unit="ms",
                better="lower",
                measure=partial(bare.lone_write, synced=sync == "fsync"),
                settings={"nodes": 5, "sync": sync, "bytes": bare.OPERATION_BYTES},
            )
        )
        cases += [
            Case(
                name=f"lone-write/{where}/{sync}",
                story=f"one write at a time, asked at a {where}, from the request to the answer",
                unit="ms",
                better="lower",
                measure=partial(lone_write, where=where, sync=sync),
                settings={"nodes": 5, "sync": sync, "bytes": real.OPERATION_BYTES, "ops_per_block": 1},
                limit=limit,
                aim=1.7 if (where, sync) == ("leader", "fsync") else 0,
            )
            for where in ("leader", "follower")
        ]
    return cases


def _throughput_cases() -> list[Case]:
    cases = []
    for sync in SYNCS:
        for together in (1, 64):
            for outstanding in OUTSTANDING:
                if outstanding < together:
                    continue
                place = f"{sync}/{outstanding}-outstanding/{together}-a-block"
                limit = f"throughput/bare/{place}"
                settings: dict[str, object] = {
                    "nodes": 5,
                    "sync": sync,
                    "outstanding": outstanding,
                    "ops_per_block": together,
                    "bytes": real.OPERATION_BYTES,
                }
                pattern = partial(bare.throughput, outstanding=outstanding, together=together, synced=sync == "fsync")
                cases += [
                    _rate(limit, "the bare pattern, a frame and a sync a message", pattern, settings),
                    _rate(
                        f"throughput/grouped/{place}",
                        "the bare pattern, one sync for all that one read brings",
                        partial(pattern, grouped=True),
                        settings,
                    ),
                    _rate(
                        f"throughput/paxsim/{place}",
                        f"{outstanding} writes outstanding at the leader, up to {together} a block",
                        partial(throughput, outstanding=outstanding, ops_per_block=together, sync=sync),
                        settings,
                        limit=limit,
                        aim=AIMS.get((sync, outstanding, together), 0),
                    ),
                ]
    return cases


def _rate(name: str, story: str, measure: Measure, settings: dict[str, object], **beside: Any) -> Case:
    return Case(name=name, story=story, unit="writes/s", better="higher", measure=measure, settings=settings, **beside)


def _delayed_cases() -> list[Case]:
    cases = []
    for where, delays in (("leader", 2), ("follower", 4)):
        limit = f"delayed-write/arithmetic/{where}"
        cases += [
            Case(
                name=limit,
                story=f"{delays} link delays of {DELAY_MS} ms",
                unit="ms",
                better="lower",
                measure=partial(arithmetic, delays=delays),
            ),
            Case(
                name=f"delayed-write/{where}",
                story=f"a lone write at a {where} with {DELAY_MS} ms on every link, synced",
                unit="ms",
                better="lower",
                measure=partial(delayed_write, where=where),
                settings={"nodes": 5, "sync": "fsync", "delay_ms": DELAY_MS},
                limit=limit,
                aim=1.05 if where == "leader" else 0,
            ),
        ]
    return cases


CASES = [*_lone_cases(), *_throughput_cases(), *_delayed_cases()]
