"""The tip of a chain: it builds the next block, and checks blocks that come from elsewhere.

Only the tip is kept in memory. The blocks are on disk, so memory does not grow with the log.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chain.block import GENESIS_HASH, Block, hash_of
from chain.mining import mine, passes

Miner = Callable[[str, str, int], tuple[int, str]]
"""`mining.mine`, or the same function with a cache: (H, T, difficulty) to (nonce, hash)."""


class ChainError(Exception):
    """A block that is not the next one of this chain. `height` is the block's; `what` says what is wrong."""

    def __init__(self, height: int, what: str) -> None:
        super().__init__(f"block {height}: {what}")
        self.height = height
        self.what = what


class Blockchain:
    """The tip of a chain of `height` blocks, of which `tip` is the last hash. Starts empty or at a verified tip."""

    __slots__ = ("_mine", "_zeros", "difficulty", "height", "tip")

    def __init__(self, difficulty: int, *, height: int = 0, tip: str = GENESIS_HASH, miner: Miner = mine) -> None:
        self.difficulty = difficulty
        self.height = height
        self.tip = tip
        self._zeros = "0" * difficulty
        self._mine = miner

    def extend(self, text: str, nonce_hint: int | None = None) -> Block:
        """Build the next block on T = `text` and move the tip to it.

        A hint that passes costs one hash; a missing or wrong hint costs a search. This method cannot check that a hint
        is the smallest nonce, so only the leader that mined the block may send one.
        """
        previous = self.tip
        nonce, digest = nonce_hint, ""
        if nonce is not None and nonce >= 0:
            digest = hash_of(previous, text, nonce)
        if nonce is None or not digest or not digest.startswith(self._zeros):
            nonce, digest = self._mine(previous, text, self.difficulty)
        self.height += 1
        self.tip = digest
        return Block(self.height, previous, text, nonce, digest)

    def check(self, block: Block) -> None:
        """Check that `block` is the next one. The tip does not move.

        Raises:
            ChainError: its height, link, hash or nonce is wrong; the first of these is named.
        """
        if block.height != self.height + 1:
            raise ChainError(block.height, f"height {self.height + 1} comes next here, so this block is out of place")
        if block.prev_hash != self.tip:
            raise ChainError(
                block.height, f"its H is {_short(block.prev_hash)}, but the block before it has hash {_short(self.tip)}"
            )
        if block.nonce < 0:
            raise ChainError(block.height, f"its nonce {block.nonce} is below 0")
        digest = hash_of(block.prev_hash, block.operations_text, block.nonce)
        if block.hash != digest:
            raise ChainError(
                block.height, f"its hash is written as {_short(block.hash)}, but SHA256(H + T + N) is {_short(digest)}"
            )
        if not passes(digest, self.difficulty):
            raise ChainError(
                block.height,
                f"its nonce {block.nonce} does not pass: at difficulty {self.difficulty} a hash begins with "
                f"{self._zeros}, and this one is {_short(digest)}",
            )

    def append(self, block: Block) -> None:
        """Check `block` and move the tip to it.

        Raises:
            ChainError: as `check`; the tip has not moved.
        """
        self.check(block)
        self.height = block.height
        self.tip = block.hash


def verify_blocks(blocks: Iterable[Block], difficulty: int) -> Blockchain:
    """Check a chain from its first block on, and return its tip.

    Raises:
        ChainError: the first block that is wrong, and how.
    """
    chain = Blockchain(difficulty)
    for block in blocks:
        chain.append(block)
    return chain


def _short(digest: str) -> str:
    """A hash, shortened for people. A wrong one may be any text, so it is quoted and cut."""
    return f"{digest[:12]}…" if len(digest) == 64 and digest.isalnum() else repr(digest[:80])
