"""The checks of a run of real processes, as its cluster asks for them.

A short run is checked in this process. Of a longer one a process of its own follows the recording (`check_main`): then
neither its work nor its memory is the network's, and a check has little left to read.
"""

from __future__ import annotations

import multiprocessing
import os
import threading
import weakref
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from simulator.cluster.verdicts import unknown
from simulator.settings import Settings
from simulator.worlds.processes.framed_pipe import PipeEnd
from simulator.worlds.processes.node_process import empty_main_module, tied_spawn
from simulator.worlds.processes.recording import Extent, Recording

if TYPE_CHECKING:
    from simulator.worlds.processes.run_checker import RunChecker

SHORT_BYTES = 1 << 18
"""The size of a recording from which on a process of its own checks it: a few seconds of a busy cluster."""

_context = multiprocessing.get_context("spawn")


class RunChecks:
    """Each call of `verdicts` judges what is new since the last. `run` is the prefix of this run's client names.

    With `whole` the recording holds all that passes the supervisor, and else the history alone. `call_soon` calls a
    function in the supervisor's thread.
    """

    def __init__(
        self,
        settings: Settings,
        run: str,
        recording: Recording | None,
        *,
        whole: bool,
        call_soon: Callable[[Callable[[], None]], None],
    ) -> None:
        self.is_due = False
        """True once the recording is so long that `start` should be called."""
        self._settings = settings
        self._run = run
        self._recording = recording
        self._whole = whole
        self._call_soon = call_soon
        self._local: RunChecker | None = None
        self._process: _CheckProcess | None = None
        self._closed = False
        self._lock = threading.Lock()

    def grew(self, size: int) -> None:
        """The file of the recording has `size` bytes now. Called with the supervisor's lock held; it never waits."""
        if self._process is not None:
            self._process.wake()
        elif size >= SHORT_BYTES and self._whole:
            self.is_due = True

    def start(self) -> None:
        """Start the process that checks. In the supervisor's thread alone, because the process ends with its thread."""
        self.is_due = False
        fd = self._fd()
        if self._process is None and fd is not None and not self._closed:
            with suppress(OSError):  # No room for a process: this one goes on with the checks.
                self._process = _CheckProcess(self._settings, self._run, fd, whole=self._whole)
                self._process.wake()
                self._local = None

    def verdicts(self, newest: Callable[[], Extent]) -> dict[str, str]:
        """Each invariant by name, as `Cluster.check` returns them. `newest` tells how much is recorded at its call.

        Raises:
            RuntimeError: a bug of ours in the checks.
        """
        with self._lock:
            if self._process is not None and not self._process.is_alive():
                self._process.close()
                self._process = None
                self._call_soon(self.start)
            local = self._local
            if self._process is None and local is None:
                from simulator.worlds.processes.run_checker import RunChecker  # noqa: PLC0415  A start needs no checks.

                fd = self._fd()
                self._local = local = RunChecker(self._settings, self._run, -1 if fd is None else fd, whole=self._whole)
            if self._process is not None:
                found = self._process.verdicts(newest)
            else:
                assert local is not None
                found = local.verdicts(newest(), newest)
        return found

    def close(self) -> None:
        """End the process that checks. A check in this process may go on to its end."""
        self._closed = True
        if self._process is not None:
            self._process.close()

    def _fd(self) -> int | None:
        return None if self._recording is None else self._recording.fd


class _CheckProcess:
    """The process and its two pipes: one to wake it, one to ask it."""

    def __init__(self, settings: Settings, run: str, fd: int, *, whole: bool) -> None:
        wake, self._wake = os.pipe()
        os.set_blocking(self._wake, False)
        weakref.finalize(self, os.close, self._wake)
        self._questions, theirs = _context.Pipe()
        self._process: BaseProcess = _context.Process(
            target=_begin,
            args=(settings, run, whole, (PipeEnd(fd), PipeEnd(wake)), theirs),
            name="paxsim-checks",
            daemon=True,
        )
        try:
            with empty_main_module(), tied_spawn():
                self._process.start()
        finally:
            os.close(wake)
            theirs.close()

    def is_alive(self) -> bool:
        return self._process.is_alive()

    def wake(self) -> None:
        """Have it read on. It never waits: a full pipe wakes it anyhow."""
        with suppress(OSError):
            os.write(self._wake, b"\n")

    def verdicts(self, newest: Callable[[], Extent]) -> dict[str, str]:
        try:
            self._questions.send(tuple(newest()))
            while (answer := self._questions.recv()) is None:
                self._questions.send(tuple(newest()))
        except (EOFError, OSError):
            from simulator.checks.violation import INVARIANTS  # noqa: PLC0415  A start needs no checks.

            return dict.fromkeys(INVARIANTS, unknown("the process that checks this run has ended; ask again"))
        verdicts: dict[str, str]
        verdicts, bug = answer
        if bug:
            raise RuntimeError(f"the checks met a bug of ours:\n{bug}")
        return verdicts

    def close(self) -> None:
        self._process.kill()
        self._process.join()  # Whoever waits for its answer learns of its end.


def _begin(settings: Settings, run: str, whole: bool, fds: tuple[int, int], questions: Connection) -> None:
    """Call `check_main.run_checks`, which is loaded in the new process only."""
    from simulator.worlds.processes.check_main import Checked, run_checks  # noqa: PLC0415

    run_checks(Checked(settings, run, whole), *fds, questions)
