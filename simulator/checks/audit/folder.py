"""One node's folder in an audit: its lines, read in bounded memory, and the findings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

CHAIN, BLOG, JOURNAL = "blockchain.txt", "blog.txt", "paxos.txt"

LISTED = 1000
"""How many problems of one file are listed; more are only counted."""

CONSEQUENCES = {
    CHAIN: "; the node sets the file aside when it starts, and fetches blocks from its peers",
    JOURNAL: "; promises or votes may be lost, so the node does not vote before a majority of the others has answered",
    BLOG: "",
    "meta.txt": "; the node does not start",
}
"""What follows from the first problem of a file."""

_PIECE = 1 << 20
_MOST_PIECES = 64


class Line(msgspec.Struct, frozen=True, gc=False):
    """One line without its newline, numbered from 1. `torn`: it is the last line and has no newline.

    `text` is empty for a line with a wrong beginning: such a line may be larger than memory, so it is not kept.
    """

    number: int
    text: bytes
    torn: bool


class Findings:
    """The problems and warnings of one folder, as sentences that begin with the file and the line."""

    def __init__(self, folder: Path) -> None:
        self.cluster = ""  # That the journal names.
        self._folder = folder
        self._problems: list[str] = []
        self._warnings: list[str] = []
        self._explained: set[str] = set()
        self._counts: dict[str, int] = {}

    def problem(self, file: str, line: int, what: str, *, unknown: bool = False) -> None:
        """Add a problem. Line 0 means the whole file.

        The first one of a file says what its node will do, unless it is `unknown` to the node, which has no other files
        to compare with its own.
        """
        self._counts[file] = self._counts.get(file, 0) + 1
        if not unknown and file not in self._explained:
            self._explained.add(file)
            what += CONSEQUENCES[file]
        if self._counts[file] <= LISTED:
            self._problems.append(f"{file}, line {line}: {what}." if line else f"{file}: {what}.")

    def torn(self, file: str, line: int) -> None:
        """Add a warning: a crash tore the last line. It was never acknowledged, so this is no problem."""
        self.warning(file, line, "the last line is torn; the node will cut it off when it starts")

    def warning(self, file: str, line: int, what: str) -> None:
        """Add what the node's next start, or its peers, will mend. Line 0 means the whole file."""
        self._warnings.append(f"{file}, line {line}: {what}." if line else f"{file}: {what}.")

    def is_file(self, file: str) -> bool:
        """True when there is such a file."""
        return (self._folder / file).is_file()

    def count_lines(self, file: str) -> int:
        """How many whole lines a file has, whatever they hold; 0 when there is none."""
        if not self.is_file(file):
            return 0
        with (self._folder / file).open("rb") as stream:
            return sum(piece.count(b"\n") for piece in iter(lambda: stream.read(_PIECE), b""))

    def problems(self) -> tuple[str, ...]:
        """The listed problems, and the number of further ones for each file."""
        more = [f"{file}: {count - LISTED} more problems." for file, count in self._counts.items() if count > LISTED]
        return (*self._problems, *more)

    def warnings(self) -> tuple[str, ...]:
        """Damage that a crash explains and the node's next start repairs."""
        return tuple(self._warnings)

    def lines(self, file: str, opening: re.Pattern[bytes]) -> Iterator[Line]:
        """The lines of a file. A missing or unreadable file is a problem. `opening` matches how a line begins."""
        path = self._folder / file
        if path.exists() and not (path.is_file() or path.is_dir()):  # A pipe without a writer would be waited for.
            self.problem(file, 0, "it is no regular file")
            return
        try:
            with path.open("rb") as stream:
                number = 0
                while piece := stream.readline(_PIECE):
                    number += 1
                    good = opening.match(piece) is not None
                    pieces = [piece]
                    while piece and not piece.endswith(b"\n"):
                        piece = stream.readline(_PIECE)
                        if len(pieces) > _MOST_PIECES:
                            good = False
                            pieces.clear()
                        if good:
                            pieces.append(piece)
                    torn = not piece
                    text = b"".join(pieces) if good or torn else b""
                    yield Line(number, text if torn else text[:-1], torn)
        except FileNotFoundError:
            if file == BLOG:
                self.warning(file, 0, "it is missing; the node makes it anew when it starts")
            else:
                self.problem(file, 0, "it is missing")
        except OSError as error:
            self.problem(file, 0, f"it cannot be read ({error.strerror})")
