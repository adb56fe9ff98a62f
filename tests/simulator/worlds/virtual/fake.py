"""A node that does what a test tells it, on a real machine, heap and network of the virtual world."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from paxos.ballot import Ballot
from paxos.effects import Timer
from paxos.messages import AnyMessage, StepDown
from simulator.faults.links import Links
from simulator.node.client_api import ClientCall, NodeReport
from simulator.node.status import NodeStatus
from simulator.node.storage.journal import JOURNAL
from simulator.trace.observer import ObserverList
from simulator.worlds.virtual.event_queue import EventQueue
from simulator.worlds.virtual.machine import Machine
from simulator.worlds.virtual.network import Network


def word(sender: int, number: int) -> AnyMessage:
    """A message that is told from others by its number."""
    return StepDown(sender=sender, ballot=Ballot(number, sender))


class FakeNode:
    """Notes its events as (world time, what). `on_flush` does what the test wants, once a batch."""

    def __init__(self, machine: Machine, queue: EventQueue) -> None:
        self.machine = machine
        self.seen: list[tuple[int, str]] = []
        self.clock: list[int] = []
        self.on_flush: Callable[[], None] = lambda: None
        self._queue = queue

    def note(self, what: str) -> None:
        """Remember."""
        self.seen.append((self._queue.now_ms, what))

    def start(self, now_ms: int) -> None:
        """See `Drivable`."""
        self.note("start")
        if not self.machine.disk.exists(JOURNAL):
            self.machine.disk.replace(JOURNAL, b"")

    def receive(self, message: AnyMessage, now_ms: int) -> None:
        """See `Drivable`."""
        assert isinstance(message, StepDown)
        self.clock.append(now_ms)
        self.note(f"{message.sender}:{message.ballot.round}")

    def call(self, call: ClientCall, now_ms: int) -> None:
        """See `Drivable`."""
        self.note(type(call).__name__)

    def wake(self, timer: Timer, now_ms: int) -> None:
        """See `Drivable`."""
        self.note(timer.value)

    def flush(self, now_ms: int) -> None:
        """See `Drivable`."""
        self.note("flush")
        self.on_flush()

    def status(self, *, detail: bool = False) -> NodeStatus:
        """See `Drivable`."""
        return NodeStatus(node=self.machine.me, life="up")


class Bench:
    """Machines 1 to `nodes` with fake nodes, started at 0. Syncs take `sync_ms`; clocks begin anywhere."""

    def __init__(self, nodes: int = 2, *, sync_ms: int = 0, seed: int = 0) -> None:
        self.queue = EventQueue()
        self.observers = ObserverList(())
        dice = Random(seed)
        ids = tuple(range(1, nodes + 1))
        self.links = Links(ids)
        self.network = Network(self.links, self.queue, dice, self.observers)
        self.reports: list[tuple[int, NodeReport]] = []
        self.ends: list[tuple[int, int, str]] = []
        self.surprises: list[BaseException] = []
        self.nodes: dict[int, FakeNode] = {}
        self.machines = {
            node: Machine(
                node,
                self.queue,
                self.network,
                self.observers,
                self,
                build=self._build,
                dice=dice,
                sync_ms=(sync_ms,),
            )
            for node in ids
        }
        for machine in self.machines.values():
            machine.boot()
        self.run(20)
        for node in self.nodes.values():
            node.seen.clear()

    def _build(self, machine: Machine) -> FakeNode:
        node = self.nodes[machine.me] = FakeNode(machine, self.queue)
        return node

    def run(self, until_ms: int) -> None:
        """Let time pass."""
        self.queue.run(until_ms, [machine.dispatch for machine in self.machines.values()])

    def put(self, at_ms: int, node: int, number: int, source: int = 2) -> None:
        """Let a message arrive at exactly this time."""
        self.network.copies += 1
        self.queue.put(at_ms, node, (source, word(source, number), number))

    def words(self, node: int) -> list[str]:
        """The events of a node, without times."""
        return [what for _, what in self.nodes[node].seen]

    def reported(self, node: int, report: NodeReport) -> None:
        """See `Owner`."""
        self.reports.append((self.queue.now_ms, report))

    def ended(self, node: int, how: str) -> None:
        """See `Owner`."""
        self.ends.append((self.queue.now_ms, node, how))

    def happened(self, node: int, what: str) -> None:
        """See `Owner`."""

    def surprised(self, node: int, error: BaseException) -> None:
        """See `Owner`."""
        self.surprises.append(error)
