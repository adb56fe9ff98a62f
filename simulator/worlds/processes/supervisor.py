"""The supervisor: one thread that is the network between the nodes, starts them, and notices when one dies.

It sleeps in one persistent selector on all queues and on every process's sentinel, and never waits for any single
node. Nodes are started from this thread, because on Linux a node is killed when the thread that started it ends.
"""

from __future__ import annotations

import selectors
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from multiprocessing import resource_tracker
from os import close, pipe, read, set_blocking, write
from random import Random
from select import select
from typing import Protocol

from simulator.faults.faults import DiskFaultKind
from simulator.faults.links import Links
from simulator.settings import Settings
from simulator.worlds.processes.framed_pipe import SUPERVISOR, WITNESS, frame, split
from simulator.worlds.processes.node_main import DISK_FAULT_MODE, DISK_FAULT_MODES, Builder
from simulator.worlds.processes.node_process import NodeProcess
from simulator.worlds.processes.process_flags import wake_in_time
from simulator.worlds.processes.recording import Recording
from simulator.worlds.processes.router import Network

COALESCE_S = 0.002
"""How long a message that nobody waits for may wait for company: less than a person or a test can tell."""
SWITCH_S = 0.0005
"""How long another thread of this process may keep the interpreter from us: a busy screen must not slow the network."""
SHUTDOWN_GRACE_S = 0.5
"""How long nodes have to end by themselves before they are killed."""
_SELECT_LIMIT = 1_024  # select(2) cannot look at higher file descriptors.


class Listener(Protocol):
    """Whoever wants to know. Called in the supervisor's thread, with the lock held."""

    def reported(self, node: int, report: bytes) -> None:
        """A node's report, encoded."""

    def ended(self, node: int, how: str) -> None:
        """A node's process is no more."""

    def awaited(self, node: int) -> bool:
        """True while a client waits for an answer of `node`."""

    def tick(self) -> float | None:
        """Before each sleep; returns after how many seconds to be called again at the latest, None: no matter."""

    def crashed(self, error: BaseException) -> None:
        """The supervisor's own thread met a bug of ours and has ended all nodes."""


