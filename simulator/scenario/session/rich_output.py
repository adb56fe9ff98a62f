"""An output for terminals: colour by tone, views at the terminal's width. It imports Rich."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, TextIO

from rich.console import Console
from rich.text import Text

from simulator.scenario.session.output import Tone
from simulator.text.json_text import json_text
from simulator.text.sanitize import safe

if TYPE_CHECKING:
    from simulator.views.sheet import View

STYLES: dict[Tone, str] = {"plain": "", "good": "green", "bad": "bold red", "quiet": "dim"}


class RichOutput:
    """Draws on the stream that `stream` returns at that moment. Threads may share it: outputs do not mix."""

    def __init__(self, stream: Callable[[], TextIO]) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def write(self, text: str, tone: Tone = "plain") -> None:
        """Print lines in the tone's style, each made safe."""
        shown = Text("\n".join(map(safe, text.split("\n"))), style=STYLES[tone])
        with self._lock:
            self._console().print(shown, soft_wrap=True)

    def show(self, view: View) -> None:
        """Draw a view."""
        with self._lock:
            self._console().print(view)

    def document(self, value: object) -> None:
        """Print one line of JSON."""
        self.write(json_text(value, terminal=True))

    def _console(self) -> Console:
        # Made anew each time: the stream changes when a prompt begins, the width when the window does.
        return Console(file=self._stream(), highlight=False, markup=False, emoji=False)
