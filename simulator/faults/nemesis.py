"""Carries out faults: what is possible in which state, and in which order, the same in both worlds.

A world defines how its nodes are crashed, paused and so on. A fault is announced before its consequences: observers get
the crash first and then the end of the incarnation.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Literal

from simulator.errors import InputError
from simulator.faults.faults import (
    ClockFault,
    Crash,
    DeliverHeld,
    DiskFault,
    Fault,
    KeepCopies,
    Kill,
    Pause,
    Release,
    Restart,
    Resume,
)
from simulator.faults.link_faults import change_links
from simulator.faults.links import Link, Links


class Nemesis(ABC):
    """Checks a fault, announces it, and carries it out."""

    def __init__(self, links: Links, announce: Callable[[Fault], None]) -> None:
        self._links = links
        self._announce = announce

    def carry_out(self, fault: Fault) -> None:  # noqa: C901, PLR0912, PLR0915  A case a kind.
        """Inject `fault` now.

        Raises:
            InputError: it is impossible: no such node, a node already down, no such line, a fault of the other world.
        """
        match fault:
            case Crash(node):
                self._check_up(node)
                self.check_crash(fault)
                self._announce(fault)
                self.crash(fault)
            case Kill(node):
                self._check_up(node)
                self._announce(fault)
                self.kill(node)
            case Restart(node):
                self._check_node(node)
                if (state := self.process_state(node)) != "down":
                    raise InputError(f"Node {node} is {state}: only a node that is down can be restarted.")
                self._announce(fault)
                self.restart(node)
            case Pause(node):
                if self._check_up(node) == "paused":
                    raise InputError(f"Node {node} is paused already.")
                self._announce(fault)
                self.pause(node)
            case Resume(node):
                if self._check_up(node) != "paused":
                    raise InputError(f"Node {node} is not paused.")
                self._announce(fault)
                self.resume(node)
            case DiskFault(node):
                self._check_node(node)
                self.change_disk(fault)
                self._announce(fault)
            case ClockFault(node):
                self._check_node(node)
                self.change_clock(fault)
                self._announce(fault)
            case KeepCopies():
                self.keep_copies(fault)
                self._announce(fault)
            case DeliverHeld(number, link):
                if number is not None and not self.is_held(number):
                    raise InputError(f"No message number {number} is held.")
                self._announce(fault)
                self.deliver_held(number, link)
            case Release():
                self._announce(fault)
                self._links.hold(on=False)
                self.stop_copying()
                self.deliver_held(None, None)
            case _:
                change_links(self._links, fault)
                self._announce(fault)

    # Defined by each world

    @abstractmethod
    def process_state(self, node: int) -> Literal["up", "paused", "down"]:
        """Whether `node` is up, paused or down."""

    @abstractmethod
    def check_crash(self, fault: Crash) -> None:
        """Raise `InputError` if this world cannot crash a node at the fault's `point`."""

    @abstractmethod
    def crash(self, fault: Crash) -> None:
        """Kill a node that is up or paused, now or at the fault's `point`."""

    @abstractmethod
    def kill(self, node: int) -> None:
        """Kill the process of a node that is up or paused. What it had written stays on its machine."""

    @abstractmethod
    def restart(self, node: int) -> None:
        """Start a node that is down."""

    @abstractmethod
    def pause(self, node: int) -> None:
        """Stop a node that is up, without its knowledge."""

    @abstractmethod
    def resume(self, node: int) -> None:
        """Let a paused node go on."""

    @abstractmethod
    def change_disk(self, fault: DiskFault) -> None:
        """Damage a file, or set the fault mode of a disk. Raises `InputError` if the file or line does not exist."""

    @abstractmethod
    def change_clock(self, fault: ClockFault) -> None:
        """Change the rate of a node's clock, or make it jump. Raises `InputError` where that is impossible."""

    @abstractmethod
    def keep_copies(self, fault: KeepCopies) -> None:
        """Keep copies of the next messages of a kind. Raises `InputError` where that is impossible."""

    @abstractmethod
    def stop_copying(self) -> None:
        """Keep no further copies."""

    @abstractmethod
    def is_held(self, number: int) -> bool:
        """True when the message of this number waits for a person."""

    @abstractmethod
    def deliver_held(self, number: int | None, link: Link | None) -> None:
        """Deliver held messages: the one of `number`, those of `link`, or all."""

    def _check_up(self, node: int) -> Literal["up", "paused"]:
        self._check_node(node)
        state = self.process_state(node)
        if state == "down":
            raise InputError(f"Node {node} is down.")
        return state

    def _check_node(self, node: int) -> None:
        if node not in self._links.nodes:
            raise InputError(f"There is no node {node}: this cluster has nodes 1 to {len(self._links.nodes)}.")
