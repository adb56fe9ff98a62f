"""The blocks of a start on their way from the file to the blog: those that are proved, in runs.

A block below a hash that the journal names is proved only when that hash is reached without a break. Until then it is
held back, because nothing can take back what the blog has applied.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable

from chain.block import GENESIS_HASH
from simulator.node.codec import MalformedText
from simulator.node.storage.proof import Proof

STRIDE = 16
"""Blocks between two index entries: reading one block reads at most this many lines."""
MILESTONE = 1024
HASHES_KEPT = 8
"""How many of the newest blocks' hashes are kept for the node's status."""

EachRun = Callable[[int, list[bytes]], None]
"""Called for each run of blocks, in order, with the height of the first one and the Ts of all."""
RUN_BYTES = 1 << 18
"""A run ends with the block that takes it beyond this size."""

_Block = tuple[bytes, bytes, int, bytes]
"""T, the digits of the nonce, the length of the line, the hash."""


class ChainRun:
    """`height`, `tip` and `size` are those of the last block handed on.

    `newest` are the hashes of the last blocks, the tip being the last.
    `damage` is the line at which the chain ends early, and why; `milestones` are the hashes of some blocks by height.
    """

    def __init__(self, each: EachRun, proof: Proof, offsets: array[int]) -> None:
        self.height = 0
        self.tip = GENESIS_HASH.encode()
        self.size = 0
        self.damage: tuple[int, str] | None = None
        self.milestones: dict[int, str] = {}
        self.newest: deque[str] = deque(maxlen=HASHES_KEPT)
        self._each = each
        self._proof = proof
        self._offsets = offsets
        self._seen = 0
        self._seen_tip = self.tip
        self._held: list[_Block] = []
        self._sure: list[_Block] = []
        self._bytes = 0

    def add(self, text: bytes, digits: bytes, length: int, digest: bytes) -> bool:
        """Add the next block, which holds by itself. False: the run has ended."""
        proof = self._proof
        block = (text, digits, length, digest)
        height = self._seen + 1
        if height > proof.proven:
            fault = proof.fault(height, self._seen_tip, text, digits)
            if fault:
                self.damage = (height, fault)
                return False
            self._sure.append(block)
        else:
            self._held.append(block)
            if height in proof.matched:
                self._sure += self._held
                self._held.clear()
        self._seen, self._seen_tip = height, digest
        self._bytes += length
        return self._bytes <= RUN_BYTES or self._held != [] or self._hand_on()

    def end(self) -> None:
        """End the chain here. Blocks held back are kept as far as this node's votes prove them."""
        if self._hand_on():
            height, tip = self.height, self.tip
            for text, digits, length, digest in self._held:
                height += 1
                if self._proof.fault(height, tip, text, digits):
                    break
                self._sure.append((text, digits, length, digest))
                tip = digest
            self._hand_on()

    def _hand_on(self) -> bool:
        blocks, self._sure, self._bytes = self._sure, [], 0
        first = self.height + 1
        texts = [text for text, _, _, _ in blocks]
        try:
            self._give(first, texts)
        except MalformedText as error:
            self.damage = (first + error.index, str(error))
            del blocks[error.index :]
            self._give(first, texts[: error.index])
        for height, (_, _, length, digest) in enumerate(blocks, first):
            if height % STRIDE == 1:
                self._offsets.append(self.size)
            self.size += length
            self.tip = digest
            if height % MILESTONE == 0:
                self.milestones[height] = digest.decode()
        self.height += len(blocks)
        self.newest.extend([digest.decode() for _, _, _, digest in blocks[-HASHES_KEPT:]])
        return self.damage is None

    def _give(self, first: int, texts: list[bytes]) -> None:
        if texts:
            self._each(first, texts)
