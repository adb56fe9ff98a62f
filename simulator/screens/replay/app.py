"""The screen of a replay and its keys. The app is thin: `Player` knows the place, and `drawing` draws it.

Keys take effect in the order in which they come, however fast: all bindings are the app's own and have priority, and
the app waits until the line has taken a key before it looks at the next one.
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from rich.text import Text
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Event, Key, Resize
from textual.widgets import Static

from simulator.analysis.explanation import explain_in
from simulator.errors import InputError
from simulator.screens.ordered_input import OrderedInput
from simulator.screens.replay.drawing import whole
from simulator.screens.replay.player import KINDS, Player
from simulator.text.sanitize import safe

_FRAMES_PER_SECOND = 10


class Replay(App[int]):
    """Steps through a recorded run. Returns 0."""

    TITLE = "paxsim replay"
    ENABLE_COMMAND_PALETTE = False
    AUTO_FOCUS = None
    CSS = """
    Screen { background: ansi_default; color: ansi_default; }
    #drawn { height: 1fr; }
    #line { height: 3; display: none; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(keys, action, show=False, priority=True)
        for keys, action in (
            ("right,l", "step(1)"),
            ("left,h", "step(-1)"),
            ("shift+right", "step(100)"),
            ("shift+left", "step(-100)"),
            ("home", "go(-1)"),
            ("end", "go(999999999)"),
            ("space", "play"),
            ("plus,equals_sign", "speed(1)"),
            ("minus", "speed(-1)"),
            *((kind[0], f"jump('{kind}', True)") for kind in KINDS),
            *((kind[0].upper(), f"jump('{kind}', False)") for kind in KINDS),
            ("g", "ask('go')"),
            ("slash", "ask('search')"),
            ("n", "again(True)"),
            ("N", "again(False)"),
            ("w", "why"),
            ("escape", "close_line"),
            ("q", "leave"),
            ("ctrl+q,ctrl+c", "leave_at_once"),
        )
    ]

    def __init__(self, player: Player) -> None:
        super().__init__(ansi_color=True)
        self.player = player
        self._drawn = Static(id="drawn")
        self._line = _Line(id="line")
        self._asks = ""
        self._wanted = ""
        self._note = ""

    def compose(self) -> ComposeResult:
        """The drawing, and a line that is shown when it is needed."""
        yield self._drawn
        yield self._line

    def on_mount(self) -> None:
        """Draw, and let time pass."""
        self.set_interval(1 / _FRAMES_PER_SECOND, self._pass_time)
        self.draw()

    async def on_event(self, event: Event) -> None:
        """Pass an event on; a key in the line has taken effect when this returns."""
        is_new = isinstance(event, Key) and not event.is_forwarded
        await super().on_event(event)
        if is_new and self._line.display:
            taken = asyncio.Event()
            if self._line.call_later(taken.set):
                await taken.wait()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """While the line is shown, letters are its own."""
        typed = self._line.display and action not in {"close_line", "leave_at_once"}
        return False if typed else super().check_action(action, parameters)

    def on_resize(self, _event: Resize) -> None:
        """Draw for the new size."""
        self.draw()

    def draw(self, note: str = "") -> None:
        """Draw the place. `note` stands in place of the keys."""
        self._note = note
        self._drawn.update(whole(self.player, self.size.width, self.size.height, note))

    def action_step(self, count: int) -> None:
        """Go some events on, or back."""
        self.player.step(count)
        self.draw()

    def action_go(self, index: int) -> None:
        """Go to an event."""
        self.player.go(index)
        self.draw()

    def action_play(self) -> None:
        """Play or pause."""
        self.player.playing = not self.player.playing
        self.draw()

    def action_speed(self, by: int) -> None:
        """Play faster or slower."""
        self.player.change_speed(by)
        self.draw()

    def action_jump(self, kind: str, forward: bool) -> None:
        """Go to the next mark of a kind, or the one before."""
        there = self.player.jump(kind, forward=forward)
        self.draw("" if there else f"There is no {'further' if forward else 'earlier'} {kind}.")

    def action_ask(self, what: str) -> None:
        """Ask for a place or a text."""
        self._asks = what
        self._line.placeholder = "slot 3, event 12, or 1.5s" if what == "go" else "a text to search for"
        self._line.value = ""
        self._line.display = True
        self.set_focus(self._line)

    def action_close_line(self) -> None:
        """Close the line without doing anything."""
        self._line.display = False
        self.set_focus(None)
        self.draw()

    def line_entered(self, value: str) -> None:
        """Go where the line says."""
        self.action_close_line()
        if self._asks == "search":
            self._wanted = value
            self.action_again(True)
            return
        try:
            self.player.go_to(value)
        except InputError as error:
            self.draw(str(error))
        else:
            self.draw()

    def action_again(self, forward: bool) -> None:
        """Search on, or back."""
        there = bool(self._wanted) and self.player.search(self._wanted, forward=forward)
        self.draw("" if there else f"{self._wanted!r} does not come {'again' if forward else 'before'}.")

    def action_why(self) -> None:
        """Explain the last trouble of the run."""
        try:
            lines = explain_in(self.player.run)
        except InputError as error:
            lines = [str(error)]
        text = "\n".join([*map(safe, lines), "", "Any key that moves goes back to the run."])
        self._drawn.update(Text(text))

    def action_leave(self) -> None:
        """End the replay."""
        self.exit(0)

    def action_leave_at_once(self) -> None:
        """End the replay, whatever is being typed."""
        self.exit(0)

    def _pass_time(self) -> None:
        if self.player.pass_time(1000 / _FRAMES_PER_SECOND):
            self.draw()


class _Line(OrderedInput):
    """A line to type in. It tells the app itself that it is complete: a message would come behind the next keys."""

    async def on_key(self, event: Key) -> None:
        """All keys take effect at once."""
        await self.run_binding_of(event)

    async def action_submit(self) -> None:
        """Complete the line."""
        app = self.app
        assert isinstance(app, Replay)
        app.line_entered(self.value)
