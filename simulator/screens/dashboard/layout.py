"""Which form of each view fits a screen, decided from sizes alone."""

from __future__ import annotations

from dataclasses import dataclass

from simulator.views.nodes import PANEL_LINES

PANEL_WIDTH = 32
"""The least width, in columns, at which a node gets a framed panel."""

_FRAME = 2
_FIXED_LINES = 3  # The line on top, the prompt, the line of keys.
_LEAST_FOR_FIGURES = 22
_LEAST_TRANSCRIPT = 5
_GOOD_TRANSCRIPT = 10
_CHECKS = 14


@dataclass(frozen=True, slots=True)
class Layout:
    """The forms for one size. `panels`: a framed panel for each node, `across` in a row, else a table.

    Heights are in lines, frames included. `net_full` shows the matrix in words, `checks` gives the checks a pane of
    their own, `framed` draws frames, `figures` gives the figures a line of their own.
    """

    panels: bool
    across: int
    nodes_height: int
    middle_height: int
    net_full: bool
    checks: bool
    framed: bool
    figures: bool


def choose(width: int, height: int, nodes: int) -> Layout:
    """The layout for a screen of `width` columns and `height` lines and a cluster of `nodes`."""
    across = max(1, min(nodes, width // PANEL_WIDTH))
    panel_rows = -(-nodes // across)
    panels_height = panel_rows * (PANEL_LINES + _FRAME)
    framed = width >= 110 and height >= 32
    matrix = nodes + 1
    fixed = _FIXED_LINES + (height >= _LEAST_FOR_FIGURES)
    net_full = framed and width >= 150
    frame = _FRAME if framed else 0
    middle = matrix + (6 if net_full else 2) + frame
    panels = panels_height + middle + fixed + _LEAST_TRANSCRIPT + 1 <= height and width >= PANEL_WIDTH * 2
    nodes_height = panels_height if panels else nodes + 1 + frame
    spare = height - nodes_height - middle - fixed
    if spare < _LEAST_TRANSCRIPT:  # On a low screen the network keeps its rows as long as possible, then loses them.
        middle = max(0, middle - (_LEAST_TRANSCRIPT - spare))
    elif framed:  # Room for every check while answers have some too; then a longer log.
        middle += max(0, min(_CHECKS + _FRAME - middle, spare - _GOOD_TRANSCRIPT))
        middle += max(0, min(6, (height - nodes_height - middle - fixed - 16) // 2))
    return Layout(
        panels=panels,
        across=across,
        nodes_height=nodes_height,
        middle_height=middle,
        net_full=net_full,
        checks=framed,
        framed=framed,
        figures=fixed > _FIXED_LINES,
    )
