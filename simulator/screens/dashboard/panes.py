"""Panes, the parts of the screen: each draws a view, and redraws only the lines that changed."""

from __future__ import annotations

import dataclasses

from rich.segment import Segment
from textual.events import Click
from textual.geometry import Region, Size
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from simulator.views.sheet import Sheet

_NOTHING = Sheet()


class Pane(Widget):
    """Shows one sheet at a size that the layout fixed, so a new sheet causes no new layout."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name.
        super().__init__(id=id, classes=classes, markup=False)
        self._sheet: Sheet = _NOTHING
        self._lines: list[list[Segment]] = []
        self._strips: list[Strip] = []
        self._rendered_for = Size(0, 0)

    def show(self, sheet: Sheet, *, title: str = "") -> None:
        """Draw `sheet` unless it is shown already; `title` heads it where no frame names it."""
        if title and not self.styles.border_top[0]:
            sheet = dataclasses.replace(sheet, title=title)
        if sheet != self._sheet:
            self._sheet = sheet
            self.redraw()

    def redraw(self) -> None:
        """Set the sheet's lines, and repaint those that changed."""
        if self._rendered_for != self.size:
            self.refresh()
            return
        before = self._lines
        self._draw()
        for y in range(max(len(before), len(self._lines))):
            if before[y : y + 1] != self._lines[y : y + 1]:
                self.refresh(Region(0, y, self.size.width, 1))

    def render_line(self, y: int) -> Strip:
        """See `Widget`. Line `y` of the sheet, from 0."""
        if self._rendered_for != self.size:
            self._draw()
        return self._strips[y] if y < len(self._strips) else Strip.blank(self.size.width, self.rich_style)

    def entitle(self, title: str) -> None:
        """Set the title of the frame; it is the program's own text."""
        if self.border_title != title:
            self.border_title = title

    def _draw(self) -> None:
        width, height = self._rendered_for = self.size
        console = self.app.console
        if self._sheet.drawing is None and not self._sheet.notes and not self._sheet.title:
            lines = [list(line.render(console)) for line in self._sheet.lines(width)[:height]] if width else []
        else:
            lines = console.render_lines(self._sheet, console.options.update(width=max(1, width)), pad=False)[:height]
        known = list(zip(self._lines, self._strips, strict=True))
        style = self.rich_style
        self._strips = [
            known[y][1] if y < len(known) and known[y][0] == line else Strip(line).apply_style(style)
            for y, line in enumerate(lines)
        ]
        self._lines = lines


class NodePane(Pane):
    """A pane that stands for a node, or whose lines do: a click chooses one.

    `node` is the node of a panel; 0 means that line 1 is node 1, line 2 node 2 and so on (line 0 is the header).
    """

    class Chosen(Message):
        """A node was clicked."""

        def __init__(self, node: int) -> None:
            super().__init__()
            self.node = node

    def __init__(self, node: int, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self._node = node

    def on_click(self, event: Click) -> None:
        """Post which node was clicked."""
        offset = event.get_content_offset(self)
        node = self._node or (offset.y if offset is not None else 0)
        if node > 0:
            self.post_message(self.Chosen(node))
