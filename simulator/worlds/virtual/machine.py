"""One machine of the virtual world: a disk, a clock, and the incarnations of a node on it.

Everything due at a node in one millisecond is one batch, which ends with `flush`, as in a real process. A sync takes
virtual time. What the node sends after it leaves when the sync ends; what arrives meanwhile waits for the next batch.
If the node dies before the end, the sync and everything after it did not happen.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Protocol

import msgspec

from chain.block import Block
from paxos.ballot import NodeId
from paxos.core import ProtocolError
from paxos.effects import Timer
from paxos.messages import AnyMessage
from paxos.records import JournalRecord
from simulator.errors import InputError
from simulator.faults.faults import DAMAGES, DiskFault
from simulator.node.client_api import ClientCall, NodeFailed, NodeReport
from simulator.node.drivable import Drivable
from simulator.node.node import NodeStopped
from simulator.node.status import Life, NodeStatus, after_death
from simulator.node.storage.identity import NO_PAST, later
from simulator.node.storage.journal import JOURNAL, reached
from simulator.node.storage.storage import Recovered
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    Event,
    IncarnationEnded,
    JournalSynced,
    MessageDelivered,
    NodeRecovered,
    NodeReported,
    RecordsAppended,
    TimerFired,
    TurnBegan,
)
from simulator.trace.observer import ObserverList
from simulator.worlds.virtual.clock import Clock
from simulator.worlds.virtual.disk import Killed, SimulatedDisk
from simulator.worlds.virtual.event_queue import PLACE_BITS, WORLD, EventQueue, QueuedEvent
from simulator.worlds.virtual.network import Network
from simulator.worlds.virtual.sync_delay import SyncDelay
from simulator.worlds.virtual.timers import NodeTimers

ORIGINS_MS = 1_000_000
"""Clocks of different nodes start up to this far apart, as machines were not started together."""


class Owner(Protocol):
    """Gets what a machine reports: the cluster."""

    def reported(self, node: NodeId, report: NodeReport) -> None:
        """The node sent a report."""

    def ended(self, node: NodeId, how: str) -> None:
        """An incarnation of the node has ended. The calls of clients that it had are lost."""

    def happened(self, node: NodeId, what: str) -> None:
        """Something rare happened in a node that searches count."""

    def surprised(self, node: NodeId, error: BaseException) -> None:
        """The node met what no correct peer can cause, or a bug of ours."""


class Machine:
    """A `Host` and a `Probe` for its node. `incarnation` counts them; events of an earlier one are dropped.

    `on_compacted` is called when the node has rewritten its journal.
    `past` is how far the journal had come when the node last went down: the machine remembers it, whatever happens to
    the files. `harmed`: files of this incarnation were damaged under it, and it may not have noticed yet.

    Invariant: `blocked` is true exactly while the node can handle no event: it is down, starting, paused or syncing.
    """

    def __init__(
        self,
        node_id: NodeId,
        queue: EventQueue,
        network: Network,
        observers: ObserverList,
        owner: Owner,
        *,
        build: Callable[[Machine], Drivable],
        dice: Random,
        sync_ms: tuple[int, ...],
    ) -> None:
        self.me = node_id
        self.clock = Clock(dice.randint(0, ORIGINS_MS))
        self._delay = SyncDelay(queue, dice, sync_ms)
        self.disk = SimulatedDisk(dice, self._delay.begin_sync, self._replaced_file)
        self.on_compacted: Callable[[int, NodeId], None] | None = None
        self.past = NO_PAST
        self.harmed = False
        self.incarnation = 0
        self.life: Life = "down"
        self.error = ""
        self.node: Drivable | None = None
        self.blocked = True
        self.waiting: list[QueuedEvent] = []  # Events that came while it was blocked.
        self._queue = queue
        self._network = network
        self._send = network.send
        self._timers = NodeTimers(node_id, self.clock, queue, dice)
        self._on_called = observers.of(ClientCalled)
        self._on_delivered = observers.by_message(MessageDelivered)
        self._on_fired = observers.of(TimerFired)
        self._on_turn = observers.of(TurnBegan)
        self._observers = observers
        self._owner = owner
        self._build = build
        self._busy_until_ms = 0
        self._ended: Drivable | None = None  # The node of the last incarnation, until its status is asked for.
        self._last_status = NodeStatus(node=node_id)

    # Start and end

    def boot(self, after_ms: int = 0) -> None:
        """Start an incarnation, now or after a delay."""
        self.incarnation += 1
        self._timers.incarnation = self.incarnation
        self.life = "up"
        self.error = ""
        self.harmed = False
        if after_ms:
            self._queue.put(self._queue.now_ms + after_ms, WORLD, (self._begin, self.incarnation, None))
        else:
            self._begin(self.incarnation)

    def _begin(self, incarnation: int) -> None:
        if incarnation != self.incarnation or self.life != "up" or self.node is not None:
            return  # If it was resumed before its start was due, it has started already.
        node = self._build(self)
        now = self.clock.read(self._queue.now_ms)
        self._busy_until_ms = 0
        self._turn(now, 0, nonce=self.incarnation)
        try:
            node.start(now)
            self.disk.keep_copy()
            self.node = node
            node.flush(now)
        except (Killed, Exception) as error:  # noqa: BLE001  As in `dispatch`.
            self._fail(error)
            return
        self._end_batch()

    def crash(self, how: str) -> None:
        """End the incarnation, as a loss of power does."""
        self._end(how, self.disk.lose_power)

    def kill(self) -> None:
        """End the incarnation alone: what it had written stays, and a later loss of power may still take it."""
        self._end("its process was killed", self.disk.end_process)
        journal = self.disk.files.get(JOURNAL)
        if journal is not None and journal.synced < len(journal.data):
            self.happened("kills that left unsynced records")

    def _end(self, how: str, at_disk: Callable[[], None]) -> None:
        if self.node is not None:
            self._ended = self.node
        self.node = None
        self.life = "down"
        self.blocked = True
        self._timers.clear()
        self._delay.clear()
        at_disk()
        self._remember()
        self._publish(IncarnationEnded, {"how": how})
        self._owner.ended(self.me, how)
        lost, self.waiting = self.waiting, []
        self._drop(lost)

    def _remember(self) -> None:
        """Note how far the journal has come."""
        journal = self.disk.files.get(JOURNAL)
        if journal is not None:
            self.past = later(self.past, reached(bytes(journal.data[: journal.synced])))

    def pause(self) -> None:
        """Stop the node without its knowledge."""
        self.life = "paused"
        self.blocked = True

    def resume(self) -> None:
        """Let the node go on, with every event that came meanwhile."""
        self.life = "up"
        if self.node is None:
            self._begin(self.incarnation)
        else:
            self._release(self.incarnation)

    def change_disk(self, fault: DiskFault) -> None:
        """Damage a file, or set the fault mode of the disk; "ok" also cancels a crash at a point.

        Raises:
            InputError: see `SimulatedDisk.damage`.
        """
        if fault.kind in DAMAGES:
            self._remember()  # The file may be gone, or shorter, when the node ends.
            self.disk.damage(fault, up=self.life != "down")
            self.harmed = self.life != "down"
            return
        self._delay.slower_ms = fault.delay_ms if fault.kind == "slow" else 0
        self.disk.fault_mode = fault.kind
        if fault.kind == "ok":
            self.disk.crash_at = None

    def change_clock(self, rate_percent: int, jump_ms: int) -> None:
        """Change the node's clock."""
        self.clock.change(self._queue.now_ms, rate_percent, jump_ms)
        self._timers.clock_changed()

    def status(self, *, detail: bool = False) -> NodeStatus:
        """See `Cluster.status`."""
        if self.node is not None:
            status = self.node.status(detail=detail)
            return status if status.life == self.life else msgspec.structs.replace(status, life=self.life)
        if self._ended is not None:
            self._last_status, self._ended = self._ended.status(), None
        return msgspec.structs.replace(after_death(self._last_status), life=self.life, error=self.error)

    # Events

    def dispatch(self, due: list[QueuedEvent]) -> None:
        """Hand one batch of events to the node."""
        if self.blocked:
            if self.life == "down":
                self._drop(due)
            else:
                self.waiting.extend(due)
            return
        node = self.node
        assert node is not None
        world_ms, me = self._queue.now_ms, self.me
        now = self.clock.read(world_ms)
        if self._on_turn:
            mine = self.incarnation
            self._turn(now, sum(bool(source) or (n == mine and not isinstance(what, Timer)) for source, what, n in due))
        receive, passed, on_delivered = node.receive, self._network.passed, self._on_delivered
        try:
            for source, what, number in due:
                if source:
                    passed[source << PLACE_BITS | me] += 1
                    handlers = on_delivered[type(what)]
                    if handlers:
                        event = MessageDelivered(at_ms=world_ms, node=me, source=source, number=number, message=what)
                        for handle in handlers:
                            handle(event)
                    receive(what, now)
                elif number == self.incarnation:
                    self._handle(node, what, now)
            node.flush(now)
        except (Killed, Exception) as error:  # noqa: BLE001  Any exception ends this incarnation, not the simulation.
            self._fail(error)
            return
        if self._delay.lag_ms:
            self._end_batch()

    def _turn(self, own_ms: int, inputs: int, nonce: int = 0) -> None:
        for handle in self._on_turn:
            handle(TurnBegan(at_ms=self._queue.now_ms, node=self.me, own_ms=own_ms, inputs=inputs, nonce=nonce))

    def _handle(self, node: Drivable, what: Timer | ClientCall, now: int) -> None:
        if not isinstance(what, Timer):
            if self._on_called:
                self._publish(ClientCalled, {"call": what})
            node.call(what, now)
        elif self._timers.fires(what, now):
            if self._on_fired:
                self._publish(TimerFired, {"timer": what})
            node.wake(what, now)

    def _drop(self, due: list[QueuedEvent]) -> None:
        for source, what, number in due:
            if source:
                self._network.lose(source, self.me, what, number, "down")

    def _fail(self, error: BaseException) -> None:
        """End the incarnation because of its own error. What it sent and synced before has happened."""
        self._delay.lag_ms = 0
        self._run_deferred(None)
        if isinstance(error, Killed):
            self.crash(f"it was killed {error.point.replace('-', ' ')}")
            return
        stopped = isinstance(error, NodeStopped)  # The node has reported the reason itself.
        cause = error.__cause__ if stopped else error
        if not stopped:
            bug = not isinstance(error, InputError | OSError)
            self.report(NodeFailed(f"{type(error).__name__}: {error}" if bug else str(error)))
        if isinstance(cause, ProtocolError) or not (stopped or isinstance(cause, InputError | OSError)):
            self._owner.surprised(self.me, cause or error)
        self.crash("it stopped itself")

    def _replaced_file(self) -> None:
        if self.on_compacted is not None and self.node is not None:  # A new node writes its first journal at its start.
            self.on_compacted(self._queue.now_ms, self.me)

    # Syncs take time

    def _end_batch(self) -> None:
        """Block the node until the last sync of this batch has ended."""
        self._busy_until_ms = self._delay.end_batch()
        self.blocked = True
        self._release(self.incarnation)

    def _release(self, incarnation: int) -> None:
        """Carry out what was deferred until now. Unblock the node if its syncs have ended."""
        if incarnation != self.incarnation or self.life != "up" or self.node is None:
            return
        now = self._queue.now_ms
        self._run_deferred(now)
        if now < self._busy_until_ms:
            until = self._delay.next_ms()
            at = self._busy_until_ms if until is None else until
            self._queue.put(at, WORLD, (self._release, incarnation, None))
            return
        self.blocked = False
        if self.waiting:
            waiting, self.waiting = self.waiting, []
            self._queue.put_first(self.me, waiting)

    def _run_deferred(self, now_ms: int | None) -> None:
        self.disk.settle(now_ms)
        self._delay.run_until(now_ms)

    # The host of the node

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Host`."""
        if self._delay.lag_ms:
            self._delay.defer(self._send, self.me, to, message)
        else:
            self._send(self.me, to, message)

    def push(self) -> None:
        """See `Host`. Messages leave when they are sent."""

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """See `Host`. Times are those of the node's clock."""
        self._timers.set(timer, min_ms, max_ms)

    def report(self, report: NodeReport) -> None:
        """See `Host`."""
        if self._delay.lag_ms:
            self._delay.defer(self._report, report)
        else:
            self._report(report)

    def _report(self, report: NodeReport) -> None:
        if isinstance(report, NodeFailed):
            self.error = report.text
        self._publish(NodeReported, {"report": report})
        self._owner.reported(self.me, report)

    # The probe of the node

    def recovered(self, recovered: Recovered) -> None:
        """See `Probe`."""
        self._emit(NodeRecovered, found=recovered)

    def recorded(self, records: Sequence[JournalRecord]) -> None:
        """See `Probe`."""
        self._emit(RecordsAppended, records=tuple(records))

    def synced(self) -> None:
        """See `Probe`."""
        self._emit(JournalSynced)

    def applied(self, blocks: Sequence[Block]) -> None:
        """See `Probe`."""
        self._emit(BlocksApplied, blocks=tuple(blocks))

    def happened(self, what: str) -> None:
        """See `Probe`."""
        self._owner.happened(self.me, what)

    def _emit(self, kind: type[Event], **fields: Any) -> None:
        if self._delay.lag_ms:
            self._delay.defer(self._publish, kind, fields)
        else:
            self._publish(kind, fields)

    def _publish(self, kind: type[Event], fields: dict[str, Any]) -> None:
        handlers = self._observers.handlers.get(kind)
        if handlers:
            event = kind(at_ms=self._queue.now_ms, node=self.me, **fields)
            for handle in handlers:
                handle(event)
