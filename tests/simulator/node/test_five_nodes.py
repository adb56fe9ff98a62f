"""Five nodes in one thread on a seeded heap, in virtual time: the wall between the node and the world stands.

A few dozen lines are a world: a heap, a clock, one source of chance, disks in memory, links that can be cut.
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


class Place:
    """The `Host` of one life of one node. An alarm rings only if it was not set anew since, and while it lives."""

    def __init__(self, world: World, node: NodeId) -> None:
        self.world = world
        self.node = node
        self.alarms: dict[Timer, int] = {}

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """Each copy takes its own time."""
        for target in to:
            self.world.later(self.world.dice.randint(1, 9), partial(self.world.deliver, self.node, target, message))

    def push(self) -> None:
        """Nothing waits here."""

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """By the world's dice and clock."""
        number = self.alarms[timer] = next(self.world.numbers)
        self.world.later(self.world.dice.randint(min_ms, max_ms), partial(self.ring, timer, number))

    def ring(self, timer: Timer, number: int) -> None:
        """The time has come."""
        node = self.world.nodes.get(self.node)
        if node is not None and node.host is self and self.alarms[timer] == number:
            node.wake(timer, self.world.now)
            node.flush(self.world.now)

    def report(self, report: NodeReport) -> None:
        """Answers are kept by their number."""
        if isinstance(report, WriteAnswer):
            self.world.answers[report.seq] = report.kind


class World:
    """See the module. `nodes` holds those that are up."""

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
        """It will happen."""
        heapq.heappush(self.heap, (self.now + delay_ms, next(self.numbers), what))

    def boot(self, node: NodeId) -> None:
        """A life begins on what the disk kept."""
        self.nodes[node] = Node(node, Settings(), Storage(self.disks[node], 2), Place(self, node))
        self.nodes[node].start(self.now)
        self.nodes[node].flush(self.now)

    def crash(self, node: NodeId) -> None:
        """A life ends, and of what was not synced some part goes with it."""
        del self.nodes[node]
        self.disks[node].crash(self.dice.random())

    def deliver(self, source: NodeId, target: NodeId, message: AnyMessage) -> None:
        """If the link is whole and somebody lives there."""
        node = self.nodes.get(target)
        if node is not None and self.sides[source] == self.sides[target]:
            node.receive(message, self.now)
            node.flush(self.now)

    def write(self, node: NodeId) -> int:
        """A client's post; its number."""
        self.asked += 1
        post = Post("ann", f"title {self.asked}", "text")
        self.nodes[node].call(ClientWrite(request(self.asked, post, f"client{self.asked}")), self.now)
        self.nodes[node].flush(self.now)
        return self.asked

    def run(self, until: Callable[[], bool], within_ms: int = 20_000) -> None:
        """Let things happen until it is so."""
        end = self.now + within_ms
        while not until():
            assert self.heap[0][0] <= end, "it never came to that"
            self.now, _, what = heapq.heappop(self.heap)
            what()

    def written(self, node: NodeId) -> None:
        """A write at `node` is answered well."""
        number = self.write(node)
        self.run(lambda: number in self.answers)
        assert self.answers[number] == "ok"

    def leader(self) -> NodeId:
        """Who leads with the highest ballot; 0 when nobody does."""
        leading = [
            (node.replica.status().ballot, name)
            for name, node in self.nodes.items()
            if node.replica.status().role == "leader"
        ]
        return max(leading)[1] if leading else 0

    def chains(self) -> list[bytes]:
        """The files of those that are up."""
        return [self.disks[node].files["blockchain.txt"] for node in sorted(self.nodes)]

    def agree(self) -> bool:
        """All five are up, and their chains are one."""
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
def test_a_bad_day_ends_well(seed: int) -> None:
    """Whatever the dice say: nothing answered is lost, and all five chains are one."""
    world = bad_day(seed)

    blog = world.nodes[1].state_machine.blog
    answered = [number for number, kind in world.answers.items() if kind == "ok"]
    assert len(answered) == 8
    assert all(blog.has_title(f"title {number}") for number in answered)


def test_the_same_seed_gives_the_same_day() -> None:
    """The same chains, in the same time; another seed, another day."""
    one, two, other = bad_day(7), bad_day(7), bad_day(8)

    assert (one.chains(), one.now, one.answers) == (two.chains(), two.now, two.answers)
    assert other.now != one.now
