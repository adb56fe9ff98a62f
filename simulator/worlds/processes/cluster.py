"""The cluster of real processes: the `Cluster` interface over one `Supervisor`. Thread-safe.

A thread that waits sleeps on one condition variable, which is notified of every change. Nothing here polls.
"""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import copy
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from simulator.cluster.base import BaseCluster
from simulator.cluster.client_sessions import new_run_name
from simulator.cluster.events import ClusterEvent, HeldMessage
from simulator.cluster.history import Event
from simulator.cluster.interface import Ticket
from simulator.cluster.message_text import describe
from simulator.errors import InputError
from simulator.faults.faults import Crash, Fault
from simulator.faults.links import MOST_HELD, Link, Links, newest_held
from simulator.node.client_api import ClientCall, Inspected, NodeFailed, WriteAnswer
from simulator.node.status import NodeStatus
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.line_index import LineIndex
from simulator.node.storage.lock import DirectoryLock
from simulator.settings import Settings
from simulator.worlds.processes.changes import Changes
from simulator.worlds.processes.clocks import Settled
from simulator.worlds.processes.cluster_file import ClusterFile
from simulator.worlds.processes.inspections import Inspections
from simulator.worlds.processes.message_log import lines_of
from simulator.worlds.processes.nemesis import ProcessNemesis
from simulator.worlds.processes.node_main import Builder, build_node, node_directory
from simulator.worlds.processes.preflight import check_rule, prepare_directories
from simulator.worlds.processes.recording import Extent, RecordedHistory, Recording
from simulator.worlds.processes.router import Held
from simulator.worlds.processes.run_checks import RunChecks
from simulator.worlds.processes.run_trace import run_trace
from simulator.worlds.processes.status_cache import StatusCache
from simulator.worlds.processes.supervisor import Supervisor
from simulator.worlds.processes.time_steps import TimeSteps
from simulator.worlds.processes.trace_keeper import TraceKeeper
from simulator.worlds.processes.wire import decode_message, decode_reports

DEATH_S = 5.0
"""How long the kernel may take to end a killed process before this counts as an error."""
FLUSH_EVERY_S = 0.5
"""How often the recording is written to its file when its trace is to survive a kill."""
EXPIRE_EVERY_MS = 1_000
"""The time between two looks for requests that are overdue."""


