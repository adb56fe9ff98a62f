"""One machine of the virtual world: a disk, a clock, and the life of a node on it.

All that is due at a node in one millisecond is one batch, ended by `flush`, as in a real process. A sync takes virtual
time: what the node says after it is said when it is over, and what arrives meanwhile waits for the next batch. If the
node dies before, nothing after the sync was said and the sync did not happen.
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
from simulator.node.client_api import ClientCall, NodeFailed, NodeReport
from simulator.node.drivable import Drivable
from simulator.node.node import NodeStopped
from simulator.node.status import Life, NodeStatus, after_death
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
)
from simulator.trace.observer import ObserverList
from simulator.worlds.virtual.clock import Clock
from simulator.worlds.virtual.disk import Killed, SimulatedDisk
from simulator.worlds.virtual.event_queue import PLACE_BITS, WORLD, EventQueue, QueuedEvent
from simulator.worlds.virtual.network import Network

ORIGINS_MS = 1_000_000
"""Clocks of different nodes begin up to so far apart: no two machines were started together."""


class Owner(Protocol):
    """Whoever is told how the node fares: the cluster."""

    def reported(self, node: NodeId, report: NodeReport) -> None:
        """The node tells clients or onlookers something."""

    def ended(self, node: NodeId, how: str) -> None:
        """The node's life is over. Calls of clients that it had are lost."""

    def surprised(self, node: NodeId, error: BaseException) -> None:
        """The node met what no correct peer can cause, or a bug of ours."""


