"""Runs a schedule and judges it: safety at all times, and liveness once the faults have ended.

**Liveness and its bound.** At `heals_ms` all links are made whole, all disks and clocks right, and all nodes are up;
then the permanent faults are injected. From then on faults change nothing, so writes must be answered again and all
nodes must reach the same chain. How soon depends on the timeouts that nodes have learned, which follow measured round
trips and never fall at once. Let R be the longest round trip that the schedule's link conditions, holds and clocks can
have caused. The election timeout is at most E = max(200, 2R + 100, 900) ms (`paxos/timeouts.py`), and an unanswered
message is sent again after at most 4(2R + 100) ms. A timer set on a clock that then jumps back by J in all fires J
late. So

    B = 4E + 4(2R + 100) + J + 1,000 ms:

four election timeouts until one leader stands (one to notice, the rest for rivals whose pauses are random and grow; the
protocol grants the same four in partial partitions), one longest resend for what was lost just before the healing, the
late timers, and a second to fetch, mine and sync what was missed. Requests that wait already come first, 2R for each
window of them. Where messages go on being lost, each step may have to be repeated, and four times as much is allowed.
For which nodes liveness is demanded: see `liveness`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import blake2b
from heapq import heappop, heappush

import msgspec

from simulator.checks.violation import Violation
from simulator.cluster.interface import Ticket
from simulator.errors import InputError
from simulator.faults.faults import (
    ClockFault,
    DiskFault,
    Fault,
    Heal,
    Hold,
    LinkConditions,
    Pause,
    Release,
    Restart,
    Resume,
)
from simulator.tools.explore.liveness import LivenessCheck
from simulator.tools.explore.schedule import Again, Call, Schedule, ScheduledFault, Write
from simulator.tools.explore.triggered_faults import TriggerWatch, faults_of
from simulator.trace.observer import Observer
from simulator.worlds.virtual.cluster import VirtualCluster

CLEAR_ROUND_TRIP_MS = 20
"""A round trip on links without conditions, in milliseconds: two links and two syncs."""
LONGEST_TAUGHT_MS = 20_000
"""A longer sample counts as this (`paxos/timeouts.py`)."""
LOSSY_FACTOR = 4
"""At a loss of one in five, four tries fail once in 600."""


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
) -> Outcome:
    """Run a schedule in a world of its own, heal it and judge it. A run ends at its first violation.

    `replay` is the command that violations name; `trace` gets the lines of the run's trace.
    """
    return _Trial(schedule, observers, replay, trace).run()


def bound_ms(schedule: Schedule, waiting: int = 0) -> int:
    """The time after the healing, with `waiting` requests, within which the cluster must recover: see the module."""
    round_trip = min(CLEAR_ROUND_TRIP_MS + _slowness(schedule), LONGEST_TAUGHT_MS)
    election = max(200, 2 * round_trip + 100, 900)
    first = 2 * round_trip * -(-waiting // (schedule.settings.window * schedule.settings.ops_per_block))
    bound = 4 * election + 4 * (2 * round_trip + 100) + _lateness(schedule) + 1_000 + first
    return (
        LOSSY_FACTOR * bound
        if any(isinstance(f, LinkConditions) and f.rule.drop for f in schedule.permanent)
        else bound
    )


def _slowness(schedule: Schedule) -> int:
    """The milliseconds by which a round trip may have been longer than on clear links."""
    conditions = clock = stood = held = 0
    since: dict[int, int] = {}  # When each paused node was paused, and (0) when holding began.
    for scheduled in (
        *schedule.faults,
        *(ScheduledFault(schedule.heals_ms, fault) for fault in (*_awakenings(schedule), *schedule.permanent)),
    ):
        match scheduled.fault:
            case LinkConditions(rule):
                one_way = rule.delay_ms + rule.jitter_ms
                conditions = max(conditions, 2 * one_way + (2 * max(5, one_way) if rule.reorder else 0))
            case ClockFault(_, rate_percent, jump_ms):
                clock = max(clock, jump_ms, (rate_percent - 100) * 10)
            case Hold():
                since.setdefault(0, scheduled.at_ms)
            case Release():
                held = max(held, scheduled.at_ms - since.pop(0, scheduled.at_ms))
            case Pause(node):
                since.setdefault(node, scheduled.at_ms)
            case Resume(node):
                stood = max(stood, scheduled.at_ms - since.pop(node, scheduled.at_ms))
            case _:
                pass
    return conditions + clock + stood + held


def _awakenings(schedule: Schedule) -> list[Fault]:
    return [Release(), *(Resume(node) for node in schedule.settings.node_ids)]


def _lateness(schedule: Schedule) -> int:
    """The milliseconds by which timers of one node may fire late: all its clock's jumps back together."""
    back: dict[int, int] = {}
    for scheduled in schedule.faults:
        fault = scheduled.fault
        if isinstance(fault, ClockFault):
            back[fault.node] = back.get(fault.node, 0) + max(0, -fault.jump_ms)
    return max(back.values(), default=0)


