"""Lets time stand still, and pass in steps, as it does in the virtual world.

A step waits until every node has done what is due, and then moves all clocks to the next moment at which something is.
So a run by hand does not depend on how fast the machine is, nor on how long a person thinks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

from simulator.worlds.processes.changes import Changes
from simulator.worlds.processes.clocks import CLOCK, Settled, encode_clock
from simulator.worlds.processes.supervisor import Supervisor

SETTLE_S = 60.0
"""How long a step waits for a node that does not answer. On a very busy machine a node takes long to start.

The step then goes on without it, as if it were paused."""


class TimeSteps:
    """Stops, moves and starts the clocks of a cluster. `changed` is the condition of the supervisor's lock.

    `tick` does what else is due now, and returns the cluster time at which it wants to be called next.
    """

    def __init__(self, supervisor: Supervisor, changed: Changes, tick: Callable[[], float]) -> None:
        self._supervisor = supervisor
        self._changed = changed
        self._tick = tick
        self._stepping = threading.Lock()
        self._settled: dict[int, Settled] = {}  # The newest answer of each node that is up.
        self._silent: set[int] = set()  # Nodes that did not answer in time.

    # With the lock held

    def stop(self) -> None:
        """Let time stand still, here and at all nodes."""
        self._supervisor.clock.stop()
        self._tell_nodes()

    def start(self) -> None:
        """Let time run again, from where it stands."""
        self._supervisor.clock.go_on()
        self._tell_nodes()

    def settled(self, node: int, answer: Settled) -> None:
        """`node` has answered a setting of its clock."""
        self._settled[node] = answer
        self._silent.discard(node)
        self._changed.notify_all()

    def ended(self, node: int) -> None:
        """The process of `node` has ended."""
        self._settled.pop(node, None)
        self._silent.discard(node)

    # Without the lock

    def pass_one(self, until_ms: float, changes: Callable[[], object]) -> bool:
        """Let what is due now happen. If that changes nothing, move on to the next moment at which something is due.

        That is `until_ms` at the latest; False when it has been reached. Time that runs by itself is left alone.
        """
        clock = self._supervisor.clock
        with self._stepping, self._supervisor.lock:
            before = changes()
            due_ms = self._settle()
            if changes() != before or not clock.still:
                return True
            if clock.now_ms() >= until_ms:
                return False
            clock.move_to(min(until_ms, due_ms))
            self._settle()
        return True

    # Helpers

    def _settle(self) -> float:
        """Wait until every node has done what is due. Returns the cluster time at which something is due next."""
        supervisor, clock = self._supervisor, self._supervisor.clock
        clock.number += 1
        supervisor.router.deliver_due(clock.now_ms())
        supervisor.flush()
        self._tell_nodes()
        if not self._changed.wait_for(lambda: not (clock.still and self._owing()), SETTLE_S):
            self._silent.update(self._owing())
        waits = [self._tick()]
        for node in self._running():
            answer = self._settled.get(node)
            if answer is None:
                continue
            clock.move_to(clock.of_node(answer.now_ms))  # A node may have run on for a moment before it was told.
            if answer.due_ms is not None:
                waits.append(clock.of_node(answer.due_ms))
        underway_ms = supervisor.router.next_due_ms()
        if underway_ms is not None:
            waits.append(underway_ms)
        return max(min(waits), clock.now_ms())

    def _tell_nodes(self) -> None:
        self._supervisor.broadcast(CLOCK, encode_clock(self._supervisor.clock.setting()))

    def _running(self) -> list[int]:
        processes = self._supervisor.processes
        return [node for node, process in processes.items() if not (process.paused or process.outlet.closed)]

    def _owing(self) -> list[int]:
        """The nodes that run and have not answered the newest setting."""
        number = self._supervisor.clock.number
        answers = {node: answer.number for node, answer in self._settled.items()}
        return [node for node in self._running() if answers.get(node) != number and node not in self._silent]
