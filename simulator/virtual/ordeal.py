"""Runs a plan and judges it: everything that must never happen, and, once the faults end, what must happen soon.

**Progress, and its bound.** At `heals_ms` all links are made whole, all disks and clocks right, and all nodes up and
awake. From then on faults change nothing, so rule and theory demand that writes are answered again and that all nodes
reach the same chain. How soon depends on the patience that nodes have learned, since limits follow measured round
trips and never fall at once. Let R be the longest round trip that the plan's weather, holding and clocks can have
taught. A silence is an outage after E = max(200, 2R + 100, 900) ms (`paxos/patience.py`), and an unanswered message is
sent again after at most 4(2R + 100) ms. An alarm set on a clock that then jumps back by J in all rings J late. So

    B = 4E + 4(2R + 100) + J + 1,000 ms:

four election timeouts until one leader stands (one to notice, the rest for rivals whose waits are random and grow; the
same four that the protocol grants in partial partitions), one longest resend for what was lost just before the healing,
the alarms that sleep, and a second for fetching, mining and syncing what was missed.
"""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b

import msgspec

from blog.operations import Post
from simulator.check.violation import Violation
from simulator.cluster import AnswerKind, Query, Ticket
from simulator.errors import InputError
from simulator.faults import ClockFault, DiskFault, Fault, Heal, Hold, Pause, Release, Restart, Resume, Weather
from simulator.observer import Observer
from simulator.virtual.cluster import VirtualCluster
from simulator.virtual.plan import Again, Call, Plan, Strike, Write

