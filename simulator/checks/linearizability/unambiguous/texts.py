"""Texts by key, put and appended to, whose pieces are distinct: each read names the writes that it shows, in order.

The operations between two puts that are seen belong to one *epoch*: the put, the appends that a read of it shows, and
its reads. The longest read orders the appends. Epochs exclude each other as the values of a register do, so each has a
zone (see `zones.py`), and inside a zone its operations take effect in the order that the reads show. A write that no
read shows needs one moment outside all zones that must not be interrupted: at such a moment the next read belongs to an
epoch that has not begun.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, field

from simulator.checks.linearizability.operations import PENDING, Operations
from simulator.checks.linearizability.unambiguous.append_list import between
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict
from simulator.checks.linearizability.unambiguous.sequence import sequence_conflict
from simulator.checks.linearizability.unambiguous.zones import FIRST, Zone, zone_conflict, zone_of


def decide_texts(table: Operations, numbers: Sequence[int], first: str) -> Conflict | None:
    """None if the operations `numbers` of one key, whose text was `first`, are linearizable.

    The cost is n log n in the operations, and linear in the texts that reads show beyond earlier ones.

    Raises:
        Ambiguous: the pieces of a text that was read cannot be told apart.
    """
    pieces = Pieces(table, numbers, first)
    epochs: dict[int, _Epoch] = {}
    for number in numbers:
        if table.f[number] != "get":
            continue
        writes = pieces.parse(table.result[number][1] or "")
        if writes is None:
            return Conflict("{0} read what no order of the writes can give", (number,))
        epoch = epochs.setdefault(writes[0], _Epoch())
        if not epoch.add(writes, number):
            return Conflict("{0} and {1} show the same appends in different orders", (number, epoch.longest))
    zones: list[Zone] = []
    seen: set[int] = set()
    for put, epoch in epochs.items():
        steps = epoch.steps(put)
        conflict = sequence_conflict(table, steps) or epoch.repeated(seen)
        if conflict is not None:
            return conflict
        seen.update(epoch.order)
        zones.append(zone_of(table, steps, from_start=put == FIRST))
    zones.extend(
        Zone(table.ret[number], table.call[number], number, number)
        for number in numbers
        if table.f[number] != "get" and number not in seen and table.ret[number] != PENDING
    )
    return zone_conflict(zones)


@dataclass(slots=True)
class _Epoch:
    """The writes that its longest read shows, the put first, and (count of appends, read) for each read."""

    order: tuple[int, ...] = ()
    longest: int = -1
    reads: list[tuple[int, int]] = field(default_factory=list)

    def add(self, writes: tuple[int, ...], number: int) -> bool:
        """False when the read shows other appends than the longest one."""
        self.reads.append((len(writes) - 1, number))
        if len(writes) > len(self.order):
            if self.order != writes[: len(self.order)]:
                return False
            self.order, self.longest = writes, number
            return True
        return writes is self.order or writes == self.order[: len(writes)]

    def steps(self, put: int) -> list[int]:
        """All its operations in order."""
        return [*([] if put == FIRST else [put]), *between(self.order[1:], sorted(self.reads))]

    def repeated(self, seen: set[int]) -> Conflict | None:
        """An append that this and another epoch show, or that this one shows twice."""
        appends = self.order[1:]
        if len(set(appends)) == len(appends) and seen.isdisjoint(appends):
            return None
        twice = next(one for one in appends if one in seen or appends.count(one) > 1)
        return Conflict("{0} shows what {1} appended, which another text or place shows too", (self.longest, twice))


class Pieces:
    """The texts that were put and appended, and how a text that was read is made of them."""

    def __init__(self, table: Operations, numbers: Sequence[int], first: str) -> None:
        self._first = first
        self._puts: dict[str, int] = {}
        self._appends: dict[str, int] = {}
        self._repeated: set[str] = set()
        for number in numbers:
            if table.f[number] != "get":
                self._add(table.f[number], table.arg[number][1], number)
        self._lengths = sorted({len(piece) for piece in self._appends})
        self._put_lengths = sorted({len(piece) for piece in self._puts})
        self._known: dict[str, tuple[int, ...] | None] = {}
        self._last: tuple[str, tuple[int, ...]] | None = None

    def _add(self, f: str, piece: str, number: int) -> None:
        mine, others = (self._puts, self._appends) if f == "put" else (self._appends, self._puts)
        if piece in mine or piece in others or piece == self._first:
            self._repeated.add(piece)
        mine[piece] = number

    def parse(self, text: str) -> tuple[int, ...] | None:
        """The put (or `FIRST`) and the appends that make up a text; None if no writes do.

        Raises:
            Ambiguous: more than one series of writes may.
        """
        if text not in self._known:
            writes = self._parse(text)
            self._known[text] = writes
            if writes is not None:
                self._last = text, writes
        return self._known[text]

    def _parse(self, text: str) -> tuple[int, ...] | None:
        lengths = self._put_lengths[: bisect_right(self._put_lengths, len(text))]
        starts = [(length, self._puts[text[:length]]) for length in lengths if text[:length] in self._puts]
        if text.startswith(self._first):
            starts.append((len(self._first), FIRST))
        if len(starts) == 1 and self._last is not None and text.startswith(self._last[0]) and self._last[0]:
            known, writes = self._last
            rest = self._parse_appends(text, len(known))
            return None if rest is None else (*writes, *rest)
        found: list[tuple[int, ...]] = []
        for length, put in starts:
            rest = self._parse_appends(text, length)
            if rest is not None:
                found.append((put, *rest))
                if text[:length] in self._repeated:
                    raise Ambiguous
        if len(found) > 1:
            raise Ambiguous
        return found[0] if found else None

    def _parse_appends(self, text: str, at: int) -> list[int] | None:
        appends, lengths = self._appends, self._lengths
        found: list[int] = []
        while at < len(text):
            left = len(text) - at
            fits = [length for length in lengths if 0 < length <= left and text[at : at + length] in appends]
            if len(fits) > 1 or "" in appends:
                raise Ambiguous
            if not fits:
                return None
            piece = text[at : at + fits[0]]
            if piece in self._repeated:
                raise Ambiguous
            found.append(appends[piece])
            at += fits[0]
        return found
