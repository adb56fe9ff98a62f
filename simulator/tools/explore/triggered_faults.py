"""Triggered faults: they hit the node that opens a ballot, promises, begins to lead or proposes.

Faults at random times seldom meet the few milliseconds in which a ballot changes hands, and deep mistakes of Paxos need
several such meetings in a row. A triggered fault is drawn without knowing when it will fire. What it injects is
recorded as plain scheduled faults, so that a run can be repeated, shrunk and written down without it. It injects in the
millisecond after it fires, when everything due in that moment has happened.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from random import Random
from typing import Literal, get_args

import msgspec

from paxos.ballot import NO_BALLOT, Ballot, NodeId
from paxos.messages import Accept, Heartbeat, Prepare, Promise
from simulator.faults.faults import (
    ClearConditions,
    ClockFault,
    Crash,
    CrashPoint,
    CutLink,
    Fault,
    Heal,
    LinkConditions,
    MendLink,
    Partition,
    Pause,
    Restart,
    Resume,
)
from simulator.faults.links import LinkRule
from simulator.trace.events import Event, MessageSent
from simulator.trace.observer import Handler, Observer

Moment = Literal["bid", "promise", "lead", "propose"]
"""A node opens a ballot; one promises it; one begins to lead; a leader proposes a value."""
Action = Literal[
    "isolate", "company", "mute", "half-mute", "deafen", "late", "late-answers", "lossy", "crash", "crash-at-a-point",
    "bridge", "comeback", "pause", "crash-another", "again",
]  # fmt: skip
"""The fault to inject when the trigger fires: see the functions of these names."""
MOMENTS: tuple[Moment, ...] = get_args(Moment)
ACTIONS: tuple[Action, ...] = get_args(Action)

TRICKS: tuple[tuple[tuple[Moment, tuple[Action, ...]], ...], ...] = (
    (
        ("propose", ("isolate", "mute", "half-mute", "comeback")),
        ("lead", ("lossy", "crash", "half-mute", "isolate")),
    ),
    (("propose", ("again",)),),
)
"""Fixed sequences of moments, and the actions in each: a leader with values in flight is cut off, then its successor is
hit too; or one leader crashes and restarts again and again while answers to its earlier incarnations arrive.
"""

Timed = Iterator[tuple[int, Fault]]


class TriggeredFault(msgspec.Struct, frozen=True):
    """From `from_ms` on, the `count`-th time that `moment` occurs, `action` is injected at that node, once.

    `seed` decides everything else: how long it lasts, and which other nodes it concerns.
    """

    from_ms: int
    moment: Moment
    count: int
    action: Action
    seed: int


class _Victim:
    """The node at which the trigger fired, and the random source of its action."""

    def __init__(self, node: NodeId, nodes: int, seed: int) -> None:
        self.node = node
        self.dice = dice = Random(f"ambush {seed}")
        self.others = [other for other in dice.sample(range(1, nodes + 1), nodes) if other != node]
        self.fewer = len(self.others) // 2  # With that many others it has no majority.

    def lasts(self, least: int, most: int) -> int:
        """See `fault_kinds.Draw.span`."""
        low = least << self.dice.randrange((most // least).bit_length())
        return self.dice.randint(low, min(most, 2 * low))

    def groups(self, company: int) -> tuple[tuple[int, ...], ...]:
        """The node with `company` others, and the rest."""
        near = tuple(sorted([self.node, *self.others[:company]]))
        far = tuple(sorted(self.others[company:]))
        return (near, far) if far else (near,)


def _isolate(victim: _Victim) -> Timed:
    yield 0, Partition(victim.groups(0))
    yield victim.lasts(60, 1_200), Heal()


def _coalesce(victim: _Victim) -> Timed:
    yield 0, Partition(victim.groups(victim.dice.randint(0, max(0, len(victim.others) - 1))))
    yield victim.lasts(60, 1_200), Heal()


def _cut(victim: _Victim, count: int, *, outward: bool) -> Timed:
    lasts = victim.lasts(60, 1_200)
    for other in victim.others[:count]:
        ends = (victim.node, other) if outward else (other, victim.node)
        yield 0, CutLink(*ends, one_way=True)
        yield lasts, MendLink(*ends, one_way=True)


def _mute(victim: _Victim) -> Timed:
    return _cut(victim, len(victim.others), outward=True)


def _half_mute(victim: _Victim) -> Timed:
    return _cut(victim, max(1, len(victim.others) - victim.dice.randint(0, victim.fewer)), outward=True)


def _deafen(victim: _Victim) -> Timed:
    return _cut(victim, max(1, len(victim.others) - victim.dice.randint(0, victim.fewer)), outward=False)


def _late(victim: _Victim, *, outward: bool = True) -> Timed:
    """Messages sent during a short while are delayed for a long one, so that they arrive late."""
    some = victim.others[: victim.dice.randint(1, len(victim.others))]
    links = tuple((victim.node, other) if outward else (other, victim.node) for other in some)
    yield 0, LinkConditions(LinkRule(delay_ms=victim.lasts(80, 1_500)), links)
    yield victim.lasts(5, 80), ClearConditions()


def _late_answers(victim: _Victim) -> Timed:
    return _late(victim, outward=False)


def _lossy(victim: _Victim) -> Timed:
    """Every other message is lost, and then the node crashes."""
    yield (
        0,
        LinkConditions(
            LinkRule(drop=victim.dice.choice((0.3, 0.5, 0.7))), tuple((victim.node, o) for o in victim.others)
        ),
    )
    dies = victim.lasts(10, 150)
    yield dies, Crash(victim.node)
    yield dies, ClearConditions()
    yield dies + victim.lasts(50, 1_000), Restart(victim.node)


def _crash(victim: _Victim) -> Timed:
    yield victim.dice.choice((0, 0, 1, 2, 5)), Crash(victim.node)
    yield 5 + victim.lasts(10, 1_000), Restart(victim.node)


def _crash_at_a_point(victim: _Victim) -> Timed:
    yield 0, Crash(victim.node, victim.dice.choice(get_args(CrashPoint)))
    yield victim.lasts(60, 1_000), Restart(victim.node)


def _crash_another(victim: _Victim) -> Timed:
    some = victim.others[: victim.dice.randint(1, len(victim.others))]
    at = victim.dice.choice((0, 0, 1, 2, 5))
    for other in some:
        yield at, Crash(other)
        yield at + victim.lasts(10, 800), Restart(other)


def _bridge(victim: _Victim) -> Timed:
    """The node's clock is slow, so that it leads on for long, and few others hear both it and the rest."""
    far = victim.others[victim.dice.choice((0, 1, 1, victim.fewer)) :]
    lasts = 100 + victim.lasts(200, 1_500)
    yield 0, ClockFault(victim.node, victim.dice.choice((10, 25, 40, 60, 80)))
    for other in far:
        yield 0, CutLink(victim.node, other)
        yield lasts, MendLink(victim.node, other)
    yield lasts, ClockFault(victim.node)


