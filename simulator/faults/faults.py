"""Misfortunes as plain data, and the one implementation of what a link does to a message.

Every fault is frozen, prints as Python, and prints as the scenario line that causes it (`line()`); both worlds carry
them out through `Cluster.apply`. `Links` decides, for one message on one directed link, whether and when it arrives;
the supervisor of the real processes and the virtual network both ask it and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Literal

import msgspec

Link = tuple[int, int]
"""A directed link: from node, to node."""


class LinkRule(msgspec.Struct, frozen=True, kw_only=True):
    """The weather on one directed link. Times in milliseconds, probabilities from 0 to 1.

    `reorder` is the chance that a message may overtake and be overtaken; all others keep their order.
    """

    delay_ms: int = 0
    jitter_ms: int = 0
    drop: float = 0.0
    duplicate: float = 0.0
    reorder: float = 0.0

    @property
    def calm(self) -> bool:
        """True when the rule does nothing."""
        return self == CALM


CALM = LinkRule()


MOST_HELD = 20_000
"""How many messages wait for a person at the most. What comes after is lost, as on a link whose buffers are full."""


class Links:
    """All directed links of a cluster: weather, cut links and the partition, asked once a message.

    Invariant: a pair of nodes not named anywhere is whole and calm. A node's link to itself is never touched.
    """

    def __init__(self, nodes: Iterable[int]) -> None:
        self.nodes = tuple(nodes)
        self.rules: dict[Link, LinkRule] = {}
        self.cut: set[Link] = set()
        self.groups: tuple[tuple[int, ...], ...] = ()
        self.holding = False
        self._severed: frozenset[Link] = frozenset()
        self._last_arrival: dict[Link, float] = {}
        self.untouched = True  # The fast path of both worlds: no link has any rule, cut or hold.

    def set_rule(self, links: Iterable[Link], rule: LinkRule) -> None:
        """Give each of `links` this weather in place of what it had."""
        for link in links:
            if rule.calm:
                self.rules.pop(link, None)
            else:
                self.rules[link] = rule
        self._changed()

    def cut_links(self, links: Iterable[Link]) -> None:
        """Let nothing pass on `links` until they are mended."""
        self.cut.update(links)
        self._changed()

    def mend_links(self, links: Iterable[Link]) -> None:
        """Undo `cut_links`; a partition that also severs a link stays."""
        self.cut.difference_update(links)
        self._changed()

    def partition(self, groups: tuple[tuple[int, ...], ...]) -> None:
        """Sever every link between two different groups; nodes that no group names form one more group together."""
        self.groups = groups
        self._changed()

    def heal(self) -> None:
        """All links whole: partition, cut links and weather are gone. Holding messages goes on."""
        self.groups = ()
        self.cut.clear()
        self.rules.clear()
        self._last_arrival.clear()
        self._changed()

    def hold(self, on: bool) -> None:
        """Start or stop keeping every message for a person to deliver."""
        self.holding = on
        self._changed()

    def is_cut(self, link: Link) -> bool:
        """True when nothing passes on `link`."""
        return link in self._severed

    def rule(self, link: Link) -> LinkRule:
        """The weather on `link`."""
        return self.rules.get(link, CALM)

    def arrivals(self, source: int, target: int, now_ms: float, dice: Random) -> tuple[float, ...]:
        """When copies of a message sent now arrive, in milliseconds: empty when it is lost, two when duplicated."""
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
            # An overtaken message needs room to be overtaken in, even on a link without delay.
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


CrashPoint = Literal["before-record", "before-sync", "before-send"]
"""A protocol moment: before a record is written; between record and sync; between sync and send."""

DiskFaultKind = Literal["corrupt", "tear", "full", "readonly", "ok", "wipe", "failing-sync", "failing-write"]


def _nodes(nodes: Iterable[int]) -> str:
    return ",".join(str(node) for node in nodes)


def _milliseconds(ms: int) -> str:
    return f"{ms // 1000}s" if ms and ms % 1000 == 0 else f"{ms}ms"


def _percent(chance: float) -> str:
    return f"{chance * 100:.6g}%"


class Crash(msgspec.Struct, frozen=True, tag=True):
    """Kill -9. With a `point`, the node dies the next time it reaches that moment (virtual world only)."""

    node: int
    point: CrashPoint | None = None

    def line(self) -> str:
        """The scenario line."""
        return f"crash {self.node}" + (f" --at {self.point}" if self.point else "")


class Restart(msgspec.Struct, frozen=True, tag=True):
    """A fresh process on the same files."""

    node: int

    def line(self) -> str:
        """The scenario line."""
        return f"restart {self.node}"


class Pause(msgspec.Struct, frozen=True, tag=True):
    """SIGSTOP: the node stands still and knows nothing of it."""

    node: int

    def line(self) -> str:
        """The scenario line."""
        return f"pause {self.node}"


class Resume(msgspec.Struct, frozen=True, tag=True):
    """SIGCONT."""

    node: int

    def line(self) -> str:
        """The scenario line."""
        return f"resume {self.node}"


class Partition(msgspec.Struct, frozen=True, tag=True):
    """Cut every link between different groups; unnamed nodes form one more group."""

    groups: tuple[tuple[int, ...], ...]

    def line(self) -> str:
        """The scenario line."""
        return "partition " + " / ".join(_nodes(group) for group in self.groups)


class CutLink(msgspec.Struct, frozen=True, tag=True):
    """Nothing passes from `source` to `target`; both ways unless `one_way`."""

    source: int
    target: int
    one_way: bool = False

    def line(self) -> str:
        """The scenario line."""
        return f"faillink {self.source} {self.target}" + (" --one-way" if self.one_way else "")


class MendLink(msgspec.Struct, frozen=True, tag=True):
    """Undo CutLink."""

    source: int
    target: int
    one_way: bool = False

    def line(self) -> str:
        """The scenario line."""
        return f"fixlink {self.source} {self.target}" + (" --one-way" if self.one_way else "")


class Heal(msgspec.Struct, frozen=True, tag=True):
    """All links whole; rules and partitions gone."""

    def line(self) -> str:
        """The scenario line."""
        return "heal"


class Weather(msgspec.Struct, frozen=True, tag=True):
    """Give these links this rule. `links` empty means all links."""

    rule: LinkRule
    links: tuple[Link, ...] = ()

    def line(self) -> str:
        """The scenario line."""
        words = ["net", ",".join(f"{a}>{b}" for a, b in self.links) or "all"]
        rule = self.rule
        if rule.delay_ms or rule.jitter_ms or not (rule.drop or rule.duplicate or rule.reorder):
            words += ["delay", _milliseconds(rule.delay_ms)]  # Alone even when 0: a line always sets something.
        if rule.jitter_ms:
            words += ["jitter", _milliseconds(rule.jitter_ms)]
        for name in ("drop", "duplicate", "reorder"):
            chance = getattr(rule, name)
            if chance:
                words += [name, _percent(chance)]
        return " ".join(words)


class CalmWeather(msgspec.Struct, frozen=True, tag=True):
    """Take the weather off all links; cuts and partitions stay."""

    def line(self) -> str:
        """The scenario line."""
        return "net reset"


class Hold(msgspec.Struct, frozen=True, tag=True):
    """From now on every message waits for a person."""

    def line(self) -> str:
        """The scenario line."""
        return "hold"


class DeliverHeld(msgspec.Struct, frozen=True, tag=True):
    """Let held messages go: the one numbered `number`, those of `link`, or all when both are None."""

    number: int | None = None
    link: Link | None = None

    def line(self) -> str:
        """The scenario line."""
        if self.number is not None:
            return f"deliver {self.number}"
        return f"deliver {self.link[0]}>{self.link[1]}" if self.link else "deliver all"


class Release(msgspec.Struct, frozen=True, tag=True):
    """Deliver everything held, in order, and hold no longer."""

    def line(self) -> str:
        """The scenario line."""
        return "release"


class DiskFault(msgspec.Struct, frozen=True, tag=True):
    """Something happens to a file of a node, or to its whole disk."""

    node: int
    kind: DiskFaultKind
    file: str = ""
    line_number: int | None = None

    def line(self) -> str:
        """The scenario line."""
        line = "" if self.line_number is None else str(self.line_number)
        words = ["disk", str(self.node), self.kind, self.file, line]
        return " ".join(word for word in words if word)


class ClockFault(msgspec.Struct, frozen=True, tag=True):
    """The node's clock runs at `rate_percent` of the true rate and jumps by `jump_ms` now (virtual world only)."""

    node: int
    rate_percent: int = 100
    jump_ms: int = 0

    def line(self) -> str:
        """The scenario line."""
        return f"clock {self.node} rate {self.rate_percent}% jump {self.jump_ms}ms"


Fault = (
    Crash
    | Restart
    | Pause
    | Resume
    | Partition
    | CutLink
    | MendLink
    | Heal
    | Weather
    | CalmWeather
    | Hold
    | DeliverHeld
    | Release
    | DiskFault
    | ClockFault
)
