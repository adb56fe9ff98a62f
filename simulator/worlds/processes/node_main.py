"""The main program of a node process: a loop that waits, reads all input, and ends each batch with `flush`.

The loop sleeps until its pipe has data or its next timer is due. Everything that arrived while the disk was busy is one
batch, for which one sync is enough (group commit). This module imports no screen library, so that a node starts in a
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

import msgspec

from paxos.ballot import NodeId
from paxos.messages import AnyMessage
from simulator.errors import InputError
from simulator.node.client_api import Inspect, Inspected, NodeFailed
from simulator.node.drivable import Drivable
from simulator.node.status import NodeStatus
from simulator.node.storage.disk import check_home
from simulator.settings import Settings
from simulator.worlds.processes.clocks import (
    CLOCK,
    RUNNING,
    SETTLED,
    ClockSetting,
    NodeClock,
    Settled,
    decode_setting,
    encode_clock,
)
from simulator.worlds.processes.cluster_file import Origin
from simulator.worlds.processes.framed_pipe import SUPERVISOR, Frame, FrameError, Inlet, Outlet, frame, split
from simulator.worlds.processes.process_host import DISK_FAULT_MODE, DiskMode, ProcessHost, decode_disk_mode
from simulator.worlds.processes.status_reporter import StatusReporter
from simulator.worlds.processes.wire import decode_calls, decode_message

DISK_FAILED, BAD_FILES = os.EX_IOERR, os.EX_DATAERR
"""The exit status of a node process whose disk failed (74), or whose files are not its own (65). A bug has status 1."""
SHUTDOWN_GRACE_S = 1.0
"""How long a process that ends waits for the supervisor to read its last reports."""
NEW_OBJECTS = 50_000
MANY_NEW_OBJECTS = 1_000_000


def node_directory(settings: Settings, node_id: NodeId) -> Path:
    """The directory of a node's files."""
    return Path(settings.data) / f"node-{node_id}"


Builder = Callable[[NodeId, Settings, ProcessHost], Drivable]
"""Makes the node. The new process finds it by its name, so it must be a function at the top of a module."""


def build_node(node_id: NodeId, settings: Settings, host: ProcessHost) -> Drivable:
    """A node of the protocol on its real files, with the rule broken that the settings name."""
    from simulator.node.node import Node  # noqa: PLC0415  A smaller node of a test does not load this one.
    from simulator.node.storage.real_disk import RealDisk  # noqa: PLC0415
    from simulator.node.storage.storage import Storage  # noqa: PLC0415
    from simulator.worlds.processes.faulty_disk import FaultyDisk  # noqa: PLC0415

    origin = host.origin
    folder = node_directory(settings, node_id)
    distrust, home = (False, None) if origin is None else (origin.distrust, origin.home)
    disk = RealDisk(folder, settings.sync, distrust=distrust, home=home)
    known = () if origin is None else (origin.identity, origin.past)
    storage = Storage(FaultyDisk(disk, host), settings.difficulty, *known)
    node_class = Node
    if settings.break_rule is not None:
        from simulator.mutants.registry import node_type  # noqa: PLC0415  Only a mutant needs this.

        node_class = node_type(settings.break_rule)
    return node_class(node_id, settings, storage, host, probe=host.probe, nonce=host.nonce)


