"""Runs a schedule and judges it: safety at all times, and liveness once the faults have ended.

How soon a cluster must recover: see `bound`. For which nodes liveness is demanded: see `liveness`.
"""

from __future__ import annotations

import gc
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import blake2b
from heapq import heappop, heappush

import msgspec

from paxos.ballot import NodeId
from simulator.checks.violation import Violation
from simulator.cluster.interface import Ticket
from simulator.errors import InputError
from simulator.faults.faults import (
    ClockFault,
    Crash,
    DiskFault,
    Fault,
    Heal,
    LinkConditions,
    Release,
    Restart,
    Resume,
)
from simulator.tools.explore.bound import bound_ms, lateness_ms, round_trip_ms
from simulator.tools.explore.late_words import LateWordWatch
from simulator.tools.explore.leavers import LeaverWatch
from simulator.tools.explore.liveness import LivenessCheck
from simulator.tools.explore.rare_paths import RarePaths
from simulator.tools.explore.schedule import Again, Call, Schedule, ScheduledFault, Write
from simulator.tools.explore.triggered_calls import LeaderWatch, calls_of
from simulator.tools.explore.triggered_faults import TriggerWatch
from simulator.trace.observer import Observer
from simulator.worlds.virtual.cluster import SURPRISE, VirtualCluster
from simulator.worlds.virtual.machine import Machine

AFTERWARDS_MS = 3_000
"""How long a run goes on after the healing when something was violated that does not end it."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome of a schedule. `violations` is empty when all is well.

    `done` is the schedule without the faults that were impossible. `sometimes` counts what happened, `answers` how
    requests ended. `recovery_ms` is the time from the healing until all writes were answered and all chains equal, and
    `bound_ms` its bound. `events` counts batches and moments, `messages` those delivered. Equal runs have equal
    `digest`s.
    """

    done: Schedule
    violations: tuple[Violation, ...]
    bugs: tuple[str, ...]
    sometimes: dict[str, int]
    answers: dict[str, int]
    recovery_ms: int
    bound_ms: int
    virtual_ms: int
    events: int
    messages: int
    digest: str


def run_trial(
    schedule: Schedule,
    *,
    observers: Iterable[Observer] = (),
    replay: str = "",
    trace: Callable[[Iterable[str]], object] | None = None,
    until: str = "",
    meet: Callable[[Mapping[NodeId, Machine]], object] = lambda _: None,
    digested: bool = True,
) -> Outcome:
    """Run a schedule in a world of its own, heal it and judge it. A run ends at its first violation.

    `replay` is the command that violations name; `trace` gets the lines of the run's trace. `until` names the invariant
    that ends the run; others do not, but then nothing is demanded after the healing. `meet` is given the machines of
    the run before it begins. A run that is not to be `digested` has an empty digest.
    """
    with _collector_paused():
        trial = _Trial(schedule, observers, replay, trace, until, digested=digested)
        meet(trial.machines)
        return trial.run()


@contextmanager
def _collector_paused() -> Iterator[None]:
    """No garbage collection within a run: hardly anything dies before its cluster, which the next collection takes."""
    paused = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if paused:
            gc.enable()


