"""Draws growth as one SVG picture: a small panel for each aspect, both axes logarithmic."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, log10

from simulator.tools.bench.case import Figure

WIDTH, HEIGHT = 300, 200
LEFT, TOP, RIGHT, BOTTOM = 60, 28, 12, 30
COLUMNS = 3

Points = list[tuple[float, float]]
_STYLE = (
    "text{font:11px sans-serif;fill:#444}.title{font-weight:bold}.grid{stroke:#ddd}"
    ".line{fill:none;stroke:#2a6fb0;stroke-width:2}.dot{fill:#2a6fb0}"
)


def plot(figures: Sequence[Figure]) -> str:
    """The picture of all figures whose names begin with `growth/`, as SVG text."""
    panels: dict[str, Points] = {}
    for figure in figures:
        family, _, rest = figure.name.partition("/")
        size, _, aspect = rest.partition("/")
        what, _, number = size.rpartition("-")
        if family == "growth" and number.isdigit() and figure.median > 0:
            words = "operations on the chain" if what == "chain" else "nodes"
            panels.setdefault(f"{aspect}, {figure.unit}, by {words}", []).append((float(number), figure.median))
    rows = ceil(len(panels) / COLUMNS) or 1
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{COLUMNS * WIDTH}" height="{rows * HEIGHT}">',
        f"<style>{_STYLE}</style>",
    ]
    for index, (title, points) in enumerate(panels.items()):
        left, top = index % COLUMNS * WIDTH, index // COLUMNS * HEIGHT
        parts.append(f'<g transform="translate({left},{top})">{_panel(title, sorted(points))}</g>')
    return "\n".join([*parts, "</svg>\n"])


def _panel(title: str, points: Points) -> str:
    xs, ys = [x for x, _ in points], [y for _, y in points]
    low_y, high_y = floor(log10(min(ys))), ceil(log10(max(ys)) + 1e-9)
    low_x, high_x = log10(min(xs)), log10(max(xs))

    def x_at(value: float) -> float:
        share = (log10(value) - low_x) / (high_x - low_x) if high_x > low_x else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y_at(value: float) -> float:
        share = (log10(value) - low_y) / (high_y - low_y) if high_y > low_y else 0.5
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    parts = [f'<text class="title" x="8" y="16">{title}</text>']
    for power in range(low_y, high_y + 1):
        y = y_at(10.0**power)
        parts.append(f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{10.0**power:,g}</text>')
    parts += [f'<text x="{x_at(x):.1f}" y="{HEIGHT - 12}" text-anchor="middle">{x:,.0f}</text>' for x in xs]
    line = " ".join(f"{x_at(x):.1f},{y_at(y):.1f}" for x, y in points)
    parts.append(f'<polyline class="line" points="{line}"/>')
    parts += [f'<circle class="dot" cx="{x_at(x):.1f}" cy="{y_at(y):.1f}" r="3"/>' for x, y in points]
    return "".join(parts)
