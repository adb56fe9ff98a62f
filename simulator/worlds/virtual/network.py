"""The network between virtual nodes: every message passes here, and `Links` alone decides about its faults.

Even a clear link has a latency, drawn for each copy, and keeps the order of its messages. Messages are passed on
without copying, because they are frozen.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappush
from random import Random

from paxos.messages import AnyMessage
from simulator.cluster.events import FateWord, HeldMessage
from simulator.cluster.message_text import describe
from simulator.faults.links import MOST_HELD, Link, Links, chosen_held, newest_held
from simulator.trace.events import Loss, MessageDuplicated, MessageHeld, MessageLost, MessageSent
from simulator.trace.observer import ObserverList
from simulator.worlds.virtual.event_queue import PLACE_BITS, EventQueue

LATENCIES = (0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 2)
"""The latencies of a clear link in milliseconds: each of the sixteen is equally likely."""
_DRAW_BITS = 4

FLOOD = 100_000
FLOOD_PER_MS = 1_000
"""More messages than these, at the start and in each millisecond, count as a flood."""


class NetworkFlood(Exception):
    """Messages cause messages without end, so that time stands still. Correct nodes never do this."""


Watch = Callable[[int, tuple[int, ...], AnyMessage, Iterable[tuple[int, FateWord]]], None]
"""Is told of each message: source, targets, the message, and what became of each copy."""

Held = tuple[int, int, AnyMessage, int]
"""Source, target, message, and the message's number."""