def _comeback(victim: _Victim) -> Timed:
    """The node is slow and alone until the others have another leader; then it returns to some of them."""
    some = victim.others[: victim.dice.randint(0, len(victim.others) - 1)]
    alone = victim.lasts(200, 800)
    lasts = alone + victim.lasts(50, 800)
    yield 0, ClockFault(victim.node, victim.dice.choice((10, 10, 20, 40)))
    for other in victim.others:
        yield 0, CutLink(victim.node, other)
        yield alone if other in some else lasts, MendLink(victim.node, other)
    yield lasts, ClockFault(victim.node)


def _again(victim: _Victim) -> Timed:
    """Its messages reach one node, whose late answer finds its next incarnation sending the same on slow links."""
    node, dice = victim.node, victim.dice
    one, *far = victim.others
    delay = dice.randint(1, 15)
    dies = dice.randint(5, 120)
    back = dies + dice.randint(1, 30)
    slow = tuple(link for other in victim.others for link in ((node, other), (other, node)) if link != (one, node))
    yield 0, LinkConditions(LinkRule(delay_ms=dice.randint(20, 200)), ((one, node),))
    for other in far:
        yield 0, CutLink(node, other, one_way=True)
        yield back, MendLink(node, other, one_way=True)
    yield dies, Crash(node)
    yield dies, LinkConditions(LinkRule(delay_ms=delay, jitter_ms=dice.choice((0, delay))), slow)
    yield back, Restart(node)
    yield back + dice.randint(100, 600), ClearConditions()


