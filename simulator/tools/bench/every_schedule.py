"""The exhaustive search: states a second of a published model and of our own node, and the memory that a state takes.

Beside it stands Python's own limit: hashing the same tuples and queueing the new ones, with nothing that makes them.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from simulator.settings import Settings
from simulator.tools.bench.case import Case, Effort, Skipped
from simulator.worlds.exhaustive.cluster_model import Budgets, ClusterModel
from simulator.worlds.exhaustive.lamport_paxos import LamportPaxos, Numbers
from simulator.worlds.exhaustive.model import Model
from simulator.worlds.exhaustive.search import Search
from simulator.worlds.exhaustive.visited import FORM

BALLOTS, STATES = 3, 185_369
"""TLA+ examples, MCPaxosSmall."""
QUICK_BALLOTS = 2
COUNTERS, HIGHEST, QUICK_HIGHEST = 7, 7, 4
OWN, QUICK_OWN = Budgets(writes=1, elections=2, crashes=1), Budgets(writes=1, elections=1, crashes=1)


class _Watched(LamportPaxos):
    """Keeps copies of all states that steps lead to."""

    def __init__(self, ballots: int) -> None:
        super().__init__(ballots)
        self.afters: list[Numbers] = []

    def states_after(self, state: Numbers) -> list[Numbers]:
        """See `LamportPaxos`."""
        found = super().states_after(state)
        self.afters += [(leader, one, two, three) for leader, one, two, three in found]
        return found


class _Counters(Model[tuple[int, ...], int]):
    """Counters that count up, each on its own: the model itself keeps nothing."""

    def __init__(self, highest: int) -> None:
        self.highest = highest

    def first(self) -> Iterable[tuple[int, ...]]:
        """All are 0."""
        return [(0,) * COUNTERS]

    def steps(self, state: tuple[int, ...]) -> list[tuple[int, tuple[int, ...]]]:
        """One counts."""
        highest = self.highest
        return [(at, (*state[:at], one + 1, *state[at + 1 :])) for at, one in enumerate(state) if one < highest]

    def fingerprint(self, state: tuple[int, ...]) -> int:
        """See `Model`."""
        return hash(state)


def limit(effort: Effort) -> Sequence[float]:
    """States a second of hashing the tuples of the search, in its order, and queueing the new ones."""
    model = _Watched(effort.pick(BALLOTS, QUICK_BALLOTS))
    states = Search(model).run().progress.states
    known: set[Numbers] = set()
    queue: list[Numbers] = []
    began = time.process_time()
    for state in model.afters:
        if state not in known:
            known.add(state)
            queue.append(state)
    took = time.process_time() - began
    if len(queue) + 1 not in {states, states + 1}:
        raise RuntimeError(f"{len(queue)} states were queued of {states}")
    return [len(queue) / took]


def published(effort: Effort) -> Sequence[float]:
    """States a second of the search, on one core, with the property judged in every state."""
    search = Search(LamportPaxos(effort.pick(BALLOTS, QUICK_BALLOTS)))
    began = time.process_time()
    outcome = search.run()
    took = time.process_time() - began
    if not outcome.complete or outcome.found or outcome.progress.states not in {STATES, 3_921}:
        raise RuntimeError(f"{outcome.progress.states} states were found of {STATES}")
    return [outcome.progress.states / took]


def own_node(effort: Effort) -> Sequence[float]:
    """States a second of three of our own nodes, on one core: all but a little is the nodes' own work."""
    model = ClusterModel(Settings(nodes=3, difficulty=0), QUICK_OWN if effort.quick else OWN)
    search = Search(model)
    began = time.process_time()
    outcome = search.run()
    return [outcome.progress.states / (time.process_time() - began)]


def memory(effort: Effort) -> Sequence[float]:
    """Bytes a state at the peak of a process of its own, with what its frontier keeps in memory."""
    highest = effort.pick(HIGHEST, QUICK_HIGHEST)
    code = f"from simulator.tools.bench.every_schedule import print_memory; print_memory({highest})"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return [float(ended.stdout)]


def print_memory(highest: int) -> None:
    """Search, and print the growth of this process's peak, in bytes a state."""
    search = Search(_Counters(highest))
    before = _peak_bytes()
    found = search.run().progress.states
    sys.stdout.write(f"{(_peak_bytes() - before) / found}\n")


def _peak_bytes() -> int:
    """The peak of this program. What `resource` tells begins with the peak of the process that started it."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        raise Skipped("this system has no /proc, which tells the peak of a process") from None
    return 1_024 * next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


CASES = [
    Case(
        name="prove/python-limit",
        story="Python hashes the tuples of that search and queues the new ones",
        unit="states/s",
        better="higher",
        measure=limit,
        settings={"model": "MCPaxosSmall", "states": STATES, "clock": "processor"},
    ),
    Case(
        name="prove/paxos-small",
        story="the search visits all states of a published model",
        unit="states/s",
        better="higher",
        measure=published,
        settings={"model": "MCPaxosSmall", "states": STATES, "clock": "processor", "table": FORM},
        limit="prove/python-limit",
    ),
    Case(
        name="prove/own-node",
        story="the search visits all states of three of our own nodes, one write, two elections and a crash",
        unit="states/s",
        better="higher",
        measure=own_node,
        settings={"nodes": 3, "writes": 1, "elections": 2, "crashes": 1, "clock": "processor"},
    ),
    Case(
        name="prove/memory",
        story="the peak memory of the search, a state",
        unit="bytes",
        better="lower",
        measure=memory,
        settings={"model": f"{COUNTERS} counters", "states": (HIGHEST + 1) ** COUNTERS, "table": FORM},
    ),
]
