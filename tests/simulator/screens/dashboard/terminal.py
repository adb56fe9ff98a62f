"""A real pseudo-terminal with a program in it: type, resize, read the screen as a person would."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Self

import pexpect
import pyte

ROOT = Path(__file__).parents[4]


class Terminal:
    """Runs `python -m MODULE ARGUMENTS…` in a terminal of `columns` by `lines`. Use it in a `with` statement."""

    def __init__(
        self, arguments: list[str], *, columns: int = 80, lines: int = 24, environ: dict[str, str] | None = None
    ) -> None:
        env = {
            key: value
            for key, value in os.environ.items()
            if key not in {"NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES"}
        }
        env |= {"TERM": "xterm-256color", "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8"} | (environ or {})
        self.screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self.child = pexpect.spawn(
            sys.executable, arguments, dimensions=(lines, columns), env=env, timeout=5, cwd=str(ROOT)
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.child.close(force=True)

    def type(self, keys: str) -> None:
        """Press these keys."""
        self.child.send(keys)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size, as pulling at its corner does."""
        self.child.setwinsize(lines, columns)
        self.screen.resize(lines, columns)

    def text(self) -> str:
        """The screen now."""
        return "\n".join(line.rstrip() for line in self.screen.display)

    def until(self, seen: Callable[[str], bool], within_s: float = 20.0) -> str:
        """Read until the screen satisfies `seen`; fails with the screen as it then is."""
        deadline = time.monotonic() + within_s
        while not seen(self.text()):
            if time.monotonic() > deadline:
                raise AssertionError(f"the screen never showed it within {within_s} s:\n{self.text()}")
            self._read(0.05)
        return self.text()

    def shows(self, *texts: str) -> None:
        """Read until all of `texts` stand on the screen at once; fails as `until` does."""
        self.until(lambda screen: all(text in screen for text in texts))

    def still(self, for_s: float = 0.3) -> None:
        """Read until nothing has come for so long: the last frame is whole."""
        before = -1
        while before != len(self.raw):
            before = len(self.raw)
            self._read(for_s)

    def wait_for_end(self, within_s: float = 20.0) -> int:
        """The exit status of the program."""
        deadline = time.monotonic() + within_s
        while self.child.isalive() and time.monotonic() < deadline:
            self._read(0.05)
        self.child.close()
        assert self.child.exitstatus is not None, "the program did not end by itself"
        return int(self.child.exitstatus)

    def _read(self, timeout_s: float) -> None:
        try:
            data = self.child.read_nonblocking(65536, timeout_s)
        except (pexpect.TIMEOUT, pexpect.EOF):
            return
        self.raw += data
        self._stream.feed(data)