def _pause(victim: _Victim) -> Timed:
    yield 0, Pause(victim.node)
    yield victim.lasts(50, 1_200), Resume(victim.node)


_ACTIONS = {
    "isolate": _isolate,
    "company": _coalesce,
    "mute": _mute,
    "half-mute": _half_mute,
    "deafen": _deafen,
    "late": _late,
    "late-answers": _late_answers,
    "lossy": _lossy,
    "crash": _crash,
    "crash-at-a-point": _crash_at_a_point,
    "crash-another": _crash_another,
    "bridge": _bridge,
    "comeback": _comeback,
    "pause": _pause,
    "again": _again,
}


def faults_of(trigger: TriggeredFault, node: NodeId, nodes: int) -> list[tuple[int, Fault]]:
    """The faults of a trigger at `node` of `nodes`, each with the milliseconds from the firing to it."""
    return list(_ACTIONS[trigger.action](_Victim(node, nodes, trigger.seed)))


def draw_triggers(dice: Random, heals_ms: int) -> tuple[TriggeredFault, ...]:
    """Draw triggers until `heals_ms`: a few moments and a few actions, in any combination.

    Or two or three fixed pairs in turn, at times those of a known sequence: some mistakes need several in order.
    """
    moments = dice.sample(MOMENTS, dice.randint(1, len(MOMENTS)))
    actions = dice.sample(ACTIONS, dice.choice((1, 2, 2, 3, 5, len(ACTIONS))))
    turns = [(dice.choice(moments), dice.choice(actions)) for _ in range(dice.choice((0, 0, 2, 3)))]
    every_ms = dice.choice((20, 60, 150, 400))
    if dice.random() < 0.25:
        turns = [(moment, dice.choice(some)) for moment, some in dice.choice(TRICKS)]
        every_ms = min(every_ms, 150)
    most = dice.choice((1, 1, 3, 10))
    laid: list[TriggeredFault] = []
    at_ms = dice.randint(0, 2 * every_ms)
    while at_ms < heals_ms:
        moment, action = turns[len(laid) % len(turns)] if turns else (dice.choice(moments), dice.choice(actions))
        laid.append(TriggeredFault(at_ms, moment, dice.randint(1, most), action, dice.randrange(1 << 30)))
        at_ms += dice.randint(1, 2 * every_ms)
    return tuple(laid)


class TriggerWatch(Observer):
    """Watches the messages that nodes send. `fired` collects triggers that fired, with time and node."""

    def __init__(self, triggers: tuple[TriggeredFault, ...]) -> None:
        self.fired: list[tuple[int, NodeId, TriggeredFault]] = []
        self._laid = list(triggers)
        self._left: dict[TriggeredFault, int] = {trigger: trigger.count for trigger in triggers}
        self._newest: dict[Moment, Ballot] = {}

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return {MessageSent: self._sent}

    def _sent(self, event: MessageSent) -> None:
        if not self._laid:
            return
        at_ms, node = event.at_ms, event.node
        match event.message:
            case Accept():
                self._match("propose", at_ms, node)
            case Prepare(ballot=ballot):
                self._begins("bid", ballot, at_ms, node)
            case Promise():
                self._match("promise", at_ms, node)
            case Heartbeat(ballot=ballot):
                self._begins("lead", ballot, at_ms, node)
            case _:
                pass

    def _begins(self, moment: Moment, ballot: Ballot, at_ms: int, node: NodeId) -> None:
        if ballot > self._newest.get(moment, NO_BALLOT):
            self._newest[moment] = ballot
            self._match(moment, at_ms, node)

    def _match(self, moment: Moment, at_ms: int, node: NodeId) -> None:
        for trigger in self._laid:
            if trigger.from_ms > at_ms:
                break
            if trigger.moment == moment:
                self._left[trigger] -= 1
                if not self._left[trigger]:
                    self._laid.remove(trigger)
                    self.fired.append((at_ms, node, trigger))
                break  # One trigger for each occurrence.
