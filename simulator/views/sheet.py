"""The parts of every view: a table as plain data, rendered for a screen or printed for a pipe.

On a screen a `Sheet` takes the available width: columns of high rank are dropped first when there is no room, elastic
columns shrink next, and no cell is broken over two lines. In a pipe nothing is left out or cut. All text is data: `bit`
makes control characters visible, and nothing is read as markup. A sheet knows nothing of Paxos.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.text import Text

from simulator.text.sanitize import safe

GAP = 2
"""Blank columns between two columns of a sheet."""


class Bit(NamedTuple):
    """A piece of text in one style (a Rich style of the terminal's own sixteen colours, see `palette`)."""

    text: str
    style: str = ""


Cell = tuple[Bit, ...]
"""One cell of a table."""


def bit(text: object, style: str = "") -> Cell:
    """A cell with one piece of text, made safe to show."""
    return (Bit(safe(str(text)), style),)


def join(*cells: Cell, gap: str = " ") -> Cell:
    """Several cells joined to one, without the empty ones."""
    pieces: list[Bit] = []
    for cell in cells:
        if not any(piece.text for piece in cell):
            continue
        if pieces and gap:
            pieces.append(Bit(gap))
        pieces.extend(cell)
    return tuple(pieces)


def words(cell: Cell) -> str:
    """The text of a cell without its styles."""
    return "".join(piece.text for piece in cell)


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `rank` 0 stays at any width; higher ranks are dropped first when it is tight.

    `room` is 0 for a column as wide as its widest cell. Otherwise the column is elastic: at least that wide, it takes
    what the others leave and is cut with an ellipsis. `most`, if not 0, is how many characters of each cell a screen
    shows (for example the first digits of a hash). `screen` columns (signs that repeat a word) are not printed.
    """

    name: str
    rank: int = 0
    right: bool = False
    room: int = 0
    most: int = 0
    screen: bool = False


class View(Protocol):
    """Anything that can be shown: a Rich renderable with a plain form."""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw for a screen."""
        ...

    def plain(self) -> str:
        """The same facts as text for a pipe: no boxes, no colour, nothing cut, no trailing blanks."""
        ...

    def uncut(self) -> Text:
        """The text of `plain` with its styles."""
        ...


@dataclass(frozen=True, slots=True)
class Sheet:
    """A titled table, then notes below it. Rows shorter than the columns are filled with blanks.

    A `drawing` replaces the rows on a screen (for example blocks with their pointers); pipes get the rows.
    """

    title: str = ""
    columns: tuple[Column, ...] = ()
    rows: tuple[tuple[Cell, ...], ...] = ()
    notes: tuple[Cell, ...] = ()
    header: bool = True
    drawing: RenderableType | None = field(default=None, compare=False)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw to the available width."""
        if self.title:
            yield Text(safe(self.title), style="bold", no_wrap=True, overflow="ellipsis")
        if self.drawing is not None:
            yield self.drawing
        else:
            yield from self.lines(options.max_width)
        for note in self.notes:
            yield _styled(note, wrap=True)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """As wide as possible: a sheet fills its place."""
        return Measurement(min(10, options.max_width), options.max_width)

    def lines(self, width: int) -> list[Text]:
        """The table's lines for a screen of `width` columns, header first."""
        shown, widths = self._fit(width)
        lines = []
        if self.header and any(self.columns[index].name for index in shown):
            names = [bit(self.columns[index].name, "dim") for index in shown]
            lines.append(self._line(names, shown, widths))
        for row in self.rows:
            cells = [row[index] if index < len(row) else () for index in shown]
            lines.append(self._line(cells, shown, widths))
        return lines

    def plain(self) -> str:
        """The table as aligned text."""
        return self.uncut().plain

    def uncut(self) -> Text:
        """The text of `plain` with its styles: for a pipe into which a person forces colour."""
        kept = [index for index, column in enumerate(self.columns) if not column.screen]
        table = [[row[index] if index < len(row) else () for index in kept] for row in self.rows]
        if self.header and self.rows and any(self.columns[index].name for index in kept):
            table.insert(0, [bit(self.columns[index].name, "dim") for index in kept])
        widths = [max((cell_len(words(row[place])) for row in table), default=0) for place in range(len(kept))]
        lines = [Text(safe(self.title), style="bold")] if self.title else []
        for row in table:
            line = self._line(row, kept, widths)
            line.rstrip()
            lines.append(line)
        lines.extend(_styled(note) for note in self.notes)
        return Text("\n").join(lines)

    def _fit(self, width: int) -> tuple[list[int], list[int]]:
        """The columns that are shown, and the width of each."""
        natural = [self._natural(index) for index in range(len(self.columns))]
        least = [
            min(column.room, natural[index]) if column.room else natural[index]
            for index, column in enumerate(self.columns)
        ]
        shown = list(range(len(self.columns)))

        def taken(sizes: Sequence[int]) -> int:
            return sum(sizes[index] for index in shown) + GAP * max(0, len(shown) - 1)

        while taken(least) > width:
            # Of equal ranks the rightmost goes first: the first columns matter most.
            worst = max(shown, key=lambda index: (self.columns[index].rank, index), default=None)
            if worst is None or self.columns[worst].rank == 0:
                break
            shown.remove(worst)
        sizes = list(least)
        spare = width - taken(least)
        # Elastic columns share the rest, the narrowest first, so that a long hash takes no room from a short title.
        elastic = sorted((index for index in shown if self.columns[index].room), key=lambda i: natural[i] - sizes[i])
        for place, index in enumerate(elastic):
            more = max(0, min(spare // (len(elastic) - place), natural[index] - sizes[index]))
            sizes[index] += more
            spare -= more
        if spare < 0 and shown:
            last = max(shown, key=lambda index: sizes[index])
            sizes[last] = max(1, sizes[last] + spare)
        return shown, [sizes[index] for index in shown]

    def _natural(self, index: int) -> int:
        heading = cell_len(self.columns[index].name) if self.header else 0
        cells = (cell_len(words(row[index])) for row in self.rows if index < len(row))
        most = self.columns[index].most
        return max(heading, max((min(cell, most or cell) for cell in cells), default=0))

    def _line(self, cells: Sequence[Cell], shown: Sequence[int], widths: Sequence[int]) -> Text:
        line = Text(no_wrap=True, overflow="ellipsis", end="\n")
        for place, (cell, index, width) in enumerate(zip(cells, shown, widths, strict=True)):
            if place:
                line.append(" " * GAP)
            text = _styled(cell)
            text.truncate(width, overflow="crop" if self.columns[index].most else "ellipsis")
            blank = " " * (width - text.cell_len)
            if self.columns[index].right:
                line.append(blank)
            line.append_text(text)
            if not self.columns[index].right and place < len(shown) - 1:
                line.append(blank)
        return line


@dataclass(frozen=True, slots=True)
class Page:
    """Several sheets below one another."""

    sheets: tuple[Sheet, ...]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Draw the sheets below one another, a blank line between."""
        for place, sheet in enumerate(self.sheets):
            if place:
                yield Text("")
            yield sheet

    def plain(self) -> str:
        """The sheets as text, a blank line between."""
        return self.uncut().plain

    def uncut(self) -> Text:
        """The text of `plain` with its styles."""
        return Text("\n\n").join(sheet.uncut() for sheet in self.sheets)


def facts(title: str, pairs: Iterable[tuple[str, Cell]]) -> Sheet:
    """A sheet of names and values, a line each."""
    rows = tuple((bit(name, "dim"), cell) for name, cell in pairs)
    return Sheet(title=title, columns=(Column("name"), Column("value", room=12)), rows=rows, header=False)


def show(view: View, console: Console) -> None:
    """Print a view where `console` writes: rendered on a terminal, plain in a pipe or a file.

    Colour forced into a pipe (`--color always`, FORCE_COLOR) colours the plain form and cuts nothing.
    """
    if console.file.isatty():
        console.print(view)
    elif console.color_system is not None:
        console.print(view.uncut(), soft_wrap=True)
    else:
        console.file.write(view.plain() + "\n")


def _styled(cell: Cell, *, wrap: bool = False) -> Text:
    # A note is a sentence and may wrap; a cell never does.
    text = Text(no_wrap=not wrap, overflow="fold" if wrap else "ellipsis")
    for piece in cell:
        text.append(piece.text, piece.style or None)
    return text
