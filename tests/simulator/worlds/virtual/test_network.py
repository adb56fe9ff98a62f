"""The network between virtual nodes: order, link conditions, cuts, and messages that wait for a person."""

from __future__ import annotations

import pytest

from paxos.messages import AnyMessage
from simulator.faults.links import LinkRule
from tests.simulator.worlds.virtual.fake import Bench, word


def send_many(bench: Bench, count: int) -> None:
    """Node 1 sends numbered words to node 2, one a millisecond."""
    for number in range(1, count + 1):
        bench.network.send(1, (2,), word(1, number))
        bench.run(bench.queue.now_ms + 1)
    bench.run(bench.queue.now_ms + 5_000)


def heard(bench: Bench) -> list[int]:
    """The numbers of the words that node 2 heard, in its order."""
    return [int(what.partition(":")[2]) for what in bench.words(2) if what.startswith("1:")]


def test_a_clear_link_keeps_the_order_and_loses_nothing() -> None:
    """Though every message takes a moment of its own."""
    bench = Bench()

    send_many(bench, 300)

    assert heard(bench) == list(range(1, 301))
    assert bench.network.counts() == {(1, 2): (300, 0)}
    assert bench.network.underway() == 0


def test_a_slow_link_keeps_the_order_too() -> None:
    """Delay and jitter alone let nothing overtake."""
    bench = Bench()
    bench.links.set_rule([(1, 2)], LinkRule(delay_ms=50, jitter_ms=100))

    send_many(bench, 300)

    assert heard(bench) == list(range(1, 301))


def test_bad_links_drop_duplicate_and_reorder() -> None:
    """As `Links` says, the one implementation that the real processes use too."""
    bench = Bench()
    bench.links.set_rule([(1, 2)], LinkRule(drop=0.2, duplicate=0.2, reorder=0.3, delay_ms=20))

    send_many(bench, 300)

    numbers = heard(bench)
    assert 150 < len(set(numbers)) < 290
    assert len(numbers) > len(set(numbers))
    assert numbers != sorted(numbers)
    passed, lost = bench.network.counts()[1, 2]
    assert passed == len(numbers)
    assert lost == 300 - len(set(numbers))
    assert bench.network.underway() == 0


def test_nothing_passes_a_cut_link() -> None:
    """One way cut is one way open."""
    bench = Bench()
    bench.links.cut_links([(1, 2)])

    bench.network.send(1, (2,), word(1, 1))
    bench.network.send(2, (1,), word(2, 2))
    bench.run(100)

    assert bench.words(2) == []
    assert bench.words(1) == ["2:2", "flush"]


def test_held_messages_wait_for_a_person() -> None:
    """They are delivered one by one, by link, or all, and are counted as under way until then."""
    bench = Bench(nodes=3)
    bench.links.hold(on=True)
    bench.network.send(1, (2, 3), word(1, 1))
    bench.network.send(1, (2,), word(1, 2))
    bench.run(100)
    assert [(held.number, held.source, held.target) for held in bench.network.held_messages()] == [
        (1, 1, 2),
        (2, 1, 3),
        (3, 1, 2),
    ]
    assert bench.network.held_messages()[0].text == "STEP-DOWN ballot 1.1"
    assert bench.network.underway() == 3

    assert bench.network.deliver_held(3, None) == 1
    bench.run(101)
    assert bench.words(2) == ["1:2", "flush"]
    assert bench.network.deliver_held(None, (1, 3)) == 1
    assert bench.network.deliver_held(99, None) == 0
    assert bench.network.deliver_held(None, None) == 1
    bench.run(102)

    assert bench.words(2) == ["1:2", "flush", "1:1", "flush"]
    assert bench.words(3) == ["1:1", "flush"]
    assert bench.network.underway() == 0


def test_a_held_message_is_described_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line of a scenario that waits for a message asks again and again while thousands are held."""
    bench = Bench(nodes=3)
    described: list[AnyMessage] = []

    def watched(message: AnyMessage) -> str:
        described.append(message)
        return ""

    monkeypatch.setattr("simulator.worlds.virtual.network.describe", watched)
    bench.links.hold(on=True)
    for turn in range(100):
        bench.network.send(1, (2,), word(1, turn))

    for turn in range(100):
        assert bench.network.held_messages(after=turn)[0].number == turn + 1
        assert bench.network.held_message(turn + 1) is bench.network.held_messages(after=turn)[0]
        if turn % 2:
            bench.network.deliver_held(turn + 1, None)

    assert len(described) == 100
