"""Checks the invariants of a finished run: replays the events of its trace to the checker of a running world."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from simulator.checks.invariants import InvariantChecker
from simulator.trace.events import Event
from simulator.trace.observer import ObserverList
from simulator.trace.reader import Trace, read_trace


def check_trace(trace: Trace | str | Path, until: float | None = None) -> InvariantChecker:
    """Check a whole trace. The result has `verdicts` and `sometimes`. `until` is a moment of `time.monotonic`.

    Of a trace that ends before its run (`Cut`) nothing is ok: what is not violated is unknown beyond its end.

    Raises:
        InputError: the file is not a trace, or one of its lines is malformed.
        ReadingTimedOut: `until` is over.
    """
    if not isinstance(trace, Trace):
        trace = read_trace(trace, until)
    header = trace.header
    checker = InvariantChecker(
        header.to_settings(),
        prepare_quorum=header.prepare_quorum,
        accept_quorum=header.accept_quorum,
        simulated=header.world == "virtual",
    )
    checker.replay = header.command
    judged(trace.lines(), checker)
    return checker


def judged(events: Iterable[Event], checker: InvariantChecker, seen: Callable[[int], None] | None = None) -> None:
    """Pass the lines of a trace to a checker, which names wrong steps by line. `seen` gets each index after it."""
    handlers = ObserverList([checker])
    for index, event in enumerate(events):
        checker.oracle.position = index
        for handle in handlers.of(type(event)):
            handle(event)
        if seen is not None:
            seen(index)
