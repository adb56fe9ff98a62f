"""Five nodes in one thread and in virtual time: the node needs nothing of its world but a `Host`.

The world of this test has a queue of events, a clock, one random source, disks in memory, and links that can be cut.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator
from functools import partial
from itertools import count
from random import Random

import pytest

from blog.operations import Post
from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage
from simulator.node.client_api import ClientWrite, NodeReport, WriteAnswer
from simulator.node.node import Node
from simulator.node.storage.storage import Storage
from simulator.settings import Settings
from tests.simulator.node.node_bench import request
from tests.simulator.node.storage.crash_disk import CrashDisk

ALL = (1, 2, 3, 4, 5)


class NodeHost:
    """The `Host` of one incarnation. A timer fires only if it was not set again and the node is up."""

    def __init__(self, world: World, node: NodeId) -> None:
        self.world = world
        self.node = node
        self.alarms: dict[Timer, int] = {}

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """Each copy has its own delay."""
        for target in to:
            self.world.later(self.world.dice.randint(1, 9), partial(self.world.deliver, self.node, target, message))

    def push(self) -> None:
        """Messages are never held here."""

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """The delay comes from the seeded random source."""
        number = self.alarms[timer] = next(self.world.numbers)
        self.world.later(self.world.dice.randint(min_ms, max_ms), partial(self.ring, timer, number))

    def ring(self, timer: Timer, number: int) -> None:
        """Fire the timer."""
        node = self.world.nodes.get(self.node)
        if node is not None and node.host is self and self.alarms[timer] == number:
            node.wake(timer, self.world.now)
            node.flush(self.world.now)

    def report(self, report: NodeReport) -> None:
        """Keep answers by number."""
        if isinstance(report, WriteAnswer):
            self.world.answers[report.seq] = report.kind


class World:
    """Five nodes, a queue of events and a virtual clock. `nodes` holds the nodes that are up."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.now = 0
        self.numbers: Iterator[int] = count(1)
        self.heap: list[tuple[int, int, Callable[[], None]]] = []
        self.disks = {node: CrashDisk() for node in ALL}
        self.nodes: dict[NodeId, Node] = {}
        self.sides: dict[NodeId, int] = dict.fromkeys(ALL, 0)
        self.answers: dict[int, str] = {}
        self.asked = 0
        for node in ALL:
            self.boot(node)

    def later(self, delay_ms: int, what: Callable[[], None]) -> None:
        """Schedule an event."""
        heapq.heappush(self.heap, (self.now + delay_ms, next(self.numbers), what))

    def boot(self, node: NodeId) -> None:
        """Start the node on its disk."""
        self.nodes[node] = Node(node, Settings(), Storage(self.disks[node], 2), NodeHost(self, node))
        self.nodes[node].start(self.now)
        self.nodes[node].flush(self.now)

    def crash(self, node: NodeId) -> None:
        """Stop the node; some of its unsynced data is lost."""
        del self.nodes[node]
        self.disks[node].crash(self.dice.random())

    def deliver(self, source: NodeId, target: NodeId, message: AnyMessage) -> None:
        """Deliver a message if the link works and the node is up."""
        node = self.nodes.get(target)
        if node is not None and self.sides[source] == self.sides[target]:
            node.receive(message, self.now)
            node.flush(self.now)

    def write(self, node: NodeId) -> int:
        """Send a client's post and return its number."""
        self.asked += 1
        post = Post("ann", f"title {self.asked}", "text")
        self.nodes[node].call(ClientWrite(request(self.asked, post, f"client{self.asked}")), self.now)
        self.nodes[node].flush(self.now)
        return self.asked

    def run(self, until: Callable[[], bool], within_ms: int = 20_000) -> None:
        """Run events until the condition holds."""
        end = self.now + within_ms
        while not until():
            assert self.heap[0][0] <= end, "it never came to that"
            self.now, _, what = heapq.heappop(self.heap)
            what()

    def written(self, node: NodeId) -> None:
        """Write at `node` until the answer is OK."""
        number = self.write(node)
        self.run(lambda: number in self.answers)
        assert self.answers[number] == "ok"

    def leader(self) -> NodeId:
        """The leader with the highest ballot; 0 without a leader."""
        leading = [
            (node.replica.status().ballot, name)
            for name, node in self.nodes.items()
            if node.replica.status().role == "leader"
        ]
        return max(leading)[1] if leading else 0

    def chains(self) -> list[bytes]:
        """The chain files of the nodes that are up."""
        return [self.disks[node].files["blockchain.txt"] for node in sorted(self.nodes)]

    def agree(self) -> bool:
        """All five nodes are up with equal chains."""
        return len(self.nodes) == len(ALL) and len(set(self.chains())) == 1


def bad_day(seed: int) -> World:
    """An election, writes anywhere, the leader's crash, a partition with the leader on the smaller side, healing."""
    world = World(seed)
    world.run(lambda: world.leader() > 0)
    for node in ALL:
        world.written(node)

    first = world.leader()
    lost = world.write(first)
    world.crash(first)
    rest = [node for node in ALL if node != first]
    world.written(rest[0])
    world.boot(first)

    second = world.leader()
    world.sides[second] = world.sides[first] = 1
    minority = world.write(second)
    majority = next(node for node in ALL if node not in (first, second))
    world.written(majority)
    world.run(lambda: minority in world.answers, 60_000)
    assert world.answers[minority] == "no-majority"
    assert lost not in world.answers

    world.sides = dict.fromkeys(ALL, 0)
    world.written(first)
    world.run(world.agree)
    return world


@pytest.mark.parametrize("seed", range(5))
def test_answered_writes_survive_crashes_and_partitions(seed: int) -> None:
    """For each seed, no answered write is lost and all five chains are equal."""
    world = bad_day(seed)

    blog = world.nodes[1].state_machine.blog
    answered = [number for number, kind in world.answers.items() if kind == "ok"]
    assert len(answered) == 8
    assert all(blog.has_title(f"title {number}") for number in answered)


def test_the_same_seed_gives_the_same_run() -> None:
    """The same chains at the same time; another seed gives another run."""
    one, two, other = bad_day(7), bad_day(7), bad_day(8)

    assert (one.chains(), one.now, one.answers) == (two.chains(), two.now, two.answers)
    assert other.now != one.now
