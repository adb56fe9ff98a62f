"""Lasting faults that know the protocol: shortly before the healing, a node on which something hangs goes for good.

It has just promised, its vote has just made a value chosen, or it alone knows a decision. From then on it is down, cut
off, slow or lossy, and the others must get along without it: one node, or a minority of those at which it happens.
These faults take the place of the permanent ones that were drawn beforehand (`permanent_faults`).
"""

from __future__ import annotations

from random import Random
from typing import Literal

import msgspec

from paxos.ballot import NodeId
from simulator.checks.oracle import Oracle
from simulator.faults.faults import Crash, Fault, LinkConditions, Partition
from simulator.faults.links import LinkRule
from simulator.tools.explore.moments import WHEN, Moment, MomentWatch
from simulator.tools.explore.trigger_actions import Fired
from simulator.tools.explore.triggered_faults import TriggeredFault

Fate = Literal["down", "cut off", "slow", "lossy"]

MOMENTS: tuple[Moment, ...] = (
    "promise", "promise", "promise", "choose", "choose", "alone", "alone", "vote", "replace", "lead", "propose",
    "serve",
)  # fmt: skip
FATES: tuple[Fate, ...] = ("down", "down", "down", "cut off", "slow", "lossy")


class Leaver(msgspec.Struct, frozen=True):
    """From `from_ms` on, the first `most` nodes at which `moment` comes meet their `fate`, for good."""

    from_ms: int
    moment: Moment
    fate: Fate
    most: int
    delay_ms: int = 0
    drop: float = 0.0

    def fault_for(self, gone: tuple[NodeId, ...], nodes: tuple[NodeId, ...]) -> tuple[Fault, ...]:
        """The lasting faults with these nodes gone."""
        rest = tuple(node for node in nodes if node not in gone)
        if self.fate == "down":
            return tuple(Crash(node) for node in gone)
        if self.fate == "cut off":
            return (Partition((gone, rest)),)
        rule = LinkRule(delay_ms=self.delay_ms, drop=self.drop)
        return (LinkConditions(rule, tuple(link for a in gone for b in rest for link in ((a, b), (b, a)))),)


def draw_leaver(dice: Random, nodes: int, heals_ms: int) -> tuple[Leaver | None, tuple[TriggeredFault, ...]]:
    """Draw who leaves, and perhaps the fault that makes its moment come; None in a cluster without a minority."""
    minority = (nodes - 1) // 2
    if not minority:
        return None, ()
    moment, fate = dice.choice(MOMENTS), dice.choice(FATES)
    from_ms = max(0, heals_ms - dice.choice((60, 200, 500, 1_000)))
    leaver = Leaver(
        from_ms=from_ms,
        moment=moment,
        fate=fate,
        most=dice.choice((1, 1, minority)),
        delay_ms=dice.choice((20, 80, 250)) if fate == "slow" else 0,
        drop=dice.choice((0.05, 0.1, 0.2)) if fate == "lossy" else 0.0,
    )
    trigger = TriggeredFault(
        max(0, from_ms - dice.choice((0, 50, 250))),
        dice.choice(("propose", "alone")),
        1,
        dice.choice(("crash", "last-word", "exile", "isolate", "half-mute")),
        dice.randrange(1 << 30),
    )
    return leaver, (trigger,) if dice.random() < 0.7 else ()


class LeaverWatch:
    """Waits for the moment of `leaver`. `fired` collects what is to be injected, `permanent` what stays."""

    def __init__(self, leaver: Leaver | None, nodes: tuple[NodeId, ...]) -> None:
        self.fired: list[Fired] = []
        self.permanent: tuple[Fault, ...] = ()
        self._leaver = leaver
        self._nodes = nodes
        self._gone: tuple[NodeId, ...] = ()

    def observers(self, oracle: Oracle) -> tuple[MomentWatch, ...]:
        """The observer that sees the moment; none when nobody leaves."""
        return () if self._leaver is None else (MomentWatch((self._leaver.moment,), oracle, self._happened),)

    def _happened(self, at_ms: int, node: NodeId, moment: Moment) -> None:
        leaver = self._leaver
        if leaver is None or at_ms < leaver.from_ms or node in self._gone or len(self._gone) == leaver.most:
            return
        self._gone = tuple(sorted((*self._gone, node)))
        self.permanent = leaver.fault_for(self._gone, self._nodes)
        now = (Crash(node),) if leaver.fate == "down" else self.permanent
        what = f"{leaver.fate} for good when {WHEN[moment]}"
        self.fired.append(Fired(at_ms, what, [(0, fault) for fault in now]))
