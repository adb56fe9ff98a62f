"""The register of requests of this node's own clients that have no answer yet.

It is the only such register of a node: the request forwarder sends what is due, the learner settles what is decided,
the leader confirms reads, and the driver answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from paxos.ballot import Slot
from paxos.core import Core
from paxos.effects import ReadReady
from paxos.messages import Request, RequestId, Value


class Waiting:
    """One request without an answer. `since_ms` and `due_ms` are when it came and when it is sent again.

    A write has a `request`; a read has none but the number `read`, and a `slot` once the leader has confirmed it (-1
    before).
    """

    __slots__ = ("due_ms", "read", "request", "since_ms", "slot", "tries")

    def __init__(self, request: Request | None, read: int, since_ms: int) -> None:
        self.request = request
        self.read = read
        self.since_ms = since_ms
        self.due_ms = since_ms
        self.tries = 0
        self.slot: Slot = -1


class WaitingRequests:
    """Invariant: a request leaves `writes` or `reads` exactly when it is settled, ready or given up.

    `new` lists the requests that have not been sent yet. `applied` gives the slot in which a request was applied on
    this node, 0 when it was not.
    """

    def __init__(self, core: Core, applied: Callable[[str, int], Slot]) -> None:
        self.core = core
        self.writes: dict[RequestId, Waiting] = {}
        self.reads: dict[int, Waiting] = {}
        self.new: list[Waiting] = []
        self._applied = applied
        self._confirmed = False  # Some read has its slot.

    def add_write(self, request: Request) -> None:
        """Add a client's write. Adding the same one again changes nothing."""
        name = (request.client, request.seq)
        if name not in self.writes:
            self.writes[name] = waiting = Waiting(request, 0, self.core.now)
            self.new.append(waiting)

    def add_read(self, number: int) -> None:
        """Add a client's linearizable read."""
        self.reads[number] = waiting = Waiting(None, number, self.core.now)
        self.new.append(waiting)

    def all(self) -> list[Waiting]:
        """All waiting requests, writes first, each kind in order of arrival."""
        return [*self.writes.values(), *self.reads.values()]

    def is_empty(self) -> bool:
        """True when no request waits."""
        return not (self.writes or self.reads)

    def settle(self, value: Value) -> None:
        """The requests of `value` are decided and about to be applied here."""
        if self.writes:
            for request in value:
                self.writes.pop((request.client, request.seq), None)

    def settle_applied(self) -> None:
        """Blocks of unknown content were applied: remove the writes that they held."""
        for name in [name for name in self.writes if self._applied(*name)]:
            del self.writes[name]

    def confirm_reads(self, numbers: Sequence[int], slot: Slot) -> None:
        """The leader has confirmed these reads: they may be served once `slot` is applied here."""
        for number in numbers:
            waiting = self.reads.get(number)
            if waiting is not None and waiting.slot < 0:
                waiting.slot = slot
                self._confirmed = True

    def serve_reads(self, decided: Slot) -> None:
        """Emit READ-READY for the confirmed reads whose slot is not above `decided`, which is applied here."""
        if self._confirmed:
            confirmed = [(number, waiting.slot) for number, waiting in self.reads.items() if waiting.slot >= 0]
            ready = tuple([number for number, slot in confirmed if slot <= decided])
            self._confirmed = len(ready) < len(confirmed)
            if ready:
                for number in ready:
                    del self.reads[number]
                self.core.effects.append(ReadReady(ready))

    def give_up(self, limit_ms: int) -> tuple[tuple[RequestId, ...], tuple[int, ...]]:
        """Remove and return the writes and the reads that have waited for `limit_ms` milliseconds or longer."""
        now = self.core.now
        writes = tuple(name for name, waiting in self.writes.items() if now - waiting.since_ms >= limit_ms)
        reads = tuple(number for number, waiting in self.reads.items() if now - waiting.since_ms >= limit_ms)
        for name in writes:
            del self.writes[name]
        for number in reads:
            del self.reads[number]
        return writes, reads
