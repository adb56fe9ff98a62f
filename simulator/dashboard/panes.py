"""The parts of the screen: panes that draw a view and draw it again only when it changed."""

from __future__ import annotations

import dataclasses

from textual.events import Click
from textual.message import Message
from textual.widgets import Static

from simulator.views.sheet import Sheet

_NOTHING = Sheet()


class Pane(Static):
    """Shows one sheet at a size that the layout fixed, so that a new sheet costs no new layout."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name.
        super().__init__("", id=id, classes=classes, markup=False)
        self._sheet: Sheet = _NOTHING

    def show(self, sheet: Sheet, *, title: str = "") -> None:
        """Draw `sheet` unless it is what stands there already; `title` heads it where there is no frame to name it."""
        if title and not self.styles.border_top[0]:
            sheet = dataclasses.replace(sheet, title=title)
        if sheet != self._sheet:
            self._sheet = sheet
            self.update(sheet, layout=False)

    def entitle(self, title: str) -> None:
        """Put `title`, our own words, into the frame."""
        if self.border_title != title:
            self.border_title = title


class NodePane(Pane):
    """A pane whose lines or whose whole stand for nodes: a click says which one was meant.

    `node` is the node of a panel; 0 says that line 1 is node 1, line 2 node 2 and so on (line 0 is the header).
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
        """Tell the lab which node was clicked."""
        offset = event.get_content_offset(self)
        node = self._node or (offset.y if offset is not None else 0)
        if node > 0:
            self.post_message(self.Chosen(node))