class _Trial:
    """One run."""

    def __init__(
        self,
        schedule: Schedule,
        observers: Iterable[Observer],
        replay: str,
        trace: Callable[[Iterable[str]], object] | None,
        until: str,
        *,
        digested: bool,
    ) -> None:
        self._digested = digested
        self._until = until
        self._plan = schedule
        self._trace = trace
        self._triggers = TriggerWatch(schedule.triggers)
        self._late_words = LateWordWatch(schedule.late_words, schedule.settings.nodes)
        self._leavers = LeaverWatch(schedule.leaver, schedule.settings.node_ids)
        self._watches = (self._triggers, self._late_words, self._leavers)
        self._waits = bool(schedule.triggers or schedule.late_words or schedule.leaver or schedule.asks)
        self._sometimes: Counter[str] = Counter()
        self._leaders = LeaderWatch(schedule.asks)
        self._rare = RarePaths(schedule.settings)
        self._cluster = VirtualCluster(
            schedule.settings,
            observers=(*observers, self._rare, self._late_words, *([self._leaders] if schedule.asks else [])),
            watches=lambda oracle: (*self._triggers.observers(oracle), *self._leavers.observers(oracle)),
            keep_trace=trace is not None,
            keep_log=False,
        )
        self.machines: Mapping[NodeId, Machine] = self._cluster.machines
        self._triggers.look_at(self._cluster.links, self.machines)
        self._cluster.checker.replay = replay
        self._cluster.on_rare = self._rare.happened
        self._writes: dict[str, Ticket] = {}
        self._tickets: list[Ticket] = []
        self._injected: list[ScheduledFault] = []
        self._asked: list[Call] = []
        self._fired: list[tuple[int, bool, int, Fault | Call]] = []  # A heap: time, faults first, order.
        self._fire_count = 0
        self._lost_files: tuple[NodeId, ...] = ()
        self._lasting: tuple[Fault, ...] | None = None  # The permanent faults of the healing; None before it.
        self._took_ms = self._bound_ms = 0

    def run(self) -> Outcome:
        try:
            self._run_schedule()
            self._cluster.check()
        except InputError:
            raise  # The schedule names something that does not exist.
        except Exception as error:  # noqa: BLE001  What a broken node tells may break who hears it: that is a finding.
            self._cluster.surprised(0, error)
        outcome = self._outcome()
        if self._trace is not None:
            self._trace(self._cluster.trace_lines())
        self._cluster.close()
        self._take_apart()
        return outcome

    def _take_apart(self) -> None:
        """End the references in circles: what is left is freed at once, not looked through by the garbage collector."""
        for machine in self.machines.values():
            vars(machine).clear()
        vars(self._cluster.checker).clear()
        vars(self._cluster).clear()
        vars(self).clear()

    def _run_schedule(self) -> None:
        schedule, cluster = self._plan, self._cluster
        for what in schedule.in_order():
            self._pass_until(what.at_ms)
            if self._is_over():
                return
            if isinstance(what, Call):
                self._call(what)
            else:
                self._inject(what)
        self._pass_until(schedule.heals_ms)
        if cluster.checker.violations:
            if not self._is_over():
                self._heal()
                self._pass_until(cluster.now_ms() + AFTERWARDS_MS)
        else:
            self._heal()
            waiting = [ticket for ticket in self._tickets if not ticket.done]
            states = [cluster.status(node) for node in cluster.settings.node_ids]
            behind = max(state.accepted for state in states) - min(state.height for state in states)
            self._bound_ms = bound_ms(self._done(), len(waiting), behind)
            # A timer that fires late, because its clock jumped back, may be a heartbeat: then silence follows recovery.
            restless = lateness_ms(self._done()) > 0 or any(
                isinstance(fault, LinkConditions) for fault in self._permanent()
            )
            liveness = LivenessCheck(
                cluster,
                self._bound_ms,
                steady=not restless,
                waiting=waiting,
                round_trip_ms=round_trip_ms(self._done()),
            )
            liveness.demand()
            self._tickets += liveness.tickets
            self._took_ms = liveness.took_ms

    def _is_over(self) -> bool:
        """True when the violation that ends the run has been found."""
        found = self._cluster.checker.violations
        return self._until in found or SURPRISE in found if self._until else bool(found)

    def _pass_until(self, at_ms: int) -> None:
        """Let time pass; inject triggered faults and ask what is triggered when it is due. Stop at a violation."""
        cluster = self._cluster
        triggers, late_words, leavers = self._watches
        leaders = self._leaders
        if at_ms <= cluster.now_ms():
            return  # Calls of the same moment happen together, when time goes on.
        if not self._waits:
            cluster.run(at_ms)
            return
        while not self._is_over():
            due_ms = min(at_ms, self._fired[0][0]) if self._fired else at_ms
            if due_ms > cluster.now_ms():
                if cluster.wait(
                    lambda: bool(triggers.fired or late_words.fired or leavers.fired or leaders.fired),
                    due_ms - cluster.now_ms(),
                ):
                    cluster.run(cluster.now_ms())  # The rest of this millisecond.
                self._fire()
            elif self._fired and self._fired[0][0] <= due_ms:
                what = heappop(self._fired)[3]
                if isinstance(what, Call):
                    self._asked.append(what)
                    self._call(what)
                else:
                    self._inject(ScheduledFault(due_ms, what))
            else:
                return

    def _fire(self) -> None:
        for watch in self._watches:
            for fired in watch.fired:
                if fired.what:
                    self._sometimes[fired.what] += 1
                for later, fault in fired.faults:
                    self._fire_count += 1
                    heappush(self._fired, (fired.at_ms + 1 + later, False, self._fire_count, fault))
            watch.fired.clear()
        for at_ms, new, old, ask in self._leaders.fired:
            self._sometimes["a new leader asked at once"] += 1
            self._sometimes["a replaced leader asked at once"] += bool(old)
            for call in calls_of(ask, at_ms + 1, new, old):
                self._fire_count += 1
                heappush(self._fired, (call.at_ms, True, self._fire_count, call))
        self._leaders.fired.clear()

    def _inject(self, scheduled: ScheduledFault) -> None:
        with suppress(InputError):  # The node is down already, or up already: see `Schedule`.
            self._cluster.apply(scheduled.fault)
            self._injected.append(scheduled)

    def _done(self) -> Schedule:
        calls = tuple(sorted([*self._asked, *self._plan.calls], key=lambda call: call.at_ms))
        return msgspec.structs.replace(
            self._plan,
            faults=tuple(self._injected),
            calls=calls,
            triggers=(),
            late_words=(),
            asks=(),
            leaver=None,
            permanent=self._permanent(),
            lost_files=self._lost_files,
        )

    def _permanent(self) -> tuple[Fault, ...]:
        """The faults that stay: those of whoever has left, or those that were drawn beforehand."""
        if self._lasting is not None:
            return self._lasting
        return self._leavers.permanent or self._plan.permanent

    def _call(self, call: Call) -> None:
        cluster = self._cluster
        if isinstance(call, Again):
            ticket = self._writes.get(call.content)
            if ticket is not None:
                cluster.ask_again(ticket, call.node, answered=call.answered)
            return
        if isinstance(call, Write):
            ticket = cluster.submit(call.node, call.operation(), process=call.client, session=call.session)
            self._writes[call.content] = ticket
        else:
            ticket = cluster.read(call.node, call.query(), process=call.client)
        self._tickets.append(ticket)

    def _heal(self) -> None:
        nodes = self._cluster.settings.node_ids
        self._lasting = self._permanent()
        mending: list[Fault] = [Release(), Heal()]
        for node in nodes:
            mending += [DiskFault(node, "ok"), ClockFault(node)]
        mending += [Resume(node) for node in nodes]
        self._lost_files = tuple(node for node in nodes if self._cluster.has_lost_files(node))
        mending += [Crash(node) for node in self._lost_files]
        mending += [Restart(node) for node in nodes]
        for fault in (*mending, *self._permanent()):
            with suppress(InputError):
                self._cluster.apply(fault)

    def _outcome(self) -> Outcome:
        cluster = self._cluster
        answers: dict[str, int] = {}
        for ticket in self._tickets:
            kind = "none" if ticket.answer is None else ticket.answer.kind.value
            answers[kind] = answers.get(kind, 0) + 1
        return Outcome(
            done=self._done(),
            violations=tuple(cluster.checker.violations.values()),
            bugs=tuple(cluster.bugs),
            sometimes=dict(sorted((cluster.checker.sometimes + self._rare.sometimes + self._sometimes).items())),
            answers=dict(sorted(answers.items())),
            recovery_ms=self._took_ms,
            bound_ms=self._bound_ms,
            virtual_ms=cluster.now_ms(),
            events=cluster.steps,
            messages=cluster.delivered,
            digest=self._digest() if self._digested else "",
        )

    def _digest(self) -> str:
        """A digest of all random draws, statuses and history of the run, as 16 hex digits."""
        cluster = self._cluster
        digest = blake2b(digest_size=8)
        digest.update(repr((cluster.now_ms(), cluster.steps, cluster.delivered, cluster.lost)).encode())
        digest.update(cluster.dice_state().encode())
        for node in cluster.settings.node_ids:
            digest.update(repr(cluster.status(node)).encode())
        for event in cluster.history():
            digest.update(msgspec.json.encode(event))
        return digest.hexdigest()
