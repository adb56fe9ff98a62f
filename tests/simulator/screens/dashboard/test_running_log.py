"""Folding chatter: a second of load is one line, a quiet second is shown as it was."""

from __future__ import annotations

from simulator.cluster.events import ClusterEvent, Fate
from simulator.cluster.log_filter import LogFilter
from simulator.screens.dashboard.running_log import FOLD_FROM, FOLDED, LINES_KEPT, RunningLog


def sent(at_ms: int, name: str = "ACCEPT", fates: tuple[Fate, ...] = ()) -> ClusterEvent:
    """A message from node 1."""
    return ClusterEvent(at_ms=at_ms, node=1, kind="sent", text=f"→ 2,3  {name} ballot 1.1", to=(2, 3), fates=fates)


def led(at_ms: int) -> ClusterEvent:
    """An election that was won."""
    return ClusterEvent(at_ms=at_ms, node=1, kind="leader", text="node 1 leads")


def test_a_quiet_second_is_shown_as_it_was() -> None:
    """Few messages are worth reading one by one."""
    log = RunningLog()
    few = [sent(10), led(20), sent(30)]

    log.feed(few)

    assert list(log.lines().lines) == few


def test_a_busy_second_is_one_line_and_an_election_in_it_stays() -> None:
    """Messages and answers are counted by kind, and those that did not go their way by what became of them."""
    log = RunningLog()
    log.feed(sent(1_000 + n) for n in range(FOLD_FROM))
    log.feed([led(1_500), sent(1_600, "PREPARE", (Fate("cut", (3,)),)), led(2_100)])

    election, folded, later = log.lines().lines

    assert election == led(1_500)
    assert folded.kind == FOLDED
    assert folded.text == f"ACCEPT x{FOLD_FROM}, PREPARE x1 · cut 1"
    assert later == led(2_100)


def test_elections_outlive_any_load() -> None:
    """The part that has no chatter keeps its lines however many messages there are."""
    log = RunningLog(LogFilter("elections"))
    log.feed([led(5)])
    for second in range(100):
        log.feed(sent(1_000 * second + n) for n in range(1_000))

    assert list(log.lines().lines) == [led(5)]


def test_messages_alone_are_not_folded() -> None:
    """Who asks for messages wants to read them; the oldest are forgotten, and all are counted."""
    log = RunningLog(LogFilter("messages"))
    log.feed(sent(n // 10) for n in range(3 * LINES_KEPT))

    newest = log.lines()

    assert newest.count == 3 * LINES_KEPT
    assert newest.lines[-1] == sent((3 * LINES_KEPT - 1) // 10)
    assert LINES_KEPT <= len(newest.lines) <= LINES_KEPT + FOLD_FROM
