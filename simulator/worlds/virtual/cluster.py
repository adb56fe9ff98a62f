"""The cluster of the virtual world: the `Cluster` interface over machines, links and disks in memory.

Time passes in `wait` and `run` alone. Everything follows from the settings, the seed and the calls: one random source
is drawn from in one order, so the same calls give the same run, byte for byte. Not safe for threads.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Literal

import msgspec

from paxos.ballot import NodeId
from paxos.messages import AnyMessage
from simulator.checks.invariants import InvariantChecker
from simulator.checks.oracle import Oracle
from simulator.checks.violation import Violation
from simulator.cluster.base import BaseCluster
from simulator.cluster.client_sessions import write_call
from simulator.cluster.events import ClusterEvent, FateWord, HeldMessage, fates_of
from simulator.cluster.history_store import HistoryList
from simulator.cluster.interface import AnswerKind, Query, Ticket
from simulator.errors import InputError
from simulator.faults.faults import Fault
from simulator.faults.links import Link, Links
from simulator.mutants.registry import quorums
from simulator.node.client_api import (
    ClientCall,
    Inspected,
    NodeReport,
)
from simulator.node.node import Node
from simulator.node.status import NodeStatus
from simulator.node.storage.chain_file import CHAIN
from simulator.settings import Settings
from simulator.trace.events import FaultInjected, fault_injected
from simulator.trace.format import header_for
from simulator.trace.observer import Observer, ObserverList
from simulator.trace.recorder import TraceRecorder
from simulator.trace.writer import trace_lines
from simulator.worlds.virtual.event_queue import WORLD, EventQueue
from simulator.worlds.virtual.history_check import LINEARIZABILITY, HistoryCheck
from simulator.worlds.virtual.machine import Machine
from simulator.worlds.virtual.message_log import Logged, MessageLog, lines_of
from simulator.worlds.virtual.nemesis import VirtualNemesis
from simulator.worlds.virtual.network import Network
from simulator.worlds.virtual.node_factory import Builder, node_builder

STARTS_WITHIN_MS = 5
"""The nodes of a new cluster start within this time, in an order that the seed draws."""
SYNC_MS = (0, 1, 1, 1, 1, 2, 2, 3)
"""What a sync takes, drawn evenly; nothing when the settings do not ask for syncs of the device."""
EXPIRE_EVERY_MS = 1_000
"""The time between two looks for requests that are overdue."""
SURPRISE = "sound-nodes"
"""The invariant that no node meets what no correct peer can cause, and no bug of ours."""


class VirtualCluster(BaseCluster):
    """See the module and `cluster.interface.Cluster`. Disks are empty at the start: `settings.data` is not used.

    `observers` get all events, after the invariant checker, which always runs (`checker`). After them come those that
    `watches` makes, which read the facts of the checker. `build` makes another node
    than the protocol's; `sync_ms` are the durations of a sync, drawn evenly. With `keep_history` off, clients are not
    recorded and linearizability is not judged. With `keep_trace` off there are no `trace_lines`, and with `keep_log`
    off there is no running log.
    `on_rare` hears of what nodes tell by `Probe.happened`.

    Raises:
        InputError: `settings.break_rule` names no rule.
    """

    world: Literal["processes", "virtual"] = "virtual"

    def __init__(
        self,
        settings: Settings,
        *,
        observers: Iterable[Observer] = (),
        watches: Callable[[Oracle], Iterable[Observer]] = lambda _: (),
        keep_history: bool = True,
        keep_trace: bool = True,
        keep_log: bool = True,
        build: Builder | None = None,
        sync_ms: tuple[int, ...] | None = None,
    ) -> None:
        prepare, accept = quorums(settings.break_rule)
        self.checker = InvariantChecker(settings, prepare_quorum=prepare, accept_quorum=accept, simulated=True)
        self.bugs: list[str] = []
        self.on_rare: Callable[[int, NodeId, str], None] | None = None
        self._queue = queue = EventQueue()
        self._dice = dice = Random(settings.seed)
        self._recorder = TraceRecorder() if keep_trace else None
        watching = (self.checker, self._recorder, *observers, *watches(self.checker.oracle))
        self._observers = listening = ObserverList(observer for observer in watching if observer is not None)
        self._network = Network(Links(settings.node_ids), queue, dice, listening)
        super().__init__(settings, f"s{settings.seed}", nullcontext(), HistoryList() if keep_history else None)
        self._keeps_log = keep_log
        self._keep_history = keep_history
        self._messages = MessageLog()
        self._history_check = HistoryCheck()
        makes = build or node_builder(settings.break_rule)
        takes = sync_ms or (SYNC_MS if settings.sync == "fsync" else (0,))
        self.machines = {
            node: Machine(
                node,
                queue,
                self._network,
                listening,
                self,
                build=lambda machine: makes(settings, machine),
                dice=dice,
                sync_ms=takes,
            )
            for node in settings.node_ids
        }
        self._dispatch = tuple(machine.dispatch for machine in self.machines.values())
        self._nemesis = VirtualNemesis(self.machines, self._network, self._injected)
        for machine in self.machines.values():
            machine.boot(after_ms=dice.randint(1, STARTS_WITHIN_MS))
        queue.put(EXPIRE_EVERY_MS, WORLD, (self._expire, None, None))

    # Time

    def now_ms(self) -> int:
        """See `Cluster`."""
        return self._queue.now_ms

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """See `Cluster`. `condition` is evaluated after each batch of a node and each event of the world."""
        self._check_open()
        if condition():
            return True
        return self._queue.run(self.now_ms() + within_ms, self._dispatch, condition) or condition()

    def attend(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """See `Cluster`."""
        self._check_open()
        return condition()

    def run(self, until_ms: int) -> None:
        """Let time pass until `until_ms`, without a condition: faster than `wait`."""
        self._check_open()
        self._queue.run(until_ms, self._dispatch)

    # Clients

    def ask_again(self, ticket: Ticket, node: int, *, answered: bool = False) -> None:
        """See `Simulated`. The first answer ends the ticket, if it is still open.

        Nothing is sent when the request was never sent, when `node` is down, or, unless `answered`, when the outcome is
        known.
        """
        self._check_node(node)
        answer, machine = ticket.answer, self.machines[node]
        known = answer is not None and (
            not answer.sent or (answer.kind in {AnswerKind.OK, AnswerKind.REFUSED} and not answered)
        )
        if known or machine.life == "down" or isinstance(ticket.request, Query):
            return
        self._queue.put(self.now_ms(), node, (0, write_call(ticket, ticket.request), machine.incarnation))

    # Faults

    @property
    def links(self) -> Links:
        """See `Cluster`."""
        return self._network.links

    def apply(self, fault: Fault) -> None:
        """See `Cluster`. When this returns, a crashed node is down, and a restarted one has read its files."""
        self._check_open()
        self._nemesis.carry_out(fault)

    # Status

    def status(self, node: int, *, detail: bool = False) -> NodeStatus:
        """See `Cluster`. It is always the status of this moment."""
        self._check_node(node)
        return self.machines[node].status(detail=detail)

    def chain_lines(self, node: int, first: int, last: int) -> list[str]:
        """See `Cluster`."""
        self._check_node(node)
        return self.machines[node].disk.lines(CHAIN, first, last)

    def has_lost_files(self, node: int) -> bool:
        """True when files of a running node were removed, replaced or damaged: it stops as soon as it notices."""
        return self.machines[node].harmed

    @contextmanager
    def files(self) -> Iterator[Path]:
        """See `Cluster`."""
        with TemporaryDirectory(prefix="paxsim-files-") as name:
            for node, machine in self.machines.items():
                machine.disk.write_out(Path(name) / f"node-{node}")
            yield Path(name)

    @property
    def simulated(self) -> VirtualCluster:
        """See `Cluster`."""
        return self

    def held(self, *, after: int = 0) -> list[HeldMessage]:
        """See `Cluster`."""
        return self._network.held_messages(after)

    def held_message(self, number: int | None = None) -> HeldMessage | None:
        """See `Cluster`."""
        return self._network.held_message(number)

    def in_flight(self) -> int:
        """See `Cluster`."""
        return self._network.underway()

    def link_counts(self) -> dict[Link, tuple[int, int]]:
        """See `Cluster`."""
        return self._network.counts()

    def watch_messages(self, on: bool) -> None:
        """See `Cluster`."""
        self._network.watch = self._watch if on else None

    def keep_trace(self, name: str) -> None:
        """See `Cluster`."""

    def trace_lines(self) -> Iterator[str]:
        """See `Cluster`."""
        recorder = self._recorder
        if recorder is None:
            raise InputError("this cluster keeps no trace.")
        prepare, accept = quorums(self.settings.break_rule)
        header = msgspec.structs.replace(
            header_for(self.settings, self.world, self.checker.replay), prepare_quorum=prepare, accept_quorum=accept
        )
        return trace_lines(header, recorder.events(), self.history(), recorder.cut)

    @property
    def steps(self) -> int:
        """How many batches of nodes and moments of the world there have been."""
        return self._queue.steps

    @property
    def delivered(self) -> int:
        """Messages that reached a node that was up."""
        return sum(self._network.passed)

    @property
    def lost(self) -> int:
        """Messages, or copies of them, that will never arrive."""
        return sum(self._network.lost)

    def dice_state(self) -> str:
        """The state of the random source: equal in two runs only if both drew the same numbers."""
        return repr(self._dice.getstate())

    def check(self) -> dict[str, str]:
        """See `Cluster`. The cost grows with the blogs in memory, which are compared, and with the history."""
        for node, machine in self.machines.items():
            if isinstance(machine.node, Node) and not machine.blocked:
                self.checker.check_blog(self.now_ms(), node, machine.node.state_machine.blog)
        self._judge_history()
        verdicts = self.checker.verdicts()
        for invariant in (SURPRISE, LINEARIZABILITY) if self._keep_history else (SURPRISE,):
            verdicts.setdefault(invariant, "ok")
        return verdicts

    def close(self) -> None:
        """See `Cluster`."""
        if not self._closed:
            self._closed = True
            self._give_up_all()

    # Reports of machines

    def reported(self, node: NodeId, report: NodeReport) -> None:
        """See `machine.Owner`."""
        if not isinstance(report, Inspected):  # `status` asks the machine directly.
            self._take_report(node, report)

    def ended(self, node: NodeId, how: str) -> None:
        """See `machine.Owner`."""
        self._take_end(node, how)

    def happened(self, node: NodeId, what: str) -> None:
        """See `machine.Owner`."""
        if self.on_rare is not None:
            self.on_rare(self.now_ms(), node, what)

    def surprised(self, node: NodeId, error: BaseException) -> None:
        """See `machine.Owner`."""
        self.bugs.append("".join(traceback.format_exception(error)))
        why = f"node {node} met what cannot be: {type(error).__name__}: {error}"
        self.checker.declare(Violation(invariant=SURPRISE, why=why, at_ms=self.now_ms(), nodes=(node,)))

    # Helpers

    def _judge_history(self) -> None:
        history = self._book.history()
        if not self._history_check.is_new(history):
            return
        longest = max(self.machines, key=lambda node: self.machines[node].status().height)
        new_blocks = self.chain_lines(longest, self._history_check.height + 1, sys.maxsize)
        why = self._history_check.violation(history, new_blocks)
        if why is not None:
            self.checker.declare(Violation(invariant=LINEARIZABILITY, why=why, at_ms=self.now_ms()))

    def _hand_over(self, ticket: Ticket, call: ClientCall) -> None:
        machine = self.machines[ticket.node]
        if machine.life == "down":
            self._book.give_up(ticket, f"node {ticket.node} is down", sent=False)
        else:
            self._queue.put(self.now_ms(), ticket.node, (0, call, machine.incarnation))

    def _expire(self, _: object) -> None:
        self._book.expire()
        self._queue.put(self.now_ms() + EXPIRE_EVERY_MS, WORLD, (self._expire, None, None))

    def _injected(self, fault: Fault) -> None:
        event = fault_injected(self.now_ms(), fault)
        for handle in self._observers.of(FaultInjected):
            handle(event)
        self._note_fault(fault)

    def _watch(
        self, source: NodeId, to: tuple[NodeId, ...], message: AnyMessage, fates: Iterable[tuple[NodeId, FateWord]]
    ) -> None:
        machines = self.machines
        known = fates_of((node, what or ("down" if machines[node].life == "down" else "")) for node, what in fates)
        self._messages.add(Logged(self.now_ms(), source, to, message, known))

    def _true_links(self) -> Links:
        return self._network.links

    def _messages_after(self, count: int) -> tuple[int, Callable[[], list[ClusterEvent]]]:
        kept = self._messages.kept
        return kept.count, partial(lines_of, kept.after(count))

    def _logs_messages(self) -> bool:
        return self._network.watch is not None
