"""The files of a node that runs again, in memory, and what a crash may have left of them.

A trace holds no files. What a node had written is known, because it ran again up to its end; what the crash took of it
is not. So files are cut back, line by line, until a start finds what the trace says that it found.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator

from simulator.node.state_machine import StateMachine
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.errors import FileDamage
from simulator.node.storage.identity import Identity
from simulator.node.storage.journal import JOURNAL
from simulator.node.storage.storage import Recovered, Replay, Storage

MOST_LINES = 400
"""So many lines of a journal are taken away at most, to find what a crash left."""


class MemoryFiles:
    """See `Disk`. Every write is kept; a sync has nothing to do."""

    def __init__(self, files: dict[str, bytearray] | None = None) -> None:
        self.files = files if files is not None else {}

    def copy(self) -> MemoryFiles:
        """The same files, of their own."""
        return MemoryFiles({name: bytearray(data) for name, data in self.files.items()})

    def cut_to_lines(self, name: str, count: int) -> None:
        """Keep the first `count` lines of a file."""
        data = self.files.get(name)
        if data is not None:
            kept = bytes(data).split(b"\n")[:count]
            self.files[name] = bytearray(b"".join(line + b"\n" for line in kept if line))

    # The disk of a node

    def exists(self, name: str) -> bool:
        """See `Disk`."""
        return name in self.files

    def size(self, name: str) -> int:
        """See `Disk`."""
        return len(self._file(name))

    def read(self, name: str) -> bytes:
        """See `Disk`."""
        return bytes(self._file(name))

    def read_at(self, name: str, offset: int, length: int) -> bytes:
        """See `Disk`."""
        return bytes(self._file(name)[offset : offset + length])

    def stream(self, name: str, chunk: int) -> Iterator[bytes]:
        """See `Disk`."""
        data = self.read(name)
        yield from (data[at : at + chunk] for at in range(0, len(data), chunk))

    def append(self, name: str, data: bytes) -> None:
        """See `Disk`."""
        self.files.setdefault(name, bytearray()).extend(data)

    def sync(self, name: str) -> None:
        """See `Disk`."""
        self._file(name)

    def check_present(self) -> None:
        """See `Disk`. Nobody removes files here."""

    def truncate(self, name: str, size: int) -> None:
        """See `Disk`."""
        del self._file(name)[size:]

    def replace(self, name: str, data: bytes) -> None:
        """See `Disk`."""
        self.files[name] = bytearray(data)

    def _file(self, name: str) -> bytearray:
        if name not in self.files:
            raise FileNotFoundError(errno.ENOENT, "no such file", name)
        return self.files[name]


class FoundStorage(Storage):
    """Storage whose start finds what the trace says: the same promises and votes, with the notes of that moment."""

    found: Recovered

    def load(self, replay: Replay) -> Recovered:
        """See `Storage`. The files are known to hold the same."""
        super().load(replay)
        return self.found


def what_was_left(files: MemoryFiles, found: Recovered, identity: Identity, difficulty: int) -> MemoryFiles | None:
    """The files cut back so that a start finds the same; None: these files never give that."""
    left = files.copy()
    left.cut_to_lines(CHAIN, found.height)
    journal = bytes(left.files.get(JOURNAL, b"")).splitlines(keepends=True)
    for gone in range(min(len(journal), MOST_LINES) + 1):
        left.files[JOURNAL] = bytearray(b"".join(journal[: len(journal) - gone]))
        if not journal:
            del left.files[JOURNAL]
        tried = left.copy()
        try:
            read = Storage(tried, difficulty, identity).load(StateMachine(difficulty).replay)
        except FileDamage:
            continue
        if _same(read, found):
            return tried
    return None


def _same(one: Recovered, other: Recovered) -> bool:
    names = ("promised", "opened", "accepted", "height", "tip", "fresh", "eras", "nonces", "lost")
    return all(getattr(one, name) == getattr(other, name) for name in names)