class Loop:
    """Waits, reads everything, hands it to the node and flushes, until the supervisor is gone or the node stops."""

    def __init__(self, node: Drivable, host: ProcessHost, inlet: Inlet, outlet: Outlet, clock: ClockSetting) -> None:
        self._node = node
        self._host = host
        self._inlet = inlet
        self._outlet = outlet
        self._clock = NodeClock(clock, clock_ms)
        self._reporter = StatusReporter(node)
        self._selector = selectors.DefaultSelector()
        self._selector.register(inlet.fd, selectors.EVENT_READ)
        self._writing = False
        self._settling = clock.number  # That of the clock setting to answer; 0: none.

    def run(self) -> None:
        """Return when the pipe in is at its end. Raises what the node raises."""
        host, node = self._host, self._node
        early = self._inlet.read()  # The clocks may have been stopped while this process started.
        self._set_clock(early)
        host.now_ms = self._clock.now_ms()
        gc.disable()  # The replay of a long chain makes millions of objects that stay.
        if host.probe is not None:
            host.probe.turn(host.now_ms, 0, host.nonce)
        node.start(host.now_ms)
        node.flush(host.now_ms)
        self._handle(early, host.now_ms)
        node.flush(host.now_ms)
        gc.collect()
        gc.freeze()
        while not self._inlet.closed:
            ready = self._selector.select(self._timeout_s())
            host.now_ms = now = self._clock.now_ms()
            host.turn_began_cpu_s = time.process_time()
            received = self._inlet.read() if ready else []
            if ready and self._set_clock(received):
                host.now_ms = now = self._clock.now_ms()
            if ready or (host.probe is not None and host.has_due()):
                self._handle(received, now)
            _collect_garbage(idle=not ready)
            for timer in host.take_due():
                if host.probe is not None:
                    host.probe.fired(timer)
                node.wake(timer, now)
            node.flush(now)
            host.send_postponed()
            self._report_status(clock_ms())
            if self._settling:
                self._settle()
            host.end_turn()
            self._write_rest()

    def _set_clock(self, received: list[Frame]) -> bool:
        """Carry out the newest setting of the clock, if one has come. Messages that came with it are handled after."""
        settings = [body for source, _, body in received if source == CLOCK]
        for body in settings:
            for data in split(body):
                setting = decode_setting(data)
                self._clock.set(setting)
                self._settling = setting.number
        return bool(settings)

    def _settle(self) -> None:
        """Answer the supervisor, once nothing is due. It knows the newest status then."""
        due_ms = min(self._host.due_ms.values(), default=None)
        if (due_ms is not None and due_ms <= self._host.now_ms) or self._host.postponed_s() is not None:
            return  # The next turn comes at once.
        self._report(self._reporter.look(clock_ms()))
        self._host.push_all()
        self._outlet.put(frame(SETTLED, [encode_clock(Settled(self._settling, self._host.now_ms, due_ms))]))
        self._settling = 0

    def _handle(self, received: list[Frame], now: int) -> None:
        node = self._node
        calls = [
            [call for data in split(body) for call in decode_calls(data)]
            for source, _, body in received
            if source == SUPERVISOR
        ]
        if self._host.probe is not None:
            heard = sum(count for source, count, _ in received if source not in {SUPERVISOR, DISK_FAULT_MODE, CLOCK})
            asked = sum(not isinstance(call, Inspect) for some in calls for call in some)
            self._host.probe.turn(now, heard + asked)
        calls.reverse()
        for source, _, body in received:
            if source == SUPERVISOR:
                for call in calls.pop():
                    node.call(call, now)
            elif source == DISK_FAULT_MODE:
                for data in split(body):
                    self._host.disk_fault_mode, self._host.disk_delay_ms = decode_disk_mode(data)
            elif source != CLOCK:
                for message in _decoded(body):
                    node.receive(message, now)
        self._reporter.changed()

    def _report_status(self, now: int) -> None:
        reporter = self._reporter
        if reporter.due_ms is not None and reporter.due_ms <= now:
            self._report(reporter.look(now))

    def _report(self, status: NodeStatus | None) -> None:
        if status is not None:
            self._host.report(Inspected(0, status))
            self._host.push()

    def _write_rest(self) -> None:
        """Wait for the pipe out too, while it has not taken everything."""
        waiting = self._outlet.waiting > 0 and not self._outlet.flush()
        if waiting != self._writing:
            self._writing = waiting
            if waiting:
                self._selector.register(self._outlet.fd, selectors.EVENT_WRITE)
            else:
                self._selector.unregister(self._outlet.fd)

    def _timeout_s(self) -> float | None:
        if self._settling:
            return 0.0
        due = min(self._host.due_ms.values(), default=None)
        waits = [
            None if due is None else self._clock.seconds_until(due),
            self._host.postponed_s(),
            self._host.probes_wait_s(),
        ]
        look = self._reporter.due_ms  # People look in real time.
        if look is not None:
            waits.append(max(0.0, look / 1000 - time.monotonic()))
        return min((wait_s for wait_s in waits if wait_s is not None), default=None)


