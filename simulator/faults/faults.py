"""Faults as plain data. Both worlds inject them through `Cluster.apply`.

A fault is frozen, prints as Python, and gives the scenario line that causes it (`line()`).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from simulator.faults.links import Link, LinkRule

CrashPoint = Literal["before-record", "before-sync", "before-send"]
"""A moment of the protocol: before a record is written; between record and sync; between sync and send."""

DiskFaultKind = Literal[
    "corrupt", "tear", "full", "readonly", "ok", "wipe", "zero", "slow", "rollback", "failing-sync", "failing-write"
]
DAMAGES = frozenset[DiskFaultKind]({"corrupt", "tear", "wipe", "zero", "rollback"})
"""The kinds that change files, once. The others set what the disk does from now on."""
ALL_FILES = "all"
"""The file of a fault that concerns the whole folder."""


def _nodes(nodes: Iterable[int]) -> str:
    return ",".join(str(node) for node in nodes)


def _milliseconds(ms: int) -> str:
    return f"{ms // 1000}s" if ms and ms % 1000 == 0 else f"{ms}ms"


def _percent(chance: float) -> str:
    return f"{chance * 100:.6g}%"


class Crash(msgspec.Struct, frozen=True, tag=True):
    """Kill a node (SIGKILL). With a `point`, it dies the next time it reaches that moment (virtual world only)."""

    node: int
    point: CrashPoint | None = None

    def line(self) -> str:
        """The scenario line."""
        return f"crash {self.node}" + (f" --at {self.point}" if self.point else "")


class Kill(msgspec.Struct, frozen=True, tag=True):
    """Kill a node's process alone (SIGKILL). What it had written stays on its machine, synced or not.

    The next incarnation reads it. A later `Crash`, which is a loss of power in the virtual world, may still take what
    no sync has made durable.
    """

    node: int

    def line(self) -> str:
        """The scenario line."""
        return f"crash {self.node} --process"


class Restart(msgspec.Struct, frozen=True, tag=True):
    """Start a node that is down, on the same files."""

    node: int

    def line(self) -> str:
        """The scenario line."""
        return f"restart {self.node}"


class Pause(msgspec.Struct, frozen=True, tag=True):
    """Stop a node without its knowledge (SIGSTOP)."""

    node: int

    def line(self) -> str:
        """The scenario line."""
        return f"pause {self.node}"


class Resume(msgspec.Struct, frozen=True, tag=True):
    """Let a paused node go on (SIGCONT)."""

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
    """Lose every message between `source` and `target`, or from `source` to `target` only (`one_way`)."""

    source: int
    target: int
    one_way: bool = False

    def line(self) -> str:
        """The scenario line."""
        return f"faillink {self.source} {self.target}" + (" --one-way" if self.one_way else "")


class MendLink(msgspec.Struct, frozen=True, tag=True):
    """Undo `CutLink`."""

    source: int
    target: int
    one_way: bool = False

    def line(self) -> str:
        """The scenario line."""
        return f"fixlink {self.source} {self.target}" + (" --one-way" if self.one_way else "")


class Heal(msgspec.Struct, frozen=True, tag=True):
    """End the partition, all cuts and all link conditions."""

    def line(self) -> str:
        """The scenario line."""
        return "heal"


class LinkConditions(msgspec.Struct, frozen=True, tag="Weather"):
    """Give these links this rule. `links` empty means all links."""

    rule: LinkRule
    links: tuple[Link, ...] = ()

    def line(self) -> str:
        """The scenario line."""
        words = ["net", ",".join(f"{a}>{b}" for a, b in self.links) or "all"]
        rule = self.rule
        if rule.delay_ms or rule.jitter_ms or not (rule.drop or rule.duplicate or rule.reorder):
            words += ["delay", _milliseconds(rule.delay_ms)]  # Even when all are 0: a line needs a condition.
        if rule.jitter_ms:
            words += ["jitter", _milliseconds(rule.jitter_ms)]
        for name in ("drop", "duplicate", "reorder"):
            chance = getattr(rule, name)
            if chance:
                words += [name, _percent(chance)]
        return " ".join(words)


class ClearConditions(msgspec.Struct, frozen=True, tag="CalmWeather"):
    """Clear the conditions of all links; cuts and partitions stay."""

    def line(self) -> str:
        """The scenario line."""
        return "net reset"


class Hold(msgspec.Struct, frozen=True, tag=True):
    """Hold every message from now on, until it is delivered by hand."""

    def line(self) -> str:
        """The scenario line."""
        return "hold"


class KeepCopies(msgspec.Struct, frozen=True, tag=True):
    """Keep a copy of each of the next `count` messages of `kind` until it is delivered by hand (virtual world only).

    The message itself goes its way, and its copy is a late duplicate. `kind` is the name that `held` shows, in small
    letters.
    """

    kind: str
    count: int = 1

    def line(self) -> str:
        """The scenario line."""
        return f"copy {self.kind} {self.count}"


class DeliverHeld(msgspec.Struct, frozen=True, tag=True):
    """Deliver held messages: the one of `number`, those of `link`, or all when both are None."""

    number: int | None = None
    link: Link | None = None

    def line(self) -> str:
        """The scenario line."""
        if self.number is not None:
            return f"deliver {self.number}"
        return f"deliver {self.link[0]}>{self.link[1]}" if self.link else "deliver all"


class Release(msgspec.Struct, frozen=True, tag=True):
    """Deliver all held messages and copies in order, and stop holding."""

    def line(self) -> str:
        """The scenario line."""
        return "release"


class DiskFault(msgspec.Struct, frozen=True, tag=True):
    """Damage a file of a node, or set the fault mode of its disk."""

    node: int
    kind: DiskFaultKind
    file: str = ""
    line_number: int | None = None
    delay_ms: int = 0
    """How much longer each sync takes; for "slow"."""

    def line(self) -> str:
        """The scenario line."""
        line = "" if self.line_number is None else str(self.line_number)
        delay = _milliseconds(self.delay_ms) if self.kind == "slow" else ""
        words = ["disk", str(self.node), self.kind, self.file, line, delay]
        return " ".join(word for word in words if word)


class ClockFault(msgspec.Struct, frozen=True, tag=True):
    """Make a node's clock jump by `jump_ms`, then run at `rate_percent` of the true rate (virtual world only)."""

    node: int
    rate_percent: int = 100
    jump_ms: int = 0

    def line(self) -> str:
        """The scenario line."""
        return f"clock {self.node} rate {self.rate_percent}% jump {self.jump_ms}ms"


Fault = (
    Crash
    | Kill
    | Restart
    | Pause
    | Resume
    | Partition
    | CutLink
    | MendLink
    | Heal
    | LinkConditions
    | ClearConditions
    | Hold
    | KeepCopies
    | DeliverHeld
    | Release
    | DiskFault
    | ClockFault
)