class _Trial:
    """One run."""

    def __init__(
        self,
        schedule: Schedule,
        observers: Iterable[Observer],
        replay: str,
        trace: Callable[[Iterable[str]], object] | None,
    ) -> None:
        self._plan = schedule
        self._trace = trace
        self._triggers = TriggerWatch(schedule.triggers) if schedule.triggers else None
        watching = (*observers, self._triggers) if self._triggers is not None else observers
        self._cluster = VirtualCluster(schedule.settings, observers=watching, keep_trace=trace is not None)
        self._cluster.checker.replay = replay
        self._writes: dict[str, Ticket] = {}
        self._tickets: list[Ticket] = []
        self._injected: list[ScheduledFault] = []
        self._fired: list[tuple[int, int, Fault]] = []  # A heap: time, order, fault.
        self._fire_count = 0
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
        return outcome

    def _run_schedule(self) -> None:
        schedule, cluster = self._plan, self._cluster
        for what in schedule.in_order():
            self._pass_until(what.at_ms)
            if cluster.checker.violations:
                return
            if isinstance(what, Call):
                self._call(what)
            else:
                self._inject(what)
        self._pass_until(schedule.heals_ms)
        if not cluster.checker.violations:
            self._heal()
            waiting = sum(not ticket.done for ticket in self._tickets)
            self._bound_ms = bound_ms(self._done(), waiting)
            # A timer that fires late, because its clock jumped back, may be a heartbeat: then silence follows recovery.
            restless = _lateness(schedule) > 0 or any(isinstance(fault, LinkConditions) for fault in schedule.permanent)
            liveness = LivenessCheck(cluster, self._bound_ms, steady=not restless)
            liveness.demand()
            self._tickets += liveness.tickets
            self._took_ms = liveness.took_ms

    def _pass_until(self, at_ms: int) -> None:
        """Let time pass; inject triggered faults when they are due. Stop at a violation."""
        cluster, triggers, violations = self._cluster, self._triggers, self._cluster.checker.violations
        if at_ms <= cluster.now_ms():
            return  # Calls of the same moment happen together, when time goes on.
        if triggers is None:
            cluster.run(at_ms)
            return
        while not violations:
            due_ms = min(at_ms, self._fired[0][0]) if self._fired else at_ms
            if due_ms > cluster.now_ms():
                if cluster.wait(lambda: bool(triggers.fired), due_ms - cluster.now_ms()):
                    cluster.run(cluster.now_ms())  # The rest of this millisecond.
                self._fire(triggers)
            elif self._fired and self._fired[0][0] <= due_ms:
                self._inject(ScheduledFault(due_ms, heappop(self._fired)[2]))
            else:
                return

    def _fire(self, triggers: TriggerWatch) -> None:
        for at_ms, node, trigger in triggers.fired:
            for later, fault in faults_of(trigger, node, self._plan.settings.nodes):
                self._fire_count += 1
                heappush(self._fired, (at_ms + 1 + later, self._fire_count, fault))
        triggers.fired.clear()

    def _inject(self, scheduled: ScheduledFault) -> None:
        with suppress(InputError):  # The node is down already, or up already: see `Schedule`.
            self._cluster.apply(scheduled.fault)
            self._injected.append(scheduled)

    def _done(self) -> Schedule:
        return msgspec.structs.replace(self._plan, faults=tuple(self._injected), triggers=())

    def _call(self, call: Call) -> None:
        cluster = self._cluster
        if isinstance(call, Again):
            ticket = self._writes.get(call.content)
            if ticket is not None:
                cluster.ask_again(ticket, call.node)
            return
        if isinstance(call, Write):
            ticket = cluster.submit(call.node, call.operation(), process=call.client)
            self._writes[call.content] = ticket
        else:
            ticket = cluster.read(call.node, call.query(), process=call.client)
        self._tickets.append(ticket)

    def _heal(self) -> None:
        nodes = self._cluster.settings.node_ids
        mending: list[Fault] = [Release(), Heal()]
        for node in nodes:
            mending += [DiskFault(node, "ok"), ClockFault(node)]
        mending += [Resume(node) for node in nodes]
        mending += [Restart(node) for node in nodes]
        for fault in (*mending, *self._plan.permanent):
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
            sometimes=dict(sorted(cluster.checker.sometimes.items())),
            answers=dict(sorted(answers.items())),
            recovery_ms=self._took_ms,
            bound_ms=self._bound_ms,
            virtual_ms=cluster.now_ms(),
            events=cluster.steps,
            messages=cluster.delivered,
            digest=self._digest(),
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
