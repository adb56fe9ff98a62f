"""Checks that the clients' history is linearizable, each time that it has grown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress

from simulator.checks.decided_order import DecidedWrites
from simulator.checks.linearizability.judge import judge
from simulator.cluster.history import Event
from simulator.node.codec import MalformedText

LINEARIZABILITY = "linearizability"


class HistoryCheck:
    """`height` blocks of the longest chain have been read: their order is the first that the check tries."""

    def __init__(self) -> None:
        self._decided = DecidedWrites()
        self._judged = 0

    @property
    def height(self) -> int:
        """How many blocks have been read."""
        return self._decided.height

    def is_new(self, history: Sequence[Event]) -> bool:
        """True when the history has grown since the last `violation`."""
        return len(history) != self._judged

    def violation(self, history: Sequence[Event], new_blocks: Iterable[str]) -> str | None:
        """The reason why no order of the operations explains the history; None when one does.

        `new_blocks` are the lines of the longest chain that follow those read before.
        """
        self._judged = len(history)
        # A disk fault may have changed the file. The order is only a guess: without it the check looks for one itself.
        with suppress(MalformedText):
            self._decided.read(new_blocks)
        verdict = judge(history, "blog", witness=self._decided.writes)
        return verdict.why if verdict.verdict == "violation" else None
