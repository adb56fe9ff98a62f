"""Answers to clients: each request takes effect once, and a missing result is reported as unknown."""

from __future__ import annotations

import pytest

from blog.operations import Post
from paxos.effects import GiveUp, ReadGiveUp, Timer
from paxos.messages import (
    Forward,
    Heartbeat,
)
from simulator.node.client_api import ReadAnswer, WriteAnswer
from simulator.node.node import NodeStopped
from tests.simulator.node.node_bench import BALLOT, HELLO, LEADER, NEW_POST, NICE, Bench, request


def test_a_retry_gets_the_first_answer() -> None:
    """It is answered at once, without a message, as often as it is sent; after a restart too."""
    bench = Bench()
    bench.decide((request(1),), (request(2, Post("bob", "Hello", "mine")),), (request(3, NICE),))
    expected = [
        (1, "ok", NEW_POST, 1),
        (2, "refused", "DUPLICATE TITLE", 2),
        (3, "ok", "NEW COMMENT on Hello from bob", 3),
    ]

    for life in range(2):
        bench.sent.clear()
        for seq, operation in ((1, HELLO), (2, Post("bob", "Hello", "mine")), (3, NICE)):
            bench.write(request(seq, operation))
        assert bench.answers() == expected, f"in life {life}"
        assert bench.sent == []
        bench.again()


def test_a_refusal_is_remembered() -> None:
    """A comment was decided before its post: its second copy, decided after the post, changes nothing."""
    bench = Bench()
    bench.write(request(2, NICE))
    bench.decide((request(2, NICE),), (request(1),), (request(2, NICE),))
    bench.write(request(2, NICE))

    refusal = (2, "refused", "CANNOT COMMENT on Hello: no such post exists", 1)
    assert bench.answers() == [refusal, refusal]
    assert bench.node.status().comments == 0
    assert len(bench.lines("blog.txt")) == 1


def test_a_request_that_was_decided_twice_takes_effect_once() -> None:
    """Two blocks hold it, the blog has it once, and the client gets one answer."""
    bench = Bench()
    bench.write(request(1))

    bench.decide((request(1),), (request(1),))

    assert (bench.height, bench.lines("blog.txt")[1:]) == (2, [])
    assert bench.answers() == [(1, "ok", NEW_POST, 1)]
    bench.again()
    assert bench.node.status().posts == 1


def test_a_write_that_waits_is_not_forwarded_twice() -> None:
    """The same request before its answer: one FORWARD, one entry."""
    bench = Bench()
    bench.hear(Heartbeat(sender=LEADER, ballot=BALLOT, decided=0, round=1, stamp=0, heard=(), round_trip_ms=1))

    bench.write(request(1))
    bench.write(request(1))

    assert [message for _, message in bench.sent if isinstance(message, Forward)] == [
        Forward(sender=1, path=(1,), requests=(request(1),))
    ]
    assert bench.node.status().pending == 1


def test_a_local_read_is_answered_at_once() -> None:
    """It shows this node's own copy; a linearizable read waits."""
    bench = Bench()
    bench.decide((request(1),))

    bench.read(7)
    bench.read(8, linearizable=True)

    assert bench.shown() == [(7, "ok", [["Hello", "ann"]], 1)]
    assert bench.node.status().pending == 1


def test_a_local_read_never_goes_back() -> None:
    """Blocks are durable before a local read shows them, so a power loss does not take them."""
    bench = Bench()
    bench.decide((request(1),))
    bench.read(7)

    bench.disk.crash(keep=0.0)
    bench.again()
    bench.read(8)

    assert bench.shown() == [(8, "ok", [["Hello", "ann"]], 1)]


def test_a_linearizable_read_is_answered_by_a_confirmed_leader() -> None:
    """In a cluster of one the leader is its own majority."""
    bench = Bench(nodes=1)
    bench.lead_alone()
    bench.write(request(1))

    bench.read(9, "title", "Hello", linearizable=True)

    assert bench.shown() == [(9, "ok", ["ann", "first", []], 1)]


@pytest.mark.parametrize(
    ("no_majority", "kind", "why"),
    [
        (True, "no-majority", "TIMEOUT: no majority: node 1 hears too few nodes, and 2 are needed"),
        (False, "timeout", "TIMEOUT: node 1 got no answer in time"),
    ],
)
def test_a_request_that_is_given_up_has_an_unknown_outcome(no_majority: bool, kind: str, why: str) -> None:
    """Neither text states that nothing happened. Each waiting client gets one answer; others get none."""
    bench = Bench()
    bench.write(request(1))
    bench.read(2, linearizable=True)
    effects = bench.node.replica.core.effects
    for _ in range(2):
        effects += [GiveUp((("c1", 1), ("c9", 9)), no_majority), ReadGiveUp((2, 3), no_majority)]

    bench.node.flush(bench.now)

    write, read = [report for report in bench.reports if isinstance(report, WriteAnswer | ReadAnswer)]
    assert write == WriteAnswer("c1", 1, kind, f"{why}; the write may still take effect later", 0)
    assert (read.kind, read.text) == (kind, f"{why}; without --linearizable the node shows its own copy")
    assert bench.node.status().pending == 0


def test_a_node_without_majority_gives_up_in_time() -> None:
    """No peer is heard for seconds: the client gets "no majority"."""
    bench = Bench()
    bench.write(request(1))

    for _ in range(200):
        bench.now += 100
        bench.node.wake(Timer.FORWARD, bench.now)
        bench.node.flush(bench.now)

    assert [(seq, kind) for seq, kind, _, _ in bench.answers()] == [(1, "no-majority")]


def test_a_local_read_is_not_answered_when_its_sync_fails() -> None:
    """The node stops as after any other failed sync."""
    bench = Bench()
    bench.decide((request(1),))
    bench.disk.failing = "sync"

    with pytest.raises(NodeStopped):
        bench.read(7)

    assert bench.shown() == []
