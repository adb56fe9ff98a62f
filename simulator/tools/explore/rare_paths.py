"""Counts the rare paths of a run that its messages show: full messages, full windows, large batches, partial replies.

What no message shows, such as a compaction, the nodes tell themselves (`Probe.happened`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from paxos.messages import Accept, AnyMessage, Catchup, CatchupReply, Forward
from simulator.settings import Settings
from simulator.trace.events import Event, MessageSent
from simulator.trace.observer import Handler, Observer

LARGE_BATCH = 100


class RarePaths(Observer):
    """The `sometimes` of one run, by name. Retries count too."""

    def __init__(self, settings: Settings) -> None:
        self.sometimes: Counter[str] = Counter()
        self._limits = settings.limits
        self._window = settings.window
        self._full_replies: set[int] = set()
        self._count = {Accept: self._accept, CatchupReply: self._reply, Catchup: self._catchup, Forward: self._forward}

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return {MessageSent: self._sent}

    def _sent(self, event: MessageSent) -> None:
        count = self._count.get(type(event.message))
        if count is not None:
            count(event.message)

    def _accept(self, message: AnyMessage) -> None:
        assert isinstance(message, Accept)
        if len(message.values) == self._limits.slots_a_message:
            self.sometimes["full ACCEPTs"] += 1
            if len(message.values) >= 64:
                self.sometimes["ACCEPTs of 64 slots"] += 1
        if message.first_slot + len(message.values) - 1 - message.decided >= self._window:
            self.sometimes["full windows"] += 1
        if max(map(len, message.values), default=0) >= LARGE_BATCH:
            self.sometimes["batches of hundreds"] += 1

    def _catchup(self, message: AnyMessage) -> None:
        assert isinstance(message, Catchup)
        if message.last_slot - message.first_slot + 1 == self._limits.catchup_slots:
            self.sometimes["full CATCHUPs"] += 1

    def _reply(self, message: AnyMessage) -> None:
        assert isinstance(message, CatchupReply)
        if message.first_slot + len(message.blocks) - 1 < message.decided:
            self.sometimes["catch-up replies with more to come"] += 1

    def _forward(self, message: AnyMessage) -> None:
        assert isinstance(message, Forward)
        if len(message.requests) == self._limits.requests_a_message:
            self.sometimes["full FORWARDs"] += 1
