"""One node: the driver around a replica. It carries out the replica's effects in order and answers its clients.

All events since the last `flush` are one batch: `group_commit` makes the records of a batch durable with one write and
one sync. Blocks and blog lines are written before a client is answered, or as soon as this node's votes for them are
durable. The node owns no clock, socket, process or random source, so the same code runs in both worlds (see `host`).
Paxos and the blog make all decisions. Each step is a method, so that a mutant can break one rule by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NoReturn, assert_never

from chain.blockchain import Miner
from chain.mining import mine
from paxos.ballot import NodeId, Slot
from paxos.core import Config, ProtocolError
from paxos.effects import (
    Deliver,
    Disbelieve,
    Effect,
    GiveUp,
    Install,
    Note,
    Persist,
    ReadGiveUp,
    ReadReady,
    Send,
    SendNow,
    ServeCatchup,
    SetTimer,
    Timer,
)
from paxos.messages import AnyMessage, Hints, Value
from paxos.records import AcceptedRecord, JournalRecord
from paxos.replica import Replica
from paxos.rules import rule
from paxos.waiting_requests import WaitingRequests
from simulator.errors import StorageDamage
from simulator.node.catchup import BlockTransfer
from simulator.node.client_api import ClientCall, ClientRead, ClientWrite, Inspect, Inspected, NodeFailed, NoteLine
from simulator.node.group_commit import BLOCK_COST, GroupCommit
from simulator.node.host import Host
from simulator.node.inspection import Counters, log_of, node_status, start_notes, stop_reason
from simulator.node.outbox import Outbox
from simulator.node.pending_requests import PendingRequests
from simulator.node.probe import Probe
from simulator.node.state_machine import StateMachine
from simulator.node.status import NodeStatus, SlotView
from simulator.node.storage.storage import Recovered, Storage
from simulator.node.stored_chain import StoredChain
from simulator.settings import Settings

FILES_CHECKED_EVERY_MS = 1_000
"""How often a node looks whether its files are still there. Each sync looks too."""


class NodeStopped(Exception):
    """The node has reported `NodeFailed` and handles no more events."""


class _StartOver(Exception):
    """What this node has read from its disk is false: it goes on from what is left of it."""

    def __init__(self, first: Slot, why: str) -> None:
        super().__init__(why)
        self.first = first
        self.why = why


class Node:
    """Call `start` once and first; end every batch of events with `flush`.

    After a failure of the disk or the files, or a message that no correct peer sends, every method raises
    `NodeStopped`. `nonce` is a number that no other incarnation of this node has.
    """

    replica_type = Replica
    state_machine_type = StateMachine
    pending_requests_type = PendingRequests
    group_commit_type = GroupCommit
    block_transfer_type = BlockTransfer

    def __init__(
        self,
        node_id: NodeId,
        settings: Settings,
        storage: Storage,
        host: Host,
        *,
        probe: Probe | None = None,
        miner: Miner = mine,
        nonce: int = 0,
    ) -> None:
        self.me = node_id
        self.settings = settings
        self.others = tuple(node for node in settings.node_ids if node != node_id)
        self.storage = storage
        self.host = host
        self.probe = probe
        self.nonce = nonce
        self.counters = Counters()
        self.outbox = Outbox(node_id, host, self.counters)
        self.waiting: WaitingRequests
        self.state_machine: StateMachine
        self.pending_requests: PendingRequests
        self.replica: Replica  # This and the next two exist from `start` on.
        self.group_commit: GroupCommit
        self.block_transfer: BlockTransfer
        self.stopped = ""
        self._proposed: list[tuple[Slot, Value]] = []  # In this batch: see `_premine`.
        self._flush_again = False  # The replica received something since its last flush.
        self._sync_due = False
        self._files_checked_ms = 0
        self._damaged: tuple[str, ...] = ()
        self._height_at_start = 0
        self._compact_at = settings.limits.compact_bytes
        self._miner = miner
        self._marked: Slot = 0
        self._early: list[ClientCall] = []  # What clients ask before the chain was compared.
        self._begin_empty()

    # Events

    @rule("15")
    def start(self, now_ms: int) -> None:
        """Recover the state from the files and start the replica.

        Raises:
            NodeStopped: the files are damaged, or the disk fails.
        """
        try:
            recovered = self.storage.load(self.state_machine.replay)
        except (OSError, StorageDamage) as error:
            self._stop(error)
        self._damaged, self._height_at_start = (*self._damaged, *recovered.damaged), recovered.height
        self._marked = recovered.marked
        self.state_machine.begin(recovered.height, recovered.tip, self.storage.newest_hashes)
        self.replica = self.replica_type(
            self._config(),
            promised=recovered.promised,
            opened=recovered.opened,
            accepted=recovered.accepted,
            decided=recovered.height,
            applied=self.state_machine.client_table.slot_of,
            waiting=self.waiting,
            amnesia=recovered.lost,
            eras=recovered.eras,
            nonces=recovered.nonces,
            nonce=self.nonce,
            new=recovered.fresh,
            chain=StoredChain(self.storage),
            marked=recovered.marked,
        )
        self.group_commit = self.group_commit_type(
            self.me,
            self.replica,
            self.storage,
            host=self.host,
            outbox=self.outbox,
            counters=self.counters,
            probe=self.probe,
            defer_cost=self.settings.limits.defer_cost,
        )
        self.block_transfer = self.block_transfer_type(
            self.me, self.replica, self.state_machine, self.storage, self.settings.limits.reply_bytes
        )
        if self.probe is not None:
            self.probe.recovered(recovered)
        self._report_start(recovered)
        self.replica.start(now_ms)

    def receive(self, message: AnyMessage, now_ms: int) -> None:
        """Handle a message from a peer."""
        self.counters.messages_in += 1
        if type(message) is Hints:
            self.state_machine.hint(message.first_slot, message.hints)
            return
        try:
            self.replica.receive(message, now_ms)
        except (OSError, StorageDamage, ProtocolError) as error:
            self._stop(error)

    def call(self, call: ClientCall, now_ms: int) -> None:
        """Handle a client's call. A known outcome is answered at once.

        A call waits while the chain that this node has read is being compared with what the others say of it.
        """
        self._raise_if_stopped()
        if self.replica.core.unsure and not isinstance(call, Inspect):
            self._early.append(call)
            return
        match call:
            case ClientWrite(request):
                if self.pending_requests.take_write(request):
                    self.replica.submit(request, now_ms)
            case ClientRead(number, _, _, linearizable):
                if linearizable:
                    self.replica.read(number, now_ms, call)
                else:
                    self._sync_all()
                    self.pending_requests.show(call)
            case Inspect(number, detail):
                self.host.report(Inspected(number, self.status(detail=detail)))
            case _:
                assert_never(call)

    def wake(self, timer: Timer, now_ms: int) -> None:
        """Handle a timer that has expired."""
        if now_ms >= self._files_checked_ms + FILES_CHECKED_EVERY_MS:
            self._files_checked_ms = now_ms
            self._check_files()
        if timer is Timer.SYNC:
            self._sync_due = True
        else:
            self.replica.wake(timer, now_ms)

    def flush(self, now_ms: int) -> None:
        """End a batch: carry out all effects of its events, and let the messages leave."""
        self._raise_if_stopped()
        replica = self.replica
        try:
            if self._sync_due:
                self._sync_due = False
                for vote in self.group_commit.release_deferred():
                    replica.receive(vote, now_ms)
            self._flush_all(now_ms)
            self.host.push()
            if self._proposed:
                self._premine()
            if self.storage.journal_bytes > self._compact_at and self.state_machine.height >= self._marked:
                self._compact()
                self._sync_due = (
                    True  # The new journal is durable, with the deferred votes: the next batch counts them.
                )
        except (OSError, StorageDamage, ProtocolError) as error:
            self._stop(error)

    def _flush_all(self, now_ms: int) -> None:
        self._flush_again = True
        while self._flush_again:
            self._flush_again = False
            replica, core = self.replica, self.replica.core
            try:
                replica.flush(now_ms)
                while core.effects:
                    self._carry_out(core.take_effects(), now_ms)
            except _StartOver as false:
                self._start_over(false, now_ms)
            if self._early and not self.replica.core.unsure:
                early, self._early = self._early, []
                for call in early:
                    self.call(call, now_ms)
                self._flush_again = True

    def status(self, *, detail: bool = False) -> NodeStatus:
        """The node's status now; `detail` adds the newest part of the log."""
        log: tuple[SlotView, ...] = ()
        if detail and not self.stopped:
            try:
                log = log_of(self.replica, self.state_machine.height, self.storage)
            except (OSError, StorageDamage) as error:
                self._stop(error)
        return node_status(
            self.replica,
            self.state_machine,
            self.counters,
            pending=len(self.waiting),
            error=self.stopped,
            damaged=self._damaged,
            grown=self.state_machine.height > self._height_at_start,
            log=log,
        )

    # Effects

    def _carry_out(self, effects: Iterable[Effect], now_ms: int) -> None:
        """Carry out effects in their order, but commit all records and durable sends together at the end.

        A delivered slot is already durable on a majority and need not wait for this node's disk. So waiting clients are
        answered before the sync. When no client waits, the votes are synced and sent first, and blocks follow.
        """
        records: list[JournalRecord] = []
        durable_sends: list[Send] = []
        delivered: list[Deliver] = []
        for effect in effects:
            # The most frequent kind first; and `isinstance` of a struct that it is not takes ten times as long.
            if type(effect) is SendNow and not delivered:
                self.outbox.send(effect.to, effect.message)
            elif type(effect) is SetTimer:
                self.host.set_timer(effect.timer, effect.min_ms, effect.max_ms)
            elif type(effect) is Persist:
                records.append(effect.record)
            elif type(effect) is Send:
                durable_sends.append(effect)
            elif type(effect) is Deliver:
                delivered.append(effect)
            else:
                self._apply(delivered, records)
                self._carry_out_at_once(effect)
        if delivered and records and not self.waiting:
            self._commit(records, durable_sends, now_ms)
            self.host.push()
            self._apply(delivered)
            return
        if delivered:
            self._apply(delivered, records)
        if records or durable_sends:
            self._commit(records, durable_sends, now_ms)

    def _carry_out_at_once(self, effect: Effect) -> None:
        match effect:
            case SendNow(to, message):
                self.outbox.send(to, message)
            case ReadReady(numbers):
                self.pending_requests.answer_reads(numbers)
            case GiveUp(ids, no_majority, forgetful):
                self.pending_requests.give_up_writes(ids, no_majority=no_majority, forgetful=forgetful)
            case ReadGiveUp(numbers, no_majority, forgetful):
                self.pending_requests.give_up_reads(numbers, no_majority=no_majority, forgetful=forgetful)
            case Install(source, first_slot, blocks):
                self._install(source, first_slot, blocks)
            case Disbelieve(first, why):
                raise _StartOver(first, why)
            case ServeCatchup(to, first_slot, last_slot):
                reply = self.block_transfer.reply(first_slot, last_slot)
                if reply is not None:
                    first, wrapped = self.replica.routes.wrap(to, reply)
                    self.outbox.send((first,), wrapped)
            case Note(kind, text):
                self.host.report(NoteLine(kind, text))
            case Persist() | Send() | SetTimer() | Deliver():
                raise AssertionError(f"{effect} is carried out with the others of its batch")
            case _:
                assert_never(effect)

    def _commit(self, records: list[JournalRecord], durable_sends: list[Send], now_ms: int) -> None:
        """Commit, then pass this node's own messages to its replica."""
        if records and self.settings.difficulty and self.replica.proposer.leading:
            self._proposed += [
                (record.slot, record.value)
                for record in records
                if isinstance(record, AcceptedRecord) and record.ballot.owner == self.me
            ]
        for message in self.group_commit.commit(records, durable_sends):
            self._flush_again = True
            self.replica.receive(message, now_ms)

    def _install(self, source: NodeId, first_slot: Slot, blocks: tuple[str, ...]) -> None:
        """Apply the blocks that a peer sent."""
        refusal = self.block_transfer.install(first_slot, blocks)
        if refusal is not None:
            self.host.report(NoteLine("refused", f"node {self.me} refused what node {source} sent: {refusal}"))
        self._finish_applied(fetched=True)
        self._flush_again = True
        self.replica.installed(self.state_machine.height)

    # Decided slots

    def _apply(self, delivered: list[Deliver], records: Sequence[JournalRecord] = ()) -> None:
        """Apply these slots, write their blocks and answer their clients. The list is empty afterwards.

        `records` are those of this batch that are not written yet, perhaps with votes for these slots.
        """
        if delivered:
            cost, most = 0, self.settings.limits.part_cost
            part: list[Deliver] = []
            for effect in delivered:
                if cost > most:
                    self._deliver(part)
                    self._finish_applied(unwritten=records)
                    self.host.push()
                    cost = 0
                    part.clear()
                part.append(effect)
                cost += BLOCK_COST + len(effect.value)
            delivered.clear()
            self._deliver(part)
            self._finish_applied(unwritten=records)

    @rule("11")
    def _deliver(self, decided: Iterable[Deliver]) -> None:
        """Rule 11: apply slots in order. A slot that a catch-up has applied already is skipped."""
        height = self.state_machine.height
        values: list[Value] = []
        for effect in decided:
            if effect.slot > height:
                self._expect_next(effect.slot, height)
                values.append(effect.value)
                height += 1
        self.state_machine.extend(values)

    def _expect_next(self, slot: Slot, height: int) -> None:
        if slot != height + 1:
            raise ProtocolError(f"slot {slot} was delivered to a chain of height {height}")

    @rule("11")
    def _finish_applied(self, *, fetched: bool = False, unwritten: Sequence[JournalRecord] = ()) -> None:
        """Write applied blocks, the chain first, and then answer. A leader sends its nonces to its followers.

        Storage holds a block while the vote for it is among the `unwritten` records, or not durable.
        """
        if not self.state_machine.has_unwritten:
            return
        page = self.state_machine.take()
        self.storage.append_blocks(page.blocks, page.blog_lines, fetched=fetched, unwritten=unwritten)
        if self.probe is not None:
            self.probe.applied(page.blocks)
        self.pending_requests.answer_applied(page.applied)
        if self.others and self.settings.difficulty and self.replica.proposer.leading:
            self.outbox.send(
                self.others,
                Hints(
                    sender=self.me,
                    first_slot=page.blocks[0].height,
                    hints=tuple([block.nonce for block in page.blocks]),
                ),
            )

    def _premine(self) -> None:
        """Search the nonces of the values proposed in this batch while peers vote on them."""
        self.state_machine.premine(self._proposed)
        self._proposed.clear()

    # Files

    def _sync_all(self) -> None:
        """Make the chain durable before a local read, so that local reads never go back, also after a power loss."""
        try:
            self.storage.sync_all()
            self._sync_due = True  # Deferred votes are durable now: the end of this batch counts them.
        except OSError as error:
            self._stop(error)

    def _compact(self) -> None:
        """Rewrite the journal without the votes for slots that the chain holds."""
        if self.probe is not None:
            self.probe.happened("compactions")
        replica = self.replica
        self.storage.compact(
            replica.acceptor.promised, replica.acceptor.opened, replica.votes(), replica.recovery.records()
        )
        self._compact_at = max(self.settings.limits.compact_bytes, 2 * self.storage.journal_bytes)

    @rule("18")
    def _check_files(self) -> None:
        """A node without its files would answer from memory what no restart can find: it stops."""
        try:
            self.storage.check_present()
        except OSError as error:
            self._stop(error)

    # Start and stop

    def _begin_empty(self) -> None:
        """Make what a start fills from the files."""
        self.waiting = WaitingRequests()
        self.state_machine = self.state_machine_type(
            self.settings.difficulty, miner=self._miner, awaits=self.waiting.awaits
        )
        self.pending_requests = self.pending_requests_type(
            self.me, self.settings.majority, self.state_machine, self.host, self.waiting
        )

    @rule("16")
    def _start_over(self, false: _StartOver, now_ms: int) -> None:
        """Set aside the part of the chain that was never decided, and begin again from the rest, with amnesia.

        Requests that wait are taken up anew. Of those that seemed decided here the outcome is unknown: this node's word
        on it would count for nothing.
        """
        waiting, writes, reads = self.waiting.contents()
        self.pending_requests.give_up_writes(writes, no_majority=False)
        self.pending_requests.give_up_reads(reads, no_majority=False)
        for one in waiting:
            call = one.question if one.request is None else ClientWrite(one.request)
            if isinstance(call, ClientRead | ClientWrite):
                self._early.append(call)
        self._proposed.clear()
        sentences = self.storage.disbelieve(false.first, false.why)
        for sentence in sentences:
            self.host.report(NoteLine("damaged", f"node {self.me}: {sentence}"))
        self._damaged += sentences
        self.storage = self.storage.again()
        self.nonce += 1
        self._begin_empty()
        self.start(now_ms)
        self._flush_again = True

    def _config(self) -> Config:
        settings = self.settings
        return Config(
            node=self.me,
            nodes=settings.node_ids,
            ops_per_block=settings.ops_per_block,
            window=settings.window,
            limits=settings.limits,
        )

    def _report_start(self, recovered: Recovered) -> None:
        for note in start_notes(self.me, recovered):
            self.host.report(note)

    def _raise_if_stopped(self) -> None:
        if self.stopped:
            raise NodeStopped(self.stopped)

    @rule("18")
    def _stop(self, error: Exception) -> NoReturn:
        """Rule 18: report the reason, push the messages that were already sent, and handle no more events."""
        self.stopped = stop_reason(self.me, error)
        self.host.report(NodeFailed(self.stopped))
        self.host.push()
        raise NodeStopped(self.stopped) from error
