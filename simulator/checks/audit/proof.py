"""Compares a chain with the word of its node's own journal, as the node does when it starts.

Up to the highest block whose hash the journal names, the hashes prove the chain. Every later block must be the value
that the node voted for in that slot, with the smallest nonce that passes.
"""

from __future__ import annotations

import re
from hashlib import sha256

from simulator.checks.audit.folder import CHAIN, JOURNAL, Findings
from simulator.checks.audit.journal import Word

_OPENING = re.compile(rb"\{")
_HASH = re.compile(rb'"hash":"([0-9a-f]{64})"\}\Z')
TRIES = 1 << 18
"""How many smaller nonces are tried in one chain."""
NO_VOTE = f"{JOURNAL} holds no vote for it"
OTHER_VOTE = f"its T is not the value that {JOURNAL} holds for it"


class Proof:
    """The word of one journal on one chain."""

    def __init__(self, findings: Findings, word: Word, difficulty: int) -> None:
        self._word = word
        self._zeros = "0" * difficulty
        self._matched: set[int] = set()
        self._proven = 0
        self._lines = 0
        self._tries = TRIES
        if findings.is_file(CHAIN):
            for line in findings.lines(CHAIN, _OPENING):
                self._lines = line.number - line.torn
                named = word.marks.get(line.number)
                match = _HASH.search(line.text) if named and not line.torn else None
                if match is not None and match[1].decode() == named:
                    self._matched.add(line.number)
                    self._proven = line.number

    def fault(self, height: int, before: str, text: bytes, nonce: bytes) -> str:
        """What is wrong with a block that holds by itself and follows the hash `before`; "" if it is proved."""
        if height <= self._proven:
            return ""
        if height in self._word.marks:
            return f"its hash is not the one that {JOURNAL} remembers"
        if not self._word.whole:
            return ""
        if height not in self._word.votes:
            return NO_VOTE
        if self._word.votes[height][1] != text:
            return OTHER_VOTE
        if int(nonce) <= self._tries:
            self._tries -= int(nonce)
            begun = before.encode() + text
            for smaller in range(int(nonce)):
                if sha256(begun + str(smaller).encode()).hexdigest().startswith(self._zeros):
                    return f"nonce {smaller} passes too, and a block has the smallest"
        return ""

    def is_crash(self, fault: str) -> bool:
        """True for what a crash explains: it took the end of what a peer sent."""
        return fault in {NO_VOTE, OTHER_VOTE} and self._lines < max(self._word.marks, default=0)
