"""The newest messages between real nodes, for the running log. They are kept as bytes and decoded on request."""

from __future__ import annotations

from contextlib import suppress
from typing import NamedTuple

import msgspec

from simulator.cluster.events import ClusterEvent, Fate
from simulator.cluster.message_text import ROUTINE, sent_line
from simulator.cluster.newest import Newest
from simulator.worlds.processes.framed_pipe import split
from simulator.worlds.processes.wire import decode_message

KEPT = 4_000
_ROUTINE_TAGS = frozenset(kind.__struct_config__.tag for kind in ROUTINE)
_TAG = 1  # A message is an array whose first element is its tag, a small number: the second byte.


class Logged(NamedTuple):
    """A message as it was sent."""

    at_ms: int
    source: int
    to: tuple[int, ...]
    message: bytes
    fates: tuple[Fate, ...]


class MessageLog:
    """Keeps messages while `open` is true. Routine messages are skipped: they would fill it."""

    def __init__(self) -> None:
        self.open = False
        self.kept: Newest[Logged] = Newest(KEPT)

    def look(self, at_ms: int, source: int, to: tuple[int, ...], body: bytes, fates: tuple[Fate, ...]) -> None:
        """Keep the messages of one frame."""
        for message in split(body):
            self.look_at_one(at_ms, source, to, message, fates)

    def look_at_one(
        self, at_ms: int, source: int, to: tuple[int, ...], message: bytes, fates: tuple[Fate, ...]
    ) -> None:
        """Keep one message."""
        if len(message) > _TAG and message[_TAG] not in _ROUTINE_TAGS:
            self.kept.append(Logged(at_ms, source, to, message, fates))


def lines_of(kept: list[Logged]) -> list[ClusterEvent]:
    """These messages as lines of the running log."""
    lines = []
    for at_ms, source, to, message, fates in kept:
        with suppress(msgspec.DecodeError):  # A broken node may send anything.
            lines.append(sent_line(at_ms, source, to, decode_message(message), fates))
    return lines
