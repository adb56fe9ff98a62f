"""What is made of the recording of a real run: verdicts while the run continues, and a trace.

The methods of `recording` are called with the supervisor's lock held. `check` and `lines` need no lock, but only one
caller at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec

from simulator.cluster.history import Event
from simulator.settings import Settings
from simulator.trace.format import header_for
from simulator.trace.observer import replay
from simulator.trace.writer import trace_lines
from simulator.worlds.processes.recording import Recording

if TYPE_CHECKING:
    from simulator.checks.invariants import InvariantChecker


class Record:
    """A recording, and a checker that has handled its events up to some point."""

    def __init__(self, settings: Settings) -> None:
        self.recording = Recording()
        self._settings = settings
        self._checker: InvariantChecker | None = None  # From the first `check` on.
        self._checked_to = 0

    def check(self, verdicts: dict[str, str], end: int) -> None:
        """Add the verdicts on the recording up to `end` to `verdicts`; violations already there stay."""
        checker = self._checker
        if checker is None:
            from simulator.checks.invariants import InvariantChecker  # noqa: PLC0415  While nodes start, nobody needs it.

            prepare, accept = self._quorums()
            checker = InvariantChecker(self._settings, prepare_quorum=prepare, accept_quorum=accept)
            self._checker = checker
        begin, self._checked_to = self._checked_to, end
        replay(self.recording.read(begin, end), checker)
        for invariant, verdict in checker.verdicts().items():
            if verdicts.get(invariant, "ok") == "ok":
                verdicts[invariant] = verdict

    def lines(self, history: Sequence[Event], end: int) -> Iterator[str]:
        """The recording up to `end` as the lines of a trace."""
        prepare, accept = self._quorums()
        header = msgspec.structs.replace(
            header_for(self._settings, "processes"), prepare_quorum=prepare, accept_quorum=accept
        )
        return trace_lines(header, self.recording.read(0, end), history, self.recording.cut)

    def _quorums(self) -> tuple[int, int]:
        from simulator.mutants.registry import quorums  # noqa: PLC0415  No sound cluster needs to know of broken rules.

        return quorums(self._settings.break_rule)
