"""One file of a simulated disk: its bytes, and which of them a loss of power leaves."""

from __future__ import annotations

from random import Random

_MARK_EVERY = 256
"""Every so many lines the offset of a line is kept, so that lines far down are found quickly."""
_LONGEST_ZEROS = 600


class SimulatedFile:
    """The bytes of a file, of which the first `synced` are durable.

    Invariant: after a loss of power the file begins with `data[:synced]`, except for the `doomed` ranges. `removed`
    holds durable bytes that an unsynced `truncate` removed at `synced`: a loss of power may restore them.
    """

    __slots__ = ("data", "doomed", "listed", "marks", "removed", "synced")

    def __init__(self, data: bytes = b"", *, listed: bool = False) -> None:
        self.data = bytearray(data)
        self.synced = len(data)
        self.removed = b""
        self.doomed: list[tuple[int, int]] = []
        self.listed = listed  # Its directory entry is durable.
        self.marks = [0]  # The offsets of lines 1, 257, 513, …

    def lines(self, first: int, last: int) -> list[str]:
        """Lines `first` to `last`, counted from 1, cut to the complete lines."""
        first = max(first, 1)
        mark = min((first - 1) // _MARK_EVERY, len(self.marks) - 1)
        at, number = self.marks[mark], mark * _MARK_EVERY
        found: list[str] = []
        while number < last and (end := self.data.find(b"\n", at)) >= 0:
            number += 1
            if number >= first:
                found.append(self.data[at:end].decode("utf-8", "replace"))
            at = end + 1
            if number % _MARK_EVERY == 0 and number // _MARK_EVERY == len(self.marks):
                self.marks.append(at)
        return found

    def truncate(self, size: int) -> None:
        """Cut to `size` bytes; durable only after the next sync."""
        if size < self.synced:
            self.removed = bytes(self.data[size : self.synced]) + self.removed
            self.synced = size
        del self.data[size:]
        self.marks = [0]

    def lose_power(self, dice: Random) -> None:
        """Keep, lose or tear what was not synced, as `dice` decides."""
        if self.removed and dice.random() < 0.5:
            self.data[self.synced :] = self.removed
        elif len(self.data) > self.synced:
            self._tear(dice)
        for begin, end in self.doomed:
            if end >= len(self.data):
                del self.data[begin:]
            else:
                self.data[begin:end] = bytes(end - begin)
        self.synced = len(self.data)
        self.removed = b""
        self.doomed.clear()
        self.marks = [0]

    def _tear(self, dice: Random) -> None:
        fate = dice.random()
        if fate < 0.3:
            del self.data[self.synced :]
        elif fate < 0.9:
            if fate >= 0.6:
                del self.data[dice.randint(self.synced, len(self.data)) :]
            if fate >= 0.8:  # The length may be durable before the bytes are.
                self.data += bytes(dice.randint(1, _LONGEST_ZEROS))

    def unappend(self, size: int) -> None:
        """Undo appends: the file has `size` bytes again."""
        del self.data[size:]
        self.marks = [0]

    def unsync(self, synced: int, removed: bytes, listed: bool) -> None:
        """Undo a sync: what it made durable is no longer so."""
        self.synced = min(synced, self.synced)
        self.removed = removed
        self.listed = listed
