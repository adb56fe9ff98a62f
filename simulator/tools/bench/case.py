"""A benchmark: a named case that is repeated, and the figure made of its values.

A case of our own code names its `limit`: another case of the same unit that does the least necessary work. Asking for
the case measures the limit too, in turns, so that both saw the same machine.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec

from chain.mining import FORM
from simulator.errors import InputError

REPEATS = 5
QUICK_REPEATS = 2
MANY = 20
"""A figure of at least so many values has a 99th percentile too."""

Better = Literal["lower", "higher"]


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is spent on a figure. `quick` is for trying: its figures mean little."""

    quick: bool = False

    def pick(self, full: int, quick: int) -> int:
        """One of two sizes or counts: the quick or the full one."""
        return quick if self.quick else full


Measure = Callable[[Effort], Sequence[float]]
"""Measures once, in a world of its own, and returns the values of the repeats, most often one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One benchmark. `settings` are its conditions; `aim` is the wanted ratio to `limit`.

    `name` is words and slashes, the family first; `limit` is the name of another case of the same unit, or empty.
    """

    name: str
    story: str
    unit: str
    better: Better
    measure: Measure
    settings: Mapping[str, object] = field(default_factory=dict)
    limit: str = ""
    aim: float = 0
    repeats: int = REPEATS

    @property
    def family(self) -> str:
        """The cases that are measured in turns."""
        return self.name.partition("/")[0]


class Skipped(InputError):
    """This case cannot be measured here; the text says what is missing."""


class Figure(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A measured case: median, minimum and maximum of its values, in `unit`.

    `limit` names the case beside it, and `ratio` is its median divided by that one's; `aim` is the wanted ratio (at
    most, or at least where higher is better). `p99` is set when there are many values.
    """

    name: str
    unit: str
    median: float
    min: float
    max: float
    settings: dict[str, object]
    repeats: int
    better: Better
    p99: float | None = None
    limit: str = ""
    ratio: float | None = None
    aim: float = 0


def figure(case: Case, values: Sequence[float]) -> Figure:
    """The figure of these values; the ratio is added when the limit is known."""
    ordered = sorted(values)
    late = ordered[min(len(ordered) - 1, len(ordered) * 99 // 100)]
    return Figure(
        name=case.name,
        unit=case.unit,
        median=rounded(median(ordered)),
        min=rounded(ordered[0]),
        max=rounded(ordered[-1]),
        settings=dict(case.settings),
        repeats=len(ordered),
        better=case.better,
        p99=rounded(late) if len(ordered) >= MANY else None,
        limit=case.limit,
        aim=case.aim,
    )


def rounded(value: float) -> float:
    """The value with four digits: the fifth is noise on any machine."""
    return float(f"{value:.4g}")


def machine() -> dict[str, object]:
    """A description of the machine."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count(),
        "memory_gib": _memory_gib(),
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "nonce_search": FORM,
        "load_before": round(load, 2),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _memory_gib() -> float:
    try:
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30), 1)
    except (ValueError, OSError, AttributeError):
        return 0.0
