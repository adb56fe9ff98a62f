"""The parts of the running log, and that nothing pushes elections out of it."""

from __future__ import annotations

from simulator.cluster.events import ClusterEvent, Fate, fates_of
from simulator.cluster.log_filter import EVERYTHING, LogFilter
from simulator.cluster.newest import Newest


def event(kind: str, node: int = 1, to: tuple[int, ...] = ()) -> ClusterEvent:
    """A line of the running log."""
    return ClusterEvent(at_ms=5, node=node, kind=kind, text="", to=to)


def test_each_kind_of_line_has_its_part() -> None:
    """Campaigns and leaders, faults and their consequences, messages, answers; everything takes them all."""
    parts = {
        "election": "elections",
        "leader": "elections",
        "step-down": "elections",
        "fault": "faults",
        "down": "faults",
        "start": "faults",
        "sent": "messages",
        "answer": "answers",
    }

    for kind, part in parts.items():
        taken = [what for what in ("elections", "faults", "messages", "answers") if LogFilter(what).takes(event(kind))]
        assert taken == [part]
        assert EVERYTHING.takes(event(kind))


def test_a_node_has_what_it_did_and_what_it_was_sent() -> None:
    """Lines of other nodes are left out."""
    third = LogFilter("node", 3)

    assert third.takes(event("leader", 3))
    assert third.takes(event("sent", 1, (2, 3)))
    assert not third.takes(event("sent", 1, (2, 4)))
    assert third.title == "node 3"


def test_only_what_is_new_is_read() -> None:
    """The place of each item stays known when old ones are forgotten."""
    newest: Newest[int] = Newest(3)
    for number in range(1, 6):
        newest.append(number)

    assert newest.count == 5
    assert newest.after(0) == [3, 4, 5]
    assert newest.after(4) == [5]
    assert newest.after(5) == []
    assert newest.after(-2) == [3, 4, 5]


def test_the_fates_of_copies_are_gathered_by_what_became_of_them() -> None:
    """A copy that went its way has none."""
    assert fates_of([(2, "cut"), (3, ""), (4, "held"), (5, "cut")]) == (Fate("cut", (2, 5)), Fate("held", (4,)))
