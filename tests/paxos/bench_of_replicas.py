"""Replicas on a bench: messages on one heap in virtual time, a journal and a log a node, a blog that is a log.

Enough of a world for the protocol alone: links that lose, double, delay and reorder, nodes that crash between any two
batches or in the middle of one, clocks that jump. What is wrong is noticed at once (see `oracle`). The whole node, its
files and every other fault live in `simulator/virtual/`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from paxos.ballot import NO_BALLOT, NodeId, Slot
from paxos.core import Config
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
from paxos.messages import Acceptance, AnyMessage, CatchupReply, Request, Value
from paxos.records import AcceptedRecord, BallotRecord, JournalRecord, OpenedRecord
from paxos.replica import Replica
from paxos.waiting_requests import WaitingRequests
from tests.paxos.oracle import Oracle, RequestId

BLOCKS_A_REPLY = 64
"""How many slots one catch-up reply brings at most."""
HELD_BACK_MS = 100
"""A message that is reordered comes up to this much later than it would."""


class Seat:
    """One replica, its journal and its log. Everything but the journal and the log dies with `Bench.crash`.

    `ahead_ms` is how far this node's clock is before the bench's; the other names say what its clients were told.
    """

    def __init__(self, node: NodeId) -> None:
        self.node = node
        self.replica: Replica | None = None
        self.journal: list[JournalRecord] = []
        self.log: list[Value] = []
        self.where: dict[RequestId, Slot] = {}
        self.alarms: dict[Timer, int] = {}
        self.answered: dict[RequestId, Slot] = {}
        self.given_up: dict[RequestId, bool] = {}
        self.reads: dict[int, int] = {}
        self.notes: list[str] = []
        self.mine: set[RequestId] = set()
        self.ahead_ms = 0

    def forget_the_end(self, slots: int) -> None:
        """A loss of power takes the last `slots` slots of the log, which was not synced; the journal was."""
        del self.log[max(0, len(self.log) - slots) :]
        self.where = {name: slot for name, slot in self.where.items() if slot <= len(self.log)}


class Bench:
    """`nodes` replicas. `delay` is how long a message takes; `cut` the directed links on which nothing passes.

    `drop`, `duplicate` and `reorder` are probabilities of each message; `frail` is the probability that a batch that
    has something to write ends in a crash, before or after it is safe. All times are milliseconds. `limits` are fields
    of `Config`; `make` makes the replicas.
    """

    def __init__(self, nodes: int = 5, *, seed: int = 0, make: Callable[..., Replica] = Replica, **limits: Any) -> None:
        self.dice = Random(seed)
        self.nodes = tuple(range(1, nodes + 1))
        self.seats = {node: Seat(node) for node in self.nodes}
        majority = nodes // 2 + 1
        self.oracle = Oracle(limits.get("prepare_quorum", majority), limits.get("accept_quorum", majority))
        self.now = 0
        self.cut: set[tuple[NodeId, NodeId]] = set()
        self.drop = self.duplicate = self.reorder = self.frail = 0.0
        self.delay: tuple[int, int] = (1, 2)
        self.sent: list[tuple[NodeId, NodeId, AnyMessage]] = []
        self.requests = 0
        self.read_count = 0
        self._make = make
        self._limits = limits
        self._heap: list[tuple[int, int, NodeId, AnyMessage | Timer]] = []
        self._serial = 0
        for node in self.nodes:
            self.start(node)

    # Lives

    def start(self, node: NodeId) -> None:
        """Begin an incarnation of `node` from its journal and its log."""
        seat = self.seats[node]
        promised = opened = NO_BALLOT
        accepted: dict[Slot, Acceptance] = {}
        for record in seat.journal:
            assert isinstance(record, BallotRecord), f"nobody loses a memory here: {record}"
            promised = max(promised, record.ballot)
            if isinstance(record, OpenedRecord):
                opened = max(opened, record.ballot)
            elif isinstance(record, AcceptedRecord) and record.slot > len(seat.log):
                accepted[record.slot] = Acceptance(record.slot, record.ballot, record.value)
        self.oracle.started(node, promised)
        seat.replica = self._make(
            Config(node=node, nodes=self.nodes, **self._limits),
            promised=promised,
            opened=opened,
            accepted=accepted,
            decided=len(seat.log),
            applied=lambda client, seq: seat.where.get((client, seq), 0),
            waiting=WaitingRequests(),
        )
        seat.replica.start(self._clock(seat))
        self._settle(seat)

    def crash(self, node: NodeId) -> None:
        """End an incarnation of `node` as `kill -9` does: its journal and its log stay."""
        seat = self.seats[node]
        seat.replica = None
        seat.alarms.clear()
        seat.mine.clear()

    def alive(self) -> list[NodeId]:
        """The nodes that live, in order."""
        return [seat.node for seat in self.seats.values() if seat.replica is not None]

    # Clients

    def write(self, node: NodeId) -> RequestId:
        """A new write at `node`; returns its name."""
        self.requests += 1
        request = Request("c", self.requests, f"operation {self.requests}")
        self.submit(node, request)
        return request.id

    def submit(self, node: NodeId, request: Request) -> None:
        """A write, or one more try of it, at `node`."""
        seat = self.seats[node]
        self.oracle.issued.add(request.id)
        if request.id in seat.where:
            self._answer(seat, request.id)  # As the register of pending requests of the node does.
            return
        seat.mine.add(request.id)
        self.of(node).submit(request, self._clock(seat))
        self._settle(seat)

    def read(self, node: NodeId) -> int:
        """A linearizable read at `node`; returns its number. What it saw is in the seat's `reads`."""
        self.read_count += 1
        seat = self.seats[node]
        self.oracle.asked(self.read_count)
        self.of(node).read(self.read_count, self._clock(seat))
        self._settle(seat)
        return self.read_count

    def receive(self, node: NodeId, message: AnyMessage) -> None:
        """Hand `message` to `node` at once, whoever may have sent it."""
        self._happen(self.seats[node], message)

    # Links

    def split(self, *groups: set[NodeId]) -> None:
        """Cut all links between different groups."""
        side = {node: place for place, group in enumerate(groups) for node in group}
        self.cut |= {(a, b) for a in side for b in side if side[a] != side[b]}

    def keep_only(self, *pairs: tuple[NodeId, NodeId]) -> None:
        """Cut all links but these, which work both ways."""
        kept = {*pairs, *((b, a) for a, b in pairs)}
        self.cut |= {(a, b) for a in self.nodes for b in self.nodes if a != b and (a, b) not in kept}

    def heal(self) -> None:
        """All links whole, nothing lost, doubled or reordered any more, and no more crashes."""
        self.cut.clear()
        self.drop = self.duplicate = self.reorder = self.frail = 0.0

    # Time

    def run(self, ms: int) -> None:
        """Let `ms` milliseconds pass."""
        self.until(lambda: False, ms)

    def until(self, condition: Callable[[], bool], ms: int = 10_000) -> bool:
        """Let time pass until `condition` holds, `ms` at most; returns whether it holds."""
        end = self.now + ms
        while not condition():
            if not self._heap or self._heap[0][0] > end:
                self.now = end
                return condition()
            self.now, _, node, event = heapq.heappop(self._heap)
            self._happen(self.seats[node], event)
        return True

    # Pictures

    def leaders(self) -> list[NodeId]:
        """The nodes that believe to lead, in order."""
        return [seat.node for seat in self.seats.values() if seat.replica is not None and seat.replica.election.leading]

    def leader(self) -> NodeId:
        """The one leader; waits until there is one."""
        assert self.until(lambda: len(self.leaders()) == 1), "no leader came up"
        return self.leaders()[0]

    def answered(self, node: NodeId, name: RequestId) -> bool:
        """Whether the client of the write `name` at `node` was told that it took effect."""
        return name in self.seats[node].answered

    def logs(self) -> list[list[Value]]:
        """Every node's log, in order of nodes."""
        return [seat.log for seat in self.seats.values()]

    def agree(self) -> bool:
        """Whether of any two logs one is a prefix of the other."""
        longest = max(self.logs(), key=len)
        return all(log == longest[: len(log)] for log in self.logs())

    def converged(self) -> bool:
        """Whether all logs are the same."""
        logs = self.logs()
        return all(log == logs[0] for log in logs)

    def of(self, node: NodeId) -> Replica:
        """The living replica of `node`."""
        replica = self.seats[node].replica
        assert replica is not None, f"node {node} is down"
        return replica

    def messages_of(self, kind: type[AnyMessage], source: NodeId = 0) -> list[tuple[NodeId, NodeId, Any]]:
        """All messages of a class that were ever sent, by `source` or by anybody, lost or not: from, to, message."""
        return [one for one in self.sent if isinstance(one[2], kind) and source in (0, one[0])]

    # The driver

    def _clock(self, seat: Seat) -> int:
        return self.now + seat.ahead_ms

    def _happen(self, seat: Seat, event: AnyMessage | Timer) -> None:
        if seat.replica is None:
            return
        if not isinstance(event, Timer):
            seat.replica.receive(event, self._clock(seat))
        elif seat.alarms.get(event) == self.now:
            del seat.alarms[event]
            seat.replica.wake(event, self._clock(seat))
        else:
            return  # It was set anew.
        self._settle(seat)

    def _settle(self, seat: Seat) -> None:
        """Carry out effects until there are none, as `simulator/node/node.py` does."""
        while seat.replica is not None:
            seat.replica.flush(self._clock(seat))
            effects = seat.replica.take_effects()
            if not effects:
                return
            self._carry_out(seat, effects)

    def _carry_out(self, seat: Seat, effects: Sequence[Effect]) -> None:
        """Send `SendNow` at once, then append the records, then send what depends on them."""
        records = [effect.record for effect in effects if isinstance(effect, Persist)]
        durable_sends = [effect for effect in effects if isinstance(effect, Send)]
        for effect in effects:
            if not isinstance(effect, Persist | Send):
                self._carry_out_at_once(seat, effect)
        crashes = bool(records) and self.dice.random() < self.frail
        if crashes and self.dice.random() < 0.5:
            self.crash(seat.node)
            return
        for record in records:
            self.oracle.recorded(seat.node, record)
        seat.journal += records
        if crashes:
            self.crash(seat.node)
            return
        for send in durable_sends:
            self._send(seat, send.to, send.message)
        for send in durable_sends:
            if seat.node in send.to:
                self.of(seat.node).receive(send.message, self._clock(seat))

    def _carry_out_at_once(self, seat: Seat, effect: Effect) -> None:  # noqa: C901  One case an effect.
        match effect:
            case SendNow(to, message):
                self._send(seat, to, message)
            case SetTimer(timer, least, most):
                seat.alarms[timer] = self._push(self.dice.randint(least, most), seat.node, timer)
            case Deliver(slot, value):
                self._apply(seat, slot, value)
            case Install(_, first, blocks):
                for slot, block in enumerate(blocks, first):
                    self._apply(seat, slot, _values[block])
                self.of(seat.node).installed(len(seat.log))
            case ServeCatchup(to, first, last):
                self._serve(seat, to, first, min(last, first + BLOCKS_A_REPLY - 1))
            case GiveUp(ids, no_majority):
                seat.given_up.update(dict.fromkeys(ids, no_majority))
            case ReadReady(reads):
                for number in reads:
                    self.oracle.shown(number, len(seat.log))
                    seat.reads[number] = len(seat.log)
            case ReadGiveUp(reads, _):
                seat.reads.update(dict.fromkeys(reads, -1))
            case Note(kind, _):
                seat.notes.append(kind)
                if kind == "leader":
                    self.oracle.leads(seat.node, self.of(seat.node).status().ballot)
            case _:
                raise AssertionError(effect)

    def _apply(self, seat: Seat, slot: Slot, value: Value) -> None:
        """The next slot is applied; one that fetched blocks have brought already is passed over."""
        if slot <= len(seat.log):
            return
        assert slot == len(seat.log) + 1, f"node {seat.node} applied slot {slot} to a log of {len(seat.log)}"
        self.oracle.applied(seat.node, slot, value)
        seat.log.append(value)
        for request in value:
            seat.where.setdefault(request.id, slot)
            if request.id in seat.mine:
                self._answer(seat, request.id)

    def _answer(self, seat: Seat, name: RequestId) -> None:
        seat.answered.setdefault(name, seat.where[name])
        self.oracle.answered(name, seat.where[name])

    def _serve(self, seat: Seat, to: NodeId, first: Slot, last: Slot) -> None:
        blocks = tuple(map(_block, seat.log[first - 1 : last]))
        reply = CatchupReply(sender=seat.node, first_slot=first, blocks=blocks, decided=len(seat.log))
        self._send(seat, (to,), reply)

    def _send(self, seat: Seat, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        dice = self.dice.random
        for target in to:
            if target == seat.node:
                continue
            self.sent.append((seat.node, target, message))
            if (seat.node, target) in self.cut or dice() < self.drop:
                continue
            for _ in range(1 + (dice() < self.duplicate)):
                held = self.dice.randint(0, HELD_BACK_MS) if dice() < self.reorder else 0
                self._push(self.dice.randint(*self.delay) + held, target, message)

    def _push(self, after: int, node: NodeId, event: AnyMessage | Timer) -> int:
        self._serial += 1
        heapq.heappush(self._heap, (self.now + after, self._serial, node, event))
        return self.now + after


_values: dict[str, Value] = {}


def _block(value: Value) -> str:
    text = repr(value)
    _values[text] = value
    return text


def a_working(nodes: int = 5, **limits: Any) -> tuple[Bench, int, list[int]]:
    """A bench with a leader that everybody follows, the leader, and the others."""
    bench = Bench(nodes, **limits)
    leader = bench.leader()
    bench.run(200)
    return bench, leader, [node for node in bench.nodes if node != leader]


def leads_alone(bench: Bench, *among: int) -> bool:
    """Whether exactly one of these nodes leads and the others of them follow it."""
    leaders = [node for node in bench.leaders() if node in among]
    return len(leaders) == 1 and all(bench.of(node).status().leader == leaders[0] for node in among)
