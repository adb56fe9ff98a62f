"""The error for a damaged file: one sentence with the file, the line and what is wrong there."""

from __future__ import annotations

from simulator.errors import StorageDamage


class FileDamage(StorageDamage):
    """Damage that no crash explains. `line` counts from 1; 0 means the whole file."""

    def __init__(self, file: str, line: int, what: str) -> None:
        place = f"{file}, line {line}" if line else file
        self.sentence = f"{place}: {what}"  # Without its full stop, to be continued.
        super().__init__(f"{self.sentence}.")
        self.file = file
        self.line = line
        self.what = what


class ForeignFile(FileDamage):
    """A file of another node, of another cluster or of a newer program: it is sound, and not ours to set aside."""
