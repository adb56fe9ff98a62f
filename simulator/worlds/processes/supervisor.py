"""The supervisor: one thread that starts the node processes, passes messages between them, and notices their end.

It sleeps in one persistent selector on all pipes and on the sentinel of each process, and never waits for a single
node. It starts nodes itself, because Linux kills a node when the thread that started it ends.
"""

from __future__ import annotations

import selectors
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from multiprocessing import resource_tracker
from random import Random
from typing import Protocol

import msgspec

from simulator.faults.links import Links
from simulator.node.client_api import ClientCall
from simulator.settings import Settings
from simulator.worlds.processes.call_queue import CallQueue
from simulator.worlds.processes.clocks import SETTLED, ClusterClock, Settled, decode_settled
from simulator.worlds.processes.cluster_file import Origin
from simulator.worlds.processes.framed_pipe import PROBE, SUPERVISOR, FrameError, frame, split
from simulator.worlds.processes.node_main import Builder, node_directory
from simulator.worlds.processes.node_process import NodeProcess
from simulator.worlds.processes.older_copies import OlderCopies
from simulator.worlds.processes.poller import Poller
from simulator.worlds.processes.process_host import DISK_FAULT_MODE, DiskMode, encode_disk_mode
from simulator.worlds.processes.recording import Recording
from simulator.worlds.processes.router import Router
from simulator.worlds.processes.wire import encode_calls

COALESCE_S = 0.002
"""How long a deferrable message may wait for others to share its frame. No person or test notices this delay."""
SWITCH_S = 0.0005
"""How long another thread of this process may keep the interpreter. A busy screen must not slow the network."""
SHUTDOWN_GRACE_S = 0.5
"""How long nodes have to end by themselves before they are killed."""


class Listener(Protocol):
    """Gets the supervisor's reports, in the supervisor's thread and with the lock held."""

    def reported(self, node: int, reports: bytes) -> None:
        """`node` sent reports, encoded (see `wire`)."""

    def ended(self, node: int, how: str) -> None:
        """The process of `node` has ended."""

    def rejected(self, node: int, why: str) -> None:
        """The process of `node` sent what no node sends, and has been killed."""

    def awaited(self, node: int) -> bool:
        """True while a client waits for an answer of `node`."""

    def settled(self, node: int, answer: Settled) -> None:
        """`node` has answered a setting of its clock."""

    def tick(self) -> float | None:
        """Called before each sleep. Returns the seconds until the next call at the latest; None: any time."""

    def crashed(self, error: BaseException) -> None:
        """The supervisor's own thread met a bug of ours and has killed all nodes."""


