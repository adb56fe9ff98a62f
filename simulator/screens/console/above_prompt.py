"""A text stream that prints above the prompt. The thread that runs the prompt does all the printing.

prompt_toolkit's own `patch_stdout` prints from a thread of its own when it finds no prompt. A prompt that begins at
that moment shares its line with that text, and text that a closing loop was given is lost.
"""

from __future__ import annotations

import contextlib
import io
import threading
from typing import TYPE_CHECKING

from prompt_toolkit.application import run_in_terminal

if TYPE_CHECKING:
    import asyncio

    from prompt_toolkit.output import Output


class AbovePrompt(io.TextIOBase):
    """Keeps whole lines until the prompt's thread prints them to `output`. Any thread may write."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._lock = threading.Lock()
        self._kept: list[str] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._scheduled = False

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The encoding of the terminal."""
        return self._output.encoding()

    def isatty(self) -> bool:
        """Whether the terminal is one."""
        stdout = self._output.stdout
        return stdout is not None and stdout.isatty()

    def fileno(self) -> int:
        """The descriptor of the terminal."""
        return self._output.fileno()

    def write(self, text: str) -> int:
        """Keep `text`, and have it printed once a line is whole."""
        with self._lock:
            self._kept.append(text)
            if "\n" in text:
                self._schedule()
        return len(text)

    def flush(self) -> None:
        """Print nothing: a part of a line waits for its end."""

    def prompt_begins(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """The prompt runs in `loop` from now on."""
        with self._lock:
            self._loop = loop
            self._scheduled = False
            if self._kept:
                self._schedule()

    def prompt_ended(self) -> None:
        """No prompt is on the screen: print what is kept, from this thread."""
        with self._lock:
            self._loop = None
        self._print()

    def _schedule(self) -> None:
        if self._loop is None or self._scheduled:
            return
        # A loop that has just closed refuses; `prompt_ended` prints the text then.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(run_in_terminal, self._print)
            self._scheduled = True

    def _print(self) -> None:
        with self._lock:
            self._scheduled = False
            text = "".join(self._kept)
            self._kept.clear()
        if text:
            self._output.enable_autowrap()
            self._output.write_raw(text)
            self._output.flush()
