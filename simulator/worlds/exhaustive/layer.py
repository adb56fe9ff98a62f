"""The states of one depth, in order: those of the present and of the next one are all that the engine has as a whole.

Many states go to a file, a part at a time, when they are plain tuples of whole numbers; others stay in memory.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable
from pathlib import Path
from typing import Generic, TypeVar, cast

import msgspec

from simulator.errors import InputError
from simulator.worlds.exhaustive.model_errors import Reconsidered
from simulator.worlds.exhaustive.number_log import AppendedFile

S = TypeVar("S", bound=Hashable)

PART = 1 << 14
"""How many states are written and read together."""
IN_MEMORY = 1 << 17
"""How many states of a layer stay in memory, if it need not be kept."""
SIZE = 4
"""The bytes that tell how long a part is in the file."""

_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(list[tuple[int, ...]]).decode


class NotPlain(Reconsidered):
    """A state is no plain tuple of whole numbers."""


class Layer(Generic[S]):
    """`latest` is appended to directly; `settle` is called now and then. With a path every state is kept there."""

    def __init__(self, path: Path | None = None, *, in_memory: int = IN_MEMORY) -> None:
        self.latest: list[S] = []
        self.file = AppendedFile(path)
        self._in_memory = 0 if path is not None else in_memory
        self._parts: list[list[S] | tuple[int, int]] = []  # A part itself, or its place and size in the file.
        self._starts: list[int] = []
        self._settled = 0
        self._opened: tuple[int, list[S]] = (-1, [])

    def __len__(self) -> int:
        return self._settled + len(self.latest)

    def settle(self, most: int = PART) -> None:
        """Make a part of the latest states, if they are more than `most`.

        Raises:
            NotPlain: they must be kept in a file, and cannot.
            OSError: the file cannot be written. Nothing is lost.
        """
        if len(self.latest) <= most:
            return
        part: list[S] | tuple[int, int] = self.latest
        if self._settled >= self._in_memory:
            try:
                part = self._written(self.latest)
            except NotPlain:
                if self.file.path is not None:
                    raise
        self._parts.append(part)
        self._starts.append(self._settled)
        self._settled += len(self.latest)
        self.latest = []

    def take(self, begin: int, most: int, done: int) -> list[S]:
        """States from the place `begin` on, at most so many. Those before `done` are no longer kept in memory."""
        self.settle(0)
        found: list[S] = []
        while len(found) < most and begin + len(found) < self._settled:
            place = begin + len(found)
            number = bisect_right(self._starts, place) - 1
            if number != self._opened[0]:
                self._open(number, done)
            first = place - self._starts[number]
            found += self._opened[1][first : first + most - len(found)]
        return found

    def _open(self, number: int, done: int) -> None:
        for before in range(max(0, self._opened[0]), number):
            if self._starts[before + 1] <= done:
                self._parts[before] = []
        part = self._parts[number]
        self._opened = number, part if isinstance(part, list) else self._read(*part)

    def take_up(self, size: int, checksum: int, count: int) -> None:
        """Go on with the states that the file holds. Errors as of `AppendedFile.take_up`."""
        for _ in self.file.take_up(size, checksum):
            pass
        at = 0
        while at < size:
            length = int.from_bytes(self.file.read(at, SIZE), "little")
            self._parts.append((at, SIZE + length))
            self._starts.append(self._settled)
            self._settled += len(self._read(at, SIZE + length))
            at += SIZE + length
        if self._settled != count:
            raise InputError(f"{str(self.file.path)!r} is damaged: it holds {self._settled} states, and not {count}.")

    def _written(self, states: list[S]) -> tuple[int, int]:
        try:
            raw = _encode(states)
            if {*map(type, states)} != {tuple} or _decode(raw) != states:
                raise NotPlain
        except (TypeError, OverflowError, ValueError, msgspec.MsgspecError):
            raise NotPlain from None
        return self.file.append(len(raw).to_bytes(SIZE, "little") + raw), SIZE + len(raw)

    def _read(self, at: int, size: int) -> list[S]:
        try:
            return cast("list[S]", _decode(self.file.read(at + SIZE, size - SIZE)))
        except msgspec.MsgspecError:
            raise InputError(f"{str(self.file.path)!r} is damaged: there are no states in it.") from None
