"""Injects faults into real processes: signals to nodes, rules for links, changes of files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from simulator.errors import InputError
from simulator.faults.faults import ClockFault, Crash, DiskFault, Fault, Hold, KeepCopies, Release, Restart
from simulator.faults.links import Link
from simulator.faults.nemesis import Nemesis
from simulator.settings import Settings
from simulator.worlds.processes.faulty_disk import damage_file
from simulator.worlds.processes.node_main import node_directory
from simulator.worlds.processes.process_host import DISK_FAULT_MODES
from simulator.worlds.processes.status_cache import StatusCache
from simulator.worlds.processes.supervisor import Supervisor
from simulator.worlds.processes.time_steps import TimeSteps


class ProcessNemesis(Nemesis):
    """Thread-safe: it takes the supervisor's lock itself. Call it without the lock.

    `wait_for` sleeps, with the lock released, until a condition holds; it returns false after some seconds.
    `check_directory` raises `InputError` when the data directory is another one by now; `remember` notes how far a
    node's journal has come, before its files change.
    """

    def __init__(
        self,
        settings: Settings,
        supervisor: Supervisor,
        statuses: StatusCache,
        time_steps: TimeSteps,
        *,
        wait_for: Callable[[Callable[[], bool]], bool],
        announce: Callable[[Fault], None],
        check_directory: Callable[[], None],
        remember: Callable[[int], None],
    ) -> None:
        super().__init__(supervisor.links, announce)
        self._settings = settings
        self._supervisor = supervisor
        self._statuses = statuses
        self._time_steps = time_steps
        self._wait_for = wait_for
        self._check_directory = check_directory
        self._remember = remember

    def carry_out(self, fault: Fault) -> None:
        """See `Nemesis`. The supervisor's thread starts processes, and needs the lock for that."""
        with self._supervisor.lock:
            if isinstance(fault, Restart | DiskFault):
                self._check_directory()
            super().carry_out(fault)
            if isinstance(fault, Hold):
                self._time_steps.stop()
            elif isinstance(fault, Release):
                self._time_steps.start()
        if isinstance(fault, Restart):
            try:
                self._supervisor.call_soon(lambda: self._spawn(fault.node))
            except OSError as error:
                raise InputError(f"Node {fault.node} cannot be started: {error.strerror or error}.") from None

    def process_state(self, node: int) -> Literal["up", "paused", "down"]:
        """See `Nemesis`."""
        process = self._supervisor.processes.get(node)
        return "down" if process is None else "paused" if process.paused else "up"

    def check_crash(self, fault: Crash) -> None:
        """See `Nemesis`."""
        if fault.point is not None:
            raise InputError(
                f"{fault.line()!r} is for the virtual world: nobody can hit that moment in a real process."
            )

    def crash(self, fault: Crash) -> None:
        """See `Nemesis`. It returns when the process has ended."""
        process = self._supervisor.processes[fault.node]
        process.kill()
        if not self._wait_for(lambda: self._supervisor.processes.get(fault.node) is not process):
            raise RuntimeError(f"node {fault.node} was killed and does not end")

    def kill(self, node: int) -> None:
        """See `Nemesis`. A crash does the same here: the machine keeps its power."""
        self.crash(Crash(node))

    def restart(self, node: int) -> None:
        """See `carry_out`."""

    def _spawn(self, node: int) -> None:
        self._supervisor.spawn(node)
        self._statuses.changed(node, "up")

    def pause(self, node: int) -> None:
        """See `Nemesis`."""
        self._supervisor.processes[node].pause()
        self._statuses.changed(node, "paused")

    def resume(self, node: int) -> None:
        """See `Nemesis`."""
        self._supervisor.processes[node].resume()
        self._statuses.changed(node, "up")

    def change_disk(self, fault: DiskFault) -> None:
        """See `Nemesis`."""
        if fault.kind in DISK_FAULT_MODES:
            self._supervisor.set_disk_mode(fault.node, (fault.kind, fault.delay_ms))
        else:
            up = fault.node in self._supervisor.processes
            self._remember(fault.node)
            if fault.kind == "rollback":
                self._supervisor.older_copies.roll_back(fault, up=up)
                return
            damage_file(node_directory(self._settings, fault.node), fault, up=up)

    def change_clock(self, fault: ClockFault) -> None:
        """See `Nemesis`."""
        raise InputError(f"{fault.line()!r} is for the virtual world: nobody turns the clock of one real process.")

    def keep_copies(self, fault: KeepCopies) -> None:
        """See `Nemesis`."""
        raise InputError(f"{fault.line()!r} is for the virtual world: use 'hold' and 'deliver' here.")

    def stop_copying(self) -> None:
        """See `Nemesis`. This world keeps none."""

    def is_held(self, number: int) -> bool:
        """See `Nemesis`."""
        return number in self._supervisor.router.held

    def deliver_held(self, number: int | None, link: Link | None) -> None:
        """See `Nemesis`."""
        self._supervisor.router.deliver_held(number, link, self._supervisor.now_ms())
        self._supervisor.flush()
