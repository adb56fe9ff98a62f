"""Carrying out faults in the virtual world: every one there is, at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulator.errors import InputError
from simulator.faults.faults import ClockFault, Crash, DeliverHeld, DiskFault, Fault, Pause, Release, Restart, Resume
from simulator.faults.link_faults import change_links
from simulator.worlds.virtual.machine import Machine
from simulator.worlds.virtual.network import Network

RATES_PERCENT = (10, 1_000)
"""The slowest and the fastest that a clock may run."""


class Misfortune:
    """Strikes machines and links. `struck` is told each fault that can be, before it has consequences."""

    def __init__(self, machines: Mapping[int, Machine], network: Network, struck: Callable[[Fault], None]) -> None:
        self._machines = machines
        self._network = network
        self._struck = struck

    def carry_out(self, fault: Fault) -> None:
        """Do it now.

        Raises:
            InputError: it cannot be: no such node, a node already down, a line that there is not.
        """
        match fault:
            case Crash(node, point):
                self._crash(fault, self._living(node), point is not None)
            case Restart(node):
                self._restart(fault, self._machine(node))
            case Pause(node) | Resume(node):
                self._stop_or_continue(fault, self._living(node))
            case DiskFault(node):
                self._spoil(fault, self._machine(node))
            case ClockFault(node, rate_percent, jump_ms):
                if not RATES_PERCENT[0] <= rate_percent <= RATES_PERCENT[1]:
                    raise InputError(
                        f"A clock runs at {RATES_PERCENT[0]}% to {RATES_PERCENT[1]}%, not {rate_percent}%."
                    )
                machine = self._machine(node)
                self._struck(fault)
                machine.turn_clock(rate_percent, jump_ms)
            case DeliverHeld() | Release():
                self._deliver(fault)
            case _:
                change_links(self._network.links, fault)
                self._struck(fault)

    def _crash(self, fault: Crash, machine: Machine, later: bool) -> None:
        self._struck(fault)
        if later:
            machine.disk.crash_at = fault.point
        else:
            machine.crash("it was killed")

    def _restart(self, fault: Restart, machine: Machine) -> None:
        if machine.life != "down":
            raise InputError(f"Node {fault.node} is {machine.life}: only a node that is down can be restarted.")
        self._struck(fault)
        machine.boot()

    def _stop_or_continue(self, fault: Pause | Resume, machine: Machine) -> None:
        stop = isinstance(fault, Pause)
        if (machine.life == "paused") == stop:
            raise InputError(f"Node {fault.node} is paused already." if stop else f"Node {fault.node} is not paused.")
        self._struck(fault)
        if stop:
            machine.pause()
        else:
            machine.resume()

    def _spoil(self, fault: DiskFault, machine: Machine) -> None:
        if fault.kind in {"corrupt", "tear", "wipe"}:
            machine.disk.damage(fault, up=machine.life != "down")
        else:
            machine.disk.mood = fault.kind
            if fault.kind == "ok":
                machine.disk.crash_at = None  # Nor does a death lie in wait there any more.
        self._struck(fault)

    def _deliver(self, fault: DeliverHeld | Release) -> None:
        number, link = (fault.number, fault.link) if isinstance(fault, DeliverHeld) else (None, None)
        delivered = self._network.deliver_held(number, link)
        if number is not None and not delivered:
            raise InputError(f"No message number {number} is held.")
        if isinstance(fault, Release):
            self._network.links.hold(on=False)
        self._struck(fault)

    def _living(self, node: int) -> Machine:
        machine = self._machine(node)
        if machine.life == "down":
            raise InputError(f"Node {node} is down.")
        return machine

    def _machine(self, node: int) -> Machine:
        machine = self._machines.get(node)
        if machine is None:
            raise InputError(f"There is no node {node}: this cluster has nodes 1 to {len(self._machines)}.")
        return machine
