"""A pane that scrolls: it may take the keys, and gives back those that mean nothing to it."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Key, MouseScrollDown, MouseScrollUp
from textual.message import Message

from simulator.screens.dashboard.panes import Pane

_WHEEL_LINES = 3


class ListPane(Pane):
    """Lines of which a window is shown. While it takes the keys, it posts the characters that it does not know.

    A subclass moves in `move`; `KEYS` tells what its keys do. They are no letters: a letter begins a command.
    """

    can_focus = True
    KEYS: ClassVar[tuple[str, ...]] = ()

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move_lines(-1)", show=False),
        Binding("down", "move_lines(1)", show=False),
        Binding("pageup", "move_pages(-1)", show=False),
        Binding("pagedown", "move_pages(1)", show=False),
        Binding("home", "move_lines(-1000000)", show=False),
        Binding("end", "move_lines(1000000)", show=False),
    ]

    class Left(Message):
        """The person goes on typing: `character` belongs into the prompt."""

        def __init__(self, character: str) -> None:
            super().__init__()
            self.character = character

    def move(self, lines: int) -> None:
        """Go down by `lines`, up if it is negative."""
        raise NotImplementedError

    def action_move_lines(self, lines: int) -> None:
        """Go down by some lines."""
        self.move(lines)

    def action_move_pages(self, pages: int) -> None:
        """Go down by some windows."""
        self.move(pages * max(1, self.content_size.height - 2))

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """The wheel."""
        event.stop()
        self.move(-_WHEEL_LINES)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """The wheel."""
        event.stop()
        self.move(_WHEEL_LINES)

    def on_key(self, event: Key) -> None:
        """A character without a meaning here is the beginning of a command."""
        if event.is_printable and event.character and event.key not in self._bindings.key_to_bindings:
            event.stop()
            event.prevent_default()
            self.post_message(self.Left(event.character))
