"""blog.txt: one line for each write that took effect. It is derived from the chain and repaired at every start.

A crash may leave this file shorter or longer than blockchain.txt. It is therefore compared with the replay of the
chain, byte for byte, and cut or continued where the two differ; nothing is ever recovered from it.
"""

from __future__ import annotations

from simulator.node.storage.disk import Disk

BLOG = "blog.txt"
_PIECE = 1 << 20


class BlogFile:
    """The file over one disk. Start with `expect` for every block's lines and `mend` once, then `append`."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._size = 0  # Bytes that are right.
        self._found = disk.size(BLOG) if disk.exists(BLOG) else 0
        self._expected: list[bytes] = []
        self._pending = 0
        self._parted = False
        self._unsafe = True  # Lines of an earlier incarnation may never have been synced.
        self.mended = ""

    def expect(self, lines: bytes) -> None:
        """Compare the next lines of the replay.

        Raises:
            OSError: the disk fails.
        """
        if lines:
            self._expected.append(lines)
            self._pending += len(lines)
            if self._pending >= _PIECE:
                self._compare()

    def mend(self) -> None:
        """End the replay: cut the file after it. `mended` is then one sentence on what was done, or empty.

        Raises:
            OSError: the disk fails.
        """
        self._compare()
        if not self._disk.exists(BLOG):
            self._disk.append(BLOG, b"")
            self.mended = f"{BLOG} was missing and was made anew"
        if not self._parted and self._found > self._size:
            self._part(f"{BLOG} went on beyond the chain and was cut to it")
        if self._parted and self._size:
            self._disk.sync(BLOG)

    def append(self, lines: bytes) -> None:
        """Add whole lines at the end, in one write.

        Raises:
            OSError: the disk fails.
        """
        if lines:
            self._unsafe = True
            self._disk.append(BLOG, lines)
            self._size += len(lines)

    def sync(self) -> None:
        """Return once all lines are durable.

        Raises:
            OSError: the disk fails.
        """
        if self._unsafe and self._size:
            self._disk.sync(BLOG)
            self._unsafe = False

    def _compare(self) -> None:
        expected = b"".join(self._expected)
        self._expected.clear()
        self._pending = 0
        if not self._parted and expected:
            found = self._disk.read_at(BLOG, self._size, len(expected)) if self._found else b""
            if found == expected:
                self._size += len(found)
                return
            same = _common(found, expected)
            self._size += same
            expected = expected[same:]
            short = same == len(found)
            self._part(
                f"{BLOG} ended before the chain did and was continued from it"
                if short
                else f"{BLOG} differed from the replay of the chain and was written anew from there on"
            )
        if expected:
            self.append(expected)

    def _part(self, what: str) -> None:
        self._parted = True
        self.mended = what
        if self._found > self._size:
            self._disk.truncate(BLOG, self._size)


def _common(one: bytes, other: bytes) -> int:
    """How many bytes both begin with."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
