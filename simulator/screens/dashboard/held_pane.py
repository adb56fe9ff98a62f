"""The held messages on the screen: a person chooses a line, and delivers it by key or by mouse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message

from simulator.cluster.events import HeldMessage
from simulator.screens.dashboard.list_pane import ListPane
from simulator.text.counted import counted
from simulator.views.held import HeldGroup, groups_view, held_groups

STEP = "wait held within 30s"


class HeldPane(ListPane):
    """Groups of held messages, of which one is chosen. What is done is a line of the console, so that it can be read.

    The chosen group stays chosen while others come and go.
    """

    KEYS = ("Esc back", "↑↓ choose", "Enter deliver", "1 oldest alone", "2 whole link", "3 next message")

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "deliver", show=False),
        Binding("1", "deliver_oldest", show=False),
        Binding("2", "deliver_link", show=False),
        Binding("3", "pass_time", show=False),
    ]

    class Typed(Message):
        """This line of the console is to be carried out."""

        def __init__(self, line: str) -> None:
            super().__init__()
            self.line = line

    def __init__(self) -> None:
        super().__init__(id="held")
        self._held: Sequence[HeldMessage] = ()
        self._groups: list[HeldGroup] = []
        self._place = 0
        self._top = 0
        self._still = True

    def show_held(self, held: Sequence[HeldMessage], *, still: bool) -> None:
        """Show these messages; `still`: every message is held, and time stands still."""
        self._still = still
        if held != self._held:
            chosen = self._chosen
            self._held, self._groups = held, held_groups(held)
            keys = [group.key for group in self._groups]
            if chosen is not None and chosen.key in keys:
                self._place = keys.index(chosen.key)
        self.look()

    def look(self) -> None:
        """Draw the window around the chosen line, and tell in the title how much is below."""
        last = len(self._groups) - 1
        self._place = max(0, min(self._place, last))
        framed = bool(self.styles.border_top[0])
        room = max(1, self.content_size.height - 1 - (not framed))  # One line is the header, one the title.
        self._top = max(0, min(self._top, last - room + 1))
        self._top = min(self._top, self._place) if self._place < self._top + room else self._place - room + 1
        window = self._groups[self._top : self._top + room]
        below = len(self._groups) - self._top - len(window)
        title = f"held: {len(self._held)}" + (", time stands still" if self._still else "")
        title += f" · {counted(below, 'line')} below" if below else ""
        self.entitle(title)
        self.show(groups_view(window, self._place - self._top if self.in_use else -1), title=title)

    def move(self, lines: int) -> None:
        """See `ListPane`."""
        self._place += lines
        self.look()

    def on_click(self, event: Click) -> None:
        """Choose the line that was clicked; deliver it if it was chosen already."""
        offset = event.get_content_offset(self)
        framed = bool(self.styles.border_top[0])
        place = -1 if offset is None else self._top + offset.y - 1 - (not framed)
        if not self._top <= place < len(self._groups):
            return
        again = place == self._place and self.in_use
        self._place = place
        self.post_message(self.Wanted(self))
        if again:
            self.action_deliver()
        self.look()

    def action_deliver(self) -> None:
        """Deliver the messages of the chosen line."""
        if self._chosen is not None:
            self.post_message(self.Typed(self._chosen.order))

    def action_deliver_oldest(self) -> None:
        """Deliver the oldest message of the chosen line."""
        if self._chosen is not None:
            self.post_message(self.Typed(f"deliver {self._chosen.numbers[0]}"))

    def action_deliver_link(self) -> None:
        """Deliver all that waits on the link of the chosen line."""
        if self._chosen is not None:
            self.post_message(self.Typed("deliver {}>{}".format(*self._chosen.link)))

    def action_pass_time(self) -> None:
        """Let time pass, which stands still while messages are held, until one more is."""
        self.post_message(self.Typed(STEP))

    @property
    def _chosen(self) -> HeldGroup | None:
        return self._groups[self._place] if self._place < len(self._groups) else None
