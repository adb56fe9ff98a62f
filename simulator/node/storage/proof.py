"""What proves a chain at a start: the journal names hashes of blocks and holds this node's votes (rule 16).

A chain whose hashes were all computed anew looks sound alone. It is believed up to the highest block whose hash the
journal names. Every later block must be what this node voted for: the same T, and the smallest nonce that passes.
Blocks that came from a peer without a vote are named in the journal before they are written.
"""

from __future__ import annotations

from collections.abc import Mapping

from chain.mining import search
from paxos.ballot import Slot
from paxos.messages import Acceptance
from simulator.node.codec import operations_text
from simulator.node.storage.disk import Disk
from simulator.node.storage.line_reader import lines_of

MOST_TRIES = 1 << 18
"""How many smaller nonces one start tries at most: some 0.2 s. Beyond, a nonce is believed."""
HASH_AT = -67
"""Where the hash stands in a line of blockchain.txt, from its end."""
NO_VOTE = "paxos.txt holds no vote for it"
OTHER_VOTE = "its T is not the value that paxos.txt holds for it"


class Proof:
    """The word of one journal on one chain: `matched` are the blocks with the hash that it names, `proven` the last.

    A journal with damage proves nothing by what it lacks (`whole`).
    """

    def __init__(
        self, marks: Mapping[Slot, str], votes: Mapping[Slot, Acceptance], difficulty: int, *, whole: bool
    ) -> None:
        self.matched: set[Slot] = set()
        self.proven = 0
        self._last_mark = max(marks, default=0)
        self._ends = max(self._last_mark, max(votes, default=0))
        self._lines = 0
        self._marks = marks
        self._votes = votes
        self._whole = whole
        self._difficulty = difficulty
        self._tries = MOST_TRIES

    def compare(self, disk: Disk, file: str) -> None:
        """Find `matched`. The hashes themselves are checked by whoever reads the chain."""
        if self._last_mark and disk.exists(file):
            for height, line in enumerate(lines_of(disk, file), 1):
                self._lines = height if line.endswith(b"\n") else height - 1
                if height in self._marks and self._marks[height] == line[HASH_AT:-3].decode("ascii", "replace"):
                    self.matched.add(height)
                    self.proven = height

    def fault(self, height: Slot, tip: bytes, text: bytes, digits: bytes) -> str:
        """What is wrong with a block above `proven` that follows `tip`, or ""."""
        if height in self._marks and height not in self.matched:
            return "its hash is not the one that paxos.txt remembers"
        if not self._whole:
            return ""
        vote = self._votes.get(height)
        if vote is None:
            return NO_VOTE
        if operations_text(vote.value).encode() != text:
            return OTHER_VOTE
        nonce = int(digits)
        if nonce > self._tries:
            return ""
        self._tries -= nonce
        smallest, _ = search(tip + text, self._difficulty)  # It ends at this nonce, which passes.
        if smallest != nonce:
            return f"nonce {smallest} passes too, and a block has the smallest"
        return ""

    def is_crash(self, what: str) -> bool:
        """True for a fault that a crash explains: it took the end of what a peer sent, up to a block named before."""
        return what in {NO_VOTE, OTHER_VOTE} and self._lines < self._last_mark

    def knows(self, height: Slot) -> bool:
        """False when the journal ends before this slot: it was shortened, or the block was added."""
        return height <= self._ends or not self._whole


class _NoProof(Proof):
    """Believes every block: of a journal that names no hashes."""

    def fault(self, height: Slot, tip: bytes, text: bytes, digits: bytes) -> str:
        """See `Proof`."""
        return ""

    def is_crash(self, what: str) -> bool:
        """True for a fault that a crash explains: it took the end of what a peer sent, up to a block named before."""
        return what in {NO_VOTE, OTHER_VOTE} and self._lines < self._last_mark

    def knows(self, height: Slot) -> bool:
        """See `Proof`."""
        return True


NO_PROOF: Proof = _NoProof({}, {}, 0, whole=False)
