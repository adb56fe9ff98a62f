"""A poll in a thread of its own: the newest result without waiting, and an error that is kept."""

from __future__ import annotations

import threading

from simulator.screens.dashboard.poll import Poll


def test_the_newest_result_is_available_without_waiting() -> None:
    """`latest` is the first value given until the first poll, then the last result."""
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


def test_refresh_polls_again_at_once() -> None:
    """`refresh` does not wait for the next interval."""
    looks = threading.Semaphore(0)
    poll = Poll("test", looks.release, None, every_s=3600)
    poll.start()
    assert looks.acquire(timeout=5)

    poll.refresh()

    assert looks.acquire(timeout=5)
    poll.stop()


def test_a_failed_poll_keeps_its_exception() -> None:
    """The exception is kept in `trouble`, and the thread ends."""
    failed = threading.Event()

    def look() -> None:
        failed.set()
        raise ValueError("no such node")

    poll = Poll("test", look, None, every_s=0.001)
    poll.start()
    failed.wait(5)
    poll.stop()

    assert isinstance(poll.trouble, ValueError)
