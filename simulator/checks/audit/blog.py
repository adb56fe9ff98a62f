"""Compares blog.txt with the replay of the chain, line by line, reading each once."""

from __future__ import annotations

import re
from collections.abc import Iterable

from simulator.checks.audit.folder import BLOG, CHAIN, Findings

_OPENING = re.compile(rb'\{"height":')
_DIFFERENT = 10
"""How many differing lines are listed: one line too many or too few shifts all that follow it."""


class BlogCheck:
    """Call `expect` with the lines of each block, then `finish`."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._lines = findings.lines(BLOG, _OPENING)
        self._number = 0
        self._missing = 0
        self._different = 0
        self._given_up = False

    def expect(self, expected: Iterable[bytes]) -> None:
        """Compare the next lines, given without newlines."""
        for wanted in expected:
            if not self._given_up:
                self._compare(wanted)

    def _compare(self, wanted: bytes) -> None:
        line = next(self._lines, None)
        if line is None:
            self._missing += 1
            return
        self._number = line.number
        if line.torn and wanted.startswith(line.text):
            self._findings.torn(BLOG, line.number)
        elif line.torn or line.text != wanted:
            self._different += 1
            if self._different <= _DIFFERENT:
                what = f"it is not what the replay of {CHAIN} gives: {_cut(wanted)}"
                self._findings.warning(BLOG, line.number, f"{what}; the node writes it anew when it starts")

    def give_up(self) -> None:
        """Stop comparing: a block cannot be believed, and the node will replay the chain up to there alone."""
        self._given_up = True

    def finish(self) -> None:
        """Report lines that are missing, and lines beyond the end of the chain."""
        surplus = 0
        for line in self._lines:  # Read to the end even after `give_up`, so that a missing file is reported.
            if not self._given_up:
                surplus += 1
                self._number = line.number
        if self._different > _DIFFERENT:
            self._findings.warning(BLOG, 0, f"{self._different - _DIFFERENT} more lines differ from the replay")
        if self._missing:
            self._findings.warning(
                BLOG,
                0,
                f"it ends after line {self._number}, and {_lines(self._missing)} of the replay of {CHAIN} are missing",
            )
        if surplus:
            first = self._number - surplus + 1
            self._findings.warning(
                BLOG, first, f"{_lines(surplus)} from here on have no write in {CHAIN} that they could come from"
            )


def _lines(count: int) -> str:
    return f"{count} line{'' if count == 1 else 's'}"


def _cut(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return text if len(text) <= 120 else f"{text[:120]}…"
