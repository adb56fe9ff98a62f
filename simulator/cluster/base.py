"""The part of a cluster that both worlds share: clients and their answers, the running log, and refusals.

A world subclasses `BaseCluster`, delivers calls to its nodes, and passes on their reports. A world with threads gives
a `lock`, which is held during each call.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

from blog.operations import Operation
from simulator.cluster.client_sessions import ClientBook, client_timeout_ms
from simulator.cluster.events import ClusterEvent
from simulator.cluster.history import Event
from simulator.cluster.history_store import HistoryStore
from simulator.cluster.interface import LogMark, Query, Rewindable, Ticket
from simulator.cluster.log_filter import EVERYTHING, LogFilter
from simulator.cluster.message_text import in_order
from simulator.cluster.meter import Figures, Meter
from simulator.cluster.newest import Newest
from simulator.errors import InputError
from simulator.faults.faults import DAMAGES, DiskFault, Fault
from simulator.faults.links import Links
from simulator.node.client_api import ClientCall, NodeFailed, NoteLine, ReadAnswer, WriteAnswer
from simulator.node.names import too_few_vote
from simulator.settings import Settings

EVENTS_KEPT = 10_000
"""How many lines the running log holds, not counting messages and answers."""
ANSWERS_KEPT = 2_000
WARNINGS_KEPT = 1_000


class BaseCluster(ABC):
    """The shared part of a `Cluster`. `run` is the prefix of this run's client names."""

    def __init__(
        self, settings: Settings, run: str, lock: AbstractContextManager[Any], history: HistoryStore | None
    ) -> None:
        self.settings = settings
        self._lock = lock
        self._book = ClientBook(run, self.now_ms, history)
        # Answers have a log of their own: hundreds come in a second, and elections must not be pushed out by them.
        self._notes: Newest[ClusterEvent] = Newest(EVENTS_KEPT)
        self._answers: Newest[ClusterEvent] = Newest(ANSWERS_KEPT)
        self._meter = Meter()
        self._warnings: list[str] = []
        self._keeps_log = True
        self._closed = False
        self._forgetful: set[int] = set()  # The nodes with amnesia.
        self._harmed: set[int] = set()  # Whose files were damaged since its last start: the next one may find less.

    @property
    def rewindable(self) -> Rewindable | None:
        """See `Cluster`."""
        return None

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
            history = self._book.history()
        return history

    # The running log

    def events(self, last: int, of: LogFilter = EVERYTHING) -> Sequence[ClusterEvent]:
        """See `Cluster`."""
        after: LogMark = (0, 0, 0)
        if of.what in {"all", "messages", "answers"}:  # The newest lines of each log are enough for these.
            with self._lock:
                messages, _ = self._messages_after(0)
                after = (self._notes.count - last, self._answers.count - last, messages - last)
        _, log = self.news(after, of)
        return log[max(0, len(log) - last) :]

    def news(self, after: LogMark, of: LogFilter = EVERYTHING) -> tuple[LogMark, Sequence[ClusterEvent]]:
        """See `Cluster`."""
        with self._lock:
            notes, answers = self._notes.after(after[0]), self._answers.after(after[1])
            count, messages = self._messages_after(after[2])
            mark = (self._notes.count, self._answers.count, count)
        logs = [notes, answers, messages()] if of.takes_chatter else [notes]
        return mark, [event for event in in_order(*logs) if of.takes(event)]

    def figures(self) -> Figures:
        """See `Cluster`."""
        with self._lock:
            figures = self._meter.figures(self.now_ms(), self._book.waiting)
        return figures

    def warnings(self, *, after: int = 0) -> Sequence[str]:
        """See `Cluster`."""
        with self._lock:
            return self._warnings[after:]

    def _warn(self, text: str) -> None:
        if len(self._warnings) < WARNINGS_KEPT:
            self._warnings.append(text)

    def _note(self, node: int, kind: str, text: str) -> None:
        if not self._keeps_log:
            return
        now_ms = self.now_ms()
        log = self._answers if kind == "answer" else self._notes
        log.append(ClusterEvent(at_ms=now_ms, node=node, kind=kind, text=text))
        if kind == "leader":
            self._meter.elected(now_ms)

    def _note_fault(self, fault: Fault) -> None:
        if self._keeps_log:
            self._note(getattr(fault, "node", 0), "fault", fault.line())
        if isinstance(fault, DiskFault) and fault.kind in DAMAGES - {"tear"}:
            self._harmed.add(fault.node)

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
                if kind in {"amnesia", "damaged"} or (kind == "start" and node in self._harmed):
                    self._book.begins_anew(node)
                if kind == "start":
                    self._harmed.discard(node)
                if kind in {"amnesia", "recovered", "start"}:
                    self._count_forgetful(node, kind)
            case NodeFailed(text):
                self._note(node, "failed", text)
                self._warn(f"node {node} stopped: {text}")

    def _count_forgetful(self, node: int, kind: str) -> None:
        """Tell an operator once when no majority is left that may vote."""
        before = len(self._forgetful)
        self._forgetful.discard(node)
        if kind == "amnesia":
            self._forgetful.add(node)
        most = self.settings.nodes - self.settings.majority
        if before <= most < len(self._forgetful):
            sentence = too_few_vote(sorted(self._forgetful))
            self._note(0, "amnesia", sentence)
            self._warn(sentence)

    def _take_end(self, node: int, how: str) -> None:
        """An incarnation of `node` has ended: its clients get no answer."""
        self._note(node, "down", f"node {node} is down: {how}")
        for ticket in self._book.open_tickets(node):
            self._book.give_up(ticket, f"node {node} went down before it answered")

    def _give_up_all(self) -> None:
        for ticket in self._book.open_tickets():
            self._book.give_up(ticket, "the cluster was closed")

    def _answered(self, ticket: Ticket | None) -> None:
        if ticket is None or ticket.answer is None:
            return
        assert ticket.answered_ms is not None
        self._meter.answered(ticket.answered_ms, ticket.answered_ms - ticket.asked_ms)
        if self._logs_messages():
            self._note(ticket.node, "answer", f"[{ticket.number}] {ticket.answer.text}")

    # Refusals

    def _check_node(self, node: int) -> None:
        if not 1 <= node <= self.settings.nodes:
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
    def _messages_after(self, count: int) -> tuple[int, Callable[[], list[ClusterEvent]]]:
        """How many messages were logged so far, and a function that gives the kept ones without the first `count`.

        The function needs no lock.
        """

    @abstractmethod
    def _logs_messages(self) -> bool:
        """True while the running log holds messages and answers."""
