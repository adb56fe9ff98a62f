"""What is asked of the system for a process."""

from __future__ import annotations

import ctypes
import sys
import threading

import pytest

from simulator.worlds.processes.process_flags import wake_in_time

PR_GET_TIMERSLACK = 30


@pytest.mark.skipif(sys.platform != "linux", reason="others have no such setting")
def test_a_thread_that_must_be_in_time_is_not_kept_waiting_to_save_power() -> None:
    """The setting is this thread's alone."""
    slack: list[int] = []

    def ask() -> None:
        slack.append(ctypes.CDLL(None).prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0))
        wake_in_time()
        slack.append(ctypes.CDLL(None).prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0))

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()

    assert slack[0] > slack[1] == 1
    assert ctypes.CDLL(None).prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == slack[0]
