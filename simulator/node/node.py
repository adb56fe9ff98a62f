"""One node: the driver around a replica. It carries out what the replica asks for, in order, and answers its clients.

What happened since the last `flush` is one batch: one write and one sync of the journal serve all of it (group commit).
Records are safe before the messages that vouch for them leave; blocks and blog lines are written before anybody is
answered. The node owns no clock, socket, process or chance: the same code runs in both worlds (see `host`). It decides
nothing that Paxos or the blog decides, and each thing that it does see to is a method, so that one can be broken by
name.
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
"""A shorter journal is never rewritten; a longer one when it has doubled, so that rewriting costs a part of writing."""
CATCHUP_BYTES = 1 << 18
"""A catch-up reply ends with the block that takes it beyond this size."""
CATCHUP_LINES = 64
"""How many lines are read at once for it."""
LARGE_COST = 200
"""From so much on, counted as below, a leader does not wait for its own disk while enough others vote."""
PUT_OFF_MS = 50
"""How long its own vote may wait for another sync to go with: others' votes are there before."""
PART_COST = 540
"""After so many requests, counting a block as `BLOCK_COST` of them, what was applied is written and answered: clients
and peers go on while the rest of a large batch is applied."""
BLOCK_COST = 16


class NodeStopped(Exception):
    """The node has reported `NodeFailed` and does nothing any more. Whoever drives it lets it go."""


class Node:
    """See the module. `start` comes first, once; every batch of events ends with `flush`.

    After a failure of its disk or files, or on meeting what no correct peer can say, every method raises `NodeStopped`.
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
        self._ahead: list[tuple[Slot, Value]] = []  # Proposed in this batch: see `_look_ahead`.
        self._peers: dict[tuple[NodeId, ...], tuple[NodeId, ...]] = {}
        self._heard_more = False  # The replica was told something since its last flush.
        self._own_votes: list[AnyMessage] = []  # Written and not synced, so not counted: see `_put_off`.
        self._sync_due = False
        self._unwritten = False  # Something is applied that is not on its way to the disk.
        self._compact_at = COMPACT_BYTES

    # Events

    @rule("15")
    def start(self, now_ms: int) -> None:
        """Recover from the files, and begin.

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
        """A client's call. What is known already is answered at once."""
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
        """An alarm that was set rings."""
        if timer is Timer.SYNC:
            self._sync_due = True
        else:
            self.replica.wake(timer, now_ms)

    def flush(self, now_ms: int) -> None:
        """The end of a batch: carry out everything that follows from it, and let it leave."""
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
                self._look_ahead()
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
        """In the order in which they stand, but that what waits for the disk waits for it together, at the end.

        What is delivered was chosen on the disks of a majority and need not wait for this one: its clients are answered
        before this node waits for its disk. Where no client waits, the leader's vote does not wait for blocks either.
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

    # What is on disk before what is said

    def _send_durably(self, records: list[JournalRecord], durable_sends: list[Send], now_ms: int) -> None:
        """First the records, safely, and then the messages that speak of them: its own the node hears last."""
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
        """A large batch of a leader's own votes, which speak to nobody else, is not needed where enough others vote."""
        accepted = [record for record in records if isinstance(record, AcceptedRecord)]
        return (
            sum(BLOCK_COST + len(record.value) for record in accepted) >= LARGE_COST
            and len(accepted) == len(records)
            and all(send.to == (self.me,) and type(send.message) is Accepted for send in durable_sends)
            and self.replica.decides_without_own_vote()
        )

    def _put_off(self, durable_sends: list[Send]) -> None:
        """Go on proposing and mining meanwhile: the next sync, or the one of the alarm, serves these records too."""
        if not self._own_votes:
            self.host.set_timer(Timer.SYNC, PUT_OFF_MS, PUT_OFF_MS)
        self._own_votes += [send.message for send in durable_sends]

    def _count_own_votes(self, now_ms: int) -> None:
        """They are safe now."""
        self._sync_due = False
        votes, self._own_votes = self._own_votes, []
        if votes:
            self._sync()
            for vote in votes:
                self.replica.receive(vote, now_ms)

    def _record(self, records: list[JournalRecord]) -> None:
        """One write for all records of a batch; what may leave without them is on its way meanwhile."""
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
        """One sync for all of them."""
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
        """What a local read shows, every later one on this node shows too, also after a loss of power."""
        try:
            self.storage.sync_all()
        except OSError as error:
            self._stop(error)

    def _compact(self) -> None:
        """Write the journal anew: what the chain holds needs no votes any more."""
        self.storage.compact(self.replica.acceptor.promised, self.replica.acceptor.opened, self.replica.votes())
        self._compact_at = max(COMPACT_BYTES, 2 * self.storage.journal_bytes)

    # What is decided

    def _apply(self, delivered: list[Deliver]) -> None:
        """Blocks and answers for these slots; the list is empty afterwards."""
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
        """Rule 11: slot after slot; one that fetched blocks have brought already is passed over."""
        height = self.state_machine.height
        if slot > height:
            self._expect_next(slot, height)
            self.state_machine.extend(value)
            self._unwritten = True

    def _expect_next(self, slot: Slot, height: int) -> None:
        if slot != height + 1:
            raise ProtocolError(f"slot {slot} was delivered to a chain of height {height}")

    def _install(self, source: NodeId, first_slot: Slot, blocks: tuple[str, ...]) -> None:
        """Rule 12: a peer's blocks are checked, link, hash and nonce, before they are believed."""
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
        """Write what was applied, the chain first, and then answer; a leader passes its nonces on."""
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

    def _look_ahead(self) -> None:
        """The votes are on their way: search meanwhile for the nonces of what was proposed."""
        self.state_machine.premine(self._ahead)
        self._ahead.clear()

    def _serve_catchup(self, to: NodeId, first_slot: Slot, last_slot: Slot) -> None:
        lines: list[str] = []
        size = 0
        last_slot = min(last_slot, self.state_machine.height)
        while size < CATCHUP_BYTES and first_slot + len(lines) <= last_slot:
            begin = first_slot + len(lines)
            for line in self._lines_to_serve(begin, min(last_slot, begin + CATCHUP_LINES - 1)):
                lines.append(line)
                size += len(line)
                if size >= CATCHUP_BYTES:
                    break
        if lines:
            reply = CatchupReply(
                sender=self.me, first_slot=first_slot, blocks=tuple(lines), decided=self.state_machine.height
            )
            self._send((to,), reply)

    def _lines_to_serve(self, first: Slot, last: Slot) -> list[str]:
        """Rule 12: what is decided, from the chain, and nothing that is only accepted."""
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
        """Rule 18: say why, let what is safe to say leave, and do nothing any more."""
        self.stopped = ending(self.me, error)
        self.host.report(NodeFailed(self.stopped))
        self.host.push()
        raise NodeStopped(self.stopped) from error
