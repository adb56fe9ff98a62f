"""The chain of this node as `paxos/chain_proof.py` asks for it: hashes of blocks, and digests of values.

A few blocks are read from the chain file when a node has started, or a peer has. A block is named by its hash, a value
by the SHA-256 of the T that it makes.
"""

from __future__ import annotations

from hashlib import sha256

from paxos.ballot import Slot
from paxos.messages import Value
from simulator.node.codec import operations_text
from simulator.node.storage.storage import Storage


class StoredChain:
    """The blocks that `storage` holds. Each method may raise what `Storage.read_blocks` raises."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage

    @property
    def height(self) -> Slot:
        """How many blocks are written."""
        return self._storage.height

    def block(self, slot: Slot) -> str:
        """The hash of a block; "" if there is none."""
        blocks = self._storage.read_blocks(slot, slot)
        return blocks[0].hash if blocks else ""

    def value(self, slot: Slot) -> str:
        """The digest of the value in a block; "" if there is none."""
        blocks = self._storage.read_blocks(slot, slot)
        return _digest(blocks[0].operations_text) if blocks else ""

    def digest(self, value: Value) -> str:
        """The digest of a value."""
        return _digest(operations_text(value))


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
