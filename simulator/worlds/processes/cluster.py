"""The cluster of real processes: the `Cluster` face for people and scripts, thread-safe, over one `Supervisor`.

Whoever waits sleeps on one condition variable, which is notified whenever something has changed: nothing here polls.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from itertools import islice
from typing import TYPE_CHECKING, Literal

from blog.operations import Operation
from simulator.cluster.client_sessions import ClientBook, new_run_name, patience_ms
from simulator.cluster.events import ClusterEvent, HeldMessage
from simulator.cluster.history import Event
from simulator.cluster.interface import Query, Ticket
from simulator.cluster.message_text import describe, in_order
from simulator.errors import InputError
from simulator.faults.faults import Fault
from simulator.faults.links import Link, Links
from simulator.node.client_api import ClientCall, Inspect, Inspected, NodeFailed, NoteLine, ReadAnswer, WriteAnswer
from simulator.node.status import NodeStatus
from simulator.node.storage.line_index import NAME, ChainReader
from simulator.node.storage.lock import DirectoryLock
from simulator.settings import Settings
from simulator.worlds.processes.nemesis import Misfortune
from simulator.worlds.processes.node_main import Builder, build_node, node_directory
from simulator.worlds.processes.preflight import check_rule, prepare_directories
from simulator.worlds.processes.record import Record
from simulator.worlds.processes.router import Held
from simulator.worlds.processes.status_cache import Pictures
from simulator.worlds.processes.supervisor import Supervisor
from simulator.worlds.processes.wire import decode_message, decode_report, encode_call

if TYPE_CHECKING:
    from simulator.checks.node_files import Judge

EVENTS_KEPT = 10_000
FRESH_S = 0.25
"""How long `state` waits for a node to tell it what happened since its last picture."""
DETAIL_S = 2.0
DEATH_S = 5.0
"""How long the kernel may take to end a process that was killed, before we say that it does not."""


class ProcessCluster:
    """Five (or `settings.nodes`) processes and the network between them. See `simulator.cluster.interface.Cluster`.

    `build` makes a node inside its process; another one than the default serves tests and measurements. With
    `keep_history` off, clients are not recorded and `check` has less to judge. With `record` on, everything that
    happens is kept for `trace_lines`, and `check` judges it too: what nodes promised, wrote and said.

    Raises:
        DirectoryHeld: another lab holds the data directory.
        InputError: the data directory belongs to a larger cluster; `settings.break_rule` names no rule.
        OSError: the directory cannot be written, or a process cannot be started.
    """

    world: Literal["processes", "virtual"] = "processes"

    def __init__(
        self, settings: Settings, *, build: Builder = build_node, keep_history: bool = True, record: bool = False
    ) -> None:
        self.settings = settings
        check_rule(settings.break_rule)
        self._lock_on_data = DirectoryLock(settings.data)
        try:
            prepare_directories(settings)
        except BaseException:
            self._lock_on_data.release()
            raise
        self._record = Record(settings) if record else None
        self._tape = self._record.tape if self._record is not None else None
        self._supervisor = Supervisor(settings, build, self, self._tape)
        self._changed = threading.Condition(self._supervisor.lock)
        self._changes = 0
        self._news = False
        self._book = ClientBook(new_run_name(), self.now_ms, keep_history=keep_history)
        self._pictures = Pictures(settings)
        self._events: deque[ClusterEvent] = deque(maxlen=EVENTS_KEPT)
        self._held: dict[int, HeldMessage] = {}
        self._inspections: dict[int, NodeStatus | None] = {}
        self._inspection = 0
        self._chains = {node: ChainReader(node_directory(settings, node) / NAME) for node in settings.node_ids}
        self._judge: Judge | None = None  # From the first `check` on.
        self._judging = threading.Lock()
        self._bug: BaseException | None = None
        self._closed = False
        self._next_look = 0.0
        self._misfortune = Misfortune(
            settings, self._supervisor, self._pictures, lambda condition: self._changed.wait_for(condition, DEATH_S)
        )
        atexit.register(self.close)
        try:
            for node in settings.node_ids:
                self._pictures.lives(node, "up")
            self._supervisor.start()
        except BaseException:
            self.close()
            raise

    # Time

    def now_ms(self) -> int:
        """See `Cluster`."""
        return int(self._supervisor.now_ms())

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """See `Cluster`. `condition` is asked again whenever an answer, a state or an event came in."""
        end = time.monotonic() + within_ms / 1000
        while True:
            with self._changed:
                seen = self._changes
            if condition():
                return True
            with self._changed:
                while self._changes == seen:
                    self._complain()
                    left = end - time.monotonic()
                    if left <= 0:
                        return False
                    self._changed.wait(left)

    # Clients

    def submit(self, node: int, operation: Operation, *, process: int | None = None) -> Ticket:
        """See `Cluster`. Raises `InputError` for a name, title or content that the blog does not take."""
        self._check_node(node)
        with self._supervisor.lock:
            self._complain()
            ticket, call = self._book.write(
                node, operation, process=process, patience_ms=patience_ms(self._supervisor.links)
            )
            self._hand_over(ticket, call)
        return ticket

    def read(self, node: int, query: Query, *, process: int | None = None) -> Ticket:
        """See `Cluster`."""
        self._check_node(node)
        with self._supervisor.lock:
            self._complain()
            ticket, call = self._book.read(
                node, query, process=process, patience_ms=patience_ms(self._supervisor.links)
            )
            self._hand_over(ticket, call)
        return ticket

    @contextmanager
    def together(self) -> Iterator[None]:
        """Requests made inside leave as one batch at the end: for whoever has many at once. Do not wait inside."""
        with self._changed:
            self._supervisor.begin_together()
            try:
                yield
            finally:
                self._supervisor.end_together()

    def history(self) -> Sequence[Event]:
        """See `Cluster`."""
        with self._changed:
            return self._book.history()

    # Misfortune

    @property
    def links(self) -> Links:
        """See `Cluster`. A copy: the links themselves belong to the supervisor's thread; `apply` changes them."""
        with self._changed:
            links = copy(self._supervisor.links)
            links.rules, links.cut = dict(links.rules), set(links.cut)
        return links

    def apply(self, fault: Fault) -> None:
        """See `Cluster`. A crash has happened, and a restarted process is on its way, when this returns."""
        self._complain()
        self._misfortune.carry_out(fault)
        with self._changed:
            if self._tape is not None:
                self._tape.struck(self.now_ms(), fault)
            self._note(getattr(fault, "node", 0), "fault", fault.line())

    # Looking

    def state(self, node: int, *, detail: bool = False) -> NodeStatus:
        """See `Cluster`. Never older than the last answer that `node` gave to a client, if the node can be asked."""
        self._check_node(node)
        with self._changed:
            asked = None
            if (detail or node in self._pictures.stale) and self._pictures.life(node) == "up":
                asked = self._inspect(node, detail=detail)
            return asked or self._pictures.of(node)

    def chain_lines(self, node: int, first: int, last: int) -> list[str]:
        """See `Cluster`."""
        self._check_node(node)
        with self._changed:
            return self._chains[node].lines(first, last)

    def held(self) -> list[HeldMessage]:
        """See `Cluster`."""
        with self._changed:
            held = list(self._supervisor.network.held.items())
        known = self._held  # Thousands may wait, and whoever looks looks often: each is read once.
        self._held = {number: known.get(number) or _shown(number, message) for number, message in held}
        return list(self._held.values())

    def in_flight(self) -> int:
        """See `Cluster`: those on slow links, and those held."""
        with self._changed:
            return self._supervisor.network.underway()

    def link_counts(self) -> dict[Link, tuple[int, int]]:
        """For each directed link that was used: messages passed on, and messages lost."""
        with self._changed:
            network = self._supervisor.network
            used = sorted(network.passed.keys() | network.lost.keys())
            return {link: (network.passed[link], network.lost[link]) for link in used}

    def backlog(self, node: int) -> tuple[int, int]:
        """What waits in memory for a node that stands still: bytes, and messages dropped for want of room."""
        self._check_node(node)
        with self._changed:
            life = self._supervisor.lives.get(node)
            return (life.outlet.waiting, life.outlet.dropped) if life is not None else (0, 0)

    def pid(self, node: int) -> int | None:
        """The number of the node's process; None when it is down."""
        self._check_node(node)
        with self._changed:
            life = self._supervisor.lives.get(node)
            return life.pid if life is not None else None

    def watch_messages(self, on: bool) -> None:
        """From now on the running log holds the messages between nodes, and the answers to clients, too; or not."""
        with self._changed:
            self._supervisor.network.tap.open = on

    def events(self, last: int) -> Sequence[ClusterEvent]:
        """See `Cluster`."""
        with self._changed:
            notes = list(islice(self._events, max(0, len(self._events) - last), None))
            messages = self._supervisor.network.tap.newest(last)
        return in_order(notes, messages, last)

    def check(self) -> dict[str, str]:
        """See `Cluster`. Reads what is new in the nodes' files, and on the record, since the last call."""
        with self._changed:
            writes, history = list(self._book.writes), self._book.history()
            recorded = self._tape.end() if self._tape is not None else 0
        with self._judging:
            if self._judge is None:
                from simulator.checks.node_files import Judge  # noqa: PLC0415  While nodes start, nobody needs judges.

                self._judge = Judge(self.settings, self._book.run)
            verdicts = self._judge.verdicts(writes, history, lambda: self._book.writes)
            if self._record is not None:
                self._record.judge(verdicts, recorded)
            return verdicts

    def trace_lines(self) -> Iterator[str]:
        """Everything so far as the lines of a trace.

        Raises:
            InputError: this cluster keeps no record.
        """
        if self._record is None:
            raise InputError("This cluster keeps no record of its run.")
        with self._changed:
            end, history = self._record.tape.end(), self._book.history()
        return self._record.lines(history, end)

    def close(self) -> None:
        """See `Cluster`. Takes half a second at most, also when a node is wedged."""
        if self._closed:
            return
        with self._changed:
            self._closed = True
            for ticket in self._book.open_tickets():
                self._book.give_up(ticket, "the cluster was closed")
            self._change()
        atexit.unregister(self.close)
        self._supervisor.close()
        if self._tape is not None:
            with self._judging:  # Nobody reads it now.
                self._tape.close()
        self._lock_on_data.release()

    # What the supervisor tells, in its thread, with the lock held

    def reported(self, node: int, report: bytes) -> None:
        """See `Listener`."""
        if self._tape is not None:
            self._tape.told(self.now_ms(), node, report)
        match decode_report(report):
            case WriteAnswer() as answer:
                self._answered(self._book.write_answered(answer))
                self._pictures.answered(node)
            case ReadAnswer() as answer:
                self._answered(self._book.read_answered(answer))
            case Inspected(number, state):
                self._pictures.told(node, state)
                if number:
                    if number in self._inspections:
                        self._inspections[number] = state
                    self._changed.notify_all()
                    return  # An asked-for picture changes nothing, or a condition that asks would wake itself.
            case NoteLine(kind, text):
                self._note(node, kind, text)
            case NodeFailed(text):
                self._pictures.failed(node, text)
                self._note(node, "failed", text)
        self._news = True  # Whoever waits is woken once for all that came together: see `tick`.

    def ended(self, node: int, how: str) -> None:
        """See `Listener`."""
        if self._tape is not None:
            self._tape.ended(self.now_ms(), node, how)
        self._pictures.lives(node, "down")
        self._note(node, "down", f"node {node} is down: {how}")
        for ticket in self._book.open_tickets(node):
            self._book.give_up(ticket, f"node {node} went down before it answered")
        self._change()

    def awaited(self, node: int) -> bool:
        """See `Listener`."""
        return self._book.is_awaited(node)

    def tick(self) -> float | None:
        """See `Listener`."""
        if self._news:
            self._news = False
            self._change()
        now = time.monotonic()
        if now >= self._next_look:
            self._next_look = now + 1
            if self._book.expire():
                self._change()
        return self._next_look - now

    def crashed(self, error: BaseException) -> None:
        """See `Listener`."""
        self._bug = error
        self._change()

    # Helpers

    def _hand_over(self, ticket: Ticket, call: ClientCall) -> None:
        data = encode_call(call)
        told = self._supervisor.tell(ticket.node, data)
        if told and self._tape is not None:
            self._tape.asked(self.now_ms(), ticket.node, data)
        if not told:
            self._book.give_up(ticket, f"node {ticket.node} is down", sent=False)
            self._change()

    def _inspect(self, node: int, *, detail: bool) -> NodeStatus | None:
        """Ask the node itself, and wait for it; None when it does not answer soon. The lock is let go meanwhile."""
        if self._supervisor.is_own_thread():
            return None  # A callback in the supervisor's thread would wait for itself.
        self._inspection += 1
        number = self._inspection
        if not self._supervisor.tell(node, encode_call(Inspect(number, detail))):
            return None
        self._inspections[number] = None
        try:
            self._changed.wait_for(
                lambda: self._inspections[number] is not None or self._pictures.life(node) != "up",
                DETAIL_S if detail else FRESH_S,
            )
        finally:
            found = self._inspections.pop(number)
        return found

    def _answered(self, ticket: Ticket | None) -> None:
        if self._supervisor.network.tap.open and ticket is not None and ticket.answer is not None:
            self._note(ticket.node, "answer", f"[{ticket.number}] {ticket.answer.text}")

    def _check_node(self, node: int) -> None:
        if node not in self._chains:
            raise InputError(f"There is no node {node}: this cluster has nodes 1 to {self.settings.nodes}.")

    def _note(self, node: int, kind: str, text: str) -> None:
        self._events.append(ClusterEvent(at_ms=self.now_ms(), node=node, kind=kind, text=text))
        self._change()

    def _change(self) -> None:
        self._changes += 1
        self._changed.notify_all()

    def _complain(self) -> None:
        if self._bug is not None:
            raise RuntimeError("the supervisor stopped because of a bug of ours") from self._bug
        if self._closed:
            raise InputError("This cluster has been closed.")


def _shown(number: int, held: Held) -> HeldMessage:
    source, target, message, _ = held
    return HeldMessage(number=number, source=source, target=target, text=describe(decode_message(message)))
