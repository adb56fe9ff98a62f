"""A pane that scrolls. The prompt always has the keyboard; it passes keys on to the list that is in use."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import MouseScrollDown, MouseScrollUp
from textual.message import Message

from simulator.screens.dashboard.panes import Pane

_WHEEL_LINES = 3


class ListPane(Pane):
    """Lines of which a window is shown. `in_use` is true while keys are meant for it.

    A subclass moves in `move` and draws in `look`; `KEYS` tells what its keys do. They are no letters: a letter
    begins a command.
    """

    KEYS: ClassVar[tuple[str, ...]] = ()

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "move_lines(-1)", show=False),
        Binding("down", "move_lines(1)", show=False),
        Binding("pageup", "move_pages(-1)", show=False),
        Binding("pagedown", "move_pages(1)", show=False),
        Binding("home", "move_lines(-1000000)", show=False),
        Binding("end", "move_lines(1000000)", show=False),
    ]

    class Wanted(Message):
        """The pane was clicked: keys are meant for it from now on."""

        def __init__(self, pane: ListPane) -> None:
            super().__init__()
            self.pane = pane

    in_use = False

    def use(self, on: bool) -> None:  # On or off.
        """Keys are meant for this pane, or no longer."""
        self.in_use = on
        self.set_class(on, "-in-use")
        self.look()

    def action_of(self, key: str) -> str:
        """What a key does here; "" for nothing."""
        bindings = self._bindings.key_to_bindings.get(key)
        return bindings[0].action if bindings else ""

    def look(self) -> None:
        """Draw the window."""
        raise NotImplementedError

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
