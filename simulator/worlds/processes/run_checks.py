"""The checks of a run of real processes: they read the nodes' files, the clients' history and the recording."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from simulator.cluster.history import Event
from simulator.cluster.interface import Ticket
from simulator.settings import Settings
from simulator.worlds.processes.record import Record

if TYPE_CHECKING:
    from simulator.checks.node_files import NodeFilesChecker


CLOSE_S = 1.0
"""How long, in seconds, the end of a cluster waits for a check that runs."""


class RunChecks:
    """Each call judges what is new since the last. Thread-safe. `run` is the prefix of this run's client names."""

    def __init__(self, settings: Settings, run: str, record: Record | None) -> None:
        self._settings = settings
        self._run = run
        self._record = record
        self._files: NodeFilesChecker | None = None
        self._lock = threading.Lock()

    def verdicts(
        self, writes: Sequence[Ticket], history: Sequence[Event], recorded: int, writes_now: Callable[[], list[Ticket]]
    ) -> dict[str, str]:
        """Each invariant by name, as `Cluster.check` returns them.

        `recorded` is the end of the recording when the history was copied. `writes_now` gives all writes at the time
        of the call, because files may hold newer ones than `writes`.
        """
        with self._lock:
            if self._files is None:
                from simulator.checks.node_files import NodeFilesChecker  # noqa: PLC0415  A start needs no checks.

                self._files = NodeFilesChecker(self._settings, self._run)
            verdicts = self._files.verdicts(writes, history, writes_now)
            if self._record is not None:
                self._record.check(verdicts, recorded)
            return verdicts

    def close(self) -> None:
        """Close the recording, unless a check that takes long still reads it: then it goes with this process."""
        if self._record is not None and self._lock.acquire(timeout=CLOSE_S):
            self._record.recording.close()
            self._lock.release()
