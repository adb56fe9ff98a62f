"""The cluster of real processes: the `Cluster` face for people and scripts, thread-safe, over one `Supervisor`.

Whoever waits sleeps on one condition variable, which is notified whenever something has changed: nothing here polls.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from simulator.cluster.base import BaseCluster
from simulator.cluster.client_sessions import new_run_name
from simulator.cluster.events import ClusterEvent, HeldMessage
from simulator.cluster.interface import Ticket
from simulator.cluster.message_text import describe
from simulator.errors import InputError
from simulator.faults.faults import Fault
from simulator.faults.links import Link, Links
from simulator.node.client_api import ClientCall, Inspect, Inspected, NodeFailed, WriteAnswer
from simulator.node.status import NodeStatus
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.line_index import LineIndex
from simulator.node.storage.lock import DirectoryLock
from simulator.settings import Settings
from simulator.worlds.processes.nemesis import ProcessNemesis
from simulator.worlds.processes.node_main import Builder, build_node, node_directory
from simulator.worlds.processes.preflight import check_rule, prepare_directories
from simulator.worlds.processes.record import Record
from simulator.worlds.processes.router import Held
from simulator.worlds.processes.status_cache import StatusCache
from simulator.worlds.processes.supervisor import Supervisor
from simulator.worlds.processes.wire import decode_message, decode_report, encode_call

if TYPE_CHECKING:
    from simulator.checks.node_files import NodeFilesChecker

FRESH_S = 0.25
"""How long `status` waits for a node that has changed since its last report."""
DETAIL_S = 2.0
DEATH_S = 5.0
"""How long the kernel may take to end a process that was killed, before we say that it does not."""


class ProcessCluster(BaseCluster):
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
        check_rule(settings.break_rule)
        self._lock_on_data = DirectoryLock(settings.data)
        try:
            prepare_directories(settings)
        except BaseException:
            self._lock_on_data.release()
            raise
        self._record = Record(settings) if record else None
        self._recording = self._record.recording if self._record is not None else None
        self._supervisor = Supervisor(settings, build, self, self._recording)
        self._changed = threading.Condition(self._supervisor.lock)
        self._changes = 0
        self._news = False
        super().__init__(settings, new_run_name(), self._changed, keep_history=keep_history)
        self._statuses = StatusCache(settings)
        self._held: dict[int, HeldMessage] = {}
        self._inspections: dict[int, NodeStatus | None] = {}
        self._inspection = 0
        self._chains = {node: LineIndex(node_directory(settings, node) / CHAIN) for node in settings.node_ids}
        self._judge: NodeFilesChecker | None = None  # From the first `check` on.
        self._judging = threading.Lock()
        self._bug: BaseException | None = None
        self._next_look = 0.0
        self._nemesis = ProcessNemesis(
            settings,
            self._supervisor,
            self._statuses,
            lambda condition: self._changed.wait_for(condition, DEATH_S),
            self._injected,
        )
        atexit.register(self.close)
        try:
            for node in settings.node_ids:
                self._statuses.changed(node, "up")
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
                    self._check_open()
                    left = end - time.monotonic()
                    if left <= 0:
                        return False
                    self._changed.wait(left)

    # Clients

    @contextmanager
    def together(self) -> Iterator[None]:
        """Requests made inside leave as one batch at the end: for whoever has many at once. Do not wait inside."""
        with self._changed:
            self._supervisor.begin_batch()
            try:
                yield
            finally:
                self._supervisor.end_batch()

    # Faults

    @property
    def links(self) -> Links:
        """See `Cluster`. A copy: the links themselves belong to the supervisor's thread; `apply` changes them."""
        with self._changed:
            links = copy(self._supervisor.links)
            links.rules, links.cut = dict(links.rules), set(links.cut)
        return links

    def apply(self, fault: Fault) -> None:
        """See `Cluster`. A crash has happened, and a restarted process is on its way, when this returns."""
        self._check_open()
        self._nemesis.carry_out(fault)

    def _injected(self, fault: Fault) -> None:
        if self._recording is not None:
            self._recording.injected(self.now_ms(), fault)
        self._note_fault(fault)

    # Looking

    def status(self, node: int, *, detail: bool = False) -> NodeStatus:
        """See `Cluster`. Never older than the last answer that `node` gave to a client, if the node can be asked."""
        self._check_node(node)
        with self._changed:
            asked = None
            if (detail or node in self._statuses.stale) and self._statuses.life(node) == "up":
                asked = self._inspect(node, detail=detail)
            return asked or self._statuses.of(node)

    def chain_lines(self, node: int, first: int, last: int) -> list[str]:
        """See `Cluster`."""
        self._check_node(node)
        with self._changed:
            return self._chains[node].lines(first, last)

    def held(self) -> list[HeldMessage]:
        """See `Cluster`."""
        with self._changed:
            held = list(self._supervisor.router.held.items())
        known = self._held  # Thousands may wait, and whoever looks looks often: each is read once.
        self._held = {number: known.get(number) or _shown(number, message) for number, message in held}
        return list(self._held.values())

    def in_flight(self) -> int:
        """See `Cluster`: those on slow links, and those held."""
        with self._changed:
            return self._supervisor.router.underway()

    def link_counts(self) -> dict[Link, tuple[int, int]]:
        """For each directed link that was used: messages passed on, and messages lost."""
        with self._changed:
            network = self._supervisor.router
            used = sorted(network.passed.keys() | network.lost.keys())
            return {link: (network.passed[link], network.lost[link]) for link in used}

    def backlog(self, node: int) -> tuple[int, int]:
        """What waits in memory for a node that stands still: bytes, and messages dropped for want of room."""
        self._check_node(node)
        with self._changed:
            life = self._supervisor.processes.get(node)
            return (life.outlet.waiting, life.outlet.dropped) if life is not None else (0, 0)

    def pid(self, node: int) -> int | None:
        """The number of the node's process; None when it is down."""
        self._check_node(node)
        with self._changed:
            life = self._supervisor.processes.get(node)
            return life.pid if life is not None else None

    def watch_messages(self, on: bool) -> None:
        """From now on the running log holds the messages between nodes, and the answers to clients, too; or not."""
        with self._changed:
            self._supervisor.router.message_log.open = on

    def check(self) -> dict[str, str]:
        """See `Cluster`. Reads what is new in the nodes' files, and on the record, since the last call."""
        with self._changed:
            writes, history = list(self._book.writes), self._book.history()
            recorded = self._recording.end() if self._recording is not None else 0
        with self._judging:
            if self._judge is None:
                from simulator.checks.node_files import NodeFilesChecker  # noqa: PLC0415  While nodes start, nobody needs judges.

                self._judge = NodeFilesChecker(self.settings, self._book.run)
            verdicts = self._judge.verdicts(writes, history, lambda: self._book.writes)
            if self._record is not None:
                self._record.check(verdicts, recorded)
            return verdicts

    def trace_lines(self) -> Iterator[str]:
        """Everything so far as the lines of a trace.

        Raises:
            InputError: this cluster keeps no record.
        """
        if self._record is None:
            raise InputError("This cluster keeps no record of its run.")
        with self._changed:
            end, history = self._record.recording.end(), self._book.history()
        return self._record.lines(history, end)

    @contextmanager
    def files(self) -> Iterator[Path]:
        """See `Cluster`."""
        yield Path(self.settings.data)

    @property
    def simulated(self) -> None:
        """See `Cluster`."""
        return

    def close(self) -> None:
        """See `Cluster`. Takes half a second at most, also when a node is wedged."""
        if self._closed:
            return
        with self._changed:
            self._closed = True
            self._give_up_all()
            self._change()
        atexit.unregister(self.close)
        self._supervisor.close()
        if self._recording is not None:
            with self._judging:  # Nobody reads it now.
                self._recording.close()
        self._lock_on_data.release()

    # What the supervisor tells, in its thread, with the lock held

    def reported(self, node: int, report: bytes) -> None:
        """See `Listener`."""
        if self._recording is not None:
            self._recording.reported(self.now_ms(), node, report)
        match decode_report(report):
            case Inspected(number, status):
                self._statuses.reported(node, status)
                if number:
                    if number in self._inspections:
                        self._inspections[number] = status
                    self._changed.notify_all()
                    return  # A status that was asked for changes nothing, or a condition that asks would wake itself.
            case other:
                self._take_report(node, other)
                if isinstance(other, WriteAnswer):
                    self._statuses.answered(node)
                elif isinstance(other, NodeFailed):
                    self._statuses.failed(node, other.text)
        self._news = True  # Whoever waits is woken once for all that came together: see `tick`.

    def ended(self, node: int, how: str) -> None:
        """See `Listener`."""
        if self._recording is not None:
            self._recording.ended(self.now_ms(), node, how)
        self._statuses.changed(node, "down")
        self._take_end(node, how)

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
        told = self._supervisor.send_call(ticket.node, data)
        if told and self._recording is not None:
            self._recording.called(self.now_ms(), ticket.node, data)
        if not told:
            self._book.give_up(ticket, f"node {ticket.node} is down", sent=False)
            self._change()

    def _inspect(self, node: int, *, detail: bool) -> NodeStatus | None:
        """Ask the node itself, and wait for it; None when it does not answer soon. The lock is let go meanwhile."""
        if self._supervisor.is_own_thread():
            return None  # A callback in the supervisor's thread would wait for itself.
        self._inspection += 1
        number = self._inspection
        if not self._supervisor.send_call(node, encode_call(Inspect(number, detail))):
            return None
        self._inspections[number] = None
        try:
            self._changed.wait_for(
                lambda: self._inspections[number] is not None or self._statuses.life(node) != "up",
                DETAIL_S if detail else FRESH_S,
            )
        finally:
            found = self._inspections.pop(number)
        return found

    def _note(self, node: int, kind: str, text: str) -> None:
        super()._note(node, kind, text)
        self._change()

    def _change(self) -> None:
        self._changes += 1
        self._changed.notify_all()

    def _check_open(self) -> None:
        if self._bug is not None:
            raise RuntimeError("the supervisor stopped because of a bug of ours") from self._bug
        super()._check_open()

    def _true_links(self) -> Links:
        return self._supervisor.links

    def _newest_messages(self, last: int) -> Sequence[ClusterEvent]:
        return self._supervisor.router.message_log.newest(last)

    def _logs_messages(self) -> bool:
        return self._supervisor.router.message_log.open


def _shown(number: int, held: Held) -> HeldMessage:
    source, target, message, _ = held
    return HeldMessage(number=number, source=source, target=target, text=describe(decode_message(message)))
