"""Several cells on one line of a screen: the least important are left out where they do not fit."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

from simulator.views.sheet import Cell, Column, Sheet, join, words

Ranked = tuple[int, Cell]
"""A cell with its rank: 0 stays at any width, the highest rank is left out first."""


def one_line(cells: Sequence[Ranked], width: int, gap: str = " · ") -> Cell:
    """The cells in the order given, without those that find no room in `width` columns; empty ones are left out."""
    kept = [(rank, cell) for rank, cell in cells if words(cell)]
    while sum(cell_len(words(cell)) for _, cell in kept) + len(gap) * (len(kept) - 1) > width:
        worst = max(range(len(kept)), key=lambda place: (kept[place][0], place))
        if not kept[worst][0]:
            break
        del kept[worst]
    return join(*(cell for _, cell in kept), gap=gap)


def line_sheet(line: Cell) -> Sheet:
    """A sheet of one line."""
    return Sheet(columns=(Column("", room=20),), rows=((line,),), header=False)
