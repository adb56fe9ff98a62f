"""The clients of a cluster: tickets, client names, deadlines and the recorded history.

A `ClientBook` knows neither nodes nor time: its world passes requests, answers and a clock. It is not safe for threads:
a world with threads holds a lock.

The history follows Jepsen's convention (`tests/histories/README.md`): a write of unknown fate is an `info`, and its
process does not come back; what certainly had no effect, an unanswered read among it, is a `fail`.
"""

from __future__ import annotations

import heapq
import secrets
from collections.abc import Callable, Sequence
from typing import Literal, cast

import msgspec

from blog.operations import InvalidOperation, Operation, Post, validated
from paxos.messages import Request, RequestId
from simulator.cluster.history import Event
from simulator.cluster.history_store import HistoryStore
from simulator.cluster.interface import Answer, AnswerKind, Query, Ticket
from simulator.errors import InputError
from simulator.faults.links import Links
from simulator.node.client_api import ClientRead, ClientWrite, ReadAnswer, WriteAnswer
from simulator.node.codec import operation_text

CLIENT_TIMEOUT_MS = 40_000
"""Longer than a node's own limit of about 30 s, so that only a client of a paused node waits so long."""

_KINDS = {str(kind): kind for kind in AnswerKind}
_READ_NAMES = {
    "all": "view_all", "whole": "view_all", "user": "view_user", "title": "view_title", "any": "view_title",
}  # fmt: skip


def new_run_name() -> str:
    """A name for one run of a cluster, unused on any data directory: 40 random bits in hex.

    Client names begin with it, so that no request is taken for the retry of one from an earlier run.
    """
    return secrets.token_hex(5)


def client_timeout_ms(links: Links) -> int:
    """How long a request may wait for an answer under the present link conditions, in milliseconds.

    A node gives up by itself after 30 s and ten round trips; this is always longer, so a node that runs answers first.
    """
    if not links.rules:
        return CLIENT_TIMEOUT_MS
    slowest = max((rule.delay_ms + rule.jitter_ms for rule in links.rules.values()), default=0)
    return CLIENT_TIMEOUT_MS + 24 * slowest


Shown = Literal["", "view_all", "view_user", "view_title"]
_SHOWN: dict[str, Shown] = {"": "", "view_all": "view_all", "view_user": "view_user", "view_title": "view_title"}


class Processes:
    """The history's process numbers. Invariant: a number in use is not given to another request."""

    def __init__(self) -> None:
        self._known: set[int] = set()
        self._next = 0
        self._pool: list[int] = []  # Idle numbers for requests that ask for none; the lowest is taken first.
        self._stands_for: dict[int, int] = {}
        self._idle: set[int] = set()  # Idle numbers that callers chose themselves.

    def take(self, wanted: int | None) -> int:
        """Take an idle number: the `wanted` one if it is idle, or else the number that replaces it."""
        if wanted is None:
            return heapq.heappop(self._pool) if self._pool else self._new()
        number = self._stands_for.get(wanted)
        if number is None and wanted not in self._known:
            number = wanted
            self._known.add(number)
        elif number is None or number not in self._idle:
            number = self._new()
        self._idle.discard(number)
        self._stands_for[wanted] = number
        return number

    def give_back(self, wanted: int | None, number: int) -> None:
        """The request of `number` ended with a known outcome: the number is idle again."""
        if wanted is None:
            heapq.heappush(self._pool, number)
        else:
            self._idle.add(number)

    def _new(self) -> int:
        while self._next in self._known:
            self._next += 1
        self._known.add(self._next)
        return self._next


class _Open:
    """A request without an answer. `number` is that of its call, `invoked`, in the history."""

    __slots__ = ("deadline_ms", "invoked", "number", "process", "ticket", "wanted")

    def __init__(self, ticket: Ticket, wanted: int | None, process: int, deadline_ms: int) -> None:
        self.ticket = ticket
        self.wanted = wanted
        self.process = process
        self.number = 0
        self.invoked: Event | None = None
        self.deadline_ms = deadline_ms


def write_call(ticket: Ticket, operation: Operation) -> ClientWrite:
    """What a client sends to a node for its write. A retry sends the same text again."""
    text = operation_text(operation, ticket.client, ticket.seq)
    return ClientWrite(Request(ticket.client, ticket.seq, text))


