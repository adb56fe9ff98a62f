"""One node: the driver around a replica. It carries out the replica's effects in order and answers its clients.

The events since the last `flush` are one batch, which one write and one sync of the journal serve (group commit).
Records are durable before the messages that depend on them leave; blocks and blog lines are written before clients are
answered. The node has no clock, socket, process or randomness: the same code runs in both worlds (see `host`). Each
rule is a method, so that a mutant can break one.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn, assert_never

from chain.blockchain import ChainError, Miner
from chain.mining import mine
from paxos.ballot import NodeId, Slot
from paxos.core import Config, ProtocolError
from paxos.effects import (
    Deliver,
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
from paxos.messages import Accepted, AnyMessage, CatchupReply, Hints, Value
from paxos.records import AcceptedRecord, JournalRecord
from paxos.replica import Replica
from paxos.rules import rule
from paxos.waiting_requests import WaitingRequests
from simulator.errors import StorageDamage
from simulator.node.catchup import lines_for_reply
from simulator.node.client_api import ClientCall, ClientRead, ClientWrite, Inspect, Inspected, NodeFailed, NoteLine
from simulator.node.codec import MalformedText
from simulator.node.host import Host
from simulator.node.inspection import Counters, beginning, ending, log_of, node_status
from simulator.node.pending_requests import PendingRequests
from simulator.node.probe import Probe
from simulator.node.state_machine import HASHES_KEPT, StateMachine
from simulator.node.status import NodeStatus, SlotView
from simulator.node.storage.storage import Storage
from simulator.settings import Settings

COMPACT_BYTES = 8 << 20
"""The journal is compacted when it is longer than this and has doubled since the last time, in bytes."""
LARGE_COST = 200
"""A leader puts off the sync of own votes that cost at least this much, counted as for `PART_COST`."""
PUT_OFF_MS = 50
"""How long a put-off sync waits for another one, in milliseconds."""
PART_COST = 540
"""A large batch is written and answered in parts of this cost, so that clients go on meanwhile.

