"""The part of a cluster that both worlds share: clients and their answers, the running log, and refusals.

A world subclasses `BaseCluster`, delivers calls to its nodes, and passes on their reports. A world with threads gives
a `lock`, which is held during each call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import Any

from blog.operations import Operation
from simulator.cluster.client_sessions import ClientBook, client_timeout_ms
from simulator.cluster.events import ClusterEvent
from simulator.cluster.history import Event
from simulator.cluster.history_store import HistoryStore
from simulator.cluster.interface import Query, Ticket
from simulator.cluster.message_text import in_order
from simulator.errors import InputError
from simulator.faults.faults import Fault
from simulator.faults.links import Links
from simulator.node.client_api import ClientCall, NodeFailed, NoteLine, ReadAnswer, WriteAnswer
from simulator.settings import Settings

EVENTS_KEPT = 10_000
"""How many lines the running log holds, not counting messages."""
WARNINGS_KEPT = 1_000


class BaseCluster(ABC):
    """The shared part of a `Cluster`. `run` is the prefix of this run's client names."""

    def __init__(
        self, settings: Settings, run: str, lock: AbstractContextManager[Any], history: HistoryStore | None
    ) -> None:
        self.settings = settings
        self._lock = lock
        self._book = ClientBook(run, self.now_ms, history)
        self._log: deque[ClusterEvent] = deque(maxlen=EVENTS_KEPT)
        self._warnings: list[str] = []
        self._closed = False

    # Clients

    def submit(self, node: int, operation: Operation, *, process: int | None = None, session: int = 0) -> Ticket:
        """See `Cluster`. Raises `InputError` for a name, title or content that the blog does not accept."""
        self._check_node(node)
        with self._lock:
            self._check_open()
            ticket, call = self._book.write(
                node, operation, process=process, session=session, timeout_ms=self._client_timeout_ms()
            )
            self._hand_over(ticket, call)
        return ticket

    def read(self, node: int, query: Query, *, process: int | None = None) -> Ticket:
        """See `Cluster`."""
        self._check_node(node)
        with self._lock:
            self._check_open()
            ticket, call = self._book.read(node, query, process=process, timeout_ms=self._client_timeout_ms())
            self._hand_over(ticket, call)
        return ticket

    def history(self) -> Sequence[Event]:
        """See `Cluster`."""
        with self._lock:
            return self._book.history()

    # The running log

    def events(self, last: int) -> Sequence[ClusterEvent]:
        """See `Cluster`."""
        with self._lock:
            notes = list(islice(self._log, max(0, len(self._log) - last), None))
            messages = self._newest_messages(last)
        return in_order(notes, messages, last)

    def warnings(self, *, after: int = 0) -> Sequence[str]:
        """See `Cluster`."""
        with self._lock:
            return self._warnings[after:]

    def _warn(self, text: str) -> None:
        if len(self._warnings) < WARNINGS_KEPT:
            self._warnings.append(text)

    def _note(self, node: int, kind: str, text: str) -> None:
        self._log.append(ClusterEvent(at_ms=self.now_ms(), node=node, kind=kind, text=text))

    def _note_fault(self, fault: Fault) -> None:
        self._note(getattr(fault, "node", 0), "fault", fault.line())

    # Reports of nodes

    def _take_report(self, node: int, report: WriteAnswer | ReadAnswer | NoteLine | NodeFailed) -> None:
        """Answer the client, or add a line to the running log."""
        match report:
            case WriteAnswer():
                self._answered(self._book.write_answered(report))
            case ReadAnswer():
                self._answered(self._book.read_answered(report))
            case NoteLine(kind, text):
                self._note(node, kind, text)
                if kind in {"amnesia", "damaged"}:
                    self._book.begins_anew(node)
            case NodeFailed(text):
                self._note(node, "failed", text)
                self._warn(f"node {node} stopped: {text}")

    def _take_end(self, node: int, how: str) -> None:
        """An incarnation of `node` has ended: its clients get no answer."""
        self._note(node, "down", f"node {node} is down: {how}")
        for ticket in self._book.open_tickets(node):
            self._book.give_up(ticket, f"node {node} went down before it answered")

    def _give_up_all(self) -> None:
        for ticket in self._book.open_tickets():
            self._book.give_up(ticket, "the cluster was closed")

    def _answered(self, ticket: Ticket | None) -> None:
        if self._logs_messages() and ticket is not None and ticket.answer is not None:
            self._note(ticket.node, "answer", f"[{ticket.number}] {ticket.answer.text}")

    # Refusals

    def _check_node(self, node: int) -> None:
        if node not in self.settings.node_ids:
            raise InputError(f"There is no node {node}: this cluster has nodes 1 to {self.settings.nodes}.")

    def _check_open(self) -> None:
        if self._closed:
            raise InputError("This cluster has been closed.")

    def _client_timeout_ms(self) -> int:
        return client_timeout_ms(self._true_links())

    # Defined by each world

    @abstractmethod
    def now_ms(self) -> int:
        """See `Cluster`."""

    @abstractmethod
    def _hand_over(self, ticket: Ticket, call: ClientCall) -> None:
        """Send a client's call to its node, or give the ticket up when the node is down."""

    @abstractmethod
    def _true_links(self) -> Links:
        """The links themselves, not a copy."""

    @abstractmethod
    def _newest_messages(self, last: int) -> Sequence[ClusterEvent]:
        """Lines of the newest `last` messages, oldest first."""

    @abstractmethod
    def _logs_messages(self) -> bool:
        """True while the running log holds messages and answers."""
