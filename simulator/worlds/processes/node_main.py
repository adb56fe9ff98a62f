"""One node as a process of its own: a loop around `Node` that waits, reads all there is, and ends a batch with `flush`.

The loop sleeps until its queue has something or its next alarm is due, and for nothing else. All that arrived while the
disk was busy is one batch: one sync serves it (group commit). This module imports no screen, so that a node is up in a
tenth of a second.
"""

from __future__ import annotations

import gc
import os
import selectors
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage, Decide, Hints
from simulator.errors import InputError
from simulator.faults.faults import DiskFaultKind
from simulator.node.client_api import Inspected, NodeFailed, NodeReport
from simulator.node.drivable import Drivable
from simulator.node.status import NodeStatus
from simulator.settings import Settings
from simulator.worlds.processes.framed_pipe import DEFERRABLE, SUPERVISOR, WITNESS, Inlet, Outlet, frame, split
from simulator.worlds.processes.process_flags import die_with_parent
from simulator.worlds.processes.wire import decode_call, decode_message, encode_message, encode_report

if TYPE_CHECKING:
    from simulator.worlds.processes.probe_frames import ProcessProbe

LOOK_EVERY_MS = 50
"""How often at most a node that changes says so unasked."""
COUNTERS_EVERY_MS = 1_000
"""How often at most a node sends its state when nothing but its counters changed."""
SHUTDOWN_GRACE_S = 1.0
DISK_FAULT_MODE = 1_000
"""The address of a frame that says what the disk shall do: no node has this number. Its message is one byte."""
DISK_FAULT_MODES: tuple[DiskFaultKind, ...] = ("ok", "full", "readonly", "failing-write", "failing-sync")
DEFERRABLE_MESSAGES = (Decide, Hints)
"""What nobody waits for but clients of the node that is told, and of those the supervisor knows."""
NEW_OBJECTS = 50_000
MANY_NEW_OBJECTS = 1_000_000


def node_directory(settings: Settings, node_id: NodeId) -> Path:
    """Where a node backs up what it must not forget."""
    return Path(settings.data) / f"node-{node_id}"


