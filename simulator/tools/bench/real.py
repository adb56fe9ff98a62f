"""A real cluster for benchmarks: started in a directory of its own, loaded, asked for its leader."""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from blog.operations import Operation, Post
from simulator.cluster.interface import AnswerKind, Ticket
from simulator.settings import Settings, SyncMode
from simulator.worlds.processes.cluster import ProcessCluster

LONG_MS = 60_000
OPERATION_BYTES = 200
TOGETHER = 64
_titles = count(1)


@contextmanager
def running(
    *,
    nodes: int = 5,
    sync: SyncMode = "fsync",
    ops_per_block: int = 1,
    window: int = 256,
    data: str = "",
    keep_history: bool = False,
    record: bool = False,
) -> Iterator[ProcessCluster]:
    """A cluster with a leader. If nothing else is said it keeps no history, which would grow for an hour."""
    with tempfile.TemporaryDirectory(prefix="paxsim-bench-") as directory:
        settings = Settings(nodes=nodes, data=data or directory, sync=sync, ops_per_block=ops_per_block, window=window)
        cluster = ProcessCluster(settings, keep_history=keep_history, record=record)
        try:
            finished(cluster, cluster.submit(1, operation()))
            yield cluster
        finally:
            cluster.close()


def operation() -> Operation:
    """A post of about 200 bytes under a title of its own."""
    return Post("alice", f"title {next(_titles)}", "x" * (OPERATION_BYTES - 100))


def finished(cluster: ProcessCluster, ticket: Ticket, within_ms: int = LONG_MS) -> Ticket:
    """Return the request, which must be answered.

    Raises:
        RuntimeError: it was not answered well: the figure would be of something else.
    """
    cluster.wait(lambda: ticket.done, within_ms)
    if ticket.answer is None or ticket.answer.kind is not AnswerKind.OK:
        raise RuntimeError(f"a write at node {ticket.node} was answered {ticket.answer}")
    return ticket


def leader(cluster: ProcessCluster) -> int:
    """The node that leads, as a majority reports it."""

    def seen() -> int:
        states = [cluster.status(node) for node in cluster.settings.node_ids]
        leaders = [state.node for state in states if state.life == "up" and state.role == "leader"]
        named = [state.leader for state in states if state.life == "up"]
        fits = [node for node in leaders if named.count(node) >= cluster.settings.majority]
        return fits[0] if len(fits) == 1 else 0

    if not cluster.wait(lambda: seen() > 0, LONG_MS):
        raise RuntimeError("no node leads")
    return seen()


def write_ms(cluster: ProcessCluster, node: int) -> float:
    """Milliseconds from a write to its answer, with nothing else under way."""
    began = time.perf_counter()
    finished(cluster, cluster.submit(node, operation()))
    return 1000 * (time.perf_counter() - began)


class Stream:
    """Keeps a fixed number of writes without an answer at one node."""

    def __init__(self, cluster: ProcessCluster, node: int, outstanding: int) -> None:
        self._cluster = cluster
        self._node = node
        self._outstanding = outstanding
        self._open: deque[Ticket] = deque()
        self.answered = 0

    def flow(self, seconds: float) -> float:
        """Run for a while, and return how many writes a second were answered."""
        before, began = self.answered, time.perf_counter()
        end = began + seconds
        while (now := time.perf_counter()) < end:
            self._fill()
            self._cluster.wait(self._take, max(1, int(1000 * (end - now))))
        return (self.answered - before) / (time.perf_counter() - began)

    def flow_until(self, total: int) -> None:
        """Run until `total` writes were answered."""
        while self.answered < total:
            self._fill(total - self.answered)
            self._cluster.wait(self._take, LONG_MS)

    def drain(self) -> None:
        """Wait for the remaining answers."""
        while self._open:
            self._cluster.wait(self._take, LONG_MS)

    def _fill(self, most: int = 1 << 60) -> None:
        wanted = min(self._outstanding, most) - len(self._open)
        while wanted > 0:
            with self._cluster.together():  # The network goes on between two parts.
                for _ in range(min(wanted, TOGETHER)):
                    self._open.append(self._cluster.submit(self._node, operation()))
            wanted -= TOGETHER

    def _take(self) -> bool:
        """Remove answered requests from the front: answers come in the order of the log."""
        before = self.answered
        while self._open and self._open[0].done:
            ticket = self._open.popleft()
            if ticket.answer is None or ticket.answer.kind is not AnswerKind.OK:
                raise RuntimeError(f"a write was answered {ticket.answer}")
            self.answered += 1
        return self.answered > before
