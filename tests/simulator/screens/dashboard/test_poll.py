"""Looking from a thread of its own: always the newest state, never a wait, and no silence after a fault."""

from __future__ import annotations

import threading

from simulator.screens.dashboard.poll import Poll


def test_the_newest_status_is_there_without_waiting() -> None:
    """Before the first look the first state is given; afterwards the newest one."""
    looked = threading.Event()

    def look() -> str:
        looked.set()
        return "seen"

    poll = Poll("test", look, "first", every_s=0.001)
    assert poll.latest == "first"

    poll.start()
    looked.wait(5)
    poll.stop()

    assert poll.latest == "seen"


def test_flush_looks_again_at_once() -> None:
    """A person who opens a node does not wait for the next tick."""
    looks = threading.Semaphore(0)
    poll = Poll("test", looks.release, None, every_s=3600)
    poll.start()
    assert looks.acquire(timeout=5)

    poll.refresh()

    assert looks.acquire(timeout=5)
    poll.stop()


def test_a_look_that_fails_is_told() -> None:
    """The exception is kept for the screen; the thread ends instead of showing an old state for ever."""
    failed = threading.Event()

    def look() -> None:
        failed.set()
        raise ValueError("no such node")

    poll = Poll("test", look, None, every_s=0.001)
    poll.start()
    failed.wait(5)
    poll.stop()

    assert isinstance(poll.trouble, ValueError)
