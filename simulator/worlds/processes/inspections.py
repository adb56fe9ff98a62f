"""Asks a node process for its status, and waits for the answer."""

from __future__ import annotations

from simulator.node.client_api import Inspect
from simulator.node.status import NodeStatus
from simulator.worlds.processes.changes import Changes
from simulator.worlds.processes.status_cache import StatusCache
from simulator.worlds.processes.supervisor import Supervisor

PLAIN_S = 0.25
"""How long to wait for a status whose only use is to be newer than the cached one."""
DETAIL_S = 2.0


class Inspections:
    """Inspections that wait for an answer, by number. `changed` is the condition of the supervisor's lock."""

    def __init__(self, supervisor: Supervisor, statuses: StatusCache, changed: Changes) -> None:
        self._supervisor = supervisor
        self._statuses = statuses
        self._changed = changed
        self._answers: dict[int, NodeStatus | None] = {}
        self._count = 0

    def ask(self, node: int, *, detail: bool) -> NodeStatus | None:
        """The status that `node` reports now; None when it does not answer in time.

        Call this with the lock held; waiting releases it.
        """
        if self._supervisor.is_own_thread():
            return None  # A callback in the supervisor's thread would wait for itself.
        self._count += 1
        number = self._count
        if not self._supervisor.send_call(node, Inspect(number, detail)):
            return None
        self._answers[number] = None
        try:
            self._changed.wait_for(
                lambda: self._answers[number] is not None or self._statuses.life(node) != "up",
                DETAIL_S if detail else PLAIN_S,
            )
        finally:
            found = self._answers.pop(number)
        return found

    def answered(self, number: int, status: NodeStatus) -> None:
        """Keep the answer of inspection `number`, and wake its caller."""
        if number in self._answers:
            self._answers[number] = status
        self._changed.notify_all()
