"""Replicas on a bench: messages on one heap in virtual time, disks that never fail, a blog that is a list of requests.

Enough of a world for the protocol alone; the whole node and every fault live in `simulator/virtual/`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from random import Random
from typing import Any

from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.core import Config
from paxos.effects import (
    Deliver,
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
from paxos.records import AcceptedRecord, JournalRecord, OpenedRecord
from paxos.replica import Replica


class Seat:
    """One replica, its journal and its log. Everything but the journal and the log dies with `crash`."""

    def __init__(self, node: NodeId) -> None:
        self.node = node
        self.replica: Replica | None = None
        self.journal: list[JournalRecord] = []
        self.log: list[Value] = []
        self.where: dict[tuple[str, int], Slot] = {}
        self.alarms: dict[Timer, int] = {}
        self.answered: dict[tuple[str, int], Slot] = {}
        self.given_up: dict[tuple[str, int], bool] = {}
        self.reads: dict[int, int] = {}
        self.notes: list[str] = []
        self.mine: set[tuple[str, int]] = set()


class Bench:
    """`nodes` replicas. `delay` is how long a message takes; `cut` the directed links on which nothing passes."""

    def __init__(self, nodes: int = 5, *, seed: int = 0, make: Callable[..., Replica] = Replica, **limits: Any) -> None:
        self.dice = Random(seed)
        self.nodes = tuple(range(1, nodes + 1))
        self.seats = {node: Seat(node) for node in self.nodes}
        self.now = 0
        self.cut: set[tuple[NodeId, NodeId]] = set()
        self.drop = 0.0
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

    def start(self, node: NodeId) -> None:
        seat = self.seats[node]
        promised = opened = NO_BALLOT
        accepted: dict[Slot, Acceptance] = {}
        for record in seat.journal:
            promised = max(promised, record.ballot)
            if isinstance(record, OpenedRecord):
                opened = max(opened, record.ballot)
            elif isinstance(record, AcceptedRecord) and record.slot > len(seat.log):
                accepted[record.slot] = Acceptance(record.slot, record.ballot, record.value)
        config = Config(node=node, nodes=self.nodes, **self._limits)
        seat.replica = self._make(
            config,
            promised=promised,
            opened=opened,
            accepted=accepted,
            decided=len(seat.log),
            applied=lambda client, seq: seat.where.get((client, seq), 0),
        )
        seat.replica.start(self.now)
        self._settle(seat)

    def crash(self, node: NodeId) -> None:
        seat = self.seats[node]
        seat.replica = None
        seat.alarms.clear()
        seat.mine.clear()

    def write(self, node: NodeId) -> tuple[str, int]:
        self.requests += 1
        request = Request("c", self.requests, f"operation {self.requests}")
        self.submit(node, request)
        return request.id

    def submit(self, node: NodeId, request: Request) -> None:
        seat = self.seats[node]
        seat.mine.add(request.id)
        self._replica(seat).submit(request, self.now)
        self._settle(seat)

    def read(self, node: NodeId) -> int:
        self.read_count += 1
        seat = self.seats[node]
        self._replica(seat).read(self.read_count, self.now)
        self._settle(seat)
        return self.read_count

    def receive(self, node: NodeId, message: AnyMessage) -> None:
        seat = self.seats[node]
        if seat.replica is not None:
            seat.replica.receive(message, self.now)
            self._settle(seat)

    def split(self, *groups: set[NodeId]) -> None:
        """Cut all links between different groups."""
        side = {node: place for place, group in enumerate(groups) for node in group}
        self.cut |= {(a, b) for a in side for b in side if side[a] != side[b]}

    def run(self, ms: int) -> None:
        self.until(lambda: False, ms)

    def until(self, condition: Callable[[], bool], ms: int = 10_000) -> bool:
        end = self.now + ms
        while not condition():
            if not self._heap or self._heap[0][0] > end:
                self.now = end
                return condition()
            self.now, _, node, event = heapq.heappop(self._heap)
            seat = self.seats[node]
            if seat.replica is None:
                continue
            if isinstance(event, Timer):
                if seat.alarms.get(event) != self.now:
                    continue
                del seat.alarms[event]
                seat.replica.wake(event, self.now)
            else:
                seat.replica.receive(event, self.now)
            self._settle(seat)
        return True

    def leaders(self) -> list[NodeId]:
        return [seat.node for seat in self.seats.values() if seat.replica is not None and seat.replica.election.leading]

    def leader(self) -> NodeId:
        assert self.until(lambda: len(self.leaders()) == 1), "no leader came up"
        return self.leaders()[0]

    def answered(self, node: NodeId, name: tuple[str, int]) -> bool:
        return name in self.seats[node].answered

    def logs(self) -> list[list[Value]]:
        return [seat.log for seat in self.seats.values()]

    def agree(self) -> bool:
        longest = max(self.logs(), key=len)
        return all(log == longest[: len(log)] for log in self.logs())

    def of(self, node: NodeId) -> Replica:
        return self._replica(self.seats[node])

    def _replica(self, seat: Seat) -> Replica:
        assert seat.replica is not None
        return seat.replica

    def _settle(self, seat: Seat) -> None:
        replica = self._replica(seat)
        while True:
            replica.flush(self.now)
            effects = replica.take_effects()
            if not effects:
                return
            own: list[AnyMessage] = []
            for effect in effects:
                match effect:
                    case Persist(record):
                        seat.journal.append(record)
                    case Send(to, message) | SendNow(to, message):
                        for target in to:
                            if target == seat.node:
                                own.append(message)
                            else:
                                self._send(seat.node, target, message)
                    case SetTimer(timer, least, most):
                        seat.alarms[timer] = self._push(self.dice.randint(least, most), seat.node, timer)
                    case Deliver(slot, value):
                        assert slot == len(seat.log) + 1
                        self._apply(seat, value)
                    case Install(_, first, blocks):
                        for place, block in enumerate(blocks, first):
                            if place == len(seat.log) + 1:
                                self._apply(seat, _values[block])
                        replica.installed(len(seat.log))
                    case ServeCatchup(to, first, last):
                        blocks = tuple(map(_block, seat.log[first - 1 : last]))
                        reply = CatchupReply(sender=seat.node, first_slot=first, blocks=blocks, decided=len(seat.log))
                        self._send(seat.node, to, reply)
                    case GiveUp(ids, no_majority):
                        seat.given_up.update(dict.fromkeys(ids, no_majority))
                    case ReadReady(reads):
                        seat.reads.update(dict.fromkeys(reads, len(seat.log)))
                    case ReadGiveUp(reads, _):
                        seat.reads.update(dict.fromkeys(reads, -1))
                    case Note(kind, _):
                        seat.notes.append(kind)
            for message in own:
                replica.receive(message, self.now)

    def _apply(self, seat: Seat, value: Value) -> None:
        seat.log.append(value)
        for request in value:
            seat.where.setdefault(request.id, len(seat.log))
            if request.id in seat.mine:
                seat.answered.setdefault(request.id, len(seat.log))

    def _send(self, source: NodeId, target: NodeId, message: AnyMessage) -> None:
        self.sent.append((source, target, message))
        if (source, target) in self.cut or self.dice.random() < self.drop:
            return
        self._push(self.dice.randint(*self.delay), target, message)

    def _push(self, after: int, node: NodeId, event: AnyMessage | Timer) -> int:
        self._serial += 1
        heapq.heappush(self._heap, (self.now + after, self._serial, node, event))
        return self.now + after


_values: dict[str, Value] = {}


def _block(value: Value) -> str:
    text = repr(value)
    _values[text] = value
    return text


def ballot(round_: int, owner: NodeId) -> Ballot:
    """Short for a test."""
    return Ballot(round_, owner)
