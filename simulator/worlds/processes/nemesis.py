"""Carrying out faults on real processes: signals for nodes, rules for links."""

from __future__ import annotations

from collections.abc import Callable

from simulator.errors import InputError
from simulator.faults.faults import ClockFault, Crash, DeliverHeld, DiskFault, Fault, Pause, Release, Restart, Resume
from simulator.faults.link_faults import change_links
from simulator.settings import Settings
from simulator.worlds.processes.faulty_disk import damage
from simulator.worlds.processes.node_main import DISK_MOODS, node_directory
from simulator.worlds.processes.node_process import NodeProcess
from simulator.worlds.processes.status_cache import Pictures
from simulator.worlds.processes.supervisor import Supervisor


class Misfortune:
    """Thread-safe: takes the supervisor's lock itself, and must be called without it.

    `wait_for` sleeps, with the lock let go, until a condition holds; it returns false after some seconds.
    """

    def __init__(
        self,
        settings: Settings,
        supervisor: Supervisor,
        pictures: Pictures,
        wait_for: Callable[[Callable[[], bool]], bool],
    ) -> None:
        self._settings = settings
        self._supervisor = supervisor
        self._pictures = pictures
        self._wait_for = wait_for

    def carry_out(self, fault: Fault) -> None:
        """Do it now.

        Raises:
            InputError: it cannot be: no such node, a node already down, a fault of the virtual world.
        """
        match fault:
            case Crash():
                self._crash(fault)
            case Restart(node):
                self._restart(node)
            case Pause(node) | Resume(node):
                self._stop_or_continue(node, stop=isinstance(fault, Pause))
            case DiskFault():
                self._spoil(fault)
            case ClockFault():
                raise InputError(
                    f"{fault.line()!r} is for the virtual world: nobody turns the clock of one real process."
                )
            case DeliverHeld() | Release():
                self._deliver(fault)
            case _:
                with self._supervisor.lock:
                    change_links(self._supervisor.links, fault)

    def _crash(self, fault: Crash) -> None:
        if fault.point is not None:
            raise InputError(
                f"{fault.line()!r} is for the virtual world: nobody can hit that moment in a real process."
            )
        with self._supervisor.lock:
            life = self._living(fault.node)
            life.kill()
            if not self._wait_for(lambda: self._supervisor.lives.get(fault.node) is not life):
                raise RuntimeError(f"node {fault.node} was killed and does not end")

    def _restart(self, node: int) -> None:
        with self._supervisor.lock:
            self._check_node(node)
            if node in self._supervisor.lives:
                raise InputError(
                    f"Node {node} is {self._pictures.life(node)}: only a node that is down can be restarted."
                )
        self._supervisor.errand(lambda: self._bring_up(node))

    def _bring_up(self, node: int) -> None:
        self._supervisor.bring_up(node)
        self._pictures.lives(node, "up")

    def _stop_or_continue(self, node: int, *, stop: bool) -> None:
        with self._supervisor.lock:
            life = self._living(node)
            if life.paused == stop:
                raise InputError(f"Node {node} is paused already." if stop else f"Node {node} is not paused.")
            if stop:
                life.pause()
            else:
                life.resume()
            self._pictures.lives(node, "paused" if stop else "up")

    def _spoil(self, fault: DiskFault) -> None:
        with self._supervisor.lock:
            self._check_node(fault.node)
            if fault.kind in DISK_MOODS:
                self._supervisor.set_disk_mood(fault.node, fault.kind)
            else:
                up = fault.node in self._supervisor.lives
                damage(node_directory(self._settings, fault.node), fault, up=up)

    def _deliver(self, fault: DeliverHeld | Release) -> None:
        with self._supervisor.lock:
            number, link = (fault.number, fault.link) if isinstance(fault, DeliverHeld) else (None, None)
            delivered = self._supervisor.network.deliver_held(number, link, self._supervisor.now_ms())
            if number is not None and not delivered:
                raise InputError(f"No message number {number} is held.")
            if isinstance(fault, Release):
                self._supervisor.links.hold(on=False)
            self._supervisor.flush()

    def _living(self, node: int) -> NodeProcess:
        self._check_node(node)
        life = self._supervisor.lives.get(node)
        if life is None:
            raise InputError(f"Node {node} is down.")
        return life

    def _check_node(self, node: int) -> None:
        if node not in self._supervisor.links.nodes:
            raise InputError(
                f"There is no node {node}: this cluster has nodes 1 to {len(self._supervisor.links.nodes)}."
            )
