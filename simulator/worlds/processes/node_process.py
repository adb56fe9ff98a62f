"""One incarnation of a node: a spawned process and its two pipes, which are closed when it ends."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import util
from multiprocessing.process import BaseProcess
from types import ModuleType
from typing import Any

from simulator.settings import Settings
from simulator.worlds.processes.clocks import RUNNING, ClockSetting
from simulator.worlds.processes.cluster_file import Origin
from simulator.worlds.processes.framed_pipe import Inlet, Outlet, PipeEnd, widen
from simulator.worlds.processes.node_main import Builder
from simulator.worlds.processes.process_flags import FIRST_LINE
from simulator.worlds.processes.process_host import DiskMode
from simulator.worlds.processes.spawn_entry import run_spawned

BACKLOG_BYTES = 64 << 20
"""The bytes that may wait in memory for a paused node. At the limit, the oldest messages of other nodes are dropped."""

STORED_WITHIN_S = 5.0
"""How long another thread may take to store the exit code of a child that it has reaped."""

_context = multiprocessing.get_context("spawn")
_swap = threading.Lock()


class NodeProcess:
    """Starts the process without waiting for it. `inlet` reads from it, `outlet` writes to it.

    With `probed` the node reports what it writes, syncs and applies (see `probe_frames`). On Linux, the process is
    killed when the thread that made this ends, from its very first moment on.

    Raises:
        OSError: the system has no room for another process or pipe.
    """

    def __init__(
        self,
        node_id: int,
        settings: Settings,
        build: Builder,
        disk_mode: DiskMode = ("ok", 0),
        *,
        clock: ClockSetting = RUNNING,
        origin: Origin | None = None,
        probed: bool = False,
    ) -> None:
        self.node_id = node_id
        self.paused = False
        child_in, self._down = _context.Pipe(duplex=False)
        self._up, child_out = _context.Pipe(duplex=False)
        for end in (self._down, child_out):
            widen(end.fileno())
        self._process = _context.Process(
            target=run_spawned,
            args=(node_id, settings, build, disk_mode),
            kwargs={
                "ends": (PipeEnd(child_in.fileno()), PipeEnd(child_out.fileno())),
                "clock": clock,
                "origin": origin,
                "probed": probed,
            },
            name=f"paxsim-node-{node_id}",
            daemon=True,
        )
        try:
            with empty_main_module(), tied_spawn():
                self._process.start()
        except BaseException:
            self.close_pipes()
            raise
        finally:
            child_in.close()
            child_out.close()
        self.inlet = Inlet(self._up.fileno())
        self.outlet = Outlet(self._down.fileno(), limit=BACKLOG_BYTES)

    @property
    def pid(self) -> int:
        """The process ID."""
        assert self._process.pid is not None
        return self._process.pid

    @property
    def sentinel(self) -> int:
        """A file descriptor that becomes readable when the process has ended, for any reason."""
        return self._process.sentinel

    def pause(self) -> None:
        """Stop the process (SIGSTOP). One that has just ended stays as it is."""
        self._signal(signal.SIGSTOP)
        self.paused = True

    def resume(self) -> None:
        """Let the process go on (SIGCONT)."""
        self._signal(signal.SIGCONT)
        self.paused = False

    def kill(self) -> None:
        """Kill the process (SIGKILL), also when it is stopped."""
        self._process.kill()

    def ask_to_end(self) -> None:
        """Close its pipe in: the process ends by itself when it has read the rest."""
        self._down.close()
        self.outlet.closed = True

    def reap(self) -> str:
        """Wait for the end of the process and return how it ended, in words. Call this when `sentinel` is readable."""
        code = _exit_code(self._process)
        if code is None:
            return "ended with an unknown status"
        self._process.close()
        if code >= 0:
            return f"ended with status {code}"
        return f"killed by {signal.Signals(-code).name}"

    def close_pipes(self) -> None:
        """Close its pipes. Messages still in them are lost, as on any network."""
        self._up.close()
        self._down.close()

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):  # Another thread that starts a process has reaped it (see `_exit_code`).
            os.kill(self.pid, number)


def _exit_code(process: BaseProcess) -> int | None:
    """Wait for the end of `process` and return its exit code; None when the system does not keep it.

    Whenever a thread starts a process, multiprocessing reaps all children that have ended. That thread may have taken
    this exit code from the system and not stored it yet: then the system says at once that there is no such child.
    """
    process.join()
    until = time.monotonic() + STORED_WITHIN_S
    while (code := process.exitcode) is None and time.monotonic() < until:
        time.sleep(0.001)
    return code


@contextmanager
def empty_main_module() -> Iterator[None]:
    """Keep a spawned process from importing our main script.

    A node does not need it. The import would cost each node the start of a command line or of pytest, and a script
    without `if __name__ == "__main__"` would start a cluster in each node.
    """
    with _swap:
        main = sys.modules["__main__"]
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main


@contextmanager
def tied_spawn() -> Iterator[None]:
    """Have multiprocessing start its processes tied to this thread: they end with it, and Ctrl-C is for us alone.

    On Linux, the first line of a process says so (`FIRST_LINE`). Stopped before that line, it would outlive us. So each
    is a process group of its own: when our end leaves a group alone, the kernel ends whoever is stopped in it.
    """
    spawn = util.spawnv_passfds

    def spawn_tied(path: bytes, args: Sequence[Any], passfds: Sequence[int]) -> int:
        line = [*args]
        if sys.platform == "linux" and "-c" in line:
            at = line.index("-c") + 1
            line[at] = FIRST_LINE.format(parent=os.getpid()) + line[at]
        started = subprocess.Popen(line, executable=path, pass_fds=passfds, process_group=0)
        started.returncode = 0  # multiprocessing waits for it: this object must not.
        return started.pid

    util.spawnv_passfds = spawn_tied
    try:
        yield
    finally:
        util.spawnv_passfds = spawn
