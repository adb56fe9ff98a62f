"""Injects faults into the virtual world, which supports every kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

from simulator.cluster.message_text import KINDS
from simulator.errors import InputError
from simulator.faults.faults import ClockFault, Crash, DiskFault, Fault, KeepCopies
from simulator.faults.links import Link
from simulator.faults.nemesis import Nemesis
from simulator.worlds.virtual.machine import Machine
from simulator.worlds.virtual.network import Network

RATES_PERCENT = (10, 1_000)
"""The lowest and the highest rate of a clock."""


class VirtualNemesis(Nemesis):
    """Acts on machines and on the network between them."""

    def __init__(self, machines: Mapping[int, Machine], network: Network, announce: Callable[[Fault], None]) -> None:
        super().__init__(network.links, announce)
        self._machines = machines
        self._network = network

    def process_state(self, node: int) -> Literal["up", "paused", "down"]:
        """See `Nemesis`."""
        return self._machines[node].life

    def check_crash(self, fault: Crash) -> None:
        """See `Nemesis`. Every point is possible."""

    def crash(self, fault: Crash) -> None:
        """See `Nemesis`."""
        machine = self._machines[fault.node]
        if fault.point is not None:
            machine.disk.crash_at = fault.point
        else:
            machine.crash("it was killed")

    def kill(self, node: int) -> None:
        """See `Nemesis`."""
        self._machines[node].kill()

    def restart(self, node: int) -> None:
        """See `Nemesis`."""
        self._machines[node].boot()

    def pause(self, node: int) -> None:
        """See `Nemesis`."""
        self._machines[node].pause()

    def resume(self, node: int) -> None:
        """See `Nemesis`."""
        self._machines[node].resume()

    def change_disk(self, fault: DiskFault) -> None:
        """See `Nemesis`."""
        self._machines[fault.node].change_disk(fault)

    def change_clock(self, fault: ClockFault) -> None:
        """See `Nemesis`."""
        if not RATES_PERCENT[0] <= fault.rate_percent <= RATES_PERCENT[1]:
            raise InputError(f"A clock runs at {RATES_PERCENT[0]}% to {RATES_PERCENT[1]}%, not {fault.rate_percent}%.")
        self._machines[fault.node].change_clock(fault.rate_percent, fault.jump_ms)

    def keep_copies(self, fault: KeepCopies) -> None:
        """See `Nemesis`."""
        kind = KINDS.get(fault.kind)
        if kind is None:
            raise InputError(f"There is no message {fault.kind!r}: the kinds are {', '.join(KINDS)}.")
        self._network.keep_copies(kind, fault.count)

    def stop_copying(self) -> None:
        """See `Nemesis`."""
        self._network.stop_copying()

    def is_held(self, number: int) -> bool:
        """See `Nemesis`."""
        return number in self._network.held

    def deliver_held(self, number: int | None, link: Link | None) -> None:
        """See `Nemesis`."""
        self._network.deliver_held(number, link)
