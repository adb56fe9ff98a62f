"""The register of requests of this node's own clients that have no answer yet.

It is the only such register of a node. The request forwarder sends what is due, the learner settles what is decided,
the leader confirms reads; the driver creates the register and answers the clients.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from paxos.ballot import Slot
from paxos.messages import Request, RequestId, Value


class Waiting(msgspec.Struct, gc=False):
    """One request without an answer. `since_ms` and `due_ms` are when it came and when it is sent again.

    A write has a `request`. A read has none but the number `read` and the driver's `question`, which Paxos does not
    read, and a `slot` once the leader has confirmed it (-1 before).
    """

    since_ms: int
    due_ms: int
    request: Request | None = None
    read: int = 0
    question: object = None
    tries: int = 0
    slot: Slot = -1


class WaitingRequests:
    """Invariant: a request is in the register exactly as long as its client waits.

    `writes` and `reads` are those still to be sent; `new` lists those of them that were never sent;
    `confirmed` is true when some read may be served soon. A request that is
    settled, ready or given up moves aside until the driver has answered its client.
    """

    def __init__(self) -> None:
        self.writes: dict[RequestId, Waiting] = {}
        self.reads: dict[int, Waiting] = {}
        self.new: list[Waiting] = []
        self._ended_writes: set[RequestId] = set()
        self._ended_reads: dict[int, Waiting] = {}
        self.confirmed = False  # Some read has its slot.

    def __len__(self) -> int:
        """How many clients wait."""
        return len(self.writes) + len(self.reads) + len(self._ended_writes) + len(self._ended_reads)

    def awaits(self, client: str, seq: int) -> bool:
        """True when the client of this write waits for its answer."""
        name = (client, seq)
        return name in self.writes or name in self._ended_writes

    def forget(self) -> None:
        """All clients have given up."""
        self.writes.clear()
        self.reads.clear()
        self.new.clear()
        self._ended_writes.clear()
        self._ended_reads.clear()

    def essence(self) -> tuple[object, ...]:
        """What of this role can still matter to safety: see `Replica.essence`."""
        return tuple(self.writes), tuple(sorted(self._ended_writes))

    # To be sent

    def add_write(self, request: Request, now_ms: int) -> None:
        """Add a client's write. Adding the same one again changes nothing."""
        name = (request.client, request.seq)
        if name not in self.writes:
            self.writes[name] = waiting = Waiting(now_ms, now_ms, request)
            self.new.append(waiting)

    def add_read(self, number: int, question: object, now_ms: int) -> None:
        """Add a client's linearizable read."""
        self.reads[number] = waiting = Waiting(now_ms, now_ms, read=number, question=question)
        self.new.append(waiting)

    def all_to_send(self) -> list[Waiting]:
        """Writes, then reads, each kind in order of arrival."""
        return [*self.writes.values(), *self.reads.values()]

    def nothing_to_send(self) -> bool:
        """True when all requests have ended."""
        return not (self.writes or self.reads)

    # Ending

    def settle(self, value: Value) -> None:
        """The requests of `value` are decided; the driver applies them next."""
        if self.writes:
            for request in value:
                name = (request.client, request.seq)
                if self.writes.pop(name, None) is not None:
                    self._ended_writes.add(name)

    def settle_applied(self, applied: Callable[[str, int], Slot]) -> None:
        """Fetched blocks were applied: remove the writes that `applied` finds in a slot."""
        for name in [name for name in self.writes if applied(*name)]:
            del self.writes[name]

    def confirm_reads(self, numbers: Sequence[int], slot: Slot) -> None:
        """The leader has confirmed these reads: they may be served once `slot` is applied here."""
        for number in numbers:
            waiting = self.reads.get(number)
            if waiting is not None and waiting.slot < 0:
                waiting.slot = slot
                self.confirmed = True

    def end_ready_reads(self, decided: Slot) -> tuple[int, ...]:
        """Remove and return the confirmed reads whose slot is not above `decided`, which is applied here."""
        confirmed = [(number, waiting.slot) for number, waiting in self.reads.items() if waiting.slot >= 0]
        ready = tuple([number for number, slot in confirmed if slot <= decided])
        self.confirmed = len(ready) < len(confirmed)
        for number in ready:
            self._ended_reads[number] = self.reads.pop(number)
        return ready

    def end_overdue(self, limit_ms: int, now_ms: int) -> tuple[tuple[RequestId, ...], tuple[int, ...]]:
        """Remove and return the writes and the reads that have waited for `limit_ms` milliseconds or longer."""
        writes = tuple(name for name, waiting in self.writes.items() if now_ms - waiting.since_ms >= limit_ms)
        reads = tuple(number for number, waiting in self.reads.items() if now_ms - waiting.since_ms >= limit_ms)
        for name in writes:
            del self.writes[name]
        self._ended_writes.update(writes)
        for number in reads:
            self._ended_reads[number] = self.reads.pop(number)
        return writes, reads

    def contents(self) -> tuple[list[Waiting], list[RequestId], list[int]]:
        """What is still to be sent, and the names of the writes and reads that have ended: a driver takes it over."""
        return self.all_to_send(), sorted(self._ended_writes), sorted(self._ended_reads)

    # Answering

    def answer_write(self, name: RequestId) -> bool:
        """Remove a write that the driver answers now. False when its client does not wait."""
        if name in self._ended_writes:
            self._ended_writes.remove(name)
            return True
        return self.writes.pop(name, None) is not None

    def answer_read(self, number: int) -> Waiting | None:
        """Remove and return a read that the driver answers now; None when its client does not wait."""
        return self._ended_reads.pop(number, None) or self.reads.pop(number, None)
