"""How many blocks one catch-up reply holds."""

from __future__ import annotations

from collections.abc import Callable

from paxos.ballot import Slot

REPLY_BYTES = 1 << 18
"""A reply ends with the block that takes it beyond this size, in characters."""
LINES_AT_ONCE = 64
"""How many lines are read from the chain file at once."""


def lines_for_reply(read: Callable[[Slot, Slot], list[str]], first: Slot, last: Slot) -> tuple[str, ...]:
    """The lines of blocks `first` to `last`, as many as fit one reply. `read` returns a range, both ends included."""
    lines: list[str] = []
    size = 0
    while size < REPLY_BYTES and first + len(lines) <= last:
        begin = first + len(lines)
        for line in read(begin, min(last, begin + LINES_AT_ONCE - 1)):
            lines.append(line)
            size += len(line)
            if size >= REPLY_BYTES:
                break
    return tuple(lines)
