"""The newest messages between real nodes, for the running log. They are kept as bytes and decoded on request."""

from __future__ import annotations

from collections import deque
from contextlib import suppress
from itertools import islice

import msgspec

from simulator.cluster.events import ClusterEvent
from simulator.cluster.message_text import ROUTINE, sent_line
from simulator.worlds.processes.framed_pipe import split
from simulator.worlds.processes.wire import decode_message

KEPT = 400
_ROUTINE_TAGS = frozenset(kind.__struct_config__.tag for kind in ROUTINE)
_TAG = 1  # A message is an array whose first element is its tag, a small number: the second byte.


class MessageLog:
    """Keeps messages while `open` is true. Routine messages are skipped: they would fill it."""

    def __init__(self) -> None:
        self.open = False
        self._kept: deque[tuple[int, int, tuple[int, ...], bytes]] = deque(maxlen=KEPT)

    def look(self, at_ms: int, source: int, targets: tuple[int, ...], body: bytes) -> None:
        """Keep the messages of one frame."""
        for message in split(body):
            if len(message) > _TAG and message[_TAG] not in _ROUTINE_TAGS:
                self._kept.append((at_ms, source, targets, message))

    def newest(self, last: int) -> list[ClusterEvent]:
        """The newest `last` messages as lines of the running log, oldest first."""
        kept = islice(self._kept, max(0, len(self._kept) - last), None)
        lines = []
        for at_ms, source, to, message in kept:
            with suppress(msgspec.DecodeError):  # A broken node may send anything.
                lines.append(sent_line(at_ms, source, to, decode_message(message)))
        return lines
