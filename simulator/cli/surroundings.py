"""What surrounds a command: its three streams, which may be closed, and the signals that end it."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from types import FrameType

from simulator.errors import InputError

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""The signals that end a command in order: nodes end, and temporary files go."""
IMPATIENT_S = 3.0
"""For so long, in seconds, a second signal is ignored: it would interrupt the end of nodes and leave files behind."""


def open_streams() -> None:
    """Replace streams that were closed before we began (`paxsim console <&-`).

    Otherwise the next file that is opened would take the number of the stream, and get what is written there.

    Raises:
        InputError: stdout is closed.
    """
    for fd in (0, 1, 2):
        with contextlib.suppress(OSError):
            os.fstat(fd)
            continue
        os.open(os.devnull, os.O_RDWR)  # It takes the lowest free number, which is this one.
    sys.stdin = sys.stdin or open(os.devnull, encoding="utf-8")  # noqa: PTH123, SIM115
    sys.stderr = sys.stderr or open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
        raise InputError("stdout is closed, and the result goes there: send it to /dev/null if nobody reads it.")


def discard_output() -> None:
    """Discard what is still to be written to stdout, so that Python does not fail on it at the very end."""
    with contextlib.suppress(OSError, ValueError, AttributeError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


@contextlib.contextmanager
def ended_by_signals(*, process_ends: bool) -> Iterator[None]:
    """Let SIGTERM and SIGHUP end the command as Ctrl-C does, and a second signal not disturb the end.

    When `process_ends` with the command, later signals are ignored: the work is done, and its status stands. Only the
    main thread can do this. Whoever ignores one of the signals (`nohup`) goes on to ignore it.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    first = 0.0

    def end(number: int, _frame: FrameType | None) -> None:
        nonlocal first
        now = time.monotonic()
        if first and now - first < IMPATIENT_S:
            return
        first = now
        raise KeyboardInterrupt("interrupted" if number == signal.SIGINT else f"ended by {signal.Signals(number).name}")

    before = {}
    for number in ENDING:
        if signal.getsignal(number) in {signal.SIG_DFL, signal.default_int_handler}:
            before[number] = signal.signal(number, end)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(
                number, signal.SIG_IGN if first or process_ends else handler
            )  # What is left is the end of the process.
