"""The streams of a command: the result alone on stdout, everything else on stderr.

Scripts read stdout, so a result is text without boxes, colour or truncation, or one JSON document.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterable, Sequence
from typing import Literal

from simulator.text.json_text import json_text
from simulator.text.sanitize import safe

ColorChoice = Literal["auto", "always", "never"]


class Output:
    """The two streams of one command. `quiet` silences progress; `verbosity` (0, 1, 2, …) asks for more of it."""

    def __init__(self) -> None:
        self.quiet = False
        self.verbosity = 0

    def result(self, text: str) -> None:
        """Print one or more lines of the result."""
        sys.stdout.write(printable(text) + "\n")

    def table(self, rows: Iterable[Sequence[str]]) -> None:
        """Print rows in aligned columns; the last column is as long as it is."""
        lines = [[safe(cell) for cell in row] for row in rows]
        if not lines:
            return
        widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]) - 1)]
        for line in lines:
            cells = [cell.ljust(width) for cell, width in zip(line, widths, strict=False)]
            sys.stdout.write("  ".join([*cells, line[-1]]).rstrip() + "\n")

    def json(self, document: object) -> None:
        """Print the one JSON document of a command with `--json`."""
        sys.stdout.write(json_text(document, pretty=True, terminal=sys.stdout.isatty()) + "\n")

    def progress(self, text: str) -> None:
        """Write progress."""
        if not self.quiet:
            self._error(text)

    def detail(self, text: str) -> None:
        """Write what only `-v` asks for."""
        if self.verbosity and not self.quiet:
            self._error(text)

    def warn(self, text: str) -> None:
        """Write a warning. `-q` does not silence it."""
        self._error(f"paxsim: warning: {text}")

    def fail(self, sentence: str) -> None:
        """Write in one sentence why the command failed."""
        self._error(f"paxsim: {sentence}")

    def _error(self, text: str) -> None:
        with contextlib.suppress(OSError):  # A full disk behind stdout must not hide the sentence about it.
            sys.stdout.flush()
        sys.stderr.write(printable(text) + "\n")
        sys.stderr.flush()


def choose_color(choice: ColorChoice) -> None:
    """Let every library of this process follow `--color`; "auto" leaves the decision to NO_COLOR and FORCE_COLOR.

    Rich, Textual and prompt_toolkit read these two variables.
    """
    if choice == "auto":
        return
    for name in ("NO_COLOR", "FORCE_COLOR"):
        os.environ.pop(name, None)
    os.environ["FORCE_COLOR" if choice == "always" else "NO_COLOR"] = "1"


def printable(text: str) -> str:
    """Lines that cannot act on the screen: a title or a file name is shown, never interpreted."""
    return "\n".join(map(safe, text.split("\n")))
