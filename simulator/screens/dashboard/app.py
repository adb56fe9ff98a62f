"""The lab: board above, transcript in the middle, console line below, in one terminal.

The app class is thin: a `Source` gives the state, a `Runner` carries out typed lines, and pure views draw both a few
times a second. The screen never asks a node nor waits for one.
"""

from __future__ import annotations

from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.widgets import Static

from simulator.cluster.verdicts import violations
from simulator.screens.dashboard.board import Board
from simulator.screens.dashboard.panes import NodePane
from simulator.screens.dashboard.prompt import Prompt
from simulator.screens.dashboard.runner import LineConsole, Pending, Runner
from simulator.screens.dashboard.source import REFRESHES_PER_SECOND, Source
from simulator.screens.dashboard.transcript import Transcript
from simulator.settings import MAX_NODES
from simulator.text.sanitize import safe
from simulator.views.palette import BAD
from simulator.views.sheet import Cell, View

_FLUSHES_PER_SECOND = 20
_LEAVE = ("quit", "exit")
_KEYS = "F1-F{n} open node  Esc back  Tab complete  PgUp scroll  Ctrl-L clear  Ctrl-D quit"


class Lab(App[int]):
    """Five nodes and a console on one screen. Returns 0; an unexpected error is raised after the screen is restored."""

    TITLE = "paxsim"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: ansi_default; color: ansi_default; layout: vertical; }
    #line { height: 1; }
    #caret { width: auto; }
    #keys { height: 1; text-style: dim; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(f"f{n},alt+{n}", f"open({n})", show=False, priority=True) for n in range(1, MAX_NODES + 1)),
        Binding("escape", "open(0)", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False, priority=True),
        Binding("pagedown", "page(1)", show=False, priority=True),
        Binding("ctrl+l", "wipe", show=False, priority=True),
        Binding("ctrl+d", "leave", show=False, priority=True),
        Binding("ctrl+q", "leave", show=False, priority=True),
    ]

    def __init__(self, source: Source, console: LineConsole, pending_output: Pending) -> None:
        super().__init__(ansi_color=True)
        self._source = source
        self._pending_output = pending_output
        self._runner = Runner(console)
        self._console = console
        self._opened = 0
        self._violations: dict[str, str] = {}
        self.board = Board(source.nodes)
        self.transcript = Transcript()
        self.prompt = Prompt(console.complete)
        self._caret = Static("> ", id="caret", markup=False)

    def compose(self) -> ComposeResult:
        """Board, transcript, console line, keys."""
        yield self.board
        yield self.transcript
        with Horizontal(id="line"):
            yield self._caret
            yield self.prompt
        yield Static(_KEYS.format(n=self._source.nodes), id="keys", markup=False)

    def on_mount(self) -> None:
        """Start drawing and taking lines."""
        self.prompt.focus()
        self._arrange()
        self.set_interval(1 / REFRESHES_PER_SECOND, self._draw)
        self.set_interval(1 / _FLUSHES_PER_SECOND, self._listen)
        self._runner.start()

    def on_unmount(self) -> None:
        """Stop the threads behind the screen."""
        self._runner.stop()
        self._source.close()

    def on_resize(self, event: Resize) -> None:
        """Choose the forms that fit the new size; the app itself takes on the size only afterwards."""
        self.board.fit(event.size.width, event.size.height, self._opened)
        self.call_after_refresh(self._draw)

    def on_prompt_entered(self, event: Prompt.Entered) -> None:
        """A line was typed: show it and hand it to the runner."""
        self.transcript.scroll_end(animate=False)
        if event.line:
            self.transcript.add(Text(safe(f"> {event.line}"), style="bold"))
            if self._runner.busy and event.line.lower() in _LEAVE:
                self.exit(0)  # Leaving does not wait for a command that waits.
                return
            self._runner.give(event.line)
            self._listen()

    def on_prompt_choices(self, event: Prompt.Choices) -> None:
        """Show the words that Tab found."""
        self.transcript.add(Text("  ".join(event.words), style="dim"))

    def on_prompt_interrupted(self) -> None:
        """Ctrl-C: end a command that waits."""
        if self._runner.busy:
            self._console.interrupt()

    def on_node_pane_chosen(self, event: NodePane.Chosen) -> None:
        """A node was clicked: open it."""
        self.action_open(event.node)
        self.prompt.focus()

    def action_open(self, node: int) -> None:
        """Open `node`; close the view of a node if it is 0, unknown, or open already."""
        self._opened = node if node <= self._source.nodes and node != self._opened else 0
        self._source.open(self._opened)
        self._arrange()
        self.call_after_refresh(self._draw)

    def action_page(self, direction: int) -> None:
        """Scroll the transcript."""
        if direction < 0:
            self.transcript.scroll_page_up(animate=False)
        else:
            self.transcript.scroll_page_down(animate=False)

    def action_wipe(self) -> None:
        """Empty the transcript."""
        self.transcript.wipe()

    def action_leave(self) -> None:
        """End the lab."""
        self.exit(0)

    def wait_for_lines(self) -> None:
        """Return once all given lines have been carried out; for another thread than the screen's."""
        self._runner.wait()

    def look(self) -> None:
        """Draw the newest state and all output, without waiting for the next tick."""
        self._listen()
        self._draw()

    def _arrange(self) -> None:
        self.board.fit(self.size.width, self.size.height, self._opened)

    def _draw(self) -> None:
        if not self.board.is_attached:
            return  # The screen is being taken down.
        newest = self._source.newest()
        self.board.show(newest)
        # A violation is also written in full to the transcript: the checks' pane may be narrow or hidden.
        for name, verdict in violations(newest.checks).items():
            if self._violations.get(name) != verdict:
                self._violations[name] = verdict
                self.transcript.add(Text(safe(f"VIOLATED {name}: {verdict}"), style=BAD))

    def _listen(self) -> None:
        if not self.transcript.is_attached:
            return
        for item in self._pending_output.take():
            self.transcript.add(_renderable(item))
        waiting = self._runner.waiting()
        behind = f" +{waiting}" if waiting else ""
        caret = f"({self._runner.busy.split()[0]}…{behind}) > " if self._runner.busy else "> "
        if caret != str(self._caret.content):
            self._caret.update(caret)
        if self._runner.trouble is not None:
            raise self._runner.trouble
        if self._runner.over:
            self.exit(0)


def _renderable(item: View | Cell) -> RenderableType:
    if isinstance(item, tuple):
        text = Text()
        for piece in item:
            text.append(piece.text, piece.style or None)
        return text
    return item
