"""What the engine remembers of visited states, to know them again.

A fingerprint of 64 bits stands in a table of open addresses, 11 to 16 bytes a state; while the table grows there are
two. A model whose fingerprints are no whole numbers has them in a set, as they are.

The two loops over the table are compiled where they can be (`_table.c`), unless PAXSIM_PURE is set. Those in Python are
the reference.
"""

from __future__ import annotations

from array import array
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Protocol, cast

from simulator.worlds.exhaustive.number_log import NumberLog

__all__ = ["EMPTY", "FORM", "Fingerprints", "KnownStates", "Visited", "absent", "insert", "move"]

EMPTY = -0x61C8864680B583EB
"""Stands in a free place of a table. A fingerprint of this value is taken for the next one."""
LOAD, GROWTH = 0.7, 1.4
"""The share of a table's places that is used at most, and how much larger the next table is."""
FIRST_PLACES = 1 << 12


class Visited(Protocol):
    """Either kind. The keys are also known by their number, in the order in which they came."""

    def add_all(self, keys: Iterable[Hashable]) -> list[int]:
        """Add what is new. The places of the new ones among `keys`, in order; of equal ones the first."""

    def key_at(self, number: int) -> Hashable:
        """The key of this number."""

    def settle(self) -> None:
        """Write what need not be in memory, if it is much."""

    def __len__(self) -> int: ...


class KnownStates:
    """Whatever can be hashed, as it is."""

    def __init__(self) -> None:
        self._known: set[Hashable] = set()
        self._keys: list[Hashable] = []

    def __len__(self) -> int:
        return len(self._keys)

    def key_at(self, number: int) -> Hashable:
        """See `Visited`."""
        return self._keys[number]

    def settle(self) -> None:
        """Nothing is written."""

    def add_all(self, keys: Iterable[Hashable]) -> list[int]:
        """See `Visited`."""
        known, new = self._known, []
        for place, key in enumerate(keys):
            if key not in known:
                known.add(key)
                self._keys.append(key)
                new.append(place)
        return new


class Fingerprints:
    """Whole numbers from -2**63 to 2**63 - 1, as `hash` gives them."""

    def __init__(self, path: Path | None = None) -> None:
        self.log = NumberLog(path)
        self._table = array("q", [EMPTY]) * FIRST_PLACES

    def __len__(self) -> int:
        return len(self.log)

    def key_at(self, number: int) -> int:
        """See `Visited`."""
        return self.log[number]

    def settle(self) -> None:
        """See `Visited`."""
        self.log.settle()

    def take_up(self, count: int, checksum: int) -> None:
        """Go on with the fingerprints of before. Errors as of `AppendedFile.take_up`."""
        self._grow(count)
        for part in self.log.take_up(count, checksum):
            insert(self._table, part)

    @property
    def bytes_used(self) -> int:
        """The size of the table."""
        return len(self._table) * self._table.itemsize

    def add_all(self, keys: Iterable[Hashable]) -> list[int]:
        """See `Visited`.

        Raises:
            TypeError: a key is no whole number.
            OverflowError: it has more than 64 bits.
        """
        packed = keys if isinstance(keys, array) else array("q", cast("Iterable[int]", keys))
        if len(self.log) + len(packed) > LOAD * len(self._table):
            self._grow(len(self.log) + len(packed))
        new = insert(self._table, packed)
        self.log.latest.extend(packed[place] for place in new)
        return new

    def absent(self, keys: array[int]) -> list[int]:
        """The places of those that are not there."""
        return absent(self._table, keys)

    def _grow(self, wanted: int) -> None:
        places = len(self._table)
        while places * LOAD < wanted:
            places = int(places * GROWTH) + 1
        larger = array("q", [EMPTY]) * places
        move(self._table, larger)
        self._table = larger


def insert_in_python(table: array[int], keys: array[int], /) -> list[int]:
    """Put each key that is not there into the table, which has room. The places of these among `keys`."""
    return _look_up(table, keys, put=True)


def absent_in_python(table: array[int], keys: array[int], /) -> list[int]:
    """The places among `keys` of those that are not in the table."""
    return _look_up(table, keys, put=False)


def _look_up(table: array[int], keys: array[int], *, put: bool) -> list[int]:
    new, places = [], len(table)
    for number, key in enumerate(keys):
        wanted = key if key != EMPTY else EMPTY + 1
        at = wanted % places
        while (there := table[at]) != EMPTY and there != wanted:
            at = at + 1 if at + 1 < places else 0
        if there == EMPTY:
            if put:
                table[at] = wanted
            new.append(number)
    return new


def move_in_python(table: array[int], larger: array[int], /) -> None:
    """Put all that one table holds into an empty one."""
    places = len(larger)
    for key in table:
        if key != EMPTY:
            at = key % places
            while larger[at] != EMPTY:
                at = at + 1 if at + 1 < places else 0
            larger[at] = key


try:
    from simulator.worlds.exhaustive._table import FORM, absent, insert, move
except ImportError:
    FORM, absent, insert, move = "Python", absent_in_python, insert_in_python, move_in_python