class ProcessHost:
    """The world as the node of this process sees it: a queue out, and alarms.

    A message is encoded once, whoever it is for; messages for the same targets in a row share one frame.
    `disk_fault_mode` is what the supervisor wants the disk to do, `probe` whom the node tells what it does inside, if
    anybody.
    """

    def __init__(self, outlet: Outlet, dice: Random, disk_fault_mode: DiskFaultKind = "ok") -> None:
        self.due_ms: dict[Timer, int] = {}
        self.now_ms = 0
        self.disk_fault_mode = disk_fault_mode
        self.probe: ProcessProbe | None = None
        self._outlet = outlet
        self._dice = dice
        self._sets: dict[tuple[NodeId, ...], int] = {}
        self._targets = 0
        self._messages: list[bytes] = []
        self._reports: list[bytes] = []

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Host`."""
        targets = self._sets.get(to)
        if targets is None:
            targets = self._sets[to] = sum(1 << node for node in set(to))
        if type(message) in DEFERRABLE_MESSAGES:
            targets |= DEFERRABLE
        if targets != self._targets:
            self._seal()
            self._targets = targets
        self._messages.append(encode_message(message))

    def push(self) -> None:
        """See `Host`. What the pipe does not take follows when it does: see `written`."""
        self._seal()
        if self._reports:
            self._outlet.put(frame(1 << SUPERVISOR, self._reports))
            self._reports.clear()
        self._outlet.flush()

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """See `Host`."""
        self.due_ms[timer] = self.now_ms + min_ms + int(self._dice.random() * (max_ms - min_ms + 1))

    def report(self, report: NodeReport) -> None:
        """See `Host`."""
        self._reports.append(encode_report(report))

    def be_probed(self) -> None:
        """From now on, what the node does inside leaves too, between the messages, in the order of doing."""
        from simulator.worlds.processes.probe_frames import ProcessProbe  # noqa: PLC0415  10 ms that others need not spend.

        self.probe = ProcessProbe(self._tell)

    def _tell(self, telling: bytes) -> None:
        self._seal()
        self._outlet.put(frame(WITNESS, [telling]))

    def take_due(self) -> list[Timer]:
        """The alarms whose time has come, the earliest first; they are set no longer."""
        due = sorted((at, timer) for timer, at in self.due_ms.items() if at <= self.now_ms)
        for _, timer in due:
            del self.due_ms[timer]
        return [timer for _, timer in due]

    def _seal(self) -> None:
        if self._messages:
            self._outlet.put(frame(self._targets, self._messages))
            self._messages.clear()


Builder = Callable[[NodeId, Settings, ProcessHost], Drivable]
"""Makes the node. It is looked up by name in the new process, so it is a function at the top of a module."""


def build_node(node_id: NodeId, settings: Settings, host: ProcessHost) -> Drivable:
    """The node of the protocol, with the rule broken that the settings name, on its real files."""
    from simulator.node.node import Node  # noqa: PLC0415  A test's smaller node need not load this one.
    from simulator.node.storage.real_disk import RealDisk  # noqa: PLC0415
    from simulator.node.storage.storage import Storage  # noqa: PLC0415
    from simulator.worlds.processes.faulty_disk import FaultyDisk  # noqa: PLC0415

    disk = RealDisk(node_directory(settings, node_id), settings.sync)
    storage = Storage(FaultyDisk(disk, host), settings.difficulty)
    made = Node
    if settings.break_rule is not None:
        from simulator.mutants.registry import node_type  # noqa: PLC0415  No sound node needs to know of broken ones.

        made = node_type(settings.break_rule)
    return made(node_id, settings, storage, host, probe=host.probe)


class Watcher:
    """Decides when to offer the supervisor a fresh picture, so that nobody has to ask for one."""

    def __init__(self, node: Drivable) -> None:
        self.due_ms: int | None = 0
        self._node = node
        self._looked_ms = -COUNTERS_EVERY_MS
        self._told_ms = 0
        self._summary: object = None

    def something_happened(self) -> None:
        """Look again, at once or as soon as the last look is old enough."""
        if self.due_ms is None:
            self.due_ms = self._looked_ms + LOOK_EVERY_MS

    def look(self, now_ms: int) -> NodeStatus | None:
        """The node's state if it is worth telling."""
        self._looked_ms = now_ms
        self.due_ms = None
        state = self._node.status()
        summary = _summary(state)
        if summary == self._summary and now_ms - self._told_ms < COUNTERS_EVERY_MS:
            return None
        self._summary = summary
        self._told_ms = now_ms
        return state


def _summary(state: NodeStatus) -> object:
    """Everything that a person would call a change; counters run on by themselves."""
    return (
        state.role,
        state.ballot,
        state.promised,
        state.leader,
        state.accepted,
        state.decided,
        state.applied,
        state.hash,
        state.queue,
        state.pending,
        state.in_flight,
        state.heard,
        state.error,
    )


class Loop:
    """Wait, read everything, tell the node, flush: until the supervisor is gone or the node stops."""

    def __init__(self, node: Drivable, host: ProcessHost, inlet: Inlet, outlet: Outlet) -> None:
        self._node = node
        self._host = host
        self._inlet = inlet
        self._outlet = outlet
        self._watcher = Watcher(node)
        self._selector = selectors.DefaultSelector()
        self._selector.register(inlet.fd, selectors.EVENT_READ)
        self._writing = False

    def run(self) -> None:
        """Returns when the queue in is at its end. Raises what the node raises."""
        host, node = self._host, self._node
        host.now_ms = clock_ms()
        node.start(host.now_ms)
        node.flush(host.now_ms)
        gc.disable()
        gc.collect()
        gc.freeze()
        while not self._inlet.closed:
            ready = self._selector.select(self._timeout_s())
            host.now_ms = now = clock_ms()
            if ready:
                self._read(now)
            _collect_what_is_new(idle=not ready)
            for timer in host.take_due():
                if host.probe is not None:
                    host.probe.woken(timer)
                node.wake(timer, now)
            node.flush(now)
            self._watch(now)
            self._write_rest()

    def _read(self, now: int) -> None:
        node = self._node
        for source, _, body in self._inlet.read():
            if source == SUPERVISOR:
                for data in split(body):
                    node.call(decode_call(data), now)
            elif source == DISK_FAULT_MODE:
                self._host.disk_fault_mode = DISK_FAULT_MODES[body[-1]]
            else:
                for data in split(body):
                    node.receive(decode_message(data), now)
        self._watcher.something_happened()

    def _watch(self, now: int) -> None:
        watcher = self._watcher
        if watcher.due_ms is not None and watcher.due_ms <= now:
            state = watcher.look(now)
            if state is not None:
                self._host.report(Inspected(0, state))
                self._host.push()

    def _write_rest(self) -> None:
        """Wait for the queue out too, as long as it has not taken everything."""
        waiting = self._outlet.waiting > 0 and not self._outlet.flush()
        if waiting != self._writing:
            self._writing = waiting
            if waiting:
                self._selector.register(self._outlet.fd, selectors.EVENT_WRITE)
            else:
                self._selector.unregister(self._outlet.fd)

    def _timeout_s(self) -> float | None:
        due = min(self._host.due_ms.values(), default=None)
        look = self._watcher.due_ms
        if look is not None and (due is None or look < due):
            due = look
        return None if due is None else max(0.0, due / 1000 - time.monotonic())


def _collect_what_is_new(*, idle: bool) -> None:
    """Look for garbage while nobody waits, or when a lot has gathered.

    What survives is moved out of the collector's sight: its pauses are as short as what is new, however long the chain.
    """
    new = gc.get_count()[0]
    if new > (NEW_OBJECTS if idle else MANY_NEW_OBJECTS):
        gc.collect()
        gc.freeze()


def clock_ms() -> int:
    """The process's clock: it only grows, and all processes of one machine share it."""
    return time.monotonic_ns() // 1_000_000


def run_node(
    node_id: NodeId,
    settings: Settings,
    build: Builder,
    disk_fault_mode: DiskFaultKind,
    *,
    ends: tuple[int, int],
    parent: int,
    probed: bool = False,
) -> None:
    """A node process from its first line to its last. `ends` are its queue in and its queue out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which then ends its nodes.
    die_with_parent(parent)
    log = _redirect_output(node_directory(settings, node_id))
    inlet, outlet = Inlet(ends[0]), Outlet(ends[1])
    host = ProcessHost(outlet, Random(f"{settings.seed}/{node_id}"), disk_fault_mode)
    if probed:
        host.be_probed()
    status = 1
    try:
        Loop(build(node_id, settings, host), host, inlet, outlet).run()
        status = 0
    except (InputError, OSError) as error:
        host.report(NodeFailed(str(error)))
    except Exception as error:  # noqa: BLE001  Whatever it was, the supervisor must hear of it.
        sys.excepthook(type(error), error, error.__traceback__)  # The module traceback would cost 4 ms at the start.
        if type(error).__name__ != "NodeStopped":
            host.report(NodeFailed(f"a bug of ours ({type(error).__name__}: {error}); see {log}"))
    host.push()
    _ask_to_end(outlet)
    sys.stderr.flush()
    os._exit(status)  # Nothing is left to be tidied, and tearing the interpreter down takes longer than a node's life.


def _redirect_output(directory: Path) -> Path:
    """Whatever this process prints goes to a file: the screen belongs to the supervisor."""
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "node.log"
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    return path


def _ask_to_end(outlet: Outlet) -> None:
    """Give the supervisor a second to take the last reports."""
    with selectors.DefaultSelector() as selector:
        selector.register(outlet.fd, selectors.EVENT_WRITE)
        end = time.monotonic() + SHUTDOWN_GRACE_S
        while not outlet.flush() and (left := end - time.monotonic()) > 0:
            selector.select(left)
