"""Times finer than a millisecond: the events of one millisecond follow each other in the order of the trace."""

from __future__ import annotations

from simulator.analysis.run import RecordedRun


def microseconds(run: RecordedRun) -> list[int]:
    """When each event happened, in microseconds of cluster time; growing within each millisecond."""
    times: list[int] = []
    events = run.events
    begin = 0
    while begin < len(events):
        end = begin
        while end < len(events) and events[end].at_ms == events[begin].at_ms:
            end += 1
        times += [events[begin].at_ms * 1000 + 999 * (k - begin) // (end - begin) for k in range(begin, end)]
        begin = end
    return times
