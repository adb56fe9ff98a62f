"""The trace of a run of real processes, from its recording."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from simulator.cluster.history import Event as HistoryEvent
from simulator.settings import Settings
from simulator.trace.events import Event
from simulator.trace.format import header_for
from simulator.trace.writer import trace_lines
from simulator.worlds.processes.recording import Extent, Recording


def run_trace(settings: Settings, recording: Recording, extent: Extent) -> Iterator[str]:
    """The recording up to `extent` as the lines of a trace. It is read while the lines are taken, without a lock."""
    return trace_of(settings, recording.read(0, extent.end), recording.history(extent.end), extent.cut)


def trace_of(settings: Settings, events: Iterable[Event], history: Iterable[HistoryEvent], cut: str) -> Iterator[str]:
    """The lines of a trace of real processes. `cut` is the reason why the recording ends before the run did."""
    from simulator.mutants.registry import quorums  # noqa: PLC0415  No sound cluster needs to know of broken rules.

    prepare, accept = quorums(settings.break_rule)
    header = msgspec.structs.replace(header_for(settings, "processes"), prepare_quorum=prepare, accept_quorum=accept)
    return trace_lines(header, events, history, cut)
