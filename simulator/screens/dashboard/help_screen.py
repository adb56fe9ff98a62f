"""The overlay of help: what each key does, and every command, on one page that scrolls."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from rich.console import Group
from rich.table import Table
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.events import Key
from textual.screen import ModalScreen
from textual.widgets import Static

from simulator.scenario.language.help import overview
from simulator.text.counted import counted

KEYS = (
    ("keys anywhere", ""),
    ("?", "this page, while the line is empty"),
    ("Enter", "carries out the line"),
    ("Tab", "completes a word; again, goes through the words that fit"),
    ("Up, Down", "earlier lines"),
    ("F1 … F{n}, Alt-1 … Alt-{n}, a click", "opens a node, and closes it again"),
    ("Esc", "closes the opened node; goes back to the line"),
    ("Shift-Tab, a click", "goes to the log, or to the held messages, and back"),
    ("PgUp, PgDn, the wheel", "scrolls the answers"),
    ("Ctrl-L", "clears the answers"),
    ("Ctrl-C", "clears the line; on an empty line ends a command that waits"),
    ("Ctrl-D", "ends the lab, as 'quit' does"),
    ("Alt-Left, Alt-Right", "in virtual time: back, step"),
    ("Alt-P, Alt-R", "in virtual time: pause, run"),
    ("keys in the log", ""),
    ("Up, Down, PgUp, PgDn, the wheel", "scrolls, and stops the log; End lets it go on"),
    ("Space", "stops the log, or lets it go on"),
    ("1, 2, 3, 4, 0", "elections, faults, messages, the next node, all"),
    ("keys among held messages", ""),
    ("Up, Down, a click", "chooses a line"),
    ("Enter, a second click", "delivers its messages"),
    ("1, 2", "delivers its oldest message alone; all that waits on its link"),
    ("3", "lets time pass until one more waits: it stands still while messages are held"),
    ("a letter", "goes back to the line, and is typed there"),
)
"""What each key does; a row without a second part is a heading. "{n}" is the number of nodes."""


class HelpScreen(ModalScreen[None]):
    """Lies over the lab until Esc, or until a letter is typed, which it passes to `typed`."""

    CSS = """
    HelpScreen { background: ansi_default; }
    HelpScreen VerticalScroll { height: 1fr; border: round ansi_bright_black; background: ansi_default; padding: 0 1;
        scrollbar-size-vertical: 1; scrollbar-background: ansi_default; scrollbar-color: ansi_bright_black; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,enter", "close", show=False),
    ]

    def __init__(self, nodes: int, typed: Callable[[str], None]) -> None:
        super().__init__()
        self._node_count = nodes
        self._typed = typed
        self._dismissed = False
        self._page = VerticalScroll(id="page")

    def compose(self) -> ComposeResult:
        """One page."""
        self._page.border_title = "help: Esc closes"
        with self._page:
            yield Static(Group(_keys(self._node_count), _commands()), markup=False)

    def on_mount(self) -> None:
        """The keys scroll."""
        self._page.focus()
        self.watch(self._page, "scroll_y", self._tell_rest)
        self.watch(self._page, "virtual_size", self._tell_rest)

    def on_key(self, event: Key) -> None:
        """A letter closes the page and begins a line."""
        if event.is_printable and event.character and event.key != "question_mark":
            event.stop()
            self._typed(event.character)  # More may follow before the page has closed.
            self.action_close()

    def action_close(self) -> None:
        """Back to the lab."""
        if not self._dismissed:
            self._dismissed = True
            self.dismiss()

    def _tell_rest(self, _: object) -> None:
        below = self._page.max_scroll_y - round(self._page.scroll_y)
        self._page.border_subtitle = f"{counted(below, 'line')} below: Down, PgDn, End" if below else "the end"


def _keys(nodes: int) -> Table:
    return _table([(key.replace("{n}", str(nodes)), what) for key, what in KEYS])


def _commands() -> Table:
    return _table([("commands", ""), ("help COMMAND", "one command with examples"), *overview()])


def _table(rows: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(ratio=2)
    table.add_column(ratio=3)
    table.expand = True
    for first, second in rows:
        if second:
            table.add_row(Text(first, style="bold"), Text(second))
        else:
            table.add_row(Text(first.upper(), style="dim"), "")
    return table
