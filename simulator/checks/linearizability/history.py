"""A history of one's own: made by a `Recorder`, read from a file, or built from events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from os import PathLike
from typing import overload

from simulator.cluster.history import Event, read_recording, write_history
from simulator.errors import InputError


class History(Sequence[Event]):
    """Events in real-time order: calls (`invoke`), and how they ended (`ok`, `fail`, `info`)."""

    def __init__(self, events: Iterable[Event] = ()) -> None:
        self._events = list(events)

    @classmethod
    def load(cls, path: str | PathLike[str]) -> History:
        """Read a file in any format that `paxsim check` reads.

        Raises:
            InputError: it cannot be read, or one of its lines is no event.
        """
        recording = read_recording(str(path))
        if recording.faults:
            line, wrong = recording.faults[0]
            raise InputError(f"{path}, line {line}: {wrong}.")
        return cls(recording.events)

    def save(self, path: str | PathLike[str]) -> None:
        """Write it as JSON lines, gzipped when the name ends in .gz.

        Raises:
            OSError: the file cannot be written.
            TypeError: a value is nothing that JSON can hold.
        """
        write_history(str(path), self._events)

    @overload
    def __getitem__(self, index: int) -> Event: ...
    @overload
    def __getitem__(self, index: slice) -> History: ...
    def __getitem__(self, index: int | slice) -> Event | History:
        """An event, or the history of some of them."""
        return History(self._events[index]) if isinstance(index, slice) else self._events[index]

    def __len__(self) -> int:
        """The number of events."""
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        """The events in order."""
        return iter(self._events)

    def __eq__(self, other: object) -> bool:
        """Histories with equal events are equal."""
        return isinstance(other, History) and self._events == other._events

    __hash__ = None  # type: ignore[assignment]  # As a list.

    def __str__(self) -> str:
        """One line an event: position, process, type, operation, value."""
        rows = [(str(at), str(one.process), one.type, one.f, repr(one.value)) for at, one in enumerate(self, 1)]
        at, process, kind, f = (max((len(row[column]) for row in rows), default=0) for column in range(4))
        return "\n".join(
            f"{row[0]:>{at}}  process {row[1]:<{process}}  {row[2]:<{kind}}  {row[3]:<{f}}  {row[4]}" for row in rows
        )
