"""Durable sends with group commit: one write and one sync serve all records of a batch, and then its messages leave.

A promise or a vote must survive a crash before a peer learns of it (Lamport, *Paxos Made Simple*, 2001, §2.5). A leader
may count its own votes later than its peers' votes: see `GroupCommit.defer`. The module does not know what the messages
mean, which slots are decided, or what the blog holds.
"""

from __future__ import annotations

from paxos.ballot import NodeId
from paxos.effects import Send, Timer
from paxos.messages import Accepted, AnyMessage
from paxos.records import AcceptedRecord, JournalRecord
from paxos.replica import Replica
from simulator.node.host import Host
from simulator.node.inspection import Counters
from simulator.node.outbox import Outbox
from simulator.node.probe import Probe
from simulator.node.storage.storage import Storage

BLOCK_COST = 16
"""The cost of one slot of a batch, counted in requests."""
DEFER_MS = 50
"""How long a deferred vote waits for a sync at most. The votes of peers usually arrive earlier."""


class GroupCommit:
    """Invariant: no message of `commit` leaves, and none reaches this node's replica, before its records are durable.

    Every method raises `OSError` when the disk fails.
    """

    def __init__(
        self,
        me: NodeId,
        replica: Replica,
        storage: Storage,
        *,
        host: Host,
        outbox: Outbox,
        counters: Counters,
        probe: Probe | None,
        defer_cost: int,
    ) -> None:
        self.me = me
        self.replica = replica
        self.storage = storage
        self.host = host
        self.outbox = outbox
        self.counters = counters
        self.probe = probe
        self.defer_cost = defer_cost
        self._deferred: list[AnyMessage] = []  # Own votes that are written but not synced, so not counted yet.

    def commit(self, records: list[JournalRecord], durable_sends: list[Send]) -> list[AnyMessage]:
        """Make the records durable and then send the messages.

        Returns the messages for this node itself: its replica must handle them after all others have left.
        """
        if records:
            self.record(records)
            if self.may_defer(records, durable_sends):
                self.defer(durable_sends)
                return []
            self.sync()
        own = self._take_deferred() if records else []  # That sync has made them durable too.
        for send in durable_sends:
            if self.me in send.to:
                own.append(send.message)
            self.outbox.send(send.to, send.message)
        return own

    def record(self, records: list[JournalRecord]) -> None:
        """Append all records of a batch in one write. Messages that need no record leave first."""
        self.host.push()
        self.storage.append(records)
        if self.probe is not None:
            self.probe.recorded(records)

    def sync(self) -> None:
        """Make every record written so far durable."""
        self.storage.sync()
        self.counters.syncs += 1
        if self.probe is not None:
            self.probe.synced()

    def may_defer(self, records: list[JournalRecord], durable_sends: list[Send]) -> bool:
        """True for a large batch of a leader's own votes, sent to no peer, while enough other nodes vote."""
        if not all(send.to == (self.me,) and type(send.message) is Accepted for send in durable_sends):
            return False
        accepted = [record for record in records if isinstance(record, AcceptedRecord)]
        return (
            sum(BLOCK_COST + len(record.value) for record in accepted) >= self.defer_cost
            and len(accepted) == len(records)
            and self.replica.decides_without_own_vote()
        )

    def defer(self, durable_sends: list[Send]) -> None:
        """Hold the leader's own votes until the next sync, so that it proposes and mines instead of waiting.

        That sync is one for other records, or that of a client's read, or the one when `Timer.SYNC` fires.
        """
        if self.probe is not None:
            self.probe.happened("votes deferred")
        if not self._deferred:
            self.host.set_timer(Timer.SYNC, DEFER_MS, DEFER_MS)
        self._deferred += [send.message for send in durable_sends]

    def release_deferred(self) -> list[AnyMessage]:
        """Make the deferred votes durable and return them for this node's replica."""
        if self._deferred:
            self.sync()
        return self._take_deferred()

    def _take_deferred(self) -> list[AnyMessage]:
        votes, self._deferred = self._deferred, []
        return votes
