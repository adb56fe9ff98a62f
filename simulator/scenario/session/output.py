"""Where a session writes: a terminal, a pipe, the lab's screen or a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Protocol, TextIO

from simulator.text.json_text import json_text
from simulator.text.sanitize import safe

if TYPE_CHECKING:
    from simulator.cluster.log_filter import LogFilter
    from simulator.views.sheet import View

Tone = Literal["plain", "good", "bad", "quiet"]
"""The tone of a sentence: an answer, good news, bad news, or a remark."""


class Output(Protocol):
    """Shows a session's output. Text may come from people: an output makes it safe."""

    def write(self, text: str, tone: Tone = "plain") -> None:
        """Show one or more lines."""
        ...

    def show(self, view: View) -> None:
        """Show a table or a page of them."""
        ...

    def document(self, value: object) -> None:
        """Show a value as one JSON document on one line."""
        ...


class Screen(Protocol):
    """A screen over the cluster, with places of its own for help and the running log."""

    def show_help(self) -> None:
        """Open the page of help."""
        ...

    def show_log(self, wanted: LogFilter) -> None:
        """Show this part of the running log from now on."""
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
        self._write(json_text(value, terminal=self._stream.isatty()))

    def _write(self, text: str) -> None:
        # Flushed at once: the reader may be a program that waits for this line.
        self._stream.write(text + "\n")
        self._stream.flush()


class NoOutput:
    """An output that shows nothing."""

    def write(self, text: str, tone: Tone = "plain") -> None:
        """Write nothing."""

    def show(self, view: View) -> None:
        """Show nothing."""

    def document(self, value: object) -> None:
        """Show nothing."""
