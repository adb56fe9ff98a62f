"""What triggered faults do to the node at which they fire, and to others: one function an action."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from random import Random
from typing import Literal, NamedTuple, get_args

from paxos.ballot import NodeId
from simulator.faults.faults import (
    ClearConditions,
    ClockFault,
    Crash,
    CrashPoint,
    CutLink,
    Fault,
    Heal,
    Kill,
    LinkConditions,
    MendLink,
    Partition,
    Pause,
    Restart,
    Resume,
)
from simulator.faults.links import LinkRule

Action = Literal[
    "isolate", "company", "mute", "half-mute", "deafen", "late", "late-answers", "lossy", "crash", "crash-at-a-point",
    "bridge", "comeback", "pause", "crash-another", "again", "exile", "majority", "decisive", "last-word", "power-cut",
    "reborn", "restless",
]  # fmt: skip
"""The fault to inject when the trigger fires: see the functions of these names."""

Timed = Iterator[tuple[int, Fault]]


class Fired(NamedTuple):
    """What was waited for has come, at `at_ms`: `faults` are to be injected, each so many milliseconds afterwards.

    `what` names it among the counts of a run; an empty name is not counted.
    """

    at_ms: int
    what: str
    faults: list[tuple[int, Fault]]


class Victim:
    """The node at which the trigger fired, and the random source of its action.

    `others` are the other nodes in random order, `strangers` those of them to which its messages do not come now.
    """

    def __init__(self, node: NodeId, nodes: int, seed: int, strangers: Collection[NodeId] = ()) -> None:
        self.node = node
        self.dice = dice = Random(f"ambush {seed}")
        self.others = [other for other in dice.sample(range(1, nodes + 1), nodes) if other != node]
        self.strangers = [other for other in self.others if other in strangers]
        self.fewer = len(self.others) // 2  # With that many others it has no majority.
        self.enough = nodes // 2  # With that many it has one, and no node to spare.

    def lasts(self, least: int, most: int) -> int:
        """See `fault_kinds.Draw.span`."""
        low = least << self.dice.randrange((most // least).bit_length())
        return self.dice.randint(low, min(most, 2 * low))

    def groups(self, company: int) -> tuple[tuple[int, ...], ...]:
        """The node with `company` others, and the rest."""
        near = tuple(sorted([self.node, *self.others[:company]]))
        far = tuple(sorted(self.others[company:]))
        return (near, far) if far else (near,)


def _isolate(victim: Victim) -> Timed:
    yield 0, Partition(victim.groups(0))
    yield victim.lasts(60, 1_200), Heal()


def _coalesce(victim: Victim) -> Timed:
    yield 0, Partition(victim.groups(victim.dice.randint(0, max(0, len(victim.others) - 1))))
    yield victim.lasts(60, 1_200), Heal()


def _cut(victim: Victim, count: int, *, outward: bool) -> Timed:
    lasts = victim.lasts(60, 1_200)
    for other in victim.others[:count]:
        ends = (victim.node, other) if outward else (other, victim.node)
        yield 0, CutLink(*ends, one_way=True)
        yield lasts, MendLink(*ends, one_way=True)


def _mute(victim: Victim) -> Timed:
    return _cut(victim, len(victim.others), outward=True)


def _half_mute(victim: Victim) -> Timed:
    return _cut(victim, max(1, len(victim.others) - victim.dice.randint(0, victim.fewer)), outward=True)


def _deafen(victim: Victim) -> Timed:
    return _cut(victim, max(1, len(victim.others) - victim.dice.randint(0, victim.fewer)), outward=False)


def _late(victim: Victim, *, outward: bool = True) -> Timed:
    """Messages sent during a short while are delayed for a long one, so that they arrive late."""
    some = victim.others[: victim.dice.randint(1, len(victim.others))]
    links = tuple((victim.node, other) if outward else (other, victim.node) for other in some)
    yield 0, LinkConditions(LinkRule(delay_ms=victim.lasts(80, 1_500)), links)
    yield victim.lasts(5, 80), ClearConditions()


def _late_answers(victim: Victim) -> Timed:
    return _late(victim, outward=False)


def _lossy(victim: Victim) -> Timed:
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


def _crash(victim: Victim) -> Timed:
    yield victim.dice.choice((0, 0, 1, 2, 5)), Crash(victim.node)
    yield 5 + victim.lasts(10, 1_000), Restart(victim.node)


def _crash_at_a_point(victim: Victim) -> Timed:
    yield 0, Crash(victim.node, victim.dice.choice(get_args(CrashPoint)))
    yield victim.lasts(60, 1_000), Restart(victim.node)


def _crash_another(victim: Victim) -> Timed:
    some = victim.others[: victim.dice.randint(1, len(victim.others))]
    at = victim.dice.choice((0, 0, 1, 2, 5))
    for other in some:
        yield at, Crash(other)
        yield at + victim.lasts(10, 800), Restart(other)


def _bridge(victim: Victim) -> Timed:
    """The node's clock is slow, so that it leads on for long, and few others hear both it and the rest."""
    far = victim.others[victim.dice.choice((0, 1, 1, victim.fewer)) :]
    lasts = 100 + victim.lasts(200, 1_500)
    yield 0, ClockFault(victim.node, victim.dice.choice((10, 25, 40, 60, 80)))
    for other in far:
        yield 0, CutLink(victim.node, other)
        yield lasts, MendLink(victim.node, other)
    yield lasts, ClockFault(victim.node)