class Supervisor:
    """Runs from `start` to `close`. Every other method needs `lock` held, unless it says otherwise.

    `processes` holds the processes that have not been reaped. With a `recording`, nodes report their probes too.
    """

    def __init__(
        self,
        settings: Settings,
        build: Builder,
        listener: Listener,
        recording: Recording | None = None,
        origin: Callable[[int], Origin] | None = None,
    ) -> None:
        self.lock = threading.RLock()
        self.links = Links(settings.node_ids)
        self.router = Router(self.links, Random(settings.seed), recording, listener.awaited)
        self.processes: dict[int, NodeProcess] = {}
        self.clock = ClusterClock()
        self._settings = settings
        self._recording = recording
        self._origin = origin
        self._build = build
        self._listener = listener
        self._poller = Poller()
        self._writing: dict[int, int] = {}
        self._disk_modes: dict[int, DiskMode] = {}
        self.older_copies = OlderCopies(partial(node_directory, settings))
        self._ending = False
        self._over = False
        self._kill_at: float | None = None
        self._coalesce_until: float | None = None
        self._batches = 0
        self._batch: dict[int, list[ClientCall]] = {}
        self._calls = CallQueue()
        self._poller.register(self._calls.fd, self._calls.drain)
        self._thread = threading.Thread(target=self._run, name="paxsim-supervisor", daemon=True)

    def now_ms(self) -> float:
        """Milliseconds of cluster time since this was made. Needs no lock."""
        return self.clock.now_ms()

    def start(self) -> None:
        """Start the thread and, from it, all nodes; returns when all processes have been started. Needs no lock."""
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S))
        resource_tracker.ensure_running()  # Started later, inside a running Textual app, it would fail.
        self._thread.start()
        self.call_soon(self._spawn_all)

    def call_soon(self, function: Callable[[], None]) -> None:
        """Call `function` in the supervisor's thread and wait for its end. Call this without the lock.

        Raises:
            RuntimeError: the supervisor has ended. Anything that `function` raises is raised here too.
        """
        if self.is_own_thread():
            function()
            return
        with self.lock:
            if self._over:
                raise RuntimeError("the supervisor has ended")
            done = self._calls.put(function)
        done.result()

    def spawn(self, node: int) -> None:
        """Start a process for `node`, with new pipes. In the supervisor's thread alone: see `call_soon`."""
        disk_mode = self._disk_modes.get(node, ("ok", 0))
        self.older_copies.keep(node)
        probed, clock = self._recording is not None, self.clock.setting()
        origin = None if self._origin is None else self._origin(node)
        process = NodeProcess(node, self._settings, self._build, disk_mode, clock=clock, origin=origin, probed=probed)
        self.processes[node] = process
        self.router.connect(node, process.outlet)
        self._poller.register(process.inlet.fd, lambda: self._read(process))
        self._poller.register(process.sentinel, lambda: self._reap(process))

    def send_call(self, node: int, call: ClientCall) -> bool:
        """Send a client's call to `node`. False when it is down."""
        process = self.processes.get(node)
        if process is None or process.outlet.closed:
            return False
        if self._batches:
            self._batch.setdefault(node, []).append(call)
            return True
        self._put_calls(process, [call])
        if self.is_own_thread():
            self.router.mark(node)
        else:
            self._flush(node)
        return True

    def set_disk_mode(self, node: int, mode: DiskMode) -> None:
        """Set what the disk of `node` does from now on, in later incarnations too."""
        self._disk_modes[node] = mode
        process = self.processes.get(node)
        if process is not None and not process.outlet.closed:
            process.outlet.put(frame(DISK_FAULT_MODE, [encode_disk_mode(mode)]))
            self._flush(node)

    def broadcast(self, address: int, message: bytes) -> None:
        """Send `message` to the process of every node, as a frame of its own."""
        data = frame(address, [message])
        for node, process in self.processes.items():
            if not process.outlet.closed:
                process.outlet.put(data)
                self._flush(node)

    def begin_batch(self) -> None:
        """Collect calls until `end_batch`, to send one frame to each node."""
        self._batches += 1

    def end_batch(self) -> None:
        """Send the calls that have been collected."""
        self._batches -= 1
        if self._batches:
            return
        for node, calls in self._batch.items():
            process = self.processes.get(node)
            if process is not None and not process.outlet.closed:
                self._put_calls(process, calls)
                self.router.mark(node)
        self._batch.clear()
        self.flush()

    def _put_calls(self, process: NodeProcess, calls: Sequence[ClientCall]) -> None:
        data = encode_calls(calls)
        process.outlet.put(frame(SUPERVISOR, [data]))
        if self._recording is not None:
            self._recording.called(int(self.now_ms()), process.node_id, data)

    def flush(self) -> None:
        """Write what waits for the nodes, as much as their pipes take."""
        for node in self.router.take_dirty():
            self._flush(node)

    def is_own_thread(self) -> bool:
        """True in the supervisor's own thread, where callbacks run. Needs no lock."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """End all nodes, by force after half a second, and the thread. Idempotent. Call it without the lock."""
        with self.lock:
            if not self._ending and self._thread.is_alive():
                self._ending = True
                self.router.flush_deferred()
                self.flush()
                self._kill_at = time.monotonic() + SHUTDOWN_GRACE_S
                for process in self.processes.values():
                    if process.paused:
                        process.kill()
                    else:
                        self._stop_writing(process.node_id)
                        process.ask_to_end()
                self._calls.wake()
        if self._thread.is_alive() and not self.is_own_thread():
            self._let_go()
            self._thread.join()

    def _let_go(self) -> None:
        """Release the lock as often as this thread holds it.

        Ctrl-C may have come after it was taken, and before the `with` statement that would release it.
        """
        with suppress(RuntimeError):  # Not held any more.
            while True:
                self.lock.release()

    # The thread

    def _run(self) -> None:
        try:
            ready: list[int] = []
            while True:
                with self.lock:
                    self._turn(ready)
                    if self._over:
                        break
                    timeout_s = self._timeout_s()
                    # Slow links count fractions of a millisecond.
                    exact = self.router.next_due_ms() is not None and not self.clock.still
                ready = self._poller.wait(timeout_s, exact=exact)
        except BaseException as error:  # noqa: BLE001  Without this thread no message passes: all nodes must end.
            with self.lock:
                self._ending = self._over = True
                self._kill_all()
                self.processes.clear()
                self._calls.fail(error)
                self._listener.crashed(error)
        with self.lock:
            self._poller.close()
            self._calls.close()
            self.older_copies.close()

    def _turn(self, ready: list[int]) -> None:
        self._poller.dispatch(ready)
        self._calls.make_calls()
        self.router.deliver_due(self.now_ms())
        self._coalesce()
        self.flush()
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._kill_at = None
            self._kill_all()
        self._over = self._ending and not self.processes

    def _coalesce(self) -> None:
        """Send deferred messages when `COALESCE_S` is over, if no other message to the same node took them along."""
        if not self.router.waits_to_coalesce:
            self._coalesce_until = None
        elif self._coalesce_until is None:
            self._coalesce_until = time.monotonic() + COALESCE_S
        elif time.monotonic() >= self._coalesce_until:
            self._coalesce_until = None
            self.router.flush_deferred()

    def _timeout_s(self) -> float | None:
        waits: list[float] = []
        due = self.router.next_due_ms()
        if due is not None and not self.clock.still:
            waits.append((due - self.now_ms()) / 1000)
        if self._kill_at is not None:
            waits.append(self._kill_at - time.monotonic())
        if self._coalesce_until is not None:
            waits.append(self._coalesce_until - time.monotonic())
        tick = self._listener.tick()
        if tick is not None:
            waits.append(tick)
        return max(0.0, min(waits)) if waits else None

    # Processes

    def _spawn_all(self) -> None:
        for node in self._settings.node_ids:
            self.spawn(node)

    def _kill_all(self) -> None:
        for process in self.processes.values():
            process.kill()

    def _read(self, process: NodeProcess) -> None:
        """Take in what a node sent. One that sends rubbish harms itself alone."""
        try:
            self._take_in(process)
        except (FrameError, msgspec.DecodeError) as error:
            process.kill()
            process.inlet.closed = True  # What it sends until its end is not read.
            self._poller.unregister(process.inlet.fd)
            self._listener.rejected(process.node_id, str(error))

    def _take_in(self, process: NodeProcess) -> None:
        now = self.now_ms()
        for received in process.inlet.read():
            address, _, body = received
            if address == 1 << SUPERVISOR:
                if self._recording is not None:
                    self._recording.reported(int(now), process.node_id, body)
                for reports in split(body):
                    self._listener.reported(process.node_id, reports)
            elif address == SETTLED:
                for answer in split(body):
                    self._listener.settled(process.node_id, decode_settled(answer))
            elif address == PROBE:
                if self._recording is not None:
                    self._recording.probed(int(now), process.node_id, body)
            else:
                self.router.route(process.node_id, received, now)
        if process.inlet.closed:
            self._poller.unregister(process.inlet.fd)  # Its sentinel becomes readable next.

    def _reap(self, process: NodeProcess) -> None:
        while not (process.inlet.closed or process.inlet.empty):
            self._read(process)  # What it wrote before its end counts as sent.
        node = process.node_id
        self._poller.unregister(process.inlet.fd)
        self._poller.unregister(process.sentinel)
        self._stop_writing(node)
        self.router.disconnect(node)
        del self.processes[node]
        process.close_pipes()
        self._listener.ended(node, process.reap())

    def _flush(self, node: int) -> None:
        process = self.processes.get(node)
        if process is None or process.outlet.closed:
            return
        if process.outlet.flush():
            self._stop_writing(node)
        elif node not in self._writing:
            self._writing[node] = process.outlet.fd
            self._poller.register(process.outlet.fd, lambda: self._flush(node), selectors.EVENT_WRITE)

    def _stop_writing(self, node: int) -> None:
        fd = self._writing.pop(node, None)
        if fd is not None:
            self._poller.unregister(fd)
