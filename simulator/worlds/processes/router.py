"""The network between the nodes: every message passes here, and link faults apply here alone.

Bytes are passed on as they came. While no link has a rule, whole frames go straight from one pipe to the next. With
rules, `Links.arrivals` decides for each message, as in the virtual world.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from random import Random

from simulator.cluster.events import FateWord, fates_of
from simulator.faults.links import MOST_HELD, Link, Links, chosen_held
from simulator.trace.events import Loss
from simulator.worlds.processes.framed_pipe import DEFERRABLE, HEAD, Frame, Outlet, frame, split
from simulator.worlds.processes.message_log import MessageLog
from simulator.worlds.processes.recording import Recording

UNDERWAY_BYTES = 256 << 20
"""What may be on slow links at once. More is lost, as on a real link whose buffers are full."""

Held = tuple[int, int, bytes, int]
"""A message that waits for a person: source, target, bytes, and its number in the recording."""


class Router:
    """Passes messages from one node to another. Not safe for threads. Times are in milliseconds.

    `connect` and `disconnect` follow the incarnations of nodes; a message for a node that is down is lost on arrival.
    `recording` records what passes; without one, no message has a number. `is_awaited` says whether a client waits for
    a node. If none does, deferrable messages for it wait until others follow, or until `flush_deferred`. `held_count`
    counts all messages that were ever held.
    """

    def __init__(
        self,
        links: Links,
        dice: Random,
        recording: Recording | None = None,
        is_awaited: Callable[[int], bool] = lambda _node: True,
    ) -> None:
        self.links = links
        self.recording = recording
        self.passed: Counter[Link] = Counter()
        self.lost: Counter[Link] = Counter()
        self.held: dict[int, Held] = {}
        self.message_log = MessageLog()
        self._dice = dice
        self._outlets: dict[int, Outlet] = {}
        self._dirty: set[int] = set()
        self._deferred: set[int] = set()
        self._is_awaited = is_awaited
        self._underway: list[tuple[float, int, int, int, bytes, int]] = []
        self._underway_bytes = 0
        self._serial = 0
        self.held_count = 0
        self._targets: dict[int, tuple[int, ...]] = {}

    def connect(self, node: int, outlet: Outlet) -> None:
        """A node came up: `outlet` leads to it."""
        self._outlets[node] = outlet

    def disconnect(self, node: int) -> None:
        """A node went down."""
        self._outlets.pop(node, None)
        self._dirty.discard(node)
        self._deferred.discard(node)

    def route(self, source: int, sent: Frame, now_ms: float) -> None:
        """Pass on one frame of `source`; its address is the set of targets."""
        address, count, body = sent
        targets = self._targets.get(address)
        if targets is None:
            targets = self._targets[address] = tuple(node for node in self.links.nodes if address >> node & 1)
        logs = self.message_log if self.message_log.open else None
        if self.links.untouched:
            data = HEAD.pack(len(body), source, count) + body
            urgent = not address & DEFERRABLE
            passed = [target for target in targets if self._put(source, target, data, count, urgent=urgent)]
            lost = [target for target in targets if target not in passed]
            if self.recording is not None:
                self.recording.frame(int(now_ms), source, passed, lost, sent)
            if logs is not None:
                logs.look(int(now_ms), source, targets, body, fates_of((target, "down") for target in lost))
        else:
            for message in split(body):
                number = 0 if self.recording is None else self.recording.sent(int(now_ms), source, targets, message)
                fates = [(target, self._send((source, target), message, number, now_ms)) for target in targets]
                if logs is not None:
                    logs.look_at_one(int(now_ms), source, targets, message, fates_of(fates))

    def deliver_due(self, now_ms: float) -> None:
        """Deliver every message that is due; messages of one link share a frame."""
        by_link: dict[Link, list[tuple[int, bytes]]] = {}
        while self._underway and self._underway[0][0] <= now_ms:
            _, _, source, target, message, number = heapq.heappop(self._underway)
            self._underway_bytes -= len(message)
            by_link.setdefault((source, target), []).append((number, message))
        for link, messages in by_link.items():
            self._arrive(link, messages, now_ms)

    def next_due_ms(self) -> float | None:
        """When the next message on a slow link arrives; None when there is none."""
        return self._underway[0][0] if self._underway else None

    def underway(self) -> int:
        """How many messages are on slow links or held."""
        return len(self._underway) + len(self.held)

    def mark(self, node: int) -> None:
        """Note that the outlet of `node` has something new to write."""
        self._dirty.add(node)

    def take_dirty(self) -> list[int]:
        """The nodes whose outlets have something new to write. Deferred messages are written along with it."""
        dirty = list(self._dirty)
        self._dirty.clear()
        if self._deferred:
            self._deferred.difference_update(dirty)
        return dirty

    def flush_deferred(self) -> None:
        """Mark the nodes that have deferred messages, so that these are written next."""
        self._dirty |= self._deferred
        self._deferred.clear()

    @property
    def waits_to_coalesce(self) -> bool:
        """True while deferred messages wait for others to the same node."""
        return bool(self._deferred)

    def deliver_held(self, number: int | None, link: Link | None, now_ms: float = 0) -> int:
        """Deliver held messages now: one, those of a link, or all. Returns how many."""
        chosen = chosen_held(self.held, number, link)
        for key in chosen:
            source, target, message, recorded = self.held.pop(key)
            self._arrive((source, target), [(recorded, message)], now_ms)
        return len(chosen)

    def _send(self, link: Link, message: bytes, number: int, now_ms: float) -> FateWord:
        arrivals = self.links.arrivals(*link, now_ms, self._dice)
        if not arrivals:
            cut = self.links.is_cut(link)
            self._lose(link, number, message, now_ms, "cut" if cut else "dropped")
            return "cut" if cut else "lost"
        if self.links.holding and len(self.held) >= MOST_HELD:
            self._lose(link, number, message, now_ms, "full")
            return "lost"
        if self.links.holding:
            self.held_count += 1
            self.held[self.held_count] = (*link, message, number)
            if self.recording is not None:
                self.recording.held(int(now_ms), link, number)
            return "held"
        if len(arrivals) > 1 and self.recording is not None:
            self.recording.duplicated(int(now_ms), link, number)
        fate: FateWord = "delayed" if max(arrivals) > now_ms else "" if link[1] in self._outlets else "down"
        for at in arrivals:
            if self._underway_bytes + len(message) > UNDERWAY_BYTES:
                self._lose(link, number, message, now_ms, "full")
                fate = "lost"
                continue
            self._underway_bytes += len(message)
            self._serial += 1  # Equal times keep the order of sending.
            heapq.heappush(self._underway, (at, self._serial, *link, message, number))
        return fate

    def _arrive(self, link: Link, messages: list[tuple[int, bytes]], now_ms: float) -> None:
        source, target = link
        passed = self._put(source, target, frame(source, [message for _, message in messages]), len(messages))
        if self.recording is not None:
            for number, message in messages:
                if passed:
                    self.recording.arrived(int(now_ms), link, number, message)
                else:
                    self.recording.lost(int(now_ms), link, number, message, "down")

    def _lose(self, link: Link, number: int, message: bytes, now_ms: float, why: Loss) -> None:
        self.lost[link] += 1
        if self.recording is not None:
            self.recording.lost(int(now_ms), link, number, message, why)

    def _put(self, source: int, target: int, data: bytes, count: int, *, urgent: bool = True) -> bool:
        outlet = self._outlets.get(target)
        if outlet is None or outlet.closed:
            self.lost[source, target] += count
            return False
        self.passed[source, target] += count
        outlet.put(data, count)
        if urgent or self._is_awaited(target):
            self._dirty.add(target)
        else:
            self._deferred.add(target)
        return True
