"""A small stand-in for a harness: gateways in one process, messages between them by hand, time as a number."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from paxos.ballot import NodeId
from simulator.maelstrom.gateway import Gateway
from simulator.maelstrom.messages import Body, Envelope, decode_line, encode_line
from simulator.maelstrom.store_codec import store_value
from simulator.maelstrom.store_node import store_node_type
from simulator.node.drivable import Drivable
from simulator.node.host import Host
from simulator.node.storage.identity import Identity
from simulator.node.storage.real_disk import RealDisk
from simulator.node.storage.storage import Storage
from simulator.settings import Settings

STEP_MS = 10


class Harness:
    """Nodes n1 and so on, and one client. `lost` says which messages between nodes never arrive."""

    def __init__(self, data: Path, nodes: int = 3) -> None:
        self.data = data
        self.names = [f"n{node}" for node in range(1, nodes + 1)]
        self.lost: Callable[[Envelope], bool] = lambda _envelope: False
        self.answers: dict[int, Body] = {}
        self.gateways: dict[str, Gateway] = {}
        self.now_ms = 1_000
        self._asked = 0
        self._lines: list[bytes] = []
        for name in self.names:
            self.start(name)

    def start(self, name: str) -> None:
        """Start a node, on the files that an earlier incarnation has left."""
        self.gateways[name] = Gateway(self._build, self._lines.append, Random(name), f"m{name}-{self.now_ms}")
        self.ask(name, {"type": "init", "node_id": name, "node_ids": self.names})

    def ask(self, node: str, body: Body) -> int:
        """Send a request of the client; returns its number."""
        self._asked += 1
        line = encode_line(Envelope("c1", node, body | {"msg_id": self._asked}))
        self.gateways[node].handle(line, self.now_ms)
        return self._asked

    def answer(self, node: str, body: Body, within_ms: int = 20_000) -> Body:
        """Send a request and let time pass until its answer has come."""
        number = self.ask(node, body)
        end_ms = self.now_ms + within_ms
        while number not in self.answers and self.now_ms < end_ms:
            self.step()
        return self.answers[number]

    def steps(self, count: int) -> None:
        """So many steps."""
        for _ in range(count):
            self.step()

    def step(self) -> None:
        """Ten milliseconds pass, and what was sent arrives."""
        self.now_ms += STEP_MS
        for gateway in self.gateways.values():
            gateway.turn(self.now_ms)
        arrived, self._lines[:] = [decode_line(line) for line in self._lines], []
        for envelope in arrived:
            if envelope.dest == "c1":
                self.answers[envelope.body["in_reply_to"]] = envelope.body
            elif envelope.dest in self.gateways and not self.lost(envelope):
                self.gateways[envelope.dest].handle(encode_line(envelope), self.now_ms)

    def _build(self, name: str, number: NodeId, nodes: int, host: Host) -> Drivable:
        disk = RealDisk(self.data / name, "flush")
        storage = Storage(disk, 1, Identity("maelstrom", number), values=store_value)
        return store_node_type(None)(number, Settings(nodes=nodes, difficulty=1), storage, host, nonce=self.now_ms)
