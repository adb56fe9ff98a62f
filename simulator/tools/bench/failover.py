"""How long a cluster does not answer after its leader was killed, and how long it takes to start."""

from __future__ import annotations

import compileall
import importlib
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence

from simulator.faults.faults import Restart
from simulator.settings import Settings
from simulator.tools.bench import real
from simulator.tools.bench.case import Case, Effort
from simulator.worlds.processes.cluster import ProcessCluster
from simulator.worlds.processes.node_process import empty_main_module

RETRY_MS = 5_000


def silence(effort: Effort) -> Sequence[float]:
    """Milliseconds from kill -9 of the leader to the answer of a write that another node gets right afterwards."""
    values = []
    with real.running() as cluster:
        for _ in range(effort.pick(10, 2)):
            old = real.leader(cluster)
            other = 1 + old % cluster.settings.nodes
            pid = cluster.pid(old)
            if pid is None:
                raise RuntimeError(f"node {old} leads and has no process")
            began = time.perf_counter()
            os.kill(pid, signal.SIGKILL)
            real.finished(cluster, cluster.submit(other, real.operation()))
            values.append(1000 * (time.perf_counter() - began))
            cluster.wait(lambda: cluster.status(old).life == "down", RETRY_MS)  # noqa: B023  Asked in this turn alone.
            cluster.apply(Restart(old))
            _clear(cluster)
    return values


def _clear(cluster: ProcessCluster) -> None:
    """Wait until all nodes follow one leader and hold the same chain."""

    def clear() -> bool:
        states = [cluster.status(node) for node in cluster.settings.node_ids]
        return len({state.hash for state in states}) == 1 and len({state.leader for state in states}) == 1

    if not cluster.wait(clear, real.LONG_MS):
        raise RuntimeError("the nodes do not come to the same chain")


def compile_all() -> None:
    """Compile all bytecode, as pip does, also where the environment forbids programs to write it."""
    for package in ("blog", "chain", "paxos", "simulator"):
        for place in importlib.import_module(package).__path__:
            compileall.compile_dir(place, quiet=2)


def first_write(_effort: Effort) -> Sequence[float]:
    """Seconds from creating a cluster to its first answered write."""
    compile_all()
    with tempfile.TemporaryDirectory(prefix="paxsim-bench-") as directory:
        began = time.perf_counter()
        cluster = ProcessCluster(Settings(data=directory), keep_history=False)
        try:
            real.finished(cluster, cluster.submit(1, real.operation()))
            return [time.perf_counter() - began]
        finally:
            cluster.close()


def from_command(_effort: Effort) -> Sequence[float]:
    """Seconds from the shell command to the answer of the write that is piped into it."""
    compile_all()
    with tempfile.TemporaryDirectory(prefix="paxsim-bench-") as directory:
        command = [sys.executable, "-m", "simulator", "console", "--fresh", "--data", directory]
        began = time.perf_counter()
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            process.stdin.write("post alice Hello first\n")
            process.stdin.flush()
            answer = process.stdout.readline()
            took = time.perf_counter() - began
            process.stdin.close()
    if "NEW POST Hello from alice" not in answer:
        raise RuntimeError(f"the first write was answered {answer!r}")
    return [took]


def bare_start(_effort: Effort) -> Sequence[float]:
    """Seconds until five spawned processes that do nothing and import nothing of ours have started and ended."""
    context = multiprocessing.get_context("spawn")
    began = time.perf_counter()
    with empty_main_module():
        processes = [context.Process(target=os.getpid, daemon=True) for _ in range(5)]
        for process in processes:
            process.start()
    for process in processes:
        process.join()
    took = time.perf_counter() - began
    for process in processes:
        process.close()
    return [took]


CASES = [
    Case(
        name="failover/paxsim",
        story="kill -9 of the leader to the next answered write at another node",
        unit="ms",
        better="lower",
        measure=silence,
        settings={"nodes": 5, "sync": "fsync", "kills_a_repeat": 10},
    ),
    Case(
        name="start/bare",
        story="five bare spawned processes, begun and ended",
        unit="s",
        better="lower",
        measure=bare_start,
        settings={"nodes": 5},
    ),
    Case(
        name="start/command",
        story="from the command 'paxsim console' to the answer of the write that is piped into it",
        unit="s",
        better="lower",
        measure=from_command,
        settings={"nodes": 5, "sync": "fsync"},
        limit="start/bare",
        aim=3,
    ),
    Case(
        name="start/cluster",
        story="from making a cluster on an empty directory, in a program that runs, to its first answered write",
        unit="s",
        better="lower",
        measure=first_write,
        settings={"nodes": 5, "sync": "fsync"},
        limit="start/bare",
        aim=3,
    ),
]
