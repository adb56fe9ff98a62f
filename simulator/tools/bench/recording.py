"""The cost of recording a run: the same writes with and without it, in turns."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from simulator.tools.bench import real
from simulator.tools.bench.case import Case, Effort

PLACES = ((64, 1), (256, 64))
"""Writes outstanding, and operations a block."""
SETTLED_MS = 4_000
"""So long writes flow before they are counted: the process that checks a recorded run starts meanwhile."""
AIM = 0.9


def throughput(effort: Effort, *, outstanding: int, ops_per_block: int, recorded: bool) -> Sequence[float]:
    """Writes a second that the leader answers. The clients' history is kept in either case, as in a lab."""
    with real.running(ops_per_block=ops_per_block, keep_history=True, record=recorded) as cluster:
        stream = real.Stream(cluster, real.leader(cluster), outstanding)
        stream.flow(effort.pick(SETTLED_MS, 200) / 1000)
        rate = stream.flow(effort.pick(8_000, 500) / 1000)
        stream.drain()
        return [rate]


def _cases() -> list[Case]:
    cases = []
    for outstanding, ops_per_block in PLACES:
        place = f"{outstanding}-outstanding/{ops_per_block}-a-block"
        off = f"recording/off/{place}"
        for recorded, name, story in (
            (False, off, "no trace"),
            (True, f"recording/on/{place}", "the run recorded for a trace, and checked beside it"),
        ):
            cases.append(
                Case(
                    name=name,
                    story=f"{outstanding} writes outstanding at the leader, {story}",
                    unit="writes/s",
                    better="higher",
                    measure=partial(
                        throughput, outstanding=outstanding, ops_per_block=ops_per_block, recorded=recorded
                    ),
                    settings={
                        "nodes": 5,
                        "sync": "fsync",
                        "outstanding": outstanding,
                        "ops_per_block": ops_per_block,
                        "recorded": recorded,
                    },
                    limit=off if recorded else "",
                    aim=AIM if recorded else 0,
                )
            )
    return cases


CASES = _cases()
