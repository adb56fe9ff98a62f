"""The decided writes in chain order, each request once: the witness order for the clients' history."""

from __future__ import annotations

from collections.abc import Iterable

from blog.answers import kind_of
from blog.operations import Operation
from paxos.messages import RequestId
from simulator.node.codec import parse_block, parse_operations

Write = tuple[str, str, str, str]
"""An operation as histories have it: (f, user, title, content)."""


def write_of(operation: Operation) -> Write:
    """The operation as histories have it."""
    return kind_of(operation), operation.username, operation.title, operation.content


class DecidedWrites:
    """The writes of a growing chain of `height` blocks, by request. A repeated request counts where it stands first."""

    def __init__(self) -> None:
        self.height = 0
        self.by_request: dict[RequestId, Write] = {}

    @property
    def writes(self) -> list[Write]:
        """All writes, in chain order."""
        return list(self.by_request.values())

    def read(self, lines: Iterable[str]) -> None:
        """Add the next lines of blockchain.txt."""
        for line in lines:
            self.add(parse_operations(parse_block(line).operations_text))

    def add(self, requests: Iterable[tuple[Operation, str, int]]) -> list[tuple[RequestId, Operation]]:
        """Add the requests of the next block. Returns those that no earlier block holds."""
        self.height += 1
        new: list[tuple[RequestId, Operation]] = []
        for operation, client, seq in requests:
            name = (client, seq)
            if name not in self.by_request:
                self.by_request[name] = write_of(operation)
                new.append((name, operation))
        return new
