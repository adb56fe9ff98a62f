"""The order in which writes were decided, read from the lines of a chain: the witness for what clients saw."""

from __future__ import annotations

from collections.abc import Iterable

from blog.operations import Post
from simulator.node.codec import parse_block, parse_operations


class DecidedWrites:
    """Every write of a growing chain, each request once. `height` blocks are read."""

    def __init__(self) -> None:
        self.height = 0
        self.writes: list[tuple[str, str, str, str]] = []
        self._names: set[tuple[str, int]] = set()

    def read(self, lines: Iterable[str]) -> None:
        """Read on: lines of blockchain.txt that follow those read before."""
        for line in lines:
            self.height += 1
            for operation, client, seq in parse_operations(parse_block(line).operations_text):
                if (client, seq) not in self._names:
                    self._names.add((client, seq))
                    f = "post" if isinstance(operation, Post) else "comment"
                    self.writes.append((f, operation.username, operation.title, operation.content))
