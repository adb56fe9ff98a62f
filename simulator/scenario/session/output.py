"""Where a session speaks: a terminal, a pipe, the lab's screen or a test. The session knows only this face."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TextIO

import msgspec

from simulator.text.sanitize import safe

if TYPE_CHECKING:
    from simulator.views.sheet import View

Tone = Literal["plain", "good", "bad", "quiet"]
"""How a sentence is meant: an answer, good news, bad news, or a word in passing."""


class Output(Protocol):
    """Shows what a session says. Text may come from people: a stage makes it safe before it shows it."""

    def write(self, text: str, tone: Tone = "plain") -> None:
        """Show one or more lines."""
        ...

    def show(self, view: View) -> None:
        """Show a table or a page of them."""
        ...

    def document(self, value: object) -> None:
        """Show a value as one JSON document on one line."""
        ...


class PlainOutput:
    """Plain lines on a stream: no colour, no boxes, nothing cut. For pipes and files."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str, tone: Tone = "plain") -> None:
        """Write the lines, each made safe."""
        self._write("\n".join(map(safe, text.split("\n"))))

    def show(self, view: View) -> None:
        """Write the view's plain form."""
        self._write(view.plain())

    def document(self, value: object) -> None:
        """Write one line of JSON."""
        self._write(msgspec.json.encode(value).decode())

    def _write(self, text: str) -> None:
        # Flushed at once: somebody may read this line and type the next.
        self._stream.write(text + "\n")
        self._stream.flush()


class NoOutput:
    """A stage that shows nothing."""

    def write(self, text: str, tone: Tone = "plain") -> None:
        """Say nothing."""

    def show(self, view: View) -> None:
        """Show nothing."""

    def document(self, value: object) -> None:
        """Show nothing."""
