"""Nonces that are searched ahead of the log: those of proposed values, while their votes are on the way."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chain.blockchain import Blockchain, Miner
from paxos.ballot import Slot
from paxos.messages import Value

TRIES_AHEAD = 1 << 16
"""How many hashes one call of `premine` tries at most: about 30 ms."""


class PreminedNonces:
    """A nonce is kept with its H and T, and dropped when another value is decided."""

    def __init__(self, miner: Miner) -> None:
        self._mine = miner
        self._found: dict[str, tuple[str, int, str]] = {}  # By the hash before: T, nonce and hash.
        self._height = 0
        self._tip = ""

    def premine(self, chain: Blockchain, values: Iterable[tuple[Slot, Value]], text_of: Callable[[Value], str]) -> None:
        """Search nonces for proposed slots that follow `chain`, or those searched before."""
        most = TRIES_AHEAD >> 4 * chain.difficulty
        for slot, value in values:
            if self._height <= chain.height or not self._found:
                self._found.clear()
                self._height, self._tip = chain.height, chain.tip
            if slot == self._height + 1 and most > 0:
                most -= 1
                text = text_of(value)
                nonce, digest = self._mine(self._tip, text, chain.difficulty)
                self._found[self._tip] = (text, nonce, digest)
                self._height, self._tip = slot, digest

    def search(self, prev_hash: str, text: str, difficulty: int) -> tuple[int, str]:
        """See `chain.mining.mine`; a nonce that was found ahead costs nothing."""
        found = self._found.pop(prev_hash, None)
        if found is not None and found[0] == text:
            return found[1], found[2]
        self._found.clear()
        return self._mine(prev_hash, text, difficulty)
