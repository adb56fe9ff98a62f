"""Flags that a process sets for itself: to die with its parent, so that no orphan is left, and to wake in time."""

from __future__ import annotations

import signal
import sys

_PR_SET_PDEATHSIG = 1
_PR_SET_TIMERSLACK = 29


FIRST_LINE = (
    "import ctypes, os; "
    f"ctypes.CDLL(None).prctl({_PR_SET_PDEATHSIG}, {int(signal.SIGKILL)}, 0, 0, 0); "
    "os.getppid() == {parent} or os._exit(1); "
)
"""What a node process does first: it is killed when the thread that started it ends, and ends now if its parent has.

Only Linux can do this. Elsewhere a node ends when its pipe is closed, which a stopped process does not notice.
"""


def wake_in_time() -> None:
    """Have this thread woken on time: by default, Linux may wake it 50 µs late to save power."""
    if sys.platform == "linux":
        import ctypes  # noqa: PLC0415  It takes 4 ms, and is of no use elsewhere.

        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_TIMERSLACK, 1, 0, 0, 0)