class Machine:
    """A `Host` and a `Probe` for its node. `lives` counts the lives begun; what is of an earlier one is dropped.

    Invariant: `blocked` is true exactly while nothing may befall the node: it is down, not yet up, paused or syncing.
    """

    def __init__(
        self,
        node_id: NodeId,
        heap: EventQueue,
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
        self.disk = SimulatedDisk(dice, self._sync_takes)
        self.lives = 0
        self.life: Life = "down"
        self.error = ""
        self.node: Drivable | None = None
        self.blocked = True
        self.waiting: list[QueuedEvent] = []  # What came while it was blocked.
        self._heap = heap
        self._network = network
        self._on_called = observers.of(ClientCalled)
        self._on_delivered = observers.of(MessageDelivered)
        self._on_fired = observers.of(TimerFired)
        self._observers = observers
        self._owner = owner
        self._build = build
        self._dice = dice
        self._sync_ms = sync_ms
        self._due: dict[Timer, int] = {}  # By the own clock.
        self._alarms: dict[Timer, int] = {}  # The next moment at which each is looked at, in the world's time.
        self._lag_ms = 0  # How far the batch has come beyond the world's time, by syncing.
        self._busy_until_ms = 0
        self._later: list[tuple[int, Callable[..., None], tuple[Any, ...]]] = []
        self._last_status = NodeStatus(node=node_id)

    # Life

    def boot(self, after_ms: int = 0) -> None:
        """Begin a life, now or soon."""
        self.lives += 1
        self.life = "up"
        self.error = ""
        if after_ms:
            self._heap.put(self._heap.now_ms + after_ms, WORLD, (self._begin, self.lives, None))
        else:
            self._begin(self.lives)

    def _begin(self, life: int) -> None:
        if life != self.lives or self.life != "up" or self.node is not None:
            return  # Resumed before its first moment came, it has begun already.
        node = self._build(self)
        now = self.clock.read(self._heap.now_ms)
        self._busy_until_ms = 0
        try:
            node.start(now)
            self.node = node
            node.flush(now)
        except (Killed, Exception) as error:  # noqa: BLE001  As in `dispatch`.
            self._fail(error)
            return
        self._end_batch()

    def crash(self, how: str) -> None:
        """The power is gone."""
        if self.node is not None:
            self._last_status = self.node.status()
        self.node = None
        self.life = "down"
        self.blocked = True
        self._due.clear()
        self._alarms.clear()
        self._lag_ms = 0
        self._later.clear()
        self.disk.lose_power()
        self._emit_now(IncarnationEnded, how=how)
        self._owner.ended(self.me, how)
        lost, self.waiting = self.waiting, []
        self._drop(lost)

    def pause(self) -> None:
        """Stand still, and know nothing of it."""
        self.life = "paused"
        self.blocked = True

    def resume(self) -> None:
        """Go on, with everything that came meanwhile."""
        self.life = "up"
        if self.node is None:
            self._begin(self.lives)
        else:
            self._release(self.lives)

    def turn_clock(self, rate_percent: int, jump_ms: int) -> None:
        """Change the clock; alarms that are set ring when it shows their time."""
        self.clock.change(self._heap.now_ms, rate_percent, jump_ms)
        for timer, due in self._due.items():
            self._alarms.pop(timer, None)
            self._set_alarm(timer, due)

    def status(self, *, detail: bool = False) -> NodeStatus:
        """How it is now; of a node that is down, what is on its disk, and nothing that died with it."""
        if self.node is not None:
            state = self.node.status(detail=detail)
            return state if state.life == self.life else msgspec.structs.replace(state, life=self.life)
        return msgspec.structs.replace(after_death(self._last_status), life=self.life, error=self.error)

    # What befalls the node

    def dispatch(self, due: list[QueuedEvent]) -> None:
        """One batch."""
        if self.blocked:
            if self.life == "down":
                self._drop(due)
            else:
                self.waiting.extend(due)
            return
        node = self.node
        assert node is not None
        world_ms, me = self._heap.now_ms, self.me
        now = self.clock.read(world_ms)
        receive, passed, on_delivered = node.receive, self._network.passed, self._on_delivered
        try:
            for source, what, number in due:
                if source:
                    passed[source << PLACE_BITS | me] += 1
                    if on_delivered:
                        event = MessageDelivered(at_ms=world_ms, node=me, source=source, number=number, message=what)
                        for handle in on_delivered:
                            handle(event)
                    receive(what, now)
                elif number == self.lives:
                    self._handle(node, what, now)
            node.flush(now)
        except (Killed, Exception) as error:  # noqa: BLE001  Whatever it was ends a life, and not the world.
            self._fail(error)
            return
        if self._lag_ms:
            self._end_batch()

    def _handle(self, node: Drivable, what: Timer | ClientCall, now: int) -> None:
        if not isinstance(what, Timer):
            if self._on_called:
                self._emit_now(ClientCalled, call=what)
            node.call(what, now)
            return
        alarm = self._alarms.get(what)
        if alarm is None or alarm > self._heap.now_ms:
            return  # It was set anew, to another time.
        del self._alarms[what]
        due = self._due.get(what)
        if due is not None and due > now:
            self._set_alarm(what, due)
        elif due is not None:
            del self._due[what]
            if self._on_fired:
                self._emit_now(TimerFired, timer=what)
            node.wake(what, now)

    def _drop(self, due: list[QueuedEvent]) -> None:
        for source, what, number in due:
            if source:
                self._network.lose(source, self.me, what, number)

    def _fail(self, error: BaseException) -> None:
        """A life ends by itself: what was said and synced before that happened."""
        self._lag_ms = 0
        self._release_until(None)
        if isinstance(error, Killed):
            self.crash(f"it was killed {error.point.replace('-', ' ')}")
            return
        stopped = isinstance(error, NodeStopped)  # It has told why.
        cause = error.__cause__ if stopped else error
        if not stopped:
            bug = not isinstance(error, InputError | OSError)
            self.report(NodeFailed(f"{type(error).__name__}: {error}" if bug else str(error)))
        if isinstance(cause, ProtocolError) or not (stopped or isinstance(cause, InputError | OSError)):
            self._owner.surprised(self.me, cause or error)
        self.crash("it stopped itself")

    # The disk takes time

    def _sync_takes(self) -> int:
        """A sync begins: when it will be over, 0 for at once."""
        if len(self._sync_ms) == 1:
            takes = self._sync_ms[0]
        else:
            takes = self._sync_ms[int(self._dice.random() * len(self._sync_ms))]
        self._lag_ms += takes
        return self._heap.now_ms + self._lag_ms if takes else 0

    def _end_batch(self) -> None:
        """The batch is thought through; it is over when its last sync is."""
        self._busy_until_ms = self._heap.now_ms + self._lag_ms
        self._lag_ms = 0
        self.blocked = True
        self._release(self.lives)

    def _release(self, life: int) -> None:
        """What the node was to say by now leaves; when the disk is done, the next batch may come."""
        if life != self.lives or self.life != "up" or self.node is None:
            return
        now = self._heap.now_ms
        self._release_until(now)
        if now < self._busy_until_ms:
            until = self._later[0][0] if self._later else self._busy_until_ms
            self._heap.put(until, WORLD, (self._release, life, None))
            return
        self.blocked = False
        if self.waiting:
            waiting, self.waiting = self.waiting, []
            self._heap.put_first(self.me, waiting)

    def _release_until(self, now_ms: int | None) -> None:
        """Carry out what was put off until `now_ms`; None: all of it."""
        self.disk.settle(now_ms)
        said = 0
        for at, act, arguments in self._later:
            if now_ms is not None and at > now_ms:
                break
            said += 1
            act(*arguments)
        del self._later[:said]

    def _put_off(self, act: Callable[..., None], *arguments: Any) -> None:
        self._later.append((self._heap.now_ms + self._lag_ms, act, arguments))

    # The world as the node sees it

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Host`."""
        if self._lag_ms:
            self._put_off(self._network.send, self.me, to, message)
        else:
            self._network.send(self.me, to, message)

    def push(self) -> None:
        """See `Host`. Messages leave when they are sent."""

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """See `Host`. Times are the own clock's."""
        own = self.clock.read(self._heap.now_ms)
        due = self._due[timer] = own + max(1, min_ms + int(self._dice.random() * (max_ms - min_ms + 1)))
        self._set_alarm(timer, due)

    def _set_alarm(self, timer: Timer, due: int) -> None:
        """Look when it is due, unless somebody looks before: a timer put off again and again costs one look."""
        at = max(self.clock.when(due), self._heap.now_ms)
        if at < self._alarms.get(timer, at + 1):
            self._alarms[timer] = at
            self._heap.put(at, self.me, (0, timer, self.lives))

    def report(self, report: NodeReport) -> None:
        """See `Host`."""
        if self._lag_ms:
            self._put_off(self._report, report)
        else:
            self._report(report)

    def _report(self, report: NodeReport) -> None:
        if isinstance(report, NodeFailed):
            self.error = report.text
        self._emit_now(NodeReported, report=report)
        self._owner.reported(self.me, report)

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

    def _emit(self, kind: type[Event], **fields: Any) -> None:
        if self._lag_ms:
            self._put_off(self._emit_put_off, kind, fields)
        else:
            self._emit_now(kind, **fields)

    def _emit_put_off(self, kind: type[Event], fields: dict[str, Any]) -> None:
        self._emit_now(kind, **fields)

    def _emit_now(self, kind: type[Event], **fields: Any) -> None:
        handlers = self._observers.of(kind)
        if handlers:
            event = kind(at_ms=self._heap.now_ms, node=self.me, **fields)
            for handle in handlers:
                handle(event)
