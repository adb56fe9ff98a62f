"""The messages of a trace by number, for the lines that name them. The newest are in memory, the others in a file.

A copy of a message may arrive at any time, so none can be forgotten. In memory an older one takes eight bytes.
"""

from __future__ import annotations

import tempfile
from array import array
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

import msgspec

from paxos.messages import AnyMessage

NEWEST = 20_000
"""How many messages are in memory."""
_FARTHEST = 1_000_000
"""A number so far above the others would make the index large: such a message stays in memory."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder[AnyMessage](AnyMessage).decode


class MessageStore:
    """Messages by number. `file` gets those that are not among the newest, each after its length."""

    def __init__(self, file: IO[bytes], newest: int = NEWEST) -> None:
        self._file = file
        self._most = newest
        self._newest: OrderedDict[int, AnyMessage] = OrderedDict()
        self._strays: dict[int, AnyMessage] = {}
        self._places = array("q")  # By number: where the message begins in the file, and 1; 0: nowhere.
        self._end = 0

    def put(self, number: int, message: AnyMessage) -> None:
        """Keep a message; it takes the place of an earlier one with its number.

        Raises:
            OSError: the file cannot be written.
        """
        self._newest.pop(number, None)
        self._newest[number] = message
        if len(self._newest) > self._most:
            self._store(*self._newest.popitem(last=False))

    def get(self, number: int) -> AnyMessage | None:
        """The message of this number, if there is one.

        Raises:
            OSError: the file cannot be read.
        """
        found = self._newest.get(number) or self._strays.get(number)
        if found is not None:
            return found
        place = self._places[number] - 1 if 0 <= number < len(self._places) else -1
        if place < 0:
            return None
        self._file.seek(place)
        length = int.from_bytes(self._file.read(4), "little")
        message: AnyMessage = _decode(self._file.read(length))
        return message

    def _store(self, number: int, message: AnyMessage) -> None:
        if not 0 <= number < len(self._places) + _FARTHEST:
            self._strays[number] = message
            return
        if number >= len(self._places):
            self._places.frombytes(bytes(8 * (number + 1 - len(self._places))))
        data = _encode(message)
        self._file.seek(self._end)
        self._file.write(len(data).to_bytes(4, "little") + data)
        self._places[number] = self._end + 1
        self._end += 4 + len(data)
        self._strays.pop(number, None)


@contextmanager
def opened_store() -> Iterator[MessageStore]:
    """A store over an unnamed temporary file.

    Raises:
        OSError: there is no place for it.
    """
    with tempfile.TemporaryFile(prefix="paxsim-trace-") as file:
        yield MessageStore(file)
