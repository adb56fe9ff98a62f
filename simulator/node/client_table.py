"""The client table: the outcome of every request ever applied, so that a retry is recognised (rule 14)."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from enum import Enum
from typing import Any

from blog.blog import Outcome
from paxos.ballot import Slot
from paxos.rules import rule

_LARGEST = (1 << 64) - 1


class _Answered:
    """One client's outcomes: two columns sorted by seq, and a dict for requests applied out of order."""

    __slots__ = ("codes", "last", "late", "seqs")

    def __init__(self) -> None:
        self.last = -1
        self.seqs = array("Q")
        self.codes = array("Q")
        self.late: dict[int, int] = {}


class ClientTable:
    """The outcome and the slot of every request ever applied, in 16 bytes a request.

    A client numbers its requests upwards, and nearly all are applied in that order, so one comparison recognises a new
    one. `outcomes` are all that the state machine has, four at most, the usual one first.
    """

    def __init__(self, outcomes: Sequence[Enum] = tuple(Outcome)) -> None:
        self.outcomes = outcomes
        self._by_client: dict[str, _Answered] = {}

    @rule("14")
    def claim(self, client: str, seq: int, slot: Slot) -> bool:
        """Note that the request is applied in `slot` with outcome OK.

        False for a retry, which was applied before and gets the first outcome.
        """
        known = self._by_client.get(client)
        if known is None:
            known = self._by_client[client] = _Answered()
        if known.last < seq <= _LARGEST:
            known.last = seq
            known.seqs.append(seq)
            known.codes.append(slot << 2)
            return True
        if self._code(client, seq):
            return False
        known.late[seq] = slot << 2
        return True

    def amend(self, client: str, seq: int, outcome: Enum) -> None:
        """Set another outcome than OK for the request claimed last from this client."""
        known = self._by_client[client]
        if known.last == seq:
            known.codes[-1] |= self.outcomes.index(outcome)
        else:
            known.late[seq] |= self.outcomes.index(outcome)

    def slot_of(self, client: str, seq: int) -> Slot:
        """The slot in which the request was applied; 0 when it was not."""
        known = self._by_client.get(client)
        if known is None or (seq > known.last and not known.late):
            return 0  # The usual case: a new request.
        return self._code(client, seq) >> 2

    def get(self, client: str, seq: int) -> tuple[Any, Slot] | None:
        """The outcome of a request and the slot in which it was applied; None when it was not."""
        code = self._code(client, seq)
        return (self.outcomes[code & 3], code >> 2) if code else None

    def _code(self, client: str, seq: int) -> int:
        known = self._by_client.get(client)
        if known is None:
            return 0
        if seq <= known.last:
            at = bisect_left(known.seqs, seq)
            if known.seqs[at] == seq:
                return known.codes[at]
        return known.late.get(seq, 0) if known.late else 0