A request costs 1 and a block `BLOCK_COST`.
"""
BLOCK_COST = 16


class NodeStopped(Exception):
    """The node has reported `NodeFailed` and stopped; its driver discards it."""


class Node:
    """See the module. `start` comes first, once; every batch of events ends with `flush`.

    After a failure of its disk or files, or a message that no correct peer sends, every method raises `NodeStopped`.
    """

    replica_type = Replica
    state_machine_type = StateMachine
    pending_requests_type = PendingRequests

    def __init__(
        self,
        node_id: NodeId,
        settings: Settings,
        storage: Storage,
        host: Host,
        *,
        probe: Probe | None = None,
        miner: Miner = mine,
    ) -> None:
        self.me = node_id
        self.settings = settings
        self.others = tuple(node for node in settings.node_ids if node != node_id)
        self.storage = storage
        self.host = host
        self.probe = probe
        self.waiting = WaitingRequests()
        self.state_machine = self.state_machine_type(settings.difficulty, miner=miner, awaits=self.waiting.awaits)
        self.replica: Replica  # From `start` on.
        self.pending_requests = self.pending_requests_type(
            node_id, settings.majority, self.state_machine, host, self.waiting
        )
        self.counters = Counters()
        self.stopped = ""
        self._ahead: list[tuple[Slot, Value]] = []  # Slots proposed in this batch: see `_premine`.
        self._peers: dict[tuple[NodeId, ...], tuple[NodeId, ...]] = {}
        self._heard_more = False  # The replica got an event since its last flush.
        self._own_votes: list[AnyMessage] = []  # Not synced, so not counted yet: see `_put_off`.
        self._sync_due = False
        self._unwritten = False  # Some blocks are applied and not written yet.
        self._compact_at = COMPACT_BYTES

    # Events

    @rule("15")
    def start(self, now_ms: int) -> None:
        """Recover from the files and start the replica.

        Raises:
            NodeStopped: the files cannot be trusted, or the disk fails.
        """
        try:
            recovered = self.storage.load(self.state_machine.replay)
            newest = self.storage.read_blocks(recovered.height - HASHES_KEPT + 1, recovered.height)
        except (OSError, StorageDamage) as error:
            self._stop(error)
        self.state_machine.begin(recovered.height, recovered.tip, newest)
        self.replica = self.replica_type(
            self._config(),
            promised=recovered.promised,
            opened=recovered.opened,
            accepted=recovered.accepted,
            decided=recovered.height,
            applied=self.state_machine.client_table.slot_of,
            waiting=self.waiting,
        )
        if self.probe is not None:
            self.probe.recovered(recovered)
        for note in beginning(self.me, recovered):
            self.host.report(note)
        self.replica.start(now_ms)

    def receive(self, message: AnyMessage, now_ms: int) -> None:
        """A peer's message."""
        self.counters.messages_in += 1
        if type(message) is Hints:
            self.state_machine.hint(message.first_slot, message.hints)
            return
        try:
            self.replica.receive(message, now_ms)
        except ProtocolError as error:
            self._stop(error)

    def call(self, call: ClientCall, now_ms: int) -> None:
        """A client's call. It is answered at once if the answer is known."""
        self._raise_if_stopped()
        match call:
            case ClientWrite(request):
                if self.pending_requests.take_write(request):
                    self.replica.submit(request, now_ms)
            case ClientRead(number, _, _, linearizable):
                if linearizable:
                    self.replica.read(number, now_ms, call)
                else:
                    self._make_lasting()
                    self.pending_requests.show(call)
            case Inspect(number, detail):
                self.host.report(Inspected(number, self.status(detail=detail)))
            case _:
                assert_never(call)

    def wake(self, timer: Timer, now_ms: int) -> None:
        """A timer fired."""
        if timer is Timer.SYNC:
            self._sync_due = True
        else:
            self.replica.wake(timer, now_ms)

    def flush(self, now_ms: int) -> None:
        """End a batch: carry out its effects, and let messages leave."""
        self._raise_if_stopped()
        replica = self.replica
        try:
            if self._sync_due:
                self._count_own_votes(now_ms)
            self._heard_more = True
            while self._heard_more:
                self._heard_more = False
                replica.flush(now_ms)
                while effects := replica.take_effects():
                    self._carry_out(effects, now_ms)
            self.host.push()
            if self._ahead:
                self._premine()
            if self.storage.journal_bytes > self._compact_at:
                self._compact()
        except (OSError, StorageDamage, ProtocolError) as error:
            self._stop(error)

    def status(self, *, detail: bool = False) -> NodeStatus:
        """A picture of this moment; `detail` adds the newest part of the log."""
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
            log=log,
        )

    # Effects

    def _carry_out(self, effects: Iterable[Effect], now_ms: int) -> None:
        """Carry out effects in order; those that wait for the disk share one sync at the end.

        Delivered slots are durable at a majority, so their clients are answered before this node syncs. When no client
        waits, the node syncs and votes first, and applies blocks afterwards.
        """
        records: list[JournalRecord] = []
        durable_sends: list[Send] = []
        delivered: list[Deliver] = []
        for effect in effects:
            if isinstance(effect, Persist):
                records.append(effect.record)
            elif isinstance(effect, Send):
                durable_sends.append(effect)
            elif isinstance(effect, Deliver):
                delivered.append(effect)
            elif isinstance(effect, SetTimer):
                self.host.set_timer(effect.timer, effect.min_ms, effect.max_ms)
            else:
                self._apply(delivered)
                self._carry_out_at_once(effect)
        if delivered and records and not self.waiting:
            self._send_durably(records, durable_sends, now_ms)
            self.host.push()
            self._apply(delivered)
        else:
            self._apply(delivered)
            self._send_durably(records, durable_sends, now_ms)

    def _carry_out_at_once(
        self, effect: SendNow | Install | ServeCatchup | GiveUp | ReadReady | ReadGiveUp | Note
    ) -> None:
        match effect:
            case SendNow(to, message):
                self._send(to, message)
            case ReadReady(numbers):
                self.pending_requests.answer_reads(numbers)
            case GiveUp(ids, no_majority):
                self.pending_requests.give_up_writes(ids, no_majority=no_majority)
            case ReadGiveUp(numbers, no_majority):
                self.pending_requests.give_up_reads(numbers, no_majority=no_majority)
            case Install(source, first_slot, blocks):
                self._install(source, first_slot, blocks)
            case ServeCatchup(to, first_slot, last_slot):
                self._serve_catchup(to, first_slot, last_slot)
            case Note(kind, text):
                self.host.report(NoteLine(kind, text))
            case _:
                assert_never(effect)

    # Durable before sent

    def _send_durably(self, records: list[JournalRecord], durable_sends: list[Send], now_ms: int) -> None:
        """Make the records durable, then send the messages that depend on them, those to this node itself last."""
        if records:
            self._record(records)
            if self._may_put_off(records, durable_sends):
                self._put_off(durable_sends)
                return
            self._sync()
        own: list[AnyMessage] = []
        for send in durable_sends:
            if self.me in send.to:
                own.append(send.message)
            self._send(send.to, send.message)
        for message in own:
            self._heard_more = True
            self.replica.receive(message, now_ms)

    def _may_put_off(self, records: list[JournalRecord], durable_sends: list[Send]) -> bool:
        """True for a large batch of the leader's own votes when enough other nodes vote to decide without them."""
        accepted = [record for record in records if isinstance(record, AcceptedRecord)]
        return (
            sum(BLOCK_COST + len(record.value) for record in accepted) >= LARGE_COST
            and len(accepted) == len(records)
            and all(send.to == (self.me,) and type(send.message) is Accepted for send in durable_sends)
            and self.replica.decides_without_own_vote()
        )

    def _put_off(self, durable_sends: list[Send]) -> None:
        """Leave the sync of these records to the next one, or to the SYNC timer; propose and mine meanwhile."""
        if not self._own_votes:
            self.host.set_timer(Timer.SYNC, PUT_OFF_MS, PUT_OFF_MS)
        self._own_votes += [send.message for send in durable_sends]

    def _count_own_votes(self, now_ms: int) -> None:
        """Sync the put-off votes and count them."""
        self._sync_due = False
        votes, self._own_votes = self._own_votes, []
        if votes:
            self._sync()
            for vote in votes:
                self.replica.receive(vote, now_ms)

    def _record(self, records: list[JournalRecord]) -> None:
        """Append all records of a batch in one write. Messages that do not depend on them leave before it."""
        self.host.push()
        self.storage.append(records)
        if self.probe is not None:
            self.probe.recorded(records)
        if self.settings.difficulty:
            self._ahead += [
                (record.slot, record.value)
                for record in records
                if isinstance(record, AcceptedRecord) and record.ballot.owner == self.me
            ]

    def _sync(self) -> None:
        """Sync the journal."""
        self.storage.sync()
        self.counters.syncs += 1
        if self.probe is not None:
            self.probe.synced()

    def _send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        peers = self._peers.get(to)
        if peers is None:
            peers = self._peers[to] = tuple(node for node in to if node != self.me)
        if peers:
            self.counters.messages_out += len(peers)
            self.host.send(peers, message)

    def _make_lasting(self) -> None:
        """Sync all files before a local read: what it shows must survive a power loss."""
        try:
            self.storage.sync_all()
        except OSError as error:
            self._stop(error)

    def _compact(self) -> None:
        """Rewrite the journal without the votes for slots that are on the chain."""
        self.storage.compact(self.replica.acceptor.promised, self.replica.acceptor.opened, self.replica.votes())
        self._compact_at = max(COMPACT_BYTES, 2 * self.storage.journal_bytes)

    # What is decided

    def _apply(self, delivered: list[Deliver]) -> None:
        """Apply the delivered slots, write their blocks and answer clients; empty the list."""
        if delivered:
            cost = 0
            for effect in delivered:
                if cost > PART_COST:
                    self._finish_applied()
                    self.host.push()
                    cost = 0
                self._deliver(effect.slot, effect.value)
                cost += BLOCK_COST + len(effect.value)
            delivered.clear()
            self._finish_applied()

    @rule("11")
    def _deliver(self, slot: Slot, value: Value) -> None:
        """Extend the chain by the next slot. Skip a slot that fetched blocks have brought already."""
        height = self.state_machine.height
        if slot > height:
            self._expect_next(slot, height)
            self.state_machine.extend(value)
            self._unwritten = True

    def _expect_next(self, slot: Slot, height: int) -> None:
        if slot != height + 1:
            raise ProtocolError(f"slot {slot} was delivered to a chain of height {height}")

    def _install(self, source: NodeId, first_slot: Slot, blocks: tuple[str, ...]) -> None:
        """Check a peer's blocks, link, hash and nonce, and apply them up to the first that fails (rule 12)."""
        for slot, line in enumerate(blocks, first_slot):
            if slot <= self.state_machine.height:
                continue
            try:
                self.state_machine.adopt(line)
            except (ChainError, MalformedText) as error:
                self.host.report(NoteLine("refused", f"node {self.me} refused what node {source} sent: {error}"))
                break
            self._unwritten = True
        self._finish_applied()
        self._heard_more = True
        self.replica.installed(self.state_machine.height)

    @rule("11")
    def _finish_applied(self) -> None:
        """Write the applied blocks, the chain first, then answer clients. A leader sends its nonces to the others."""
        if not self._unwritten:
            return
        self._unwritten = False
        page = self.state_machine.take()
        self.storage.append_blocks(page.blocks, page.blog_lines)
        if self.probe is not None:
            self.probe.applied(page.blocks)
        self.pending_requests.answer_applied(page.applied)
        if self.others and self.settings.difficulty and self.replica.proposer.leading:
            self._send(
                self.others,
                Hints(
                    sender=self.me,
                    first_slot=page.blocks[0].height,
                    hints=tuple([block.nonce for block in page.blocks]),
                ),
            )

    def _premine(self) -> None:
        """Search nonces for the proposed slots while their votes are on the way."""
        self.state_machine.premine(self._ahead)
        self._ahead.clear()

    def _serve_catchup(self, to: NodeId, first_slot: Slot, last_slot: Slot) -> None:
        height = self.state_machine.height
        lines = lines_for_reply(self._lines_to_serve, first_slot, min(last_slot, height))
        if lines:
            self._send((to,), CatchupReply(sender=self.me, first_slot=first_slot, blocks=lines, decided=height))

    def _lines_to_serve(self, first: Slot, last: Slot) -> list[str]:
        """Decided blocks from the chain file, and no accepted values (rule 12)."""
        return self.storage.read_lines(first, last)

    # Beginning and end

    def _config(self) -> Config:
        settings = self.settings
        return Config(
            node=self.me, nodes=settings.node_ids, ops_per_block=settings.ops_per_block, window=settings.window
        )

    def _raise_if_stopped(self) -> None:
        if self.stopped:
            raise NodeStopped(self.stopped)

    @rule("18")
    def _stop(self, error: Exception) -> NoReturn:
        """Report the reason, let pending messages leave, and stop for good."""
        self.stopped = ending(self.me, error)
        self.host.report(NodeFailed(self.stopped))
        self.host.push()
        raise NodeStopped(self.stopped) from error
