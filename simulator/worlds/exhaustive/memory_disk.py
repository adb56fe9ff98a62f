"""A disk for the exhaustive world: small files in memory, and everything that a loss of power may leave of them."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from itertools import product

from simulator.node.storage.blog_file import BLOG
from simulator.node.storage.identity import META
from simulator.node.storage.journal import JOURNAL

DERIVED = (BLOG, META)
"""Files that a start writes anew from the chain, or from what the node is called, whatever is left of them."""


Files = dict[str, tuple[bytes, int]]
"""Each file's bytes, and how many of them are durable."""


class Killed(BaseException):
    """The node ends here. No handler of ordinary errors catches it."""


class MemoryDisk:
    """See `Disk`. With `kill_at_sync` the next sync of the journal ends the node before anything becomes durable."""

    def __init__(self, files: Files | None = None) -> None:
        self.files = dict(files or {})
        self.kill_at_sync = False

    def remainders(self, *, derived: bool = False) -> list[Files]:
        """What a loss of power may leave: of each file the durable part and any number of whole lines after it.

        A line that is torn is cut off at the next start, so it counts as lost. Of `DERIVED` files all is left, unless
        what may become of them is asked for too: the node is the same after its start.
        """
        kept: list[list[tuple[str, bytes]]] = []
        for name, (data, synced) in sorted(self.files.items()):
            if name in DERIVED and not derived:
                kept.append([(name, data)])
                continue
            ends = [synced, *(at + 1 for at in range(synced, len(data)) if data[at] == 10)]
            kept.append([(name, data[:end]) for end in ends])
        return [{name: (data, len(data)) for name, data in choice} for choice in product(*kept)]

    # The disk of a node

    def exists(self, name: str) -> bool:
        """See `Disk`."""
        return name in self.files

    def size(self, name: str) -> int:
        """See `Disk`."""
        return len(self.read(name))

    def read(self, name: str) -> bytes:
        """See `Disk`."""
        if name not in self.files:
            raise FileNotFoundError(errno.ENOENT, "no such file", name)
        return self.files[name][0]

    def read_at(self, name: str, offset: int, length: int) -> bytes:
        """See `Disk`."""
        return self.read(name)[offset : offset + length]

    def stream(self, name: str, chunk: int) -> Iterator[bytes]:
        """See `Disk`."""
        data = self.read(name)
        yield from (data[at : at + chunk] for at in range(0, len(data), chunk))

    def append(self, name: str, data: bytes) -> None:
        """See `Disk`."""
        known, synced = self.files.get(name, (b"", 0))
        self.files[name] = known + data, synced

    def sync(self, name: str) -> None:
        """See `Disk`."""
        if self.kill_at_sync and name == JOURNAL:
            raise Killed
        data = self.read(name)
        self.files[name] = data, len(data)

    def check_present(self) -> None:
        """See `Disk`. Nobody removes files here."""

    def truncate(self, name: str, size: int) -> None:
        """See `Disk`."""
        data, synced = self.read(name), self.files[name][1]
        self.files[name] = data[:size], min(size, synced)

    def replace(self, name: str, data: bytes) -> None:
        """See `Disk`."""
        if self.kill_at_sync and name == JOURNAL:
            raise Killed
        self.files[name] = data, len(data)
