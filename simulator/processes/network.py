"""The network between the nodes: every message passes here, and here alone misfortune strikes it.

Bytes are passed on as they came. While no link has any rule, whole frames go straight from one queue to the next; with
rules each message is asked for at `Links.arrivals`, the one implementation that the virtual world uses too.
"""

from __future__ import annotations

import heapq
from collections import Counter
from random import Random

from simulator.faults import Link, Links
from simulator.processes.queue import HEAD, Frame, Outlet, frame, split
from simulator.processes.taps import Tap

UNDERWAY_BYTES = 256 << 20
"""What may be on slow links at once. More is lost, as on a real link whose buffers are full."""

Held = tuple[int, int, bytes]
"""A message that waits for a person: source, target, bytes."""


class Network:
    """Where messages are between leaving one node and reaching another. Not safe for threads. Times in milliseconds.

    `connect` and `disconnect` follow the nodes' lives: what is for a node that is down is lost on arrival.
    """

    def __init__(self, links: Links, dice: Random) -> None:
        self.links = links
        self.passed: Counter[Link] = Counter()
        self.lost: Counter[Link] = Counter()
        self.held: dict[int, Held] = {}
        self.tap = Tap()
        self._dice = dice
        self._outlets: dict[int, Outlet] = {}
        self._dirty: set[int] = set()
        self._underway: list[tuple[float, int, int, int, bytes]] = []
        self._underway_bytes = 0
        self._serial = 0
        self._held_count = 0
        self._targets: dict[int, tuple[int, ...]] = {}

    def connect(self, node: int, outlet: Outlet) -> None:
        """A node came up."""
        self._outlets[node] = outlet

    def disconnect(self, node: int) -> None:
        """A node went down."""
        self._outlets.pop(node, None)
        self._dirty.discard(node)

    def route(self, source: int, sent: Frame, now_ms: float) -> None:
        """Pass on one frame of `source`; its address is the set of targets."""
        address, count, body = sent
        targets = self._targets.get(address)
        if targets is None:
            targets = self._targets[address] = tuple(node for node in self.links.nodes if address >> node & 1)
        if self.tap.open:
            self.tap.look(source, targets, body)
        if self.links.untouched:
            data = HEAD.pack(len(body), source, count) + body
            for target in targets:
                self._put(source, target, data, count)
        else:
            for message in split(body):
                for target in targets:
                    self._send(source, target, message, now_ms)

    def deliver_due(self, now_ms: float) -> None:
        """Let everything arrive whose time has come; messages of one link share a frame."""
        together: dict[Link, list[bytes]] = {}
        while self._underway and self._underway[0][0] <= now_ms:
            _, _, source, target, message = heapq.heappop(self._underway)
            self._underway_bytes -= len(message)
            together.setdefault((source, target), []).append(message)
        for (source, target), messages in together.items():
            self._put(source, target, frame(source, messages), len(messages))

    def next_due_ms(self) -> float | None:
        """When the next message arrives."""
        return self._underway[0][0] if self._underway else None

    def underway(self) -> int:
        """How many messages are on slow links or held."""
        return len(self._underway) + len(self.held)

    def mark(self, node: int) -> None:
        """`node` has something new to be written to its queue."""
        self._dirty.add(node)

    def take_dirty(self) -> list[int]:
        """Nodes that have something new to be written to their queue."""
        dirty = list(self._dirty)
        self._dirty.clear()
        return dirty

    def deliver_held(self, number: int | None, link: Link | None) -> int:
        """Let held messages arrive now: one, those of a link, or all. How many there were."""
        chosen = [
            key
            for key, (source, target, _) in self.held.items()
            if (number is None or key == number) and (link is None or link == (source, target))
        ]
        for key in chosen:
            source, target, message = self.held.pop(key)
            self._put(source, target, frame(source, [message]), 1)
        return len(chosen)

    def _send(self, source: int, target: int, message: bytes, now_ms: float) -> None:
        arrivals = self.links.arrivals(source, target, now_ms, self._dice)
        if not arrivals:
            self.lost[source, target] += 1
        elif self.links.holding:
            self._held_count += 1
            self.held[self._held_count] = (source, target, message)
        else:
            for at in arrivals:
                self._arrive_later(at, source, target, message)

    def _arrive_later(self, at_ms: float, source: int, target: int, message: bytes) -> None:
        if self._underway_bytes + len(message) > UNDERWAY_BYTES:
            self.lost[source, target] += 1
            return
        self._underway_bytes += len(message)
        self._serial += 1  # Equal times keep the order of sending.
        heapq.heappush(self._underway, (at_ms, self._serial, source, target, message))

    def _put(self, source: int, target: int, data: bytes, count: int) -> None:
        outlet = self._outlets.get(target)
        if outlet is None or outlet.closed:
            self.lost[source, target] += count
            return
        self.passed[source, target] += count
        outlet.put(data, count)
        self._dirty.add(target)