class ProcessCluster(BaseCluster):
    """`settings.nodes` processes and the network between them. See `simulator.cluster.interface.Cluster`.

    `build` makes a node inside its process; tests and measurements give a smaller one. With `keep_history` off, clients
    are not recorded and `check` has less to judge. With `record` on, all events are kept for `trace_lines`, and `check`
    judges them too.

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
            deleted = prepare_directories(settings)
        except BaseException:
            self._lock_on_data.release()
            raise
        self._file = ClusterFile(settings.data, settings.node_ids)
        self._recording = Recording() if record or keep_history else None
        self._whole = self._recording if record else None  # It holds more than the clients' history.
        self._supervisor = Supervisor(settings, build, self, self._whole, self._file.origin)
        self._changed = Changes(self._supervisor.lock)
        self._changes = 0
        self._news = False
        history = RecordedHistory(self._recording, self.now_ms) if self._recording and keep_history else None
        super().__init__(settings, new_run_name(), self._supervisor.lock, history)
        if deleted:
            self._warn(deleted)
        self._checks = RunChecks(
            settings, self._book.run, self._recording, whole=record, call_soon=self._supervisor.call_soon
        )
        if self._recording is not None:
            self._recording.ended_early = self._recording_ended
            self._recording.grew = self._checks.grew
            if self._recording.cut:
                with self._lock:
                    self._recording_ended(self._recording.cut)
        self._expected_ends: set[int] = set()
        self._began: set[int] = set()  # The nodes that have reported once since their start.
        self._replaced = False
        self._statuses = StatusCache(settings)
        self._held: dict[int, HeldMessage] = {}
        self._inspections = Inspections(self._supervisor, self._statuses, self._changed)
        self._chains = {node: LineIndex(node_directory(settings, node) / CHAIN) for node in settings.node_ids}
        self._bug: BaseException | None = None
        self._keeper: TraceKeeper | None = None
        self._flush_at_s = 0.0
        self._expire_at_ms = 0.0
        self._time_steps = TimeSteps(self._supervisor, self._changed, self._expire)
        self._nemesis = ProcessNemesis(
            settings,
            self._supervisor,
            self._statuses,
            self._time_steps,
            wait_for=lambda condition: self._changed.wait_for(condition, DEATH_S),
            announce=self._injected,
            check_directory=self._check_directory,
            remember=self._file.remember,
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
        """See `Cluster`. `condition` is evaluated again after each answer, status report and event."""
        clock = self._supervisor.clock
        until_ms = clock.now_ms() + within_ms
        while True:
            with self._lock:
                seen = self._changes
            if condition():
                return True
            if clock.still:
                self._check_open()
                if not self._time_steps.pass_one(until_ms, self._count_changes):
                    return condition()
                continue
            late = within_ms and clock.now_ms() >= until_ms  # Under load there is always a change to look at.
            if late or not self._await_change(seen, lambda: until_ms - clock.now_ms()):
                return False

    def attend(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """See `Cluster`."""
        end = time.monotonic() + within_ms / 1000
        while True:
            with self._lock:
                seen = self._changes
            if condition():
                return True
            if not self._await_change(seen, lambda: 1000 * (end - time.monotonic())):
                return False

    def _await_change(self, seen: int, left_ms: Callable[[], float]) -> bool:
        """Sleep until something has changed since `seen`. False when no time is left."""
        with self._lock:
            while self._changes == seen:
                self._check_open()
                left = left_ms()
                if left <= 0:
                    return False
                self._changed.wait(left / 1000)
        return True

    def _count_changes(self) -> object:
        self._take_news()
        return self._changes, self._supervisor.router.held_count

    # Clients

    @contextmanager
    def together(self) -> Iterator[None]:
        """Send all requests made inside as one batch at the end. Do not wait inside."""
        with self._lock:
            self._supervisor.begin_batch()
            try:
                yield
            finally:
                self._supervisor.end_batch()

    # Faults

    @property
    def links(self) -> Links:
        """See `Cluster`. A copy: the links themselves belong to the supervisor's thread; `apply` changes them."""
        with self._lock:
            links = copy(self._supervisor.links)
            links.rules, links.cut = dict(links.rules), set(links.cut)
        return links

    def apply(self, fault: Fault) -> None:
        """See `Cluster`. When this returns, a crashed process has ended, and a restarted one has been started."""
        self._check_open()
        self._nemesis.carry_out(fault)

    def _recording_ended(self, why: str) -> None:
        sentence = f"the recording of this run ended: {why}"
        self._note(0, "recording", sentence)
        self._warn(f"{sentence}. The lab goes on; checks and traces know nothing of what follows")

    def _injected(self, fault: Fault) -> None:
        if isinstance(fault, Crash):
            self._expected_ends.add(fault.node)
        if self._whole is not None:
            self._whole.injected(self.now_ms(), fault)
        self._note_fault(fault)

    # Status

    def status(self, node: int, *, detail: bool = False) -> NodeStatus:
        """See `Cluster`. It is never older than the last answer of `node` to a client, if the node responds."""
        self._check_node(node)
        with self._lock:
            found = None
            if (detail or node in self._statuses.stale) and self._statuses.life(node) == "up":
                found = self._inspections.ask(node, detail=detail)
            if found is None:  # A call in a `return` would be the last word: Ctrl-C right after it would keep the lock.
                found = self._statuses.of(node)
        return found

    def chain_lines(self, node: int, first: int, last: int) -> list[str]:
        """See `Cluster`."""
        self._check_node(node)
        with self._lock:
            lines = self._chains[node].lines(first, last)
        return lines

    def held(self, *, after: int = 0) -> list[HeldMessage]:
        """See `Cluster`."""
        with self._lock:
            held = newest_held(self._supervisor.router.held, after)
        known = self._held  # Thousands may wait, and screens ask often: decode each once.
        shown = {number: known.get(number) or _shown(number, message) for number, message in held}
        if after and len(known) <= MOST_HELD:
            known.update(shown)
        else:
            self._held = shown
        return list(shown.values())

    def held_message(self, number: int | None = None) -> HeldMessage | None:
        """See `Cluster`."""
        with self._lock:
            held = self._supervisor.router.held
            key = next(iter(held), 0) if number is None else number
            message = held.get(key)
        return None if message is None else self._held.get(key) or _shown(key, message)

    def in_flight(self) -> int:
        """See `Cluster`. Counts messages on slow links and held messages."""
        with self._lock:
            underway = self._supervisor.router.underway()
        return underway

    def link_counts(self) -> dict[Link, tuple[int, int]]:
        """See `Cluster`."""
        with self._lock:
            network = self._supervisor.router
            used = sorted(network.passed.keys() | network.lost.keys())
            return {link: (network.passed[link], network.lost[link]) for link in used}

    def backlog(self, node: int) -> tuple[int, int]:
        """What waits in memory for a paused node: bytes, and messages dropped because the limit was reached."""
        self._check_node(node)
        with self._lock:
            process = self._supervisor.processes.get(node)
            return (process.outlet.waiting, process.outlet.dropped) if process is not None else (0, 0)

    def pid(self, node: int) -> int | None:
        """The process ID of the node; None when it is down."""
        self._check_node(node)
        with self._lock:
            process = self._supervisor.processes.get(node)
            return process.pid if process is not None else None

    def watch_messages(self, on: bool) -> None:
        """See `Cluster`."""
        with self._lock:
            self._supervisor.router.message_log.open = on

    def check(self) -> dict[str, str]:
        """See `Cluster`. Reads what is new in the nodes' files and in the recording since it was last read."""
        self._check_open()
        return self._checks.verdicts(self._extent)

    def history(self) -> Sequence[Event]:
        """See `Cluster`."""
        if self._recording is None:
            return []
        return list(self._recording.history(self._extent().end))

    def keep_trace(self, name: str) -> None:
        """See `Cluster`. Another process writes the trace if this one is killed."""
        if self._whole is not None and self._whole.fd is not None and self._keeper is None:
            self._keeper = TraceKeeper(self.settings, self._whole.fd, name)

    def trace_lines(self) -> Iterator[str]:
        """See `Cluster`."""
        if self._whole is None:
            raise InputError("This cluster keeps no record of its run.")
        return run_trace(self.settings, self._whole, self._extent())

    @contextmanager
    def files(self) -> Iterator[Path]:
        """See `Cluster`."""
        yield Path(self.settings.data)

    @property
    def simulated(self) -> None:
        """See `Cluster`."""
        return

    def close(self) -> None:
        """See `Cluster`. Takes half a second at most, even when a node does not respond."""
        if self._closed:
            return
        with self._lock:
            self._closed = True
            self._give_up_all()
            self._change()
        atexit.unregister(self.close)
        self._supervisor.close()
        self._checks.close()
        if self._keeper is not None:
            self._keeper.close()
        self._lock_on_data.release()

    # Reports of the supervisor, in its thread, with the lock held

    def reported(self, node: int, reports: bytes) -> None:
        """See `Listener`."""
        for report in decode_reports(reports):
            if node not in self._began and type(report) is not NodeFailed:
                self._note_beginning(node)
            if type(report) is WriteAnswer:
                self._answered(self._book.write_answered(report))
                self._statuses.answered(node)
            elif isinstance(report, Inspected):
                self._statuses.reported(node, report.state)
                if report.number:
                    self._inspections.answered(report.number, report.state)
                    continue  # No change: otherwise a condition that asks for a status would wake itself.
            else:
                self._take_report(node, report)
                if isinstance(report, NodeFailed):
                    self._statuses.failed(node, report.text)
            self._news = True  # `tick` wakes waiting threads once for all reports of a turn.

    def _note_beginning(self, node: int) -> None:
        """The first report of an incarnation: it has read its files, and may have promised and voted since."""
        self._began.add(node)
        if self._lock_on_data.holds():
            self._file.began(node)

    def ended(self, node: int, how: str) -> None:
        """See `Listener`."""
        if self._whole is not None:
            self._whole.ended(self.now_ms(), node, how)
        if not (node in self._expected_ends or self._statuses.has_failed(node) or self._closed):
            log = node_directory(self.settings, node) / "node.log"
            self._warn(f"node {node} is down: {how}, and nobody asked for it; {str(log)!r} may say why")
        self._expected_ends.discard(node)
        self._file_ended(node)
        self._statuses.changed(node, "down")
        self._time_steps.ended(node)
        self._take_end(node, how)

    def rejected(self, node: int, why: str) -> None:
        """See `Listener`."""
        self._statuses.failed(node, f"it sent what no node sends ({why})")
        self._note(node, "failed", f"it sent what no node sends ({why})")
        self._warn(f"node {node} was killed: it sent what no node sends ({why})")

    def awaited(self, node: int) -> bool:
        """See `Listener`."""
        return self._book.is_awaited(node)

    def tick(self) -> float | None:
        """See `Listener`."""
        self._take_news()
        expire_at_ms = self._expire()
        self._look_at_directory()
        if self._checks.is_due:
            self._checks.start()
        clock = self._supervisor.clock
        wait_s = None if clock.still else (expire_at_ms - clock.now_ms()) / 1000
        if self._keeper is None or self._whole is None:
            return wait_s
        now_s = time.monotonic()
        if now_s >= self._flush_at_s:
            self._flush_at_s = now_s + FLUSH_EVERY_S
            self._whole.end()
        return min(wait_s or FLUSH_EVERY_S, FLUSH_EVERY_S)

    def settled(self, node: int, answer: Settled) -> None:
        """See `Listener`."""
        self._time_steps.settled(node, answer)

    def crashed(self, error: BaseException) -> None:
        """See `Listener`."""
        self._bug = error
        self._change()

    # Helpers

    def _extent(self) -> Extent:
        with self._lock:
            extent = Extent(0) if self._recording is None else self._recording.extent()
        return extent

    def _hand_over(self, ticket: Ticket, call: ClientCall) -> None:
        if not self._supervisor.send_call(ticket.node, call):
            self._book.give_up(ticket, f"node {ticket.node} is down", sent=False)
            self._change()

    def _note(self, node: int, kind: str, text: str) -> None:
        super()._note(node, kind, text)
        self._change()

    def _take_news(self) -> None:
        if self._news:
            self._news = False
            self._change()

    def _look_at_directory(self) -> None:
        """Note how far the journals have come, as long as the directory is still ours."""
        if not self._file.is_due(time.monotonic()):
            return
        if self._lock_on_data.holds():
            self._file.look(time.monotonic())
        elif not self._replaced:
            self._replaced = True
            sentence = f"{self._moved_away()}: its nodes stop, and none starts again before a new lab does"
            self._note(0, "failed", sentence)
            self._warn(sentence)

    def _check_directory(self) -> None:
        if not self._lock_on_data.holds():
            raise InputError(f"T{self._moved_away()[1:]}: end this lab, and start one there.")

    def _moved_away(self) -> str:
        return f"the data directory {self.settings.data!r} was removed or replaced while the lab runs"

    def _file_ended(self, node: int) -> None:
        self._began.discard(node)
        if self._lock_on_data.holds():
            self._file.ended(node, failed=self._statuses.has_failed(node))

    def _expire(self) -> float:
        """End overdue requests, if it is time. Returns the cluster time of the next look."""
        now_ms = self._supervisor.now_ms()
        if now_ms >= self._expire_at_ms:
            self._expire_at_ms = now_ms + EXPIRE_EVERY_MS
            if self._book.expire():
                self._change()
        return self._expire_at_ms

    def _change(self) -> None:
        self._changes += 1
        self._changed.notify_all()

    def _check_open(self) -> None:
        if self._bug is not None:
            raise RuntimeError("the supervisor stopped because of a bug of ours") from self._bug
        super()._check_open()

    def _true_links(self) -> Links:
        return self._supervisor.links

    def _messages_after(self, count: int) -> tuple[int, Callable[[], list[ClusterEvent]]]:
        kept = self._supervisor.router.message_log.kept
        return kept.count, partial(lines_of, kept.after(count))

    def _logs_messages(self) -> bool:
        return self._supervisor.router.message_log.open


def _shown(number: int, held: Held) -> HeldMessage:
    source, target, message, _ = held
    try:
        text = describe(decode_message(message))
    except msgspec.DecodeError:
        text = "NO-MESSAGE"
    return HeldMessage(number=number, source=source, target=target, text=text)
