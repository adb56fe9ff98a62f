"""One node on a test bench: a host that records its actions in order, and a disk in memory that can fail."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence

from blog.operations import Comment, Operation, Post
from chain.block import Block
from chain.blockchain import Miner
from chain.mining import mine
from paxos.ballot import Ballot, NodeId
from paxos.effects import Timer
from paxos.messages import Accept, AnyMessage, Decide, Request, Value
from paxos.records import JournalRecord
from simulator.node.client_api import ClientRead, ClientWrite, NodeReport, NoteLine, ReadAnswer, WriteAnswer
from simulator.node.codec import operation_text
from simulator.node.node import Node
from simulator.node.storage.storage import Recovered, Storage
from simulator.settings import Limits, Settings
from tests.simulator.node.storage.crash_disk import CrashDisk

LEADER = 2
BALLOT = Ballot(1, LEADER)
HELLO = Post("ann", "Hello", "first")
NICE = Comment("bob", "Hello", "nice")
NEW_POST = "NEW POST Hello from ann"
"""The answer to `HELLO`."""


def request(seq: int, operation: Operation = HELLO, client: str = "c1") -> Request:
    """A request with the encoded operation."""
    return Request(client, seq, operation_text(operation, client, seq))


def posts(count: int, first: int = 1) -> list[Value]:
    """Values of one post each, with distinct titles."""
    return [(request(seq, Post("ann", f"title {seq}", "text"), "many"),) for seq in range(first, first + count)]


class RecordingDisk(CrashDisk):
    """A disk that records its actions. `failing` names the one that fails from now on: "append" or "sync"."""

    def __init__(self, actions: list[str]) -> None:
        super().__init__()
        self.actions = actions
        self.failing = ""

    def append(self, name: str, data: bytes) -> None:
        """Record the action, or fail."""
        self._do("append", name)
        super().append(name, data)

    def sync(self, name: str) -> None:
        """Record the action, or fail."""
        self._do("sync", name)
        super().sync(name)

    def _do(self, what: str, name: str) -> None:
        if self.failing == what:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), f"/data/node-1/{name}")
        self.actions.append(f"{what} {name}")


class Bench:
    """Node 1 of `nodes`, with its actions in order, its messages and its reports. `again` restarts it on its disk."""

    def __init__(
        self,
        nodes: int = 3,
        *,
        node_type: type[Node] = Node,
        miner: Miner = mine,
        limits: Limits | None = None,
        **settings: int,
    ) -> None:
        self.actions: list[str] = []
        self.disk = RecordingDisk(self.actions)
        self.settings = Settings(nodes=nodes, limits=limits or Limits(), **settings)  # type: ignore[arg-type]
        self.node_type = node_type
        self.miner = miner
        self.now = 0
        self.again()

    def again(self) -> None:
        """Restart the node on the same files."""
        self.sent: list[tuple[tuple[NodeId, ...], AnyMessage]] = []
        self.reports: list[NodeReport] = []
        storage = Storage(self.disk, self.settings.difficulty)
        self.node = self.node_type(1, self.settings, storage, self, probe=self, miner=self.miner)
        self.node.start(self.now)
        self.node.flush(self.now)
        self.node.wake(Timer.RECOVERY, self.now)  # The others say nothing of its chain: it goes on without their word.
        self.node.flush(self.now)
        self.actions.clear()
        self.sent.clear()

    # Host

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Host`."""
        self.actions.append(f"send {type(message).__name__}")
        self.sent.append((to, message))

    def push(self) -> None:
        """See `Host`."""
        self.actions.append("push")

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """See `Host`."""

    def report(self, report: NodeReport) -> None:
        """See `Host`."""
        if not isinstance(report, NoteLine):
            self.actions.append(f"report {type(report).__name__}")
        self.reports.append(report)

    # Probe

    def recovered(self, recovered: Recovered) -> None:
        """See `Probe`."""
        self.actions.append("recovered")

    def recorded(self, records: Sequence[JournalRecord]) -> None:
        """See `Probe`."""
        self.actions.append(f"recorded {len(records)}")

    def synced(self) -> None:
        """See `Probe`."""
        self.actions.append("synced")

    def applied(self, blocks: Sequence[Block]) -> None:
        """See `Probe`."""
        self.actions.append(f"applied {len(blocks)}")

    def happened(self, what: str) -> None:
        """See `Probe`."""

    # Events

    def hear(self, *messages: AnyMessage) -> None:
        """Deliver one batch of messages."""
        self.now += 1
        for message in messages:
            self.node.receive(message, self.now)
        self.node.flush(self.now)

    def decide(self, *values: Value) -> None:
        """The leader proposes these values for the next slots and sends their decision in the same batch."""
        first, last = self.height + 1, self.height + len(values)
        self.hear(accept(first, *values), decide(last))

    def write(self, asked: Request) -> None:
        """A client sends a write to the node."""
        self.node.call(ClientWrite(asked), self.now)
        self.node.flush(self.now)

    def read(self, number: int, kind: str = "all", name: str = "", *, linearizable: bool = False) -> None:
        """A client sends a read to the node."""
        self.node.call(ClientRead(number, kind, name, linearizable), self.now)
        self.node.flush(self.now)

    def lead_alone(self) -> None:
        """Make the node of a cluster of one its leader."""
        self.node.wake(Timer.ELECTION, self.now)
        self.node.flush(self.now)
        self.actions.clear()

    # Results

    @property
    def height(self) -> int:
        """The number of applied blocks."""
        return self.node.state_machine.height

    def lines(self, name: str) -> list[str]:
        """The lines of a file."""
        return self.disk.files[name].decode().splitlines()

    def answers(self) -> list[tuple[int, str, str, int]]:
        """Seq, kind, text and height of each answer to a write since the last call."""
        found = [(r.seq, r.kind, r.text, r.height) for r in self.reports if isinstance(r, WriteAnswer)]
        self.reports = [r for r in self.reports if not isinstance(r, WriteAnswer)]
        return found

    def shown(self) -> list[tuple[int, str, object, int]]:
        """Number, kind, result and height of each answer to a read."""
        return [(r.number, r.kind, r.result, r.height) for r in self.reports if isinstance(r, ReadAnswer)]

    def notes(self) -> list[NoteLine]:
        """The lines for the running log."""
        return [r for r in self.reports if isinstance(r, NoteLine)]

    def heard(self, kind: type[AnyMessage]) -> list[AnyMessage]:
        """The messages of one class that the node sent."""
        return [message for _, message in self.sent if isinstance(message, kind)]


def accept(first_slot: int, *values: Value) -> Accept:
    """An ACCEPT from the leader."""
    return Accept(sender=LEADER, ballot=BALLOT, first_slot=first_slot, values=values, decided=0)


def decide(upto: int) -> Decide:
    """A DECIDE from the leader."""
    return Decide(sender=LEADER, ballot=BALLOT, decided=upto)
