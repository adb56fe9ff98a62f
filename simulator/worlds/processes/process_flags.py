"""Flags that a process sets for itself: to die with its parent, so that no orphan is left, and to wake in time."""

from __future__ import annotations

import os
import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_TIMERSLACK = 29


def die_with_parent(parent: int) -> None:
    """Have this process killed when the thread that started it ends; `parent` is the expected parent process.

    Only Linux can do this. Elsewhere a node ends when its pipe is closed, which a stopped process does not notice.
    """
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # It ended before the request was made.
        os._exit(1)


def wake_in_time() -> None:
    """Have this thread woken on time: by default, Linux may wake it 50 µs late to save power."""
    if sys.platform == "linux":
        _prctl(_PR_SET_TIMERSLACK, 1)


def _prctl(option: int, value: int) -> None:
    import ctypes  # noqa: PLC0415  It takes 4 ms, and is of no use elsewhere.

    ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