class ClientBook:
    """Every request of a cluster's clients. `run` is the prefix of each client's name and holds no colon.

    A write's `seq` is its ticket's number: unique, and ascending for each client. A client with sessions has its own
    numbers: see `Cluster.submit`. `store` keeps the history; with None it is not kept, for measuring alone.
    """

    def __init__(self, run: str, now_ms: Callable[[], int], store: HistoryStore | None) -> None:
        self.run = run
        self.tickets = 0
        self.answered = 0
        self._now_ms = now_ms
        self._store = store
        self._open: dict[int, _Open] = {}
        self._waiting: dict[int, int] = {}
        self._anew: dict[int, int] = {}
        self._processes = Processes()
        self._last_of_name: dict[str, int] = {}
        self._named: dict[tuple[str, int], int] = {}  # The numbers of the writes that have a name of their own.

    def write(
        self,
        node: int,
        operation: Operation,
        *,
        process: int | None = None,
        session: int = 0,
        timeout_ms: int = CLIENT_TIMEOUT_MS,
    ) -> tuple[Ticket, ClientWrite]:
        """Record a write at `node`; returns its ticket and the call for the node. See `Cluster.submit`.

        Raises:
            InputError: the blog takes no such name, title or content.
        """
        try:
            operation = validated(operation)
        except InvalidOperation as refusal:
            raise InputError(str(refusal)) from None
        ticket = self._ticket(node, operation, process, timeout_ms)
        if session:
            self._give_own_name(ticket, process, session)
        name = "post" if isinstance(operation, Post) else "comment"
        self._invoke(ticket, name, [operation.username, operation.title, operation.content])
        return ticket, write_call(ticket, operation)

    def read(
        self, node: int, query: Query, *, process: int | None = None, timeout_ms: int = CLIENT_TIMEOUT_MS
    ) -> tuple[Ticket, ClientRead]:
        """Record a read at `node`; returns its ticket and the call for the node, which has the ticket's number."""
        ticket = self._ticket(node, query, process, timeout_ms)
        self._invoke(ticket, _READ_NAMES[query.kind], None if query.kind in {"all", "whole"} else query.name)
        return ticket, ClientRead(ticket.number, query.kind, query.name, query.linearizable)

    def write_answered(self, answer: WriteAnswer) -> Ticket | None:
        """A node answered a write. Returns the ticket; None when no client waits for it."""
        number = self._named.get((answer.client, answer.seq), answer.seq) if self._named else answer.seq
        entry = self._open.get(number)
        if entry is None or entry.ticket.client != answer.client or isinstance(entry.ticket.request, Query):
            return None
        return self._finish(entry, Answer(kind=_KINDS[answer.kind], text=answer.text, height=answer.height))

    def read_answered(self, answer: ReadAnswer) -> Ticket | None:
        """A node answered a read. Returns the ticket; None when no client waits for it."""
        entry = self._open.get(answer.number)
        if entry is None or not isinstance(entry.ticket.request, Query):
            return None
        kind, shown = _KINDS[answer.kind], _SHOWN[answer.shown]
        return self._finish(
            entry, Answer(kind=kind, text=answer.text, result=answer.result, shown=shown, height=answer.height)
        )

    def give_up(self, ticket: Ticket, text: str, *, sent: bool = True) -> None:
        """End a request with TIMEOUT, for the reason in `text`. `sent` is false when the request never left."""
        entry = self._open.get(ticket.number)
        if entry is not None:
            self._finish(entry, Answer(kind=AnswerKind.TIMEOUT, text=f"TIMEOUT: {text}", sent=sent))

    @property
    def waiting(self) -> int:
        """How many requests have no answer."""
        return len(self._open)

    def is_awaited(self, node: int) -> bool:
        """True while a request at `node` has no answer."""
        return self._waiting.get(node, 0) > 0

    def open_tickets(self, node: int | None = None) -> list[Ticket]:
        """Requests without an answer (at `node`), oldest first."""
        return [entry.ticket for entry in self._open.values() if node is None or entry.ticket.node == node]

    def deadline_ms(self, ticket: Ticket) -> int | None:
        """The cluster time at which `ticket` is given up, or None when it has been answered."""
        entry = self._open.get(ticket.number)
        return None if entry is None else entry.deadline_ms

    def expire(self) -> list[Ticket]:
        """Give up every request past its deadline, and return their tickets. The cost grows with the open requests."""
        now = self._now_ms()
        late = [entry.ticket for entry in self._open.values() if entry.deadline_ms <= now]
        for ticket in late:
            self.give_up(ticket, f"node {ticket.node} did not answer within {(now - ticket.asked_ms) / 1000:.0f} s")
        return late

    def begins_anew(self, node: int) -> None:
        """`node` has lost its memory or a part of its chain: its local reads may show less than before."""
        self._anew[node] = self._anew.get(node, 0) + 1

    def history(self) -> Sequence[Event]:
        """A copy of all calls and returns so far, in order of time."""
        return [] if self._store is None else self._store.events()

    def _ticket(self, node: int, request: Operation | Query, wanted: int | None, timeout_ms: int) -> Ticket:
        process = self._processes.take(wanted)
        self.tickets += 1
        ticket = Ticket(
            number=self.tickets,
            node=node,
            request=request,
            client=f"{self.run}-{process}",
            seq=self.tickets,
            asked_ms=self._now_ms(),
        )
        self._open[ticket.number] = _Open(ticket, wanted, process, ticket.asked_ms + timeout_ms)
        self._waiting[node] = self._waiting.get(node, 0) + 1
        return ticket

    def _give_own_name(self, ticket: Ticket, process: int | None, session: int) -> None:
        """Name the write after its client and session, and number it in that name: others may be under way in it."""
        ticket.client = f"{self.run}-{process}.{session}"
        ticket.seq = self._last_of_name[ticket.client] = self._last_of_name.get(ticket.client, 0) + 1
        self._named[ticket.client, ticket.seq] = ticket.number

    def _invoke(self, ticket: Ticket, name: str, value: object) -> None:
        if self._store is not None:
            entry = self._open[ticket.number]
            entry.invoked = _event(entry, "invoke", name, value, ticket.asked_ms)
            entry.number = self._store.called(entry.invoked, _name(ticket))

    def _finish(self, entry: _Open, answer: Answer) -> Ticket:
        ticket = entry.ticket
        del self._open[ticket.number]
        self._waiting[ticket.node] -= 1
        self.answered += 1
        ticket.answered_ms = self._now_ms()
        known = self._record(self._store, entry, answer) if self._store is not None else True
        if known:
            self._processes.give_back(entry.wanted, entry.process)
        ticket.answer = answer  # Last: another thread may test `done` and then read the other fields.
        return ticket

    def _record(self, store: HistoryStore, entry: _Open, answer: Answer) -> bool:
        """Add the return to the history. False when the outcome of the request stays unknown."""
        ticket, invoked = entry.ticket, entry.invoked
        assert invoked is not None
        if answer.shown and answer.shown != invoked.f:  # "any" was a read of a user.
            invoked = _event(entry, "invoke", answer.shown, invoked.value, ticket.asked_ms)
        outcome, value = _outcome(ticket.request, answer, invoked.value)
        event = _event(entry, outcome, invoked.f, value, self._now_ms())
        if event.node in self._anew:  # The node that answers may have started after the call.
            event = msgspec.structs.replace(event, anew=self._anew[event.node])
            invoked = msgspec.structs.replace(invoked, anew=event.anew)
        if invoked is not entry.invoked:
            store.corrected(entry.number, invoked)
        store.returned(entry.number, event, _name(ticket))
        return outcome != "info"