def _decoded(body: bytes) -> list[AnyMessage]:
    """The messages of a frame; none if the node that sent it is broken, which is no reason to stop here."""
    try:
        return [decode_message(data) for data in split(body)]
    except (FrameError, msgspec.DecodeError):
        return []


def _collect_garbage(*, idle: bool) -> None:
    """Collect garbage when the node is idle, or when a lot of new objects exist.

    Surviving objects are frozen: the collector skips them, so its pauses depend on new objects, not on the chain.
    """
    new = gc.get_count()[0]
    if new > (NEW_OBJECTS if idle else MANY_NEW_OBJECTS):
        gc.collect()
        gc.freeze()


def clock_ms() -> int:
    """Milliseconds of a clock that never goes back. All processes of one machine share it."""
    return time.monotonic_ns() // 1_000_000


def run_node(
    node_id: NodeId,
    settings: Settings,
    build: Builder,
    disk_mode: DiskMode,
    *,
    ends: tuple[int, int],
    clock: ClockSetting = RUNNING,
    origin: Origin | None = None,
    probed: bool = False,
) -> None:
    """Run a node process from start to end. `ends` are its pipe in and its pipe out."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor, which ends its nodes.
    inlet, outlet = Inlet(ends[0]), Outlet(ends[1])
    host = ProcessHost(outlet, Random(f"{settings.seed}/{node_id}"), disk_mode)
    host.origin = origin
    if probed:
        host.start_probe()
    status = 1
    log = node_directory(settings, node_id) / "node.log"
    try:
        check_home(settings.data, None if origin is None else origin.home, settings.data)
        _redirect_output(log)
        Loop(build(node_id, settings, host), host, inlet, outlet, clock).run()
        status = 0
    except InputError as error:
        host.report(NodeFailed(str(error)))
        status = BAD_FILES
    except OSError as error:
        where = f"{error.filename!r} cannot be used: " if isinstance(error.filename, str) else ""
        host.report(NodeFailed(f"{where}{error.strerror or error}"))
        status = DISK_FAILED
    except MemoryError:
        host.report(NodeFailed("there is not enough memory for it"))
    except Exception as error:  # noqa: BLE001  The supervisor gets every error.
        sys.excepthook(type(error), error, error.__traceback__)  # The module traceback would cost 4 ms at the start.
        if type(error).__name__ != "NodeStopped":
            host.report(NodeFailed(f"a bug of ours ({type(error).__name__}: {error}); see {log}"))
        elif isinstance(error.__cause__, OSError):
            status = DISK_FAILED
        elif isinstance(error.__cause__, InputError):
            status = BAD_FILES
    host.push_all()
    _drain(outlet)
    sys.stderr.flush()
    os._exit(status)  # Nothing needs a cleanup, and finalizing the interpreter takes long.


def _redirect_output(path: Path) -> None:
    """Send what this process prints to a file: the screen belongs to the supervisor."""
    path.parent.mkdir(parents=True, exist_ok=True)
    log = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)


def _drain(outlet: Outlet) -> None:
    """Wait up to a second until the supervisor has read the last reports."""
    with selectors.DefaultSelector() as selector:
        selector.register(outlet.fd, selectors.EVENT_WRITE)
        end = time.monotonic() + SHUTDOWN_GRACE_S
        while not outlet.flush() and (left := end - time.monotonic()) > 0:
            selector.select(left)
