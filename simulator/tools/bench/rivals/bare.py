"""The bare pattern: the messages of a write over the pipes of the real cluster, without content.

A client's request goes to the first process, and from there to the four others through a router, as in the real
cluster. It is answered when two of them and the first have written it. Frames are passed on one by one. The router is
the client too, so no thread is switched: the ratio shows everything else that the real cluster does.
"""

from __future__ import annotations

import multiprocessing
import selectors
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.connection import Connection
from pathlib import Path
from statistics import median

from simulator.tools.bench.case import Effort
from simulator.tools.bench.flow import Flow, processor_s
from simulator.tools.bench.rivals.bare_node import LEADER, run_bare_node
from simulator.worlds.processes.framed_pipe import HEAD, SUPERVISOR, Inlet, Outlet, PipeEnd, frame, widen
from simulator.worlds.processes.node_process import empty_main_module, tied_spawn

OPERATION_BYTES = 200

_context = multiprocessing.get_context("spawn")


class BarePattern:
    """The processes and the router. Use `running`."""

    def __init__(self, nodes: int, directory: str, *, synced: bool, grouped: bool) -> None:
        self.directory = Path(directory)
        self._selector = selectors.DefaultSelector()
        self._outlets: dict[int, Outlet] = {}
        self._kept: list[Connection] = []
        self._processes = []
        for node in range(1, nodes + 1):
            child_in, down = _context.Pipe(duplex=False)
            up, child_out = _context.Pipe(duplex=False)
            for end in (down, child_out):
                widen(end.fileno())
            process = _context.Process(
                target=run_bare_node,
                args=(node, nodes, directory, (PipeEnd(child_in.fileno()), PipeEnd(child_out.fileno()))),
                kwargs={"synced": synced, "grouped": grouped},
                daemon=True,
            )
            with empty_main_module(), tied_spawn():
                process.start()
            child_in.close()
            child_out.close()
            self._processes.append(process)
            self._kept += [down, up]
            inlet = Inlet(up.fileno())
            self._outlets[node] = Outlet(down.fileno())
            self._selector.register(inlet.fd, selectors.EVENT_READ, (node, inlet))

    def ask(self, message: bytes) -> None:
        """Send a request to the first process: eight bytes that name it, and its payload."""
        outlet = self._outlets[LEADER]
        outlet.put(frame(SUPERVISOR, [message]))
        outlet.flush()

    def route(self) -> int:
        """Sleep until something arrives, pass it on, and return the number of answers."""
        answers = 0
        for key, _ in self._selector.select():
            node, inlet = key.data
            for address, count, body in inlet.read():
                if address == 1 << SUPERVISOR:
                    answers += count
                    continue
                data = HEAD.pack(len(body), node, count) + body
                for target, outlet in self._outlets.items():
                    if address >> target & 1:
                        outlet.put(data, count)
                        outlet.flush()
            if inlet.closed:
                raise RuntimeError(f"process {node} of the bare pattern has ended")
        return answers

    def close(self) -> None:
        """End all processes."""
        self._selector.close()
        for process in self._processes:
            process.kill()
            process.join()
            process.close()
        for end in self._kept:
            end.close()


@contextmanager
def running(nodes: int = 5, *, synced: bool, grouped: bool = False) -> Iterator[BarePattern]:
    """A pattern whose processes are all up, in a directory of its own."""
    with tempfile.TemporaryDirectory(prefix="paxsim-bench-") as directory:
        pattern = BarePattern(nodes, directory, synced=synced, grouped=grouped)
        try:
            up = 0
            while up < nodes:
                up += pattern.route()
            yield pattern
        finally:
            pattern.close()


def lone_write(effort: Effort, *, synced: bool) -> Sequence[float]:
    """Milliseconds from a request to its answer, with nothing else under way."""
    times = []
    with running(synced=synced) as pattern:
        for number in range(effort.pick(300, 20)):
            began = time.perf_counter()
            pattern.ask(number.to_bytes(8, "big") + b"x" * OPERATION_BYTES)
            while not pattern.route():
                pass
            times.append(1000 * (time.perf_counter() - began))
    return [median(times)]


def throughput(
    effort: Effort, *, outstanding: int, together: int, synced: bool, grouped: bool = False, nodes: int = 5
) -> Sequence[float]:
    """Operations a second, `together` in one message and `outstanding` without an answer."""
    found = flow(effort, outstanding=outstanding, together=together, synced=synced, grouped=grouped, nodes=nodes)
    return [found.rate]


def flow(
    effort: Effort, *, outstanding: int, together: int, synced: bool, grouped: bool = False, nodes: int = 5
) -> Flow:
    """The answered operations, `together` in one message and `outstanding` without an answer."""
    payload = b"x" * (OPERATION_BYTES * together)
    with running(nodes, synced=synced, grouped=grouped) as pattern:
        asked = answered = 0
        most = max(1, outstanding // together)
        began, spent = time.perf_counter(), processor_s()
        end = began + effort.pick(2000, 200) / 1000
        while not answered or time.perf_counter() < end:
            while asked - answered < most:
                asked += 1
                pattern.ask(asked.to_bytes(8, "big") + payload)
            answered += pattern.route()
        return Flow(answered * together, time.perf_counter() - began, processor_s() - spent)