def _name(ticket: Ticket) -> RequestId | None:
    """The name of a write; reads have none."""
    return None if isinstance(ticket.request, Query) else (ticket.client, ticket.seq)


def _event(entry: _Open, kind: Literal["invoke", "ok", "fail", "info"], name: str, value: object, at_ms: int) -> Event:
    request, process = entry.ticket.request, entry.process
    if isinstance(request, Query) and not request.linearizable:
        node = entry.ticket.node
        return Event(process=process, type=kind, f=name, value=value, time=at_ms, read="local", node=node)
    return Event(process=process, type=kind, f=name, value=value, time=at_ms)


def _outcome(request: Operation | Query, answer: Answer, asked: object) -> tuple[Literal["ok", "fail", "info"], object]:
    """The type and the value of the event that ends a request in the history."""
    if answer.kind not in {AnswerKind.OK, AnswerKind.REFUSED}:
        return ("fail" if isinstance(request, Query) or not answer.sent else "info"), asked
    if isinstance(request, Query):
        if request.kind == "whole":  # Titles and authors determine the order; the rest would only fill memory.
            return "ok", [row[:2] for row in cast("list[list[object]]", answer.result)]
        return "ok", answer.result
    if answer.kind is AnswerKind.OK:
        return "ok", "ok"
    return "ok", "duplicate title" if isinstance(request, Post) else "cannot comment"
