"""The network between the nodes, alone: whole frames on whole links, single messages where there is link conditions."""

from __future__ import annotations

import os
from collections.abc import Iterator
from random import Random

import pytest

from simulator.faults.links import LinkRule, Links
from simulator.worlds.processes.framed_pipe import DEFERRABLE, HEAD, Inlet, Outlet, frame, split
from simulator.worlds.processes.router import UNDERWAY_BYTES, Router

TO_2_AND_3 = 0b1100


class Bench:
    """A network of three nodes whose queues a test reads."""

    def __init__(self) -> None:
        self.links = Links((1, 2, 3))
        self.awaited = {1, 2, 3}
        self.router = Router(self.links, Random(1), None, lambda node: node in self.awaited)
        self.ends: list[int] = []
        self.inlets: dict[int, Inlet] = {}
        self.outlets: dict[int, Outlet] = {}
        for node in (1, 2, 3):
            reading, writing = os.pipe()
            self.ends += [reading, writing]
            self.inlets[node], self.outlets[node] = Inlet(reading), Outlet(writing)
            self.router.connect(node, self.outlets[node])

    def send(self, source: int, targets: int, messages: list[bytes], now_ms: float = 0) -> None:
        """A frame that leaves `source`."""
        sent = frame(targets, messages)
        self.router.route(source, (targets, len(messages), sent[HEAD.size :]), now_ms)

    def arrived(self, node: int, now_ms: float = 0) -> list[tuple[int, list[bytes]]]:
        """Frames that have come to `node` by now: source and messages."""
        self.router.deliver_due(now_ms)
        for dirty in self.router.take_dirty():
            self.outlets[dirty].flush()
        return [(source, list(split(body))) for source, _, body in self.inlets[node].read()]


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Whole and clear."""
    bench = Bench()
    yield bench
    for end in bench.ends:
        os.close(end)


def test_a_whole_frame_goes_to_each_of_its_targets(bench: Bench) -> None:
    """Where no link has any rule, nobody looks inside."""
    bench.send(1, TO_2_AND_3, [b"one", b"two"])

    assert bench.arrived(1) == []
    assert bench.arrived(2) == [(1, [b"one", b"two"])]
    assert bench.arrived(3) == [(1, [b"one", b"two"])]
    assert bench.router.passed == {(1, 2): 2, (1, 3): 2}


def test_what_nobody_waits_for_travels_with_the_next_message(bench: Bench) -> None:
    """It lies in its reader's queue, in its place, until something follows it there."""
    bench.awaited = {3}
    bench.send(1, TO_2_AND_3 | DEFERRABLE, [b"decided"])

    assert bench.arrived(3) == [(1, [b"decided"])]
    assert bench.arrived(2) == []
    assert bench.router.waits_to_coalesce
    bench.send(3, 0b100, [b"next"])
    assert bench.arrived(2) == [(1, [b"decided"]), (3, [b"next"])]
    assert not bench.router.waits_to_coalesce


def test_what_nobody_waits_for_leaves_alone_in_the_end(bench: Bench) -> None:
    """When no other message comes, the supervisor's clock flushes it."""
    bench.awaited = set()
    bench.send(1, TO_2_AND_3 | DEFERRABLE, [b"decided"])

    bench.router.flush_deferred()

    assert bench.arrived(2) == bench.arrived(3) == [(1, [b"decided"])]


def test_link_conditions_act_on_single_messages_of_their_own_link(bench: Bench) -> None:
    """A slow link delays, the others do not; messages that arrive at once share a frame and keep their order."""
    bench.links.set_rule([(1, 2)], LinkRule(delay_ms=50))
    bench.send(1, TO_2_AND_3, [b"one", b"two"], now_ms=0.25)

    assert bench.arrived(3, 0.25) == [(1, [b"one", b"two"])]
    assert (bench.arrived(2, 50.0), bench.router.underway()) == ([], 2)
    assert bench.router.next_due_ms() == 50.25
    assert bench.arrived(2, 50.25) == [(1, [b"one", b"two"])]


def test_what_is_lost_is_counted(bench: Bench) -> None:
    """On a cut link, on a bad one, and at a node that is down."""
    bench.links.cut_links([(1, 2)])
    bench.links.set_rule([(1, 3)], LinkRule(drop=1.0))
    bench.send(1, TO_2_AND_3, [b"one", b"two"])
    bench.links.heal()
    bench.router.disconnect(3)
    bench.send(1, TO_2_AND_3, [b"three"])

    assert bench.arrived(2) == [(1, [b"three"])]
    assert bench.router.lost == {(1, 2): 2, (1, 3): 3}


def test_a_duplicate_arrives_twice(bench: Bench) -> None:
    """Each message on its own."""
    bench.links.set_rule([(1, 2)], LinkRule(duplicate=1.0))
    bench.send(1, 0b100, [b"one"])

    assert bench.arrived(2) == [(1, [b"one", b"one"])]


def test_held_messages_keep_their_numbers(bench: Bench) -> None:
    """Cut links lose them all the same; delivering one leaves the others their names."""
    bench.links.hold(on=True)
    bench.links.cut_links([(1, 3)])
    bench.send(1, TO_2_AND_3, [b"one", b"two"])
    bench.send(2, 0b10, [b"three"])

    assert list(bench.router.held) == [1, 2, 3]
    assert bench.router.deliver_held(2, None) == 1
    assert bench.arrived(2) == [(1, [b"two"])]
    assert bench.router.deliver_held(None, (2, 1)) == 1
    assert list(bench.router.held) == [1]
    assert bench.router.deliver_held(None, None) == 1
    assert bench.router.underway() == 0


def test_slow_links_hold_bounded_memory(bench: Bench) -> None:
    """Like a router's buffer: what does not fit is lost, and counted."""
    bench.links.set_rule([(1, 2)], LinkRule(delay_ms=60_000))
    big = bytes(UNDERWAY_BYTES // 4)
    for _ in range(6):
        bench.send(1, 0b100, [big])

    assert bench.router.underway() == 4
    assert bench.router.lost == {(1, 2): 2}