def _comeback(victim: Victim) -> Timed:
    """The node is slow and alone until the others have another leader; then it returns to some of them."""
    some = victim.others[: victim.dice.randint(0, len(victim.others) - 1)]
    alone = victim.lasts(200, 800)
    lasts = alone + victim.lasts(50, 800)
    yield 0, ClockFault(victim.node, victim.dice.choice((10, 10, 20, 40)))
    for other in victim.others:
        yield 0, CutLink(victim.node, other)
        yield alone if other in some else lasts, MendLink(victim.node, other)
    yield lasts, ClockFault(victim.node)


def _again(victim: Victim) -> Timed:
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


def _pause(victim: Victim) -> Timed:
    yield 0, Pause(victim.node)
    yield victim.lasts(50, 1_200), Resume(victim.node)


def _exile(victim: Victim) -> Timed:
    """It is alone for so long that the others have another leader when it returns."""
    yield 0, Partition(victim.groups(0))
    yield victim.lasts(400, 2_000), Heal()


def _majority(victim: Victim) -> Timed:
    """It keeps a majority that has no node to spare, and in it those that did not hear it until now."""
    near = [*victim.strangers, *(other for other in victim.others if other not in victim.strangers)][: victim.enough]
    far = [other for other in victim.others if other not in near]
    yield 0, Partition((tuple(sorted((victim.node, *near))), tuple(sorted(far))))
    yield victim.lasts(300, 2_000), Heal()


def _decisive(victim: Victim) -> Timed:
    """It crashes and comes back into a majority that has no node to spare: what it has kept decides."""
    lasts = victim.lasts(150, 1_500)
    dies = victim.dice.choice((0, 0, 1, 2, 4))
    yield 0, Partition(victim.groups(victim.enough))
    yield dies, Crash(victim.node)
    yield dies + victim.lasts(2, 60), Restart(victim.node)
    yield lasts, Heal()


def _last_word(victim: Victim) -> Timed:
    """Its messages reach one other node for a moment; then it is gone for a while."""
    dies = victim.lasts(1, 30)
    for other in victim.others[1:]:
        yield 0, CutLink(victim.node, other, one_way=True)
    yield dies, Crash(victim.node)
    for other in victim.others[1:]:
        yield dies, MendLink(victim.node, other, one_way=True)
    yield dies + victim.lasts(200, 2_000), Restart(victim.node)


def _power_cut(victim: Victim) -> Timed:
    """Its process is killed; what it had written is found by the next one, until the power fails."""
    killed = victim.dice.choice((0, 0, 0, 1, 2))
    back = killed + victim.lasts(1, 16)
    dark = back + victim.lasts(1, 128)
    again = dark + victim.lasts(1, 64)
    if victim.dice.random() < 0.5:
        yield 0, Partition(victim.groups(victim.enough))
        yield again + victim.lasts(100, 800), Heal()
    yield killed, Kill(victim.node)
    yield back, Restart(victim.node)
    yield dark, Crash(victim.node)
    yield again, Restart(victim.node)


def _reborn(victim: Victim) -> Timed:
    """Its next incarnation begins before anyone misses it."""
    dies = victim.dice.choice((0, 0, 1, 5, 40))
    yield dies, Crash(victim.node)
    yield dies + victim.lasts(2, 40), Restart(victim.node)


def _restless(victim: Victim) -> Timed:
    """Incarnation after incarnation, each a few milliseconds long."""
    at = victim.dice.choice((0, 0, 1, 2))
    for _ in range(victim.dice.randint(2, 4)):
        yield at, Crash(victim.node)
        yield at + victim.lasts(1, 20), Restart(victim.node)
        at += 20 + victim.lasts(2, 120)


ACTIONS: dict[Action, Callable[[Victim], Timed]] = {
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
    "exile": _exile,
    "majority": _majority,
    "decisive": _decisive,
    "last-word": _last_word,
    "power-cut": _power_cut,
    "reborn": _reborn,
    "restless": _restless,
}
"""All actions, by name."""
