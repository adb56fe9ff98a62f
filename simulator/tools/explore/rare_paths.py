"""Counts the rare paths of a run that its events show: full messages and windows, large batches, what clients repeat.

What no event shows, such as a compaction, the nodes tell themselves (`Probe.happened`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from paxos.ballot import Ballot, NodeId, Slot
from paxos.messages import Accept, Catchup, CatchupReply, Forward, RequestId
from simulator.node.client_api import ClientWrite, WriteAnswer
from simulator.settings import Settings
from simulator.trace.events import ClientCalled, Event, MessageSent, NodeRecovered, NodeReported
from simulator.trace.observer import ByMessage, Handler, Observer

LARGE_BATCH = 100
COMPACTIONS = "compactions"


class RarePaths(Observer):
    """The `sometimes` of one run, by name. Retries count too."""

    def __init__(self, settings: Settings) -> None:
        self.sometimes: Counter[str] = Counter()
        self._limits = settings.limits
        self._window = settings.window
        self._goes_on: tuple[int, NodeId, Ballot, Slot] | None = None  # Where an ACCEPT would go on after a full one.
        self._under_way: dict[str, set[int]] = {}  # By client, the numbers of its writes without an answer.
        self._newest_answered: dict[str, int] = {}
        self._answered_ms: dict[RequestId, int] = {}
        self._recovered_ms: dict[NodeId, int] = {}
        self._compacted_ms: dict[NodeId, int] = {}

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return {
            MessageSent: ByMessage(
                {Accept: self._accept, CatchupReply: self._reply, Catchup: self._catchup, Forward: self._forward}
            ),
            ClientCalled: self._called,
            NodeReported: self._reported,
            NodeRecovered: self._recovered,
        }

    def happened(self, at_ms: int, node: NodeId, what: str) -> None:
        """A node tells of something that no event shows."""
        self.sometimes[what] += 1
        if what == COMPACTIONS:
            self._compacted_ms[node] = at_ms

    def _accept(self, event: MessageSent) -> None:
        at_ms, node, message = event.at_ms, event.node, event.message
        assert isinstance(message, Accept)
        first, count = message.first_slot, len(message.values)
        if (at_ms, node, message.ballot, first) == self._goes_on:
            self.sometimes["ACCEPTs that go on after a full one"] += 1
            if self._limits.slots_a_message >= 64:
                self.sometimes["a 65th slot in one go"] += 1
        self._goes_on = None
        if count == self._limits.slots_a_message:
            self._goes_on = (at_ms, node, message.ballot, first + count)
        if first + count - 1 - message.decided >= self._window:
            self.sometimes["full windows"] += 1
        if max(map(len, message.values), default=0) >= LARGE_BATCH:
            self.sometimes["batches of hundreds"] += 1

    def _catchup(self, event: MessageSent) -> None:
        message = event.message
        assert isinstance(message, Catchup)
        if message.last_slot - message.first_slot + 1 == self._limits.catchup_slots:
            self.sometimes["full CATCHUPs"] += 1

    def _reply(self, event: MessageSent) -> None:
        message = event.message
        assert isinstance(message, CatchupReply)
        if message.first_slot + len(message.blocks) - 1 < message.decided:
            self.sometimes["catch-up replies with more to come"] += 1

    def _forward(self, event: MessageSent) -> None:
        message = event.message
        assert isinstance(message, Forward)
        if len(message.requests) == self._limits.requests_a_message:
            self.sometimes["full FORWARDs"] += 1

    # Clients

    def _called(self, event: ClientCalled) -> None:
        call = event.call
        if type(call) is not ClientWrite:
            return
        client, seq = name = call.request.id
        answered_ms = self._answered_ms.get(name)
        if answered_ms is None:
            under_way = self._under_way.setdefault(client, set())
            under_way.add(seq)
            if len(under_way) > 1:
                self.sometimes["writes under way together in one name"] += 1
            if seq == 1 and not client.endswith(".1") and "." in client:
                self.sometimes["clients that began anew"] += 1
            return
        self.sometimes["answered writes sent again"] += 1
        if self._recovered_ms.get(event.node, 0) > answered_ms:
            self.sometimes["answered writes sent again after a restart"] += 1
        if self._compacted_ms.get(event.node, 0) > answered_ms:
            self.sometimes["answered writes sent again after a compaction"] += 1

    def _reported(self, event: NodeReported) -> None:
        report = event.report
        if type(report) is not WriteAnswer or report.kind not in {"ok", "refused"}:
            return
        name = (report.client, report.seq)
        if name in self._answered_ms:
            return
        self._answered_ms[name] = event.at_ms
        self._under_way[report.client].discard(report.seq)
        newest = self._newest_answered.get(report.client, 0)
        if report.seq < newest:
            self.sometimes["writes overtaken by later ones of their client"] += 1
        self._newest_answered[report.client] = max(newest, report.seq)

    def _recovered(self, event: NodeRecovered) -> None:
        self._recovered_ms[event.node] = event.at_ms