class Supervisor:
    """Runs from `start` to `close`. Everything but these two needs `lock` held, unless it says otherwise.

    `lives` holds the processes that have not been reaped. With a `recording` the run is recorded, the nodes' insides
    too.
    """

    def __init__(
        self, settings: Settings, build: Builder, listener: Listener, recording: Recording | None = None
    ) -> None:
        self.lock = threading.RLock()
        self.links = Links(settings.node_ids)
        self.network = Network(self.links, Random(settings.seed), recording, listener.awaited)
        self.lives: dict[int, NodeProcess] = {}
        self._settings = settings
        self._recording = recording
        self._build = build
        self._listener = listener
        self._began = time.monotonic()
        self._selector = selectors.DefaultSelector()
        self._handlers: dict[int, Callable[[], None]] = {}
        self._writing: dict[int, int] = {}
        self._disk_fault_modes: dict[int, DiskFaultKind] = {}
        self._calls: list[tuple[Callable[[], None], Future[None]]] = []
        self._ending = False
        self._over = False
        self._kill_at: float | None = None
        self._coalesce_until: float | None = None
        self._punctual = False
        self._together = 0
        self._gathered: dict[int, list[bytes]] = {}
        self._wake_end, self._wake_start = pipe()
        for fd in (self._wake_end, self._wake_start):
            set_blocking(fd, False)
        self._listen(self._wake_end, self._rung)
        self._thread = threading.Thread(target=self._run, name="paxsim-supervisor", daemon=True)

    def now_ms(self) -> float:
        """Milliseconds since this was made. Needs no lock."""
        return (time.monotonic() - self._began) * 1000

    def start(self) -> None:
        """Start the thread and, from it, all nodes; returns when all processes are on their way. Needs no lock."""
        sys.setswitchinterval(min(sys.getswitchinterval(), SWITCH_S))
        resource_tracker.ensure_running()  # Started later, inside a running Textual app, it would fail.
        self._thread.start()
        self.call_soon(self._bring_all_up)

    def call_soon(self, task: Callable[[], None]) -> None:
        """Have the supervisor's thread do `task`, and wait for it; raises what it raises. Call it without the lock."""
        if self.is_own_thread():
            task()
            return
        done: Future[None] = Future()
        with self.lock:
            if self._over:
                raise RuntimeError("the supervisor has ended")
            self._calls.append((task, done))
            self._ring()
        done.result()

    def bring_up(self, node: int) -> None:
        """Start a fresh process for `node`, with fresh queues. In the supervisor's thread alone: see `call_soon`."""
        fault_mode = self._disk_fault_modes.get(node, "ok")
        life = NodeProcess(node, self._settings, self._build, fault_mode, probed=self._recording is not None)
        self.lives[node] = life
        self.network.connect(node, life.outlet)
        self._listen(life.inlet.fd, lambda: self._hear(life))
        self._listen(life.sentinel, lambda: self._reap(life))

    def tell(self, node: int, call: bytes) -> bool:
        """Hand `node` a client's call. False when it is down."""
        life = self.lives.get(node)
        if life is None or life.outlet.closed:
            return False
        if self._together:
            self._gathered.setdefault(node, []).append(call)
            return True
        life.outlet.put(frame(SUPERVISOR, [call]))
        if self.is_own_thread():
            self.network.mark(node)
        else:
            self._flush(node)
        return True

    def set_disk_fault_mode(self, node: int, fault_mode: DiskFaultKind) -> None:
        """What the disk of `node` does from now on, in later lives too."""
        self._disk_fault_modes[node] = fault_mode
        life = self.lives.get(node)
        if life is not None and not life.outlet.closed:
            life.outlet.put(frame(DISK_FAULT_MODE, [bytes([DISK_FAULT_MODES.index(fault_mode)])]))
            self._flush(node)

    def begin_together(self) -> None:
        """Until `end_together`, calls gather, to leave as one frame of each node."""
        self._together += 1

    def end_together(self) -> None:
        """Let what has gathered leave."""
        self._together -= 1
        if self._together:
            return
        for node, calls in self._gathered.items():
            life = self.lives.get(node)
            if life is not None and not life.outlet.closed:
                life.outlet.put(frame(SUPERVISOR, calls))
                self.network.mark(node)
        self._gathered.clear()
        self.flush()

    def flush(self) -> None:
        """Write what waits for the nodes, as much as their queues take."""
        for node in self.network.take_dirty():
            self._flush(node)

    def is_own_thread(self) -> bool:
        """True in the supervisor's own thread, as callbacks are. Needs no lock."""
        return threading.current_thread() is self._thread

    def close(self) -> None:
        """End all nodes, by force after half a second, and the thread. Idempotent. Call it without the lock."""
        with self.lock:
            if not self._ending and self._thread.is_alive():
                self._ending = True
                self.network.flush_deferred()
                self.flush()
                self._kill_at = time.monotonic() + SHUTDOWN_GRACE_S
                for life in self.lives.values():
                    if life.paused:
                        life.kill()
                    else:
                        self._stop_writing(life.node_id)
                        life.ask_to_end()
                self._ring()
        if self._thread.is_alive() and not self.is_own_thread():
            self._thread.join()

    # The thread

    def _run(self) -> None:
        try:
            while not self._over:
                with self.lock:
                    timeout_s = self._timeout_s()
                ready = self._wait(timeout_s)
                with self.lock:
                    self._turn(ready)
        except BaseException as error:  # noqa: BLE001  Without this thread no node can be heard: all must end.
            with self.lock:
                self._ending = self._over = True
                for life in self.lives.values():
                    life.kill()
                self.lives.clear()
                for _, done in self._calls:
                    done.set_exception(error)
                self._listener.crashed(error)
        with self.lock:
            self._selector.close()
            close(self._wake_end)
            close(self._wake_start)

    def _turn(self, ready: list[int]) -> None:
        for fd in ready:
            handler = self._handlers.get(fd)
            if handler is not None:  # An earlier handler of this turn may have closed it.
                handler()
        self._make_calls()
        self.network.deliver_due(self.now_ms())
        self._coalesce()
        self.flush()
        if self._kill_at is not None and time.monotonic() >= self._kill_at:
            self._kill_at = None
            for life in self.lives.values():
                life.kill()
        self._over = self._ending and not self.lives

    def _coalesce(self) -> None:
        """Messages that nobody waits for leave with the next ones to the same node, or alone when none come soon."""
        if not self.network.waits_to_coalesce:
            self._coalesce_until = None
        elif self._coalesce_until is None:
            self._coalesce_until = time.monotonic() + COALESCE_S
        elif time.monotonic() >= self._coalesce_until:
            self._coalesce_until = None
            self.network.flush_deferred()

    def _wait(self, timeout_s: float | None) -> list[int]:
        """Sleep until something is ready. Messages on slow links are due at fractions of a millisecond."""
        if timeout_s is not None and 0 < timeout_s < 1 and (exact := self._exact_fd()) is not None:
            if not self._punctual:
                self._punctual = True
                wake_in_time()
            select([exact], [], [], timeout_s)  # epoll counts whole milliseconds, which would show in latencies.
            timeout_s = 0
        return [key.fd for key, _ in self._selector.select(timeout_s)]

    def _exact_fd(self) -> int | None:
        fileno = getattr(self._selector, "fileno", None)
        fd = fileno() if fileno is not None else _SELECT_LIMIT
        return fd if fd < _SELECT_LIMIT and self.network.next_due_ms() is not None else None

    def _timeout_s(self) -> float | None:
        waits: list[float] = []
        due = self.network.next_due_ms()
        if due is not None:
            waits.append((due - self.now_ms()) / 1000)
        if self._kill_at is not None:
            waits.append(self._kill_at - time.monotonic())
        if self._coalesce_until is not None:
            waits.append(self._coalesce_until - time.monotonic())
        tick = self._listener.tick()
        if tick is not None:
            waits.append(tick)
        return max(0.0, min(waits)) if waits else None

    def _hear(self, life: NodeProcess) -> None:
        now = self.now_ms()
        for sent in life.inlet.read():
            address, _, body = sent
            if address == 1 << SUPERVISOR:
                for report in split(body):
                    self._listener.reported(life.node_id, report)
            elif address == WITNESS:
                if self._recording is not None:
                    self._recording.probed(int(now), life.node_id, body)
            else:
                self.network.route(life.node_id, sent, now)
        if life.inlet.closed:
            self._forget(life.inlet.fd)  # Its sentinel follows.

    def _reap(self, life: NodeProcess) -> None:
        while not (life.inlet.closed or life.inlet.empty):
            self._hear(life)  # What it said before it died was said.
        node = life.node_id
        self._forget(life.inlet.fd)
        self._forget(life.sentinel)
        self._stop_writing(node)
        self.network.disconnect(node)
        del self.lives[node]
        life.forget_queues()
        self._listener.ended(node, life.reap())

    def _flush(self, node: int) -> None:
        life = self.lives.get(node)
        if life is None or life.outlet.closed:
            return
        if life.outlet.flush():
            self._stop_writing(node)
        elif node not in self._writing:
            self._writing[node] = life.outlet.fd
            self._handlers[life.outlet.fd] = lambda: self._flush(node)
            self._selector.register(life.outlet.fd, selectors.EVENT_WRITE)

    def _stop_writing(self, node: int) -> None:
        fd = self._writing.pop(node, None)
        if fd is not None:
            self._forget(fd)

    def _listen(self, fd: int, handler: Callable[[], None]) -> None:
        self._handlers[fd] = handler
        self._selector.register(fd, selectors.EVENT_READ)

    def _forget(self, fd: int) -> None:
        if self._handlers.pop(fd, None) is not None:
            self._selector.unregister(fd)

    def _bring_all_up(self) -> None:
        for node in self._settings.node_ids:
            self.bring_up(node)

    def _make_calls(self) -> None:
        calls, self._calls = self._calls, []
        for task, done in calls:
            try:
                task()
            except Exception as error:  # noqa: BLE001  It belongs to whoever asked.
                done.set_exception(error)
            else:
                done.set_result(None)

    def _ring(self) -> None:
        with suppress(BlockingIOError):
            write(self._wake_start, b"!")

    def _rung(self) -> None:
        with suppress(BlockingIOError):
            read(self._wake_end, 4096)
