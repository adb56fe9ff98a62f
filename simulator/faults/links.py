"""What a link does to a message: cuts, partitions, delay, loss, duplication and reordering."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import takewhile
from random import Random
from typing import Any, TypeVar

import msgspec

Message = TypeVar("Message")

Link = tuple[int, int]
"""A directed link: from node, to node."""


class LinkRule(msgspec.Struct, frozen=True, kw_only=True):
    """The conditions of one directed link. Times are in milliseconds, probabilities from 0 to 1.

    `reorder` is the probability that a message may overtake others and be overtaken. All others keep their order.
    """

    delay_ms: int = 0
    jitter_ms: int = 0
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0

    @property
    def clear(self) -> bool:
        """True when the rule does nothing."""
        return self == CLEAR


CLEAR = LinkRule()


MOST_HELD = 20_000
"""How many messages may be held. Further ones are lost, as on a link whose buffers are full."""


class Links:
    """All directed links of a cluster: their conditions, cuts and the partition. Each message asks once.

    Invariant: a link that no fault names is whole and clear. A node's link to itself has no faults.
    """

    def __init__(self, nodes: Iterable[int]) -> None:
        self.nodes = tuple(nodes)
        self.rules: dict[Link, LinkRule] = {}
        self.cut: set[Link] = set()
        self.groups: tuple[tuple[int, ...], ...] = ()
        self.holding = False
        self._severed: frozenset[Link] = frozenset()
        self._last_arrival: dict[Link, float] = {}
        self.untouched = True  # The fast path of both worlds: there is no rule, cut, partition or hold.

    def set_rule(self, links: Iterable[Link], rule: LinkRule) -> None:
        """Replace the conditions of each of `links`."""
        for link in links:
            if rule.clear:
                self.rules.pop(link, None)
            else:
                self.rules[link] = rule
        self._changed()

    def cut_links(self, links: Iterable[Link]) -> None:
        """Lose every message on `links` until they are mended."""
        self.cut.update(links)
        self._changed()

    def mend_links(self, links: Iterable[Link]) -> None:
        """Undo `cut_links`; the partition stays."""
        self.cut.difference_update(links)
        self._changed()

    def partition(self, groups: tuple[tuple[int, ...], ...]) -> None:
        """Sever every link between two groups. Nodes in none of them form one more group."""
        self.groups = groups
        self._changed()

    def heal(self) -> None:
        """End the partition, all cuts and all conditions. Holding goes on."""
        self.groups = ()
        self.cut.clear()
        self.rules.clear()
        self._last_arrival.clear()
        self._changed()

    def hold(self, on: bool) -> None:
        """Start or stop holding every message."""
        self.holding = on
        self._changed()

    def is_cut(self, link: Link) -> bool:
        """True when every message on `link` is lost."""
        return link in self._severed

    def rule(self, link: Link) -> LinkRule:
        """The conditions of `link`."""
        return self.rules.get(link, CLEAR)

    def arrivals(self, source: int, target: int, now_ms: float, dice: Random) -> tuple[float, ...]:
        """The arrival times of a message sent now, in milliseconds: none when it is lost, two when it is duplicated."""
        link = (source, target)
        if link in self._severed:
            return ()
        rule = self.rules.get(link)
        if rule is None:
            return (now_ms,)
        if rule.drop and dice.random() < rule.drop:
            return ()
        copies = 2 if rule.duplicate and dice.random() < rule.duplicate else 1
        return tuple(self._arrival(link, rule, now_ms, dice) for _ in range(copies))

    def _arrival(self, link: Link, rule: LinkRule, now_ms: float, dice: Random) -> float:
        jitter = dice.randint(0, rule.jitter_ms) if rule.jitter_ms else 0
        at = now_ms + rule.delay_ms + jitter
        if rule.reorder and dice.random() < rule.reorder:
            # Delay it further, so that others can overtake it even on a link without delay.
            return at + dice.randint(1, max(5, rule.delay_ms + rule.jitter_ms))
        at = max(at, self._last_arrival.get(link, 0.0))
        self._last_arrival[link] = at
        return at

    def _changed(self) -> None:
        group_of = {node: index for index, group in enumerate(self.groups) for node in group}
        rest = len(self.groups)
        severed = set(self.cut)
        if self.groups:
            severed.update(
                (a, b)
                for a in self.nodes
                for b in self.nodes
                if a != b and group_of.get(a, rest) != group_of.get(b, rest)
            )
        self._severed = frozenset(severed)
        self.untouched = not (severed or self.rules or self.holding)


def chosen_held(held: Mapping[int, tuple[int, int, Any, int]], number: int | None, link: Link | None) -> list[int]:
    """The numbers of the held messages to deliver: the one of `number`, those of `link`, or all.

    The values of `held` begin with source and target.
    """
    if number is not None:
        return [number] if number in held else []
    return [key for key, (source, target, _, _) in held.items() if link is None or link == (source, target)]


def newest_held(held: dict[int, Message], after: int) -> list[tuple[int, Message]]:
    """The held messages with a number above `after`, oldest first. `held` is in the order of its numbers."""
    if not after:
        return list(held.items())
    newest = list(takewhile(lambda item: item[0] > after, reversed(held.items())))
    newest.reverse()
    return newest
