"""How a damaged file is named: one sentence that says which file, which line, and what is wrong there."""

from __future__ import annotations

from simulator.errors import StorageDamage


class FileDamage(StorageDamage):
    """Damage that no crash explains. `line` counts from 1; 0 speaks of the whole file."""

    def __init__(self, file: str, line: int, what: str) -> None:
        place = f"{file}, line {line}" if line else file
        super().__init__(f"{place}: {what}.")
        self.file = file
        self.line = line
        self.what = what