class Network:
    """Passes messages between nodes. `copies` counts those sent, one for each target.

    `passed` and `lost` count by link (source * 16 + target).
    """

    def __init__(self, links: Links, queue: EventQueue, dice: Random, observers: ObserverList) -> None:
        self.links = links
        self.messages = 0
        self.copies = 0
        self.passed = [0] * (1 << 2 * PLACE_BITS)
        self.lost = [0] * (1 << 2 * PLACE_BITS)
        self.held: dict[int, Held] = {}
        self.watch: Watch | None = None
        self._queue = queue
        self._dice = dice
        self._bits = dice.getrandbits
        self._on_sent = observers.by_message(MessageSent)
        self._on_lost = observers.of(MessageLost)
        self._on_held = observers.of(MessageHeld)
        self._on_duplicated = observers.of(MessageDuplicated)
        self._newest = [0] * (1 << 2 * PLACE_BITS)  # The arrival time of the last message on each clear link.
        self._held_count = 0
        self._to_copy: dict[type, int] = {}  # How many copies of which messages are still to be kept.
        self._described: dict[int, HeldMessage] = {}

    def send(self, source: int, to: tuple[int, ...], message: AnyMessage) -> None:
        """Send a message to each of `to`."""
        queue = self._queue
        now = queue.now_ms
        if self.messages > FLOOD + FLOOD_PER_MS * now:
            raise NetworkFlood(f"{self.messages} messages within {now} ms")
        self.messages += 1
        number = self.messages
        self.copies += len(to)
        on_sent = self._on_sent[type(message)]
        if on_sent:
            event = MessageSent(at_ms=now, node=source, to=to, number=number, message=message)
            for handle in on_sent:
                handle(event)
        if self._to_copy and type(message) in self._to_copy:
            self._keep(source, to, message, number)
        if not self.links.untouched:
            fates = self._send_through_conditions(source, to, message, number)
            if self.watch is not None:
                self.watch(source, to, message, zip(to, fates, strict=True))
            return
        if self.watch is not None:
            self.watch(source, to, message, [(target, "") for target in to])
        bits = self._bits(_DRAW_BITS * len(to))
        newest, due = self._newest, queue.due
        queued = (source, message, number)
        for target in to:
            at = now + LATENCIES[bits & 15]
            bits >>= _DRAW_BITS
            link = source << PLACE_BITS | target
            if at < newest[link]:
                at = newest[link]
            else:
                newest[link] = at
            key = at << PLACE_BITS | target
            there = due.get(key)
            if there is None:
                due[key] = [queued]
                heappush(queue.moments, key)
            else:
                there.append(queued)

    def _send_through_conditions(
        self, source: int, to: tuple[int, ...], message: AnyMessage, number: int
    ) -> list[FateWord]:
        queue, links = self._queue, self.links
        fates: list[FateWord] = []
        for target in to:
            leaves = queue.now_ms + LATENCIES[self._bits(_DRAW_BITS)]
            link = source << PLACE_BITS | target
            if (source, target) not in links.rules:
                leaves = self._newest[link] = max(leaves, self._newest[link])
                if not links.holding:
                    if links.is_cut((source, target)):
                        self.lose(source, target, message, number, "cut")
                        fates.append("cut")
                    else:
                        queue.put(leaves, target, (source, message, number))
                        fates.append("")
                    continue
            arrivals = links.arrivals(source, target, leaves, self._dice)
            if not arrivals:
                cut = links.is_cut((source, target))
                self.lose(source, target, message, number, "cut" if cut else "dropped")
                fates.append("cut" if cut else "lost")
            elif links.holding and len(self.held) >= MOST_HELD:
                self.lose(source, target, message, number, "full")
                fates.append("lost")
            elif links.holding:
                self._held_count += 1
                self.held[self._held_count] = (source, target, message, number)
                fates.append("held")
                for handle in self._on_held:
                    handle(MessageHeld(at_ms=queue.now_ms, node=target, source=source, number=number))
            else:
                for handle in self._on_duplicated if len(arrivals) > 1 else ():
                    handle(MessageDuplicated(at_ms=queue.now_ms, node=target, source=source, number=number))
                fates.append("delayed" if max(arrivals) > leaves else "")
                self.copies += len(arrivals) - 1
                for at in arrivals:
                    queue.put(int(at), target, (source, message, number))
        return fates

    def lose(self, source: int, target: int, message: AnyMessage, number: int, why: Loss) -> None:
        """Count and report a copy as lost."""
        self.lost[source << PLACE_BITS | target] += 1
        if self._on_lost:
            event = MessageLost(
                at_ms=self._queue.now_ms, node=target, source=source, number=number, message=message, why=why
            )
            for handle in self._on_lost:
                handle(event)

    def keep_copies(self, kind: type, count: int) -> None:
        """Keep a copy of each of the next `count` messages of this kind, one for each target, among the held ones."""
        self._to_copy[kind] = self._to_copy.get(kind, 0) + count

    def stop_copying(self) -> None:
        """Keep no further copies."""
        self._to_copy.clear()

    def _keep(self, source: int, to: tuple[int, ...], message: AnyMessage, number: int) -> None:
        kind = type(message)
        kept = to[: min(self._to_copy[kind], MOST_HELD - len(self.held))]
        for target in kept:
            self._held_count += 1
            self.held[self._held_count] = (source, target, message, number)
        self.copies += len(kept)
        self._to_copy[kind] -= len(kept)
        if not self._to_copy[kind]:
            del self._to_copy[kind]

    def deliver_held(self, number: int | None, link: Link | None) -> int:
        """Deliver held messages now: one, those of a link, or all. Returns how many."""
        chosen = chosen_held(self.held, number, link)
        for key in chosen:
            source, target, message, name = self.held.pop(key)
            self._described.pop(key, None)
            self._queue.put(self._queue.now_ms, target, (source, message, name))
        return len(chosen)

    def held_messages(self, after: int = 0) -> list[HeldMessage]:
        """Held messages with a number above `after`, oldest first."""
        return [self._shown(key, held) for key, held in newest_held(self.held, after)]

    def held_message(self, number: int | None) -> HeldMessage | None:
        """The held message of this number, or the oldest one."""
        key = next(iter(self.held), 0) if number is None else number
        return self._shown(key, self.held[key]) if key in self.held else None

    def _shown(self, key: int, held: Held) -> HeldMessage:
        shown = self._described.get(key)  # Thousands may wait, and a waiting line asks often: describe each once.
        if shown is None:
            source, target, message, _ = held
            shown = HeldMessage(number=key, source=source, target=target, text=describe(message))
            self._described[key] = shown
        return shown

    def underway(self) -> int:
        """How many copies are on links, held, or at a node that is blocked."""
        return self.copies - sum(self.passed) - sum(self.lost)

    def counts(self) -> dict[Link, tuple[int, int]]:
        """For each directed link that was used: messages that reached the node, and messages lost."""
        return {
            (link >> PLACE_BITS, link & ((1 << PLACE_BITS) - 1)): (passed, lost)
            for link, (passed, lost) in enumerate(zip(self.passed, self.lost, strict=True))
            if passed or lost
        }
