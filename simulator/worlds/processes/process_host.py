"""The `Host` of a node process: a pipe to the supervisor, and timers."""

from __future__ import annotations

import os
import struct
import time
from random import Random
from typing import TYPE_CHECKING

from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage, Catchup, Decide, Hints
from simulator.faults.faults import DiskFaultKind
from simulator.node.client_api import NodeReport
from simulator.worlds.processes.framed_pipe import DEFERRABLE, PROBE, SUPERVISOR, Outlet, frame
from simulator.worlds.processes.wire import encode_message, encode_reports

if TYPE_CHECKING:
    from simulator.worlds.processes.cluster_file import Origin
    from simulator.worlds.processes.probe_frames import ProcessProbe

DISK_FAULT_MODE = 1_000
"""The address of a frame that sets the disk's fault mode; no node has this number. Its message is a `DiskMode`."""
DISK_FAULT_MODES: tuple[DiskFaultKind, ...] = ("ok", "full", "readonly", "failing-write", "failing-sync", "slow")
DiskMode = tuple[DiskFaultKind, int]
"""A fault mode, and by how many milliseconds a slow disk delays a sync."""
_MODE = struct.Struct("<BI")
PROBES_WAIT_S = 0.01
"""So long probes wait for messages or reports that leave with them: each write of their own costs two processes."""
LONG_TURN_S = 0.002
"""A request for blocks leaves at once when the turn so far took less of the processor."""
DEFERRABLE_MESSAGES = (Decide, Hints)
"""Messages that only clients of the receiving node wait for. The supervisor knows whether there are any."""


class ProcessHost:
    """Sends frames and keeps timers. `due_ms` holds the timers that are set.

    A message is encoded once for all its targets. Consecutive messages for the same targets share one frame. `origin`
    says what is known of the node's files, and `nonce` names this incarnation. `disk_fault_mode` is what the disk does
    now; `probe` reports what the node writes, syncs and applies, if wanted.

    A node that fetches a long chain must not take the processor from those that serve clients. So a `Catchup` leaves
    after a pause as long as the processor time of this turn, in which the node has applied the blocks before it. (On a
    busy machine a turn takes many times as long, and others have the processor anyhow.)
    """

    def __init__(self, outlet: Outlet, dice: Random, disk_mode: DiskMode = ("ok", 0)) -> None:
        self.due_ms: dict[Timer, int] = {}
        self.now_ms = 0
        self.nonce = int.from_bytes(os.urandom(6), "big") or 1
        self.turn_began_cpu_s = 0.0  # By `time.process_time`.
        self._postponed: tuple[float, NodeId, AnyMessage] | None = None
        self.disk_fault_mode, self.disk_delay_ms = disk_mode
        self.probe: ProcessProbe | None = None
        self.origin: Origin | None = None
        self._outlet = outlet
        self._dice = dice
        self._sets: dict[tuple[NodeId, ...], int] = {}
        self._targets = 0
        self._messages: list[bytes] = []
        self._reports: list[NodeReport] = []
        self._probes: list[bytes] = []
        self._probes_due_s: float | None = None  # When those that wait leave alone.

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Host`."""
        if type(message) is Catchup:
            spent_s = time.process_time() - self.turn_began_cpu_s
            if spent_s >= LONG_TURN_S:
                self._postponed = time.monotonic() + spent_s, to[0], message
                return
            self._postponed = None  # A newer request: the peer that was to be asked is silent.
        self._send(to, message)

    def postponed_s(self) -> float | None:
        """The seconds until `send_postponed` has something to send; None: nothing waits."""
        return None if self._postponed is None else max(0.0, self._postponed[0] - time.monotonic())

    def probes_wait_s(self) -> float | None:
        """The seconds until `end_turn` lets waiting probes leave; None: none waits."""
        return None if self._probes_due_s is None else max(0.0, self._probes_due_s - time.monotonic())

    def send_postponed(self) -> None:
        """Send the request for blocks that waited, if its pause is over."""
        if self._postponed is not None and self._postponed[0] <= time.monotonic():
            _, to, message = self._postponed
            self._postponed = None
            self._send((to,), message)
            self.push()

    def _send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        targets = self._sets.get(to)
        if targets is None:
            targets = self._sets[to] = sum(1 << node for node in set(to))
        if type(message) in DEFERRABLE_MESSAGES:
            targets |= DEFERRABLE
        if targets != self._targets or self._probes:
            self._seal()
            self._targets = targets
        self._messages.append(encode_message(message))

    def push(self) -> None:
        """See `Host`. What the pipe does not take now follows when it does. Probes alone wait for `push_all`."""
        if self._messages or self._reports:
            self.push_all()

    def end_turn(self) -> None:
        """Let probes leave that have waited long enough."""
        if self._probes:
            now = time.monotonic()
            if self._probes_due_s is None:
                self._probes_due_s = now + PROBES_WAIT_S
            elif now >= self._probes_due_s:
                self.push_all()

    def push_all(self) -> None:
        """Let all leave that was sent, reported or probed so far."""
        self._probes_due_s = None
        self._seal()
        if self._reports:
            self._outlet.put(frame(1 << SUPERVISOR, [encode_reports(self._reports)]))
            self._reports.clear()
        self._outlet.flush()

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """See `Host`."""
        self.due_ms[timer] = self.now_ms + min_ms + int(self._dice.random() * (max_ms - min_ms + 1))

    def report(self, report: NodeReport) -> None:
        """See `Host`."""
        self._reports.append(report)

    def start_probe(self) -> None:
        """From now on send probe frames too, between the messages, in the order of the node's actions."""
        from simulator.worlds.processes.probe_frames import ProcessProbe  # noqa: PLC0415  10 ms, for recorded runs only.

        self.probe = ProcessProbe(self._send_probe)

    def has_due(self) -> bool:
        """True when a timer is due."""
        return any(at <= self.now_ms for at in self.due_ms.values())

    def take_due(self) -> list[Timer]:
        """The timers that are due, the earliest first; they are no longer set."""
        due = sorted((at, timer) for timer, at in self.due_ms.items() if at <= self.now_ms)
        for _, timer in due:
            del self.due_ms[timer]
        return [timer for _, timer in due]

    def _send_probe(self, data: bytes) -> None:
        if self._messages:
            self._seal()
        self._probes.append(data)

    def _seal(self) -> None:
        """Put the messages, or the probe frames, collected so far into one frame. There are never both."""
        if self._probes:
            self._outlet.put(frame(PROBE, self._probes))
            self._probes.clear()
        if self._messages:
            self._outlet.put(frame(self._targets, self._messages))
            self._messages.clear()


def encode_disk_mode(mode: DiskMode) -> bytes:
    """The message of a `DISK_FAULT_MODE` frame."""
    return _MODE.pack(DISK_FAULT_MODES.index(mode[0]), mode[1])


def decode_disk_mode(message: bytes) -> DiskMode:
    """The inverse of `encode_disk_mode`."""
    index, delay_ms = _MODE.unpack(message)
    return DISK_FAULT_MODES[index], delay_ms
