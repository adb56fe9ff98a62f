"""PySyncObj beside us, where it is installed: five processes on the loopback, in memory, default and tuned.

`tuned` are the fastest settings that we found for it. It keeps nothing on disk in either.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import socket
import time
from collections.abc import Sequence
from functools import partial
from importlib.util import find_spec
from multiprocessing.connection import Connection

from simulator.tools.bench.case import Case, Effort, Skipped
from simulator.tools.bench.flow import Flow, processor_s
from simulator.tools.bench.rivals.pysyncobj_node import run_pysyncobj_node
from simulator.worlds.processes.node_process import empty_main_module

OPTIONS: dict[str, dict[str, object]] = {
    "default": {},
    "unbatched": {
        "appendEntriesUseBatch": False,
        "appendEntriesPeriod": 0.05,
        "raftMinTimeout": 0.3,
        "raftMaxTimeout": 0.6,
    },
    "tuned": {"appendEntriesPeriod": 0.01, "raftMinTimeout": 0.3, "raftMaxTimeout": 0.6},
}
READY_S = 30
ATTEMPTS = 3


class Rivals:
    """The five processes; `ends` are the connections to them, in order."""

    def __init__(self, options: str, outstanding: int, seconds: float) -> None:
        if find_spec("pysyncobj") is None:
            raise Skipped("PySyncObj is not installed ('pip install pysyncobj' for the comparison).")
        context = multiprocessing.get_context("spawn")
        addresses = [f"127.0.0.1:{port}" for port in _free_ports(5)]
        self.ends: list[Connection] = []
        self.processes = []
        for own in addresses:
            ours, theirs = context.Pipe()
            process = context.Process(
                target=run_pysyncobj_node,
                args=(own, [other for other in addresses if other != own], OPTIONS[options], theirs),
                kwargs={"outstanding": outstanding, "seconds": seconds},
                daemon=True,
            )
            with empty_main_module():
                process.start()
            self.ends.append(ours)
            self.processes.append(process)

    def flow(self) -> tuple[int, Flow]:
        """Let the leader count its answered commands; its position is returned too."""
        for end in self.ends:
            if not end.poll(READY_S):
                raise Skipped("PySyncObj did not elect a leader.")
            end.recv()
        for end in self.ends:
            end.send("go")
        ready = multiprocessing.connection.wait(self.ends, READY_S)
        if not ready:
            raise Skipped("PySyncObj did not answer.")
        place = next(place for place, end in enumerate(self.ends) if end in ready)
        leader = self.ends[place]
        leader.recv()
        spent = processor_s()
        writes, seconds = leader.recv()
        return place, Flow(writes, seconds, processor_s() - spent)

    def silence_ms(self, place: int) -> float:
        """Kill the leader, and wait for the answer of a write at another process."""
        other = self.ends[(place + 1) % len(self.ends)]
        began = time.perf_counter()
        self.processes[place].kill()
        other.send("write")
        if not other.poll(READY_S):
            raise Skipped("PySyncObj did not elect another leader.")
        return 1000 * (time.perf_counter() - began)

    def close(self) -> None:
        """End all of them."""
        for process in self.processes:
            process.kill()
            process.join()
            process.close()


def throughput(effort: Effort, *, options: str, outstanding: int) -> Sequence[float]:
    """Commands a second that the leader answers to itself."""
    return [flow(effort, options=options, outstanding=outstanding).rate]


def flow(effort: Effort, *, options: str, outstanding: int) -> Flow:
    """The commands that the leader answers to itself."""
    for _ in range(ATTEMPTS):
        rivals = Rivals(options, outstanding, effort.pick(3000, 300) / 1000)
        try:
            return rivals.flow()[1]
        except (EOFError, RuntimeError):
            continue  # Some of its processes end with an IndexError, once in some twenty runs.
        finally:
            rivals.close()
    raise RuntimeError("processes of PySyncObj have ended by themselves")


def silence(effort: Effort, *, options: str) -> Sequence[float]:
    """Milliseconds from kill -9 of the leader to the next answered command at another process."""
    values = []
    for _ in range(effort.pick(4, 1)):
        rivals = Rivals(options, 1, 0.2)
        try:
            values.append(rivals.silence_ms(rivals.flow()[0]))
        except EOFError as error:
            raise RuntimeError("processes of PySyncObj have ended by themselves") from error
        finally:
            rivals.close()
    return values


def latency(effort: Effort, *, options: str) -> Sequence[float]:
    """Milliseconds of a command, one at a time."""
    return [1000 / rate for rate in throughput(effort, options=options, outstanding=1) if rate]


def _free_ports(count: int) -> list[int]:
    """Ports that are not in use."""
    sockets = [socket.socket() for _ in range(count)]
    for one in sockets:
        one.bind(("127.0.0.1", 0))
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


CASES = [
    *(
        Case(
            name=f"pysyncobj/lone-write/{options}",
            story="a command at the leader, one at a time, nothing on disk",
            unit="ms",
            better="lower",
            measure=partial(latency, options=options),
            settings={"nodes": 5, "sync": "none", **OPTIONS[options]},
        )
        for options in ("default", "unbatched")
    ),
    *(
        Case(
            name=f"pysyncobj/failover/{options}",
            story="kill -9 of the leader to the next answered command at another process",
            unit="ms",
            better="lower",
            measure=partial(silence, options=options),
            settings={"nodes": 5, "sync": "none", **OPTIONS[options]},
        )
        for options in ("default", "tuned")
    ),
    *(
        Case(
            name=f"pysyncobj/throughput/{outstanding}-outstanding/{options}",
            story=f"{outstanding} commands outstanding at the leader, nothing on disk",
            unit="writes/s",
            better="higher",
            measure=partial(throughput, options=options, outstanding=outstanding),
            settings={"nodes": 5, "sync": "none", "outstanding": outstanding, **OPTIONS[options]},
        )
        for outstanding in (64, 1000)
        for options in OPTIONS
    ),
]
