"""A node without a protocol: it copies each write to all others and answers when a majority has it on disk.

It lets the supervisor be tested alone, and is the bare pattern beside which the real node is measured.
"""

from __future__ import annotations

import os
from pathlib import Path

from paxos.effects import Timer
from paxos.messages import AnyMessage, Forward, ForwardReply, Request
from simulator.node.client_api import (
    ClientCall,
    ClientRead,
    ClientWrite,
    Inspect,
    Inspected,
    NoteLine,
    ReadAnswer,
    WriteAnswer,
)
from simulator.node.host import Host
from simulator.node.status import NodeStatus, Role
from simulator.settings import Settings


class FakeNode:
    """Node 1 calls itself the leader. `height` counts the lines of its file, which may be in any order."""

    def __init__(self, node_id: int, settings: Settings, host: Host) -> None:
        self.me = node_id
        self.others = tuple(node for node in settings.node_ids if node != node_id)
        self.majority = settings.majority
        self.host = host
        self.path = Path(settings.data) / f"node-{node_id}" / "blockchain.txt"
        self.log = -1
        self.height = 0
        self.votes: dict[tuple[str, int], int] = {}
        self.new: list[Request] = []
        self.acknowledge: list[tuple[int, tuple[str, int]]] = []
        self.ticks = 0

    def start(self, now_ms: int) -> None:
        """Count what is in the file."""
        self.log = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND)
        self.height = self.path.read_bytes().count(b"\n")
        self.host.set_timer(Timer.HEARTBEAT, 20, 20)
        self.host.report(NoteLine("started", f"node {self.me} started with {self.height} lines"))

    def receive(self, message: AnyMessage, now_ms: int) -> None:
        """A copy to keep, or the word of another that it keeps ours."""
        match message:
            case Forward(sender=source, requests=requests):
                self.new.extend(requests)
                self.acknowledge += [(source, request.id) for request in requests]
            case ForwardReply(ids=ids):
                for name in ids:
                    self.votes[name] = self.votes.get(name, 0) + 1
            case _:
                raise AssertionError(message)

    def call(self, call: ClientCall, now_ms: int) -> None:
        """A client."""
        match call:
            case ClientWrite(request):
                if '"content":"die"' in request.operation:
                    raise ValueError("told to die")
                self.new.append(request)
                self.votes[request.id] = 0
                self.host.send(self.others, Forward(sender=self.me, path=(self.me,), requests=(request,)))
            case ClientRead(number=number):
                self.host.report(ReadAnswer(number, "ok", "", self.height, "view_all", self.height))
            case Inspect(number=number):
                self.host.report(Inspected(number, self.status()))

    def wake(self, timer: Timer, now_ms: int) -> None:
        """Ticks on."""
        self.ticks += 1
        self.host.set_timer(Timer.HEARTBEAT, 20, 20)

    def flush(self, now_ms: int) -> None:
        """One write and one sync for all."""
        if self.new:
            self.host.push()
            os.write(self.log, b"".join(request.operation.encode() + b"\n" for request in self.new))
            os.fdatasync(self.log)
            self.height += len(self.new)
            for name in [request.id for request in self.new if request.id in self.votes]:
                self.votes[name] += 1
            self.new.clear()
            for target, name in self.acknowledge:
                self.host.send(
                    (target,), ForwardReply(sender=self.me, path=(target,), ids=(name,), leader=0, decided=0)
                )
            self.acknowledge.clear()
        for name in [name for name, count in self.votes.items() if count >= self.majority]:
            del self.votes[name]
            self.host.report(WriteAnswer(name[0], name[1], "ok", "kept", self.height))
        self.host.push()

    def status(self, *, detail: bool = False) -> NodeStatus:
        """What there is to tell."""
        role: Role = "leader" if self.me == 1 else "follower"
        return NodeStatus(
            node=self.me, life="up", role=role, leader=1, height=self.height, decided=self.height, syncs=self.ticks
        )


def build_fake(node_id: int, settings: Settings, host: Host) -> FakeNode:
    """See `simulator.worlds.processes.node_main.Builder`."""
    return FakeNode(node_id, settings, host)
