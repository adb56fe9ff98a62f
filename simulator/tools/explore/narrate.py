"""Narrates one seed: one line for each event, in order.

Heartbeats and timers are left out, since they are frequent. Lost messages, records, syncs, blocks, answers and
violations are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from simulator.analysis.event_text import event_text
from simulator.cluster.message_text import ROUTINE
from simulator.node.client_api import Inspected
from simulator.tools.explore.batch import Search
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import Outcome, run_trial
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    Event,
    FaultInjected,
    IncarnationEnded,
    JournalSynced,
    MessageDelivered,
    MessageLost,
    MessageSent,
    NodeRecovered,
    NodeReported,
    RecordsAppended,
)
from simulator.trace.observer import Handler, Observer

Write = Callable[[str], None]


class Narrator(Observer):
    """Writes a sentence for each event."""

    def __init__(self, write: Write) -> None:
        self._write = write

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return {
            ClientCalled: self._line,
            NodeReported: self._reported,
            MessageSent: self._message,
            MessageDelivered: self._message,
            MessageLost: self._message,
            NodeRecovered: self._line,
            RecordsAppended: self._line,
            JournalSynced: self._line,
            BlocksApplied: self._line,
            IncarnationEnded: self._line,
            FaultInjected: lambda event: self._write(f"{_time(event)}          * {event_text(event)}"),
        }

    def _line(self, event: Event) -> None:
        self._write(f"{_time(event)}  node {event.node}  {event_text(event)}")

    def _reported(self, event: NodeReported) -> None:
        if not isinstance(event.report, Inspected):
            self._line(event)

    def _message(self, event: MessageSent | MessageDelivered | MessageLost) -> None:
        if not isinstance(event.message, ROUTINE):
            self._line(event)


def narrate_seed(seed: int, search: Search, write: Write) -> Outcome:
    """Run one seed and write what happens, a line an event, and at the end which invariants were violated."""
    schedule = draw_schedule(seed, search.profile, break_rule=search.break_rule)
    settings = schedule.settings
    write(
        f"Seed {seed}, drawn as {schedule.profile!r}: {settings.nodes} nodes, at most {settings.ops_per_block} "
        f"operations a block, {settings.window} slots in flight, difficulty {settings.difficulty}; faults until "
        f"{schedule.heals_ms / 1000:g} s"
        + (f"; broken on purpose: {settings.break_rule}" if settings.break_rule else "")
    )
    outcome = run_trial(schedule, observers=[Narrator(write)], replay=search.command(seed))
    for violation in outcome.violations:
        write(f"VIOLATED {violation.invariant}: {violation.sentence()}")
    if not outcome.violations:
        took = f"all was well again {outcome.recovery_ms / 1000:g} s after the healing"
        write(f"Nothing was violated; {took}, and {outcome.bound_ms / 1000:g} s are allowed.")
    return outcome


def _time(event: Event) -> str:
    return f"{event.at_ms / 1000:9.3f} s"
