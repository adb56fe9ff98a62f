"""Triggered faults: they hit the node at which a moment of the protocol occurs (`moments`).

Faults at random times seldom meet the few milliseconds in which a ballot changes hands, and deep mistakes of Paxos need
several such meetings in a row. A triggered fault is drawn without knowing when it will fire. What it injects is
recorded as plain scheduled faults, so that a run can be repeated, shrunk and written down without it. It injects in the
millisecond after it fires, when everything due in that moment has happened.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random

import msgspec

from paxos.ballot import NodeId
from simulator.checks.oracle import Oracle
from simulator.faults.faults import Fault
from simulator.faults.links import Links
from simulator.tools.explore.moments import WHEN, Moment, MomentWatch
from simulator.tools.explore.trigger_actions import ACTIONS, Action, Fired, Victim
from simulator.worlds.virtual.machine import Machine

Trick = tuple[tuple[Moment, tuple[Action, ...]], ...]
"""A fixed sequence of moments, and the actions that may follow each."""

LEADER_MOMENTS: tuple[Moment, ...] = ("bid", "promise", "lead", "propose")
LEADER_ACTIONS: tuple[Action, ...] = (
    "isolate", "company", "mute", "half-mute", "deafen", "late", "late-answers", "lossy", "crash", "crash-at-a-point",
    "bridge", "comeback", "pause", "crash-another", "again",
)  # fmt: skip
LEADER_TRICKS: tuple[Trick, ...] = (
    (
        ("propose", ("isolate", "mute", "half-mute", "comeback")),
        ("lead", ("lossy", "crash", "half-mute", "isolate")),
    ),
    (("propose", ("again",)),),
)
"""A leader with values in flight is cut off, then its successor is hit too; or one leader crashes and restarts again
and again while answers to its earlier incarnations arrive.
"""

MEMBER_MOMENTS: tuple[Moment, ...] = (
    "promise", "vote", "replace", "replace", "choose", "alone", "fetch", "serve", "compact",
)  # fmt: skip
POWER_CUT_MOMENTS: tuple[Moment, ...] = ("write", "write", "write", "replace", "bid")
RARE_MOMENTS: tuple[Moment, ...] = ("replace", "fetch", "serve", "compact")
MEMBER_ACTIONS: tuple[Action, ...] = (
    "isolate", "company", "half-mute", "deafen", "late", "late-answers", "crash", "crash", "crash-at-a-point",
    "comeback", "pause", "crash-another", "majority", "decisive", "decisive", "last-word", "restless",
)  # fmt: skip
_CRASHES: tuple[Action, ...] = ("crash", "crash-at-a-point", "decisive", "restless")
MEMBER_TRICKS: tuple[Trick, ...] = (
    (
        ("alone", ("exile",)),
        ("lead", ("majority",)),
        ("replace", (*_CRASHES, "isolate", "company", "crash-another", "majority", "majority", "majority")),
    ),
    (("alone", ("last-word", "half-mute")), ("alone", (*_CRASHES, "isolate", "company"))),
    (("vote", ("exile", "pause", "deafen")), ("serve", (*_CRASHES, "late", "isolate")), ("fetch", _CRASHES)),
    (("choose", ("decisive", "last-word")), ("lead", ("crash", "half-mute", "isolate")), ("replace", _CRASHES)),
)
"""A value reaches few, so that another takes its slot; a decision reaches one; a node falls behind and fetches; the
vote that made a value chosen is the one that counts.
"""


class TriggeredFault(msgspec.Struct, frozen=True):
    """From `from_ms` on, the `count`-th time that `moment` occurs, `action` is injected at that node, once.

    `seed` decides everything else: how long it lasts, and which other nodes it concerns.
    """

    from_ms: int
    moment: Moment
    count: int
    action: Action
    seed: int


def draw_triggers(dice: Random, heals_ms: int) -> tuple[TriggeredFault, ...]:
    """Draw triggers that wait for moments of proposers, until `heals_ms`.

    A few moments and a few actions, in any combination. Or two or three fixed pairs in turn, at times those of a trick:
    some mistakes need several in order.
    """
    moments = dice.sample(LEADER_MOMENTS, dice.randint(1, len(LEADER_MOMENTS)))
    actions = dice.sample(LEADER_ACTIONS, dice.choice((1, 2, 2, 3, 5, len(LEADER_ACTIONS))))
    turns = [(dice.choice(moments), dice.choice(actions)) for _ in range(dice.choice((0, 0, 2, 3)))]
    every_ms = dice.choice((20, 60, 150, 400))
    if dice.random() < 0.25:
        turns = [(moment, dice.choice(some)) for moment, some in dice.choice(LEADER_TRICKS)]
        every_ms = min(every_ms, 150)
    most = dice.choice((1, 1, 3, 10))
    laid: list[TriggeredFault] = []
    at_ms = dice.randint(0, 2 * every_ms)
    while at_ms < heals_ms:
        moment, action = turns[len(laid) % len(turns)] if turns else (dice.choice(moments), dice.choice(actions))
        laid.append(TriggeredFault(at_ms, moment, dice.randint(1, most), action, dice.randrange(1 << 30)))
        at_ms += dice.randint(1, 2 * every_ms)
    return tuple(laid)


def draw_member_triggers(dice: Random, heals_ms: int) -> tuple[TriggeredFault, ...]:
    """Draw triggers that wait for moments of acceptors and learners, until `heals_ms`.

    One for each rare moment, and then tricks, or a few moments and actions in any combination.
    """
    laid = [
        TriggeredFault(dice.randrange(heals_ms // 2), moment, 1, dice.choice(MEMBER_ACTIONS), dice.randrange(1 << 30))
        for moment in RARE_MOMENTS
        if dice.random() < 0.5
    ]
    if dice.random() < 0.7:
        laid += _tricks(dice, heals_ms)
    else:
        moments = dice.sample(MEMBER_MOMENTS, dice.randint(1, len(MEMBER_MOMENTS)))
        actions = dice.sample(MEMBER_ACTIONS, dice.choice((1, 2, 3, 5, len(MEMBER_ACTIONS))))
        every_ms, most = dice.choice((60, 150, 400)), dice.choice((1, 1, 3, 10))
        at_ms = dice.randint(0, 2 * every_ms)
        while at_ms < heals_ms:
            moment, action, count = dice.choice(moments), dice.choice(actions), dice.randint(1, most)
            laid.append(TriggeredFault(at_ms, moment, count, action, dice.randrange(1 << 30)))
            at_ms += dice.randint(1, 2 * every_ms)
    return tuple(sorted(laid, key=lambda trigger: trigger.from_ms))


def draw_power_cuts(dice: Random, heals_ms: int) -> tuple[TriggeredFault, ...]:
    """Draw triggers that kill a process while it writes, and cut the power of its machine soon after."""
    every_ms, most = dice.choice((100, 300, 800)), dice.choice((1, 3, 10, 30))
    laid: list[TriggeredFault] = []
    at_ms = dice.randint(0, every_ms)
    while at_ms < heals_ms:
        moment = dice.choice(POWER_CUT_MOMENTS)
        laid.append(TriggeredFault(at_ms, moment, dice.randint(1, most), "power-cut", dice.randrange(1 << 30)))
        at_ms += dice.randint(1, 2 * every_ms)
    return tuple(laid)


def _tricks(dice: Random, heals_ms: int) -> list[TriggeredFault]:
    """One trick again and again: its triggers wait from one time on, and the next round has time to come about."""
    trick = dice.choice((MEMBER_TRICKS[0], MEMBER_TRICKS[0], *MEMBER_TRICKS))  # The rarest moment is tried most.
    laid: list[TriggeredFault] = []
    at_ms = dice.randint(200, 700)  # A first leader stands by then.
    while at_ms < heals_ms:
        for place, (moment, some) in enumerate(trick):
            laid.append(TriggeredFault(at_ms + place, moment, 1, dice.choice(some), dice.randrange(1 << 30)))
        at_ms += dice.randint(700, 2_500)
    return laid


class TriggerWatch:
    """Waits for the moments of `triggers`. `fired` collects the triggers that fired."""

    def __init__(self, triggers: tuple[TriggeredFault, ...]) -> None:
        self.fired: list[Fired] = []
        self._links = Links(())
        self._laid = list(triggers)
        self._left: dict[TriggeredFault, int] = {trigger: trigger.count for trigger in triggers}
        self._moments = tuple(trigger.moment for trigger in triggers)

    def observers(self, oracle: Oracle) -> tuple[MomentWatch, ...]:
        """The observer that sees the moments; none when nothing waits for one."""
        return (MomentWatch(self._moments, oracle, self._happened),) if self._laid else ()

    def look_at(self, links: Links, machines: Mapping[NodeId, Machine]) -> None:
        """Use these links, and learn of compactions from the disks of these machines: no event tells of them."""
        self._links = links
        if "compact" in self._moments:
            for machine in machines.values():
                machine.on_compacted = self._compacted

    def _compacted(self, at_ms: int, node: NodeId) -> None:
        self._happened(at_ms, node, "compact")

    def _happened(self, at_ms: int, node: NodeId, moment: Moment) -> None:
        for trigger in self._laid:
            if trigger.from_ms > at_ms:
                break
            if trigger.moment == moment:
                self._left[trigger] -= 1
                if not self._left[trigger]:
                    self._laid.remove(trigger)
                    self.fired.append(Fired(at_ms, f"fault when {WHEN[moment]}", self._faults_of(trigger, node)))
                break  # One trigger for each occurrence.

    def _faults_of(self, trigger: TriggeredFault, node: NodeId) -> list[tuple[int, Fault]]:
        strangers = [other for other in self._links.nodes if self._links.is_cut((node, other))]
        return list(ACTIONS[trigger.action](Victim(node, len(self._links.nodes), trigger.seed, strangers)))
