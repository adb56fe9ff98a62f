"""Ours, the bare pattern and PySyncObj in turns: processor time a write, and writes a second idle and beside a load.

They stand in families of their own, so that a disturbance of the machine affects all three alike. The load is one busy
loop a core.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from simulator.tools.bench import writes
from simulator.tools.bench.case import Case, Effort
from simulator.tools.bench.flow import Flow, busy_cores
from simulator.tools.bench.rivals import bare, pysyncobj_rival

PLACES = ((64, 1), (1000, 64))
"""Writes outstanding, and operations a block."""
RIVAL = "pysyncobj"
AIMS = {("idle", 64): 1.5, ("loaded", 64): 1.0, ("idle", 1000): 1.2, ("loaded", 1000): 1.1}
"""The wanted ratios to PySyncObj tuned and in memory, by load and writes outstanding."""

Measured = Callable[[Effort], Flow]


def _measures(outstanding: int, together: int) -> dict[str, Measured]:
    return {
        "bare": partial(bare.flow, outstanding=outstanding, together=together, synced=True),
        RIVAL: partial(pysyncobj_rival.flow, options="tuned", outstanding=outstanding),
        "paxsim": partial(writes.flow, outstanding=outstanding, ops_per_block=together, sync="fsync"),
    }


def processor(effort: Effort, *, measure: Measured) -> Sequence[float]:
    """Microseconds of processor a write."""
    return [measure(effort).processor_us]


def idle(effort: Effort, *, measure: Measured) -> Sequence[float]:
    """Writes a second with nothing beside."""
    return [measure(effort).rate]


def loaded(effort: Effort, *, measure: Measured) -> Sequence[float]:
    """Writes a second beside one busy loop a core."""
    with busy_cores():
        return [measure(effort).rate]


def _cases() -> list[Case]:
    cases = []
    for outstanding, together in PLACES:
        place = f"{outstanding}-outstanding/{together}-a-block"
        measures = _measures(outstanding, together)
        for who, measure in measures.items():
            settings: dict[str, object] = {"nodes": 5, "outstanding": outstanding}
            settings |= pysyncobj_rival.OPTIONS["tuned"] if who == RIVAL else {"ops_per_block": together}
            settings["sync"] = "none" if who == RIVAL else "fsync"
            cases.append(
                Case(
                    name=f"processor/{place}/{who}",
                    story="user and system time a write, over all processes",
                    unit="us/write",
                    better="lower",
                    measure=partial(processor, measure=measure),
                    settings={**settings, "clock": "processor"},
                    limit=f"processor/{place}/{RIVAL}" if who == "paxsim" else "",
                )
            )
            cases += [
                Case(
                    name=f"turns/{load}/{place}/{who}",
                    story=f"{outstanding} writes outstanding at the leader, {load}",
                    unit="writes/s",
                    better="higher",
                    measure=partial(rate, measure=measure),
                    settings={**settings, "load": load},
                    limit=f"turns/{load}/{place}/{RIVAL}" if who == "paxsim" else "",
                    aim=AIMS[load, outstanding] if who == "paxsim" else 0,
                )
                for load, rate in (("idle", idle), ("loaded", loaded))
            ]
    return cases


CASES = sorted(_cases(), key=lambda case: case.family)