LOOK_EVERY_MS = 10
"""How often the end of a run is looked for."""
CALM_ROUND_TRIP_MS = 20
"""A round trip without weather: two links and two syncs."""
LONGEST_TAUGHT_MS = 20_000
"""No sample counts for more (`paxos/patience.py`)."""


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a plan. `violations` is empty when all is well.

    `done` is the plan without what could not be done, `sometimes` counts what happened, `answers` how requests ended;
    `peace_ms` is how long it took from the healing until all writes were answered and all chains equal, and `bound_ms`
    what is allowed. `events` are batches and moments, `messages` those delivered. Equal runs have equal `digest`s.
    """

    done: Plan
    violations: tuple[Violation, ...]
    bugs: tuple[str, ...]
    sometimes: dict[str, int]
    answers: dict[str, int]
    peace_ms: int
    bound_ms: int
    virtual_ms: int
    events: int
    messages: int
    digest: str


def run_plan(plan: Plan, *, observers: Iterable[Observer] = (), replay: str = "") -> Outcome:
    """Carry out a plan in a world of its own, heal it, and judge it. `replay` is the command that violations name."""
    return _Ordeal(plan, observers, replay).run()


def bound_ms(plan: Plan) -> int:
    """How long after the healing everything must be well again: see the module."""
    round_trip = min(CALM_ROUND_TRIP_MS + _slowness(plan), LONGEST_TAUGHT_MS)
    election = max(200, 2 * round_trip + 100, 900)
    return 4 * election + 4 * (2 * round_trip + 100) + _lateness(plan) + 1_000


def _slowness(plan: Plan) -> int:
    """By how much a round trip may have seemed longer than on calm links."""
    weather = clock = stood = held = 0
    since: dict[int, int] = {}  # When each paused node was paused, and (0) when messages began to be held.
    for strike in (*plan.strikes, *(Strike(plan.heals_ms, fault) for fault in _awakenings(plan))):
        match strike.fault:
            case Weather(rule):
                one_way = rule.delay_ms + rule.jitter_ms
                weather = max(weather, 2 * one_way + (2 * max(5, one_way) if rule.reorder else 0))
            case ClockFault(_, rate_percent, jump_ms):
                clock = max(clock, jump_ms, (rate_percent - 100) * 10)
            case Hold():
                since.setdefault(0, strike.at_ms)
            case Release():
                held = max(held, strike.at_ms - since.pop(0, strike.at_ms))
            case Pause(node):
                since.setdefault(node, strike.at_ms)
            case Resume(node):
                stood = max(stood, strike.at_ms - since.pop(node, strike.at_ms))
            case _:
                pass
    return weather + clock + stood + held


def _awakenings(plan: Plan) -> list[Fault]:
    return [Release(), *(Resume(node) for node in plan.settings.node_ids)]


def _lateness(plan: Plan) -> int:
    """By how much the alarms of one node may ring too late: all its jumps back together."""
    back: dict[int, int] = {}
    for strike in plan.strikes:
        fault = strike.fault
        if isinstance(fault, ClockFault):
            back[fault.node] = back.get(fault.node, 0) + max(0, -fault.jump_ms)
    return max(back.values(), default=0)


class _Ordeal:
    """One run."""

    def __init__(self, plan: Plan, observers: Iterable[Observer], replay: str) -> None:
        self._plan = plan
        self._cluster = VirtualCluster(plan.settings, observers=observers, keep_trace=False)
        self._cluster.checker.replay = replay
        self._writes: dict[str, Ticket] = {}
        self._tickets: list[Ticket] = []
        self._struck: list[Strike] = []

    def run(self) -> Outcome:
        plan, cluster = self._plan, self._cluster
        for what in plan.in_order():
            if what.at_ms > cluster.now_ms():
                cluster.run(what.at_ms)
            if isinstance(what, Strike):
                if self._strike(what.fault):
                    self._struck.append(what)
            else:
                self._call(what)
        cluster.run(plan.heals_ms)
        self._heal()
        allowed = bound_ms(plan)
        took = self._await_peace(allowed)
        verdicts = cluster.check()
        outcome = self._outcome(took, allowed)
        assert len(outcome.violations) == sum(why != "ok" for why in verdicts.values())
        cluster.close()
        return outcome

    def _strike(self, fault: Fault) -> bool:
        try:
            self._cluster.apply(fault)
        except InputError:
            return False  # The node is down already, or up already: see `Plan`.
        return True

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
        self._strike(Release())
        self._strike(Heal())
        for node in nodes:
            self._strike(DiskFault(node, "ok"))
            self._strike(ClockFault(node))
            self._strike(Resume(node))
            machine = self._cluster.machines[node]
            machine.disk.crash_at = None
            self._strike(Restart(node))

    def _await_peace(self, allowed: int) -> int:
        """Ask every node for a write, and wait until all are answered and all chains are equal."""
        cluster = self._cluster
        nodes = cluster.settings.node_ids
        began = cluster.now_ms()
        probes = [
            cluster.submit(node, Post(username="nobody", title=f"peace {node}", content="again")) for node in nodes
        ]
        self._tickets += probes
        reading: list[Ticket] = []
        while cluster.now_ms() - began < allowed:
            cluster.run(cluster.now_ms() + LOOK_EVERY_MS)
            if not all(ticket.done for ticket in probes):
                continue
            if not reading:
                reading = [cluster.read(node, Query(kind="all", linearizable=True)) for node in nodes]
                self._tickets += reading
            elif all(ticket.done for ticket in reading) and self._converged():
                break
        took = cluster.now_ms() - began
        self._demand(probes, "write", allowed)
        self._demand(reading, "linearizable read", allowed)
        if not self._converged():
            heights = ", ".join(str(cluster.state(node).height) for node in nodes)
            self._declare("convergence", f"{allowed / 1000:g} s after the healing the heights are {heights}")
        return took

    def _converged(self) -> bool:
        states = [self._cluster.state(node) for node in self._cluster.settings.node_ids]
        first = states[0]
        return all(
            state.life == "up" and state.hash == first.hash and state.decided == state.applied == first.height
            for state in states
        )

    def _demand(self, tickets: list[Ticket], what: str, allowed: int) -> None:
        for ticket in tickets:
            answer = ticket.answer
            if answer is None or answer.kind not in {AnswerKind.OK, AnswerKind.REFUSED}:
                told = "has no answer" if answer is None else f"was answered {answer.text!r}"
                why = f"{allowed / 1000:g} s after the healing a {what} at node {ticket.node} {told}"
                self._declare("progress", why, ticket.node)

    def _declare(self, invariant: str, why: str, *nodes: int) -> None:
        at_ms = self._cluster.now_ms()
        self._cluster.checker.declare(Violation(invariant=invariant, why=why, at_ms=at_ms, nodes=nodes))

    def _outcome(self, took: int, allowed: int) -> Outcome:
        cluster = self._cluster
        answers: dict[str, int] = {}
        for ticket in self._tickets:
            kind = "none" if ticket.answer is None else ticket.answer.kind.value
            answers[kind] = answers.get(kind, 0) + 1
        done = msgspec.structs.replace(self._plan, strikes=tuple(self._struck))
        return Outcome(
            done=done,
            violations=tuple(cluster.checker.violations.values()),
            bugs=tuple(cluster.bugs),
            sometimes=dict(sorted(cluster.checker.sometimes.items())),
            answers=dict(sorted(answers.items())),
            peace_ms=took,
            bound_ms=allowed,
            virtual_ms=cluster.now_ms(),
            events=cluster.steps,
            messages=cluster.delivered,
            digest=self._digest(),
        )

    def _digest(self) -> str:
        """All that the run drew, did and told, as 16 hex digits: where two runs part, their dice part too."""
        cluster = self._cluster
        told = blake2b(digest_size=8)
        told.update(repr((cluster.now_ms(), cluster.steps, cluster.delivered, cluster.lost)).encode())
        told.update(cluster.dice_state().encode())
        for node in cluster.settings.node_ids:
            told.update(repr(cluster.state(node)).encode())
        for event in cluster.history():
            told.update(msgspec.json.encode(event))
        return told.hexdigest()
