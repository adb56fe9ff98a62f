"""One run of all checks on a session's cluster.

On real processes it runs in a thread of its own: the network, loads and time limits go on meanwhile. In the virtual
world time stands still while the checks run, so it has ended when it has been made.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster


class CheckRun:
    """`done` is true when the checks have ended. What they raised is raised by `verdicts`."""

    def __init__(self, cluster: Cluster) -> None:
        self.done = False
        self._cluster = cluster
        self._verdicts: dict[str, str] = {}
        self._error: BaseException | None = None
        if cluster.world == "virtual":
            self._run()
        else:
            threading.Thread(target=self._run, name="checks", daemon=True).start()

    def verdicts(self) -> dict[str, str]:
        """Each check by name, as `Cluster.check` gives them. Call this when it is done."""
        if self._error is not None:
            raise self._error
        return self._verdicts

    def _run(self) -> None:
        try:
            self._verdicts = self._cluster.check()
        except BaseException as error:  # noqa: BLE001  Whoever asks for the verdicts gets it.
            self._error = error
        self.done = True
