"""One node's folder under audit: its lines, read in bounded memory whatever they are, and what was found in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

CHAIN, BLOG, JOURNAL = "blockchain.txt", "blog.txt", "paxos.txt"

TOLD = 1000
"""Problems told of one file; those beyond are counted."""

_PIECE = 1 << 20


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line without its newline, numbered from 1. `torn`: it is the last, and its newline is missing.

    `text` is empty for a line that does not begin as it should: junk may be longer than memory, so it is not kept.
    """

    number: int
    text: bytes
    torn: bool


class Findings:
    """What is wrong in one folder. Sentences begin with the file and the line."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._problems: list[str] = []
        self._warnings: list[str] = []
        self._counts: dict[str, int] = {}

    def problem(self, file: str, line: int, what: str) -> None:
        """Something does not hold. Line 0 speaks of the whole file."""
        self._counts[file] = self._counts.get(file, 0) + 1
        if self._counts[file] <= TOLD:
            self._problems.append(f"{file}, line {line}: {what}." if line else f"{file}: {what}.")

    def torn(self, file: str, line: int) -> None:
        """The last line stops in the middle, as after a crash. It was never acknowledged, so this is no problem."""
        self._warnings.append(f"{file}, line {line}: the last line is torn; the node will cut it off when it starts.")

    def problems(self) -> tuple[str, ...]:
        """Every problem, and how many more there are in a file with very many."""
        more = [f"{file}: {count - TOLD} more problems." for file, count in self._counts.items() if count > TOLD]
        return (*self._problems, *more)

    def warnings(self) -> tuple[str, ...]:
        """What a crash may leave behind and the node's next start mends."""
        return tuple(self._warnings)

    def lines(self, file: str, opening: re.Pattern[bytes]) -> Iterator[Line]:
        """The lines of a file; that it is missing or cannot be read is a problem. `opening` is how a line begins."""
        try:
            with (self._folder / file).open("rb") as stream:
                number = 0
                while piece := stream.readline(_PIECE):
                    number += 1
                    good = opening.match(piece) is not None
                    pieces = [piece]
                    while piece and not piece.endswith(b"\n"):
                        piece = stream.readline(_PIECE)
                        if good:
                            pieces.append(piece)
                    torn = not piece
                    text = b"".join(pieces) if good or torn else b""
                    yield Line(number, text if torn else text[:-1], torn)
        except FileNotFoundError:
            self.problem(file, 0, "it is missing")
        except OSError as error:
            self.problem(file, 0, f"it cannot be read ({error.strerror})")
