"""How busy a cluster is, as the cells of one line: answers a second, latency, what is under way, loads, elections."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.cluster.meter import Figures, LoadProgress
from simulator.views.one_line import Ranked
from simulator.views.palette import GOOD, ODD, QUIET
from simulator.views.sheet import Cell, bit, join

_BARS = "▁▂▃▄▅▆▇█"
SPARKS = 24
BAR = 8


def figures_cells(
    figures: Figures, now_ms: int, in_flight: int, loads: Sequence[LoadProgress] = (), *, sparks: int = SPARKS
) -> list[Ranked]:
    """The cells, each with its rank; `sparks` is how many seconds the sparkline shows."""
    cells: list[Ranked] = [
        (0, join(bit(f"{figures.rate:.0f}", "bold"), bit("answers/s", QUIET))),
        (4, bit(sparkline(figures.per_second[-sparks:]) if sparks else "", GOOD)),
    ]
    if figures.latency_ms is not None:
        cells.append((1, join(bit("in", QUIET), bit(f"{figures.latency_ms} ms", "bold"))))
        cells.append((5, bit(f"1 in 100 over {figures.late_ms} ms", QUIET)))
    cells += [(2, load_cell(load)) for load in loads]
    cells.append((3, join(bit(figures.waiting), bit("waiting,", QUIET), bit(in_flight), bit("in flight", QUIET))))
    if figures.elected_ms is None:
        cells.append((2, bit("no election yet", ODD)))
    else:
        ago = span(now_ms - figures.elected_ms)
        cells.append((2, join(bit("last election", QUIET), bit(f"{ago} ago"))))
    return cells


def load_cell(load: LoadProgress) -> Cell:
    """How far a load has come."""
    part = min(1.0, load.passed_ms / load.for_ms)
    full = round(part * BAR)
    return join(
        bit(f"load {load.number}", QUIET),
        (*bit("█" * full, GOOD), *bit("░" * (BAR - full), QUIET)),
        bit(f"{part * 100:.0f}%"),
        bit(f"{load.answered} of {load.total}"),
    )


def sparkline(numbers: Sequence[int]) -> str:
    """A bar for each number; the highest one is full, and 0 the lowest."""
    most = max(numbers, default=0)
    if not most:
        return ""
    return "".join(_BARS[(number * (len(_BARS) - 1) + most - 1) // most] for number in numbers)


def span(ms: int) -> str:
    """A length of time for people: "4 s", "2 m 05 s"."""
    seconds = max(0, ms) // 1000
    return f"{seconds} s" if seconds < 60 else f"{seconds // 60} m {seconds % 60:02} s"
