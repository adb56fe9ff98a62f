"""The moments of the protocol at which triggered faults are injected.

Moments of a proposer: it opens a ballot, begins to lead, proposes. Of an acceptor: it has just promised or voted, its
vote replaces one for another value, its vote makes a value chosen, its journal is compacted. Of a learner: it alone
knows a decision, asks for what it lacks, serves catch-up.

What nobody waits for is not looked at. Facts about votes and heights are those of the invariant checker, which sees
each event first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Literal, get_args

from paxos.ballot import NO_BALLOT, Ballot, NodeId
from paxos.messages import Accept, Accepted, Catchup, CatchupReply, Heartbeat, Prepare, Promise
from simulator.checks.oracle import VOTES_REPLACED, Oracle
from simulator.trace.events import (
    BlocksApplied,
    Event,
    IncarnationEnded,
    JournalSynced,
    MessageSent,
    NodeRecovered,
    RecordsAppended,
)
from simulator.trace.observer import ByMessage, Handler, Observer

Moment = Literal[
    "bid", "promise", "lead", "propose", "write", "vote", "replace", "choose", "alone", "fetch", "serve", "compact"
]  # fmt: skip
MOMENTS: tuple[Moment, ...] = get_args(Moment)

WHEN: dict[Moment, str] = {
    "bid": "a ballot is opened",
    "promise": "a promise was given",
    "lead": "a leadership begins",
    "propose": "a value is proposed",
    "write": "records are written",
    "vote": "a vote was given",
    "replace": "a vote replaces one for another value",
    "choose": "a vote makes a value chosen",
    "alone": "one node alone knows a decision",
    "fetch": "decided slots are asked for",
    "serve": "catch-up is served",
    "compact": "a journal is compacted",
}
"""Each moment in words, as the counts of a run name it."""

_SENT: dict[type, Moment] = {
    Accept: "propose",
    Accepted: "vote",
    Promise: "promise",
    Catchup: "fetch",
    CatchupReply: "serve",
}
"""The messages that each show a moment of their sender."""
_FIRST_OF_BALLOT: dict[type, Moment] = {Prepare: "bid", Heartbeat: "lead"}
"""The messages that show one when they are the first at a new highest ballot."""


class MomentWatch(Observer):
    """Calls `happened` with the time, the node and the moment, whenever one of `moments` comes."""

    def __init__(
        self, moments: Iterable[Moment], oracle: Oracle, happened: Callable[[int, NodeId, Moment], None]
    ) -> None:
        self._wanted = set(moments)
        self._sent_moments = {kind: moment for kind, moment in _SENT.items() if moment in self._wanted}
        self._ballot_moments = {kind: moment for kind, moment in _FIRST_OF_BALLOT.items() if moment in self._wanted}
        self._oracle = oracle
        self._happened = happened
        self._newest: dict[Moment, Ballot] = {}
        self._replaced = self._choices = 0
        self._down: set[NodeId] = set()

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        wanted = self._wanted
        handlers: dict[type[Event], Handler] = {}
        if self._sent_moments or self._ballot_moments:
            handlers[MessageSent] = ByMessage(dict.fromkeys((*self._sent_moments, *self._ballot_moments), self._sent))
        if wanted & {"replace", "write"}:
            handlers[RecordsAppended] = self._recorded
        if "choose" in wanted:
            handlers[JournalSynced] = self._synced
        if "alone" in wanted:
            handlers |= {
                BlocksApplied: self._applied,
                NodeRecovered: lambda event: self._down.discard(event.node),
                IncarnationEnded: lambda event: self._down.add(event.node),
            }
        return handlers

    def _sent(self, event: MessageSent) -> None:
        kind = type(event.message)
        moment = self._sent_moments.get(kind)
        if moment is not None:
            self._happened(event.at_ms, event.node, moment)
            return
        moment = self._ballot_moments.get(kind)
        if moment is not None:
            ballot: Ballot = event.message.ballot  # type: ignore[union-attr]
            if ballot > self._newest.get(moment, NO_BALLOT):
                self._newest[moment] = ballot
                self._happened(event.at_ms, event.node, moment)

    def _recorded(self, event: RecordsAppended) -> None:
        if "write" in self._wanted:
            self._happened(event.at_ms, event.node, "write")
        replaced = self._oracle.sometimes[VOTES_REPLACED]
        if replaced != self._replaced and "replace" in self._wanted:
            self._replaced = replaced
            self._happened(event.at_ms, event.node, "replace")

    def _synced(self, event: JournalSynced) -> None:
        choices = self._oracle.choices
        if choices != self._choices:
            self._choices = choices
            self._happened(event.at_ms, event.node, "choose")

    def _applied(self, event: BlocksApplied) -> None:
        """Nodes that are down do not know of the decision before they run again."""
        height, node = event.blocks[-1].height, event.node
        for other in self._oracle.nodes.values():
            if other.height >= height and other.node != node and other.node not in self._down:
                return
        self._happened(event.at_ms, node, "alone")
