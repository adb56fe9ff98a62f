"""The virtual world: messages a second of processor time with all invariants checked, beside an empty heap."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

from simulator.settings import Settings
from simulator.tools.bench import loops, real
from simulator.tools.bench.case import Case, Effort
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from simulator.worlds.virtual.cluster import VirtualCluster

SETTLED_MS = 2_000

Load = Callable[[VirtualCluster, Effort], None]


def messages(effort: Effort, *, load: Load) -> Sequence[float]:
    """Messages that reach a node, a second of this core."""
    cluster = VirtualCluster(Settings(seed=1), keep_trace=False)
    try:
        cluster.run(SETTLED_MS)
        before, began = cluster.delivered, time.process_time()
        load(cluster, effort)
        rate = (cluster.delivered - before) / (time.process_time() - began)
        bad = {name: why for name, why in cluster.check().items() if why != "ok"}
    finally:
        cluster.close()
    if bad:
        raise RuntimeError(f"the virtual world is not sound: {bad}")
    return [rate]


def heartbeats(cluster: VirtualCluster, effort: Effort) -> None:
    """Heartbeats and their acknowledgements alone, with all checks."""
    cluster.run(cluster.now_ms() + effort.pick(1_000_000, 10_000))


def lone_writes(cluster: VirtualCluster, effort: Effort) -> None:
    """One write after the other, at every node in turn: some eighteen messages and a mined block each."""
    for number in range(effort.pick(4_000, 50)):
        ticket = cluster.submit(1 + number % cluster.settings.nodes, real.operation())
        if not cluster.wait(lambda: ticket.done, real.LONG_MS):  # noqa: B023  It is asked in this turn alone.
            raise RuntimeError("a write in the virtual world is not answered")


def storms(effort: Effort) -> Sequence[float]:
    """Messages a second in hostile runs of `paxsim explore`, from the schedule to the verdict."""
    began = time.process_time()
    outcomes = [run_trial(draw_schedule(seed)) for seed in range(effort.pick(40, 2))]
    took = time.process_time() - began
    if any(outcome.violations or outcome.bugs for outcome in outcomes):
        raise RuntimeError("a hostile run found a violation: see 'paxsim explore'")
    return [sum(outcome.messages for outcome in outcomes) / took]


def _case(name: str, story: str, measure: Callable[[Effort], Sequence[float]], aim: float = 0) -> Case:
    return Case(
        name=f"virtual/{name}",
        story=story,
        unit="messages/s",
        better="higher",
        measure=measure,
        settings={"nodes": 5, "ops_per_block": 1, "difficulty": 2, "clock": "processor"},
        limit="virtual/empty-heap",
        aim=aim,
    )


CASES = [
    Case(
        name="virtual/empty-heap",
        story="messages through a heapq, each put where it is due and taken out again, and nobody handles them",
        unit="messages/s",
        better="higher",
        measure=loops.heap,
    ),
    _case("heartbeats", "five nodes with nothing to do, all invariants on", partial(messages, load=heartbeats), 1 / 12),
    _case("writes", "one write after the other, all invariants on", partial(messages, load=lone_writes)),
    _case("storms", "hostile runs as explore makes them, from the plan to the verdict", storms),
]
