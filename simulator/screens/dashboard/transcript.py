"""The transcript: typed lines and their results, kept so that they can be laid out again for another width."""

from __future__ import annotations

from collections import deque

from rich.console import RenderableType
from textual.events import Resize
from textual.geometry import Size
from textual.widgets import RichLog

from simulator.text.counted import counted

KEPT = 1_000
"""How many entries are kept; older ones are forgotten."""


class Transcript(RichLog):
    """A scrolling log of renderables. It follows its end unless a person has scrolled back."""

    DEFAULT_CSS = """
    Transcript {
        height: 1fr;
        background: ansi_default;
        border-top: solid ansi_bright_black;
        border-title-align: right;
        overflow-x: hidden;
        scrollbar-size-vertical: 1;
        scrollbar-background: ansi_default;
        scrollbar-background-hover: ansi_default;
        scrollbar-background-active: ansi_default;
        scrollbar-color: ansi_bright_black;
        scrollbar-color-hover: ansi_white;
        scrollbar-color-active: ansi_white;
    }
    """

    can_focus = False  # Keys always belong to the prompt.

    def __init__(self) -> None:
        super().__init__(id="transcript", wrap=True, markup=False, highlight=False, max_lines=20 * KEPT, min_width=10)
        self._entries: deque[RenderableType] = deque(maxlen=KEPT)
        self._rendered_width = 0

    def add(self, entry: RenderableType) -> None:
        """Append `entry`."""
        self._entries.append(entry)
        if self._rendered_width:
            self._draw(entry)

    def wipe(self) -> None:
        """Remove all entries."""
        self._entries.clear()
        self.clear()

    def on_resize(self, event: Resize) -> None:
        """Lay out every entry for the new width."""
        width = self.scrollable_content_region.width
        if width and width != self._rendered_width:
            self._rendered_width = width
            self.clear()
            for entry in self._entries:
                self._draw(entry)
        elif self.is_vertical_scroll_end or self.auto_scroll:
            self.scroll_end(animate=False)

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Tell how much is below."""
        super().watch_scroll_y(old_value, new_value)
        self._tell_rest()

    def watch_virtual_size(self, size: Size) -> None:
        """More has been written."""
        self._tell_rest()

    def _tell_rest(self) -> None:
        below = self.max_scroll_y - round(self.scroll_y)
        title = f"{counted(below, 'line')} below: PgDn" if below > 0 else None
        if self.border_title != title:
            self.border_title = title

    def _draw(self, entry: RenderableType) -> None:
        # A person who has scrolled back is reading: new lines do not scroll the page.
        self.write(entry, width=self._rendered_width, scroll_end=self.is_vertical_scroll_end)
