"""The running log on the screen: it follows its end, or stands still while a person reads."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message

from simulator.cluster.events import ClusterEvent
from simulator.cluster.log_filter import EVERYTHING, LogFilter
from simulator.screens.dashboard.list_pane import ListPane
from simulator.screens.dashboard.running_log import LogLines
from simulator.views.events import events_view


class LogPane(ListPane):
    """Shows the newest lines, or those of the moment at which it was stopped (by scrolling up, or by the space bar)."""

    KEYS = ("Esc back", "↑↓ scroll", "Space stop/go", "1 elections", "2 faults", "3 messages", "4 next node", "0 all")

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "stop_or_go", show=False),
        Binding("0", "choose('all')", show=False),
        Binding("1", "choose('elections')", show=False),
        Binding("2", "choose('faults')", show=False),
        Binding("3", "choose('messages')", show=False),
        Binding("4", "next_node", show=False),
    ]

    class Chosen(Message):
        """The person wants another part of the log."""

        def __init__(self, wanted: LogFilter) -> None:
            super().__init__()
            self.wanted = wanted

    def __init__(self, nodes: int) -> None:
        super().__init__(id="events")
        self._node_count = nodes
        self._wanted = EVERYTHING
        self._newest: Sequence[ClusterEvent] = ()
        self._count = 0
        self._read: Sequence[ClusterEvent] = ()  # The lines in which a person reads.
        self._read_count = 0
        self._below = 0  # How many of them are below the window.
        self._stopped = False

    def show_lines(self, log: LogLines) -> None:
        """Show the newest lines, unless a person reads older ones."""
        if log.of == self._wanted:  # Otherwise it was read before the part was changed.
            self._count, self._newest = log.count, log.lines
            self.look()

    def change(self, wanted: LogFilter) -> None:
        """Another part is to be shown."""
        self._wanted = wanted
        self._newest, self._count, self._stopped = (), 0, False
        self.look()

    def look(self) -> None:
        """Draw the window, and tell in the title what it is."""
        room = max(1, self.content_size.height)
        if not self._stopped:
            self._read, self._read_count, self._below = self._newest, self._count, 0
        below = self._below + self._count - self._read_count
        title = "log" if self._wanted == EVERYTHING else f"log: {self._wanted.title}"
        if self._stopped:
            title += f" · stopped · {below} more below" if below else " · stopped"
        end = len(self._read) - self._below
        self.entitle(title)
        # Without a frame there is no title line: the window loses a line to it when there is something to tell.
        heading = "" if title == "log" or self.styles.border_top[0] else title
        window = self._read[max(0, end - room + bool(heading)) : end]
        self.show(events_view(window, header=False, nothing=f"no {self._wanted.title} yet"), title=heading)

    def move(self, lines: int) -> None:
        """See `ListPane`. Going up stops the log; going down past its end lets it go on."""
        if not self._stopped and lines >= 0:
            return
        room = max(1, self.content_size.height - 1)
        self._stopped = True
        below = self._below - lines
        if below < 0:
            self._stopped = False
        self._below = min(max(0, below), max(0, len(self._read) - room))
        self.look()

    def on_click(self) -> None:
        """Keys are meant for the log from now on."""
        self.post_message(self.Wanted(self))

    def action_stop_or_go(self) -> None:
        """Let the log stand still, or go on."""
        self._stopped = not self._stopped
        self.look()

    def action_choose(self, what: str) -> None:
        """Show a part of the log; "all" is the whole."""
        for known in ("all", "elections", "faults", "messages"):
            if known == what:
                self.post_message(self.Chosen(LogFilter(known)))

    def action_next_node(self) -> None:
        """Show what concerns one node; again: the next node, and after the last one everything."""
        node = self._wanted.node + 1
        self.post_message(self.Chosen(LogFilter("node", node) if node <= self._node_count else EVERYTHING))
