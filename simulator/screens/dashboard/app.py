"""The lab: board above, transcript in the middle, console line below, in one terminal.

The app class is thin: a `Source` gives the state, a `Runner` carries out typed lines, and pure views draw both a few
times a second. The screen never asks a node nor waits for one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.events import Resize
from textual.widgets import Static

from simulator.cluster.log_filter import LogFilter
from simulator.cluster.verdicts import violations
from simulator.screens.dashboard.board import Board
from simulator.screens.dashboard.footer import OPENED_KEYS, PROMPT_KEYS, TIME_KEYS_SHOWN, Footer
from simulator.screens.dashboard.held_pane import HeldPane
from simulator.screens.dashboard.help_screen import HelpScreen
from simulator.screens.dashboard.list_pane import ListPane
from simulator.screens.dashboard.log_pane import LogPane
from simulator.screens.dashboard.panes import NodePane
from simulator.screens.dashboard.prompt import Prompt
from simulator.screens.dashboard.runner import LineConsole, Pending, Runner, ShowHelp, ShowLog
from simulator.screens.dashboard.source import REFRESHES_PER_SECOND, Source
from simulator.screens.dashboard.transcript import Transcript
from simulator.settings import MAX_NODES
from simulator.text.sanitize import safe
from simulator.views.palette import BAD, QUIET
from simulator.views.sheet import Cell, View

_FLUSHES_PER_SECOND = 20
_LEAVE = ("quit", "exit")
PROMPT = "> "
TIME_KEYS = {"right": "step", "left": "back", "p": "time pause", "r": "time run"}
"""Keys with Alt, and the lines about virtual time that they stand for."""
_CHOICES_LINES = 2


class Lab(App[int]):
    """Five nodes and a console on one screen. Returns 0; an unexpected error is raised after the screen is restored."""

    TITLE = "paxsim"
    ENABLE_COMMAND_PALETTE = False
    CSS = """
    Screen { background: ansi_default; color: ansi_default; layout: vertical; }
    #line { height: 1; }
    #caret { width: auto; }
    #keys { height: 1; }
    #choices { height: auto; max-height: 2; text-style: dim; display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        *(Binding(f"f{n},alt+{n}", f"open({n})", show=False, priority=True) for n in range(1, MAX_NODES + 1)),
        Binding("escape", "return", show=False, priority=True),
        Binding("pageup", "page(-1)", show=False),
        Binding("pagedown", "page(1)", show=False),
        Binding("shift+tab", "switch", show=False, priority=True),
        *(Binding(f"alt+{key}", f"travel('{line}')", show=False, priority=True) for key, line in TIME_KEYS.items()),
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
        self._caret = Static(PROMPT, id="caret", markup=False)
        self._choices = Static("", id="choices", markup=False)
        self._footer = Footer()

    def compose(self) -> ComposeResult:
        """Board, transcript, console line, keys."""
        yield self.board
        yield self.transcript
        yield self._choices
        with Horizontal(id="line"):
            yield self._caret
            yield self.prompt
        yield self._footer

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
        self._enter(event.line)

    def on_prompt_choices(self, event: Prompt.Choices) -> None:
        """Show the words that Tab found, above the prompt, until something else is typed."""
        self._choices.update(Text(_in_lines(event.words, self.size.width, _CHOICES_LINES)))
        self._choices.display = bool(event.words)

    def on_prompt_help_wanted(self) -> None:
        """Show the page of help."""
        self._show_help()

    def on_held_pane_typed(self, event: HeldPane.Typed) -> None:
        """A key or a click among the held messages stands for a line."""
        self._enter(event.line)

    def on_log_pane_chosen(self, event: LogPane.Chosen) -> None:
        """A key in the log chose another part of it."""
        self._choose_log(event.wanted)

    def on_list_pane_wanted(self, event: ListPane.Wanted) -> None:
        """A list was clicked."""
        self._use(event.pane)

    def on_prompt_list_left(self) -> None:
        """Other keys have a meaning now."""
        self._tell_keys()

    def on_prompt_interrupted(self) -> None:
        """Ctrl-C: end a command that waits."""
        if self._runner.busy:
            self._console.interrupt()

    def on_node_pane_chosen(self, event: NodePane.Chosen) -> None:
        """A node was clicked: open it."""
        self.action_open(event.node)
        self.prompt.focus()

    def action_open(self, node: int) -> None:
        """Open `node`; close its view if it is open already."""
        if node > self._source.nodes:
            self.transcript.add(
                Text(f"there is no node {node}: this cluster has nodes 1 to {self._source.nodes}", style=QUIET)
            )
            return
        self._opened = node if node != self._opened else 0
        self._source.open(self._opened)
        self._use(None)
        self._arrange()
        self.call_after_refresh(self._draw)

    def action_return(self) -> None:
        """Close the page of help, go back to the prompt, or close the opened node."""
        if isinstance(self.screen, HelpScreen):
            self.screen.action_close()
        elif self.prompt.used is not None:
            self._use(None)
        elif self._opened:
            self.action_open(self._opened)

    def action_switch(self) -> None:
        """Give the keys to the log or the held messages, or back to the line."""
        self._use(self.board.list_pane if self.prompt.used is None else None)

    def action_travel(self, line: str) -> None:
        """Carry out a line about virtual time."""
        if self._console.time_words():
            self._enter(line)

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

    def _enter(self, line: str) -> None:
        self.transcript.scroll_end(animate=False)
        if not line:
            return
        self.transcript.add(Text(safe(f"{PROMPT}{line}"), style="bold"))
        if self._runner.busy and line.lower() in _LEAVE:
            self.exit(0)  # Leaving does not wait for a command that waits.
            return
        self._runner.give(line)
        self._listen()

    def _use(self, pane: ListPane | None) -> None:
        self.prompt.use(pane)
        self._tell_keys()

    def _type(self, text: str) -> None:
        self.prompt.insert_text_at_cursor(text)

    def _choose_log(self, wanted: LogFilter) -> None:
        self.board.log_pane.change(wanted)
        self._source.choose(wanted)

    def _show_help(self) -> None:
        if not isinstance(self.screen, HelpScreen):
            self.push_screen(HelpScreen(self._source.nodes, self._type))

    def _tell_keys(self) -> None:
        if self.prompt.used is not None:
            keys: Sequence[str] = self.prompt.used.KEYS
        else:
            pane = self.board.list_pane
            listed = "" if pane is None else "held" if pane is self.board.held_pane else "log"
            known: tuple[str, ...] = OPENED_KEYS if self._opened else PROMPT_KEYS
            if self._console.time_words():
                known = (*known[:2], *TIME_KEYS_SHOWN, *known[2:])
            keys = [
                key.replace("{n}", str(self._source.nodes)).replace("{list}", listed)
                for key in known
                if listed or "{list}" not in key
            ]
        self._footer.tell(keys)

    def _arrange(self) -> None:
        self.board.fit(self.size.width, self.size.height, self._opened)

    def _draw(self) -> None:
        if not self.board.is_attached:
            return  # The screen is being taken down.
        newest = self._source.newest()
        self.board.show(newest, self._console.loads(), self._console.time_words())
        if self.prompt.used is not None and not self.prompt.used.display:
            self._use(None)
        self._tell_keys()
        # A violation is also written in full to the transcript: the checks' pane may be narrow or hidden.
        for name, verdict in violations(newest.checks).items():
            if self._violations.get(name) != verdict:
                self._violations[name] = verdict
                self.transcript.add(Text(safe(f"VIOLATED {name}: {verdict}"), style=BAD))

    def _listen(self) -> None:
        if not self.transcript.is_attached:
            return
        for item in self._pending_output.take():
            match item:
                case ShowHelp():
                    self._show_help()
                case ShowLog(wanted):
                    self._choose_log(wanted)
                    self.transcript.add(Text(f"the log shows {wanted.title}: 'log all' shows everything", style=QUIET))
                case _:
                    self.transcript.add(_renderable(item))
        waiting = self._runner.waiting()
        behind = f" +{waiting}" if waiting else ""
        caret = f"({self._runner.busy.split()[0]}…{behind}) {PROMPT}" if self._runner.busy else PROMPT
        if caret != str(self._caret.content):
            self._caret.update(caret)
        if self._runner.trouble is not None:
            raise self._runner.trouble
        if self._runner.over:
            self.exit(0)


def _in_lines(words: Sequence[str], width: int, lines: int) -> str:
    """Words in at most so many lines; what finds no place is counted."""
    rows = [""]
    for place, word in enumerate(words):
        more = f"  (+{len(words) - place})"
        if len(rows[-1]) + len(word) + 2 + (len(more) if len(rows) == lines else 0) > width:
            if len(rows) == lines:
                rows[-1] += more
                break
            rows.append("")
        rows[-1] += ("  " if rows[-1] else "") + word
    return "\n".join(rows)


def _renderable(item: View | Cell) -> RenderableType:
    if isinstance(item, tuple):
        text = Text()
        for piece in item:
            text.append(piece.text, piece.style or None)
        return text
    return item
