"""The invariants judged afterwards, from a trace: the same checker as in a running world, fed with the same calls."""

from __future__ import annotations

from pathlib import Path

from simulator.checks.invariants import InvariantChecker
from simulator.trace.observer import replay
from simulator.trace.reader import Trace, read_trace


def check_trace(trace: Trace | str | Path) -> InvariantChecker:
    """Judge a whole trace; `verdicts` and `sometimes` of what is returned say the rest.

    Raises:
        InputError: the file is no trace, or a line of it is bad.
    """
    if not isinstance(trace, Trace):
        trace = read_trace(trace)
    header = trace.header
    checker = InvariantChecker(
        header.to_settings(), prepare_quorum=header.prepare_quorum, accept_quorum=header.accept_quorum
    )
    checker.replay = header.command
    replay(trace.events(), checker)
    return checker
