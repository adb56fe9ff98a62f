"""All cases, in the order in which a person would ask for them."""

from __future__ import annotations

from simulator.tools.bench import (
    catchup,
    chains,
    checkers,
    every_schedule,
    failover,
    growth,
    lab_open,
    loops,
    recording,
    turns,
    virtual_world,
    writes,
)
from simulator.tools.bench.case import Case
from simulator.tools.bench.rivals import model_checkers, pysyncobj_rival, simulators

CASES: tuple[Case, ...] = (
    *loops.CASES,
    *writes.CASES,
    *failover.CASES,
    *virtual_world.CASES,
    *simulators.CASES,
    *checkers.CASES,
    *every_schedule.CASES,
    *model_checkers.CASES,
    *chains.CASES,
    *catchup.CASES,
    *lab_open.CASES,
    *recording.CASES,
    *pysyncobj_rival.CASES,
    *turns.CASES,
    *growth.CASES,
)
