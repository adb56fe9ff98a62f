"""A block and its hash: `hash = SHA256(H || T || N)`, the three concatenated as UTF-8 text.

H is the previous block's hash in hex (64 zeros for the first), T the operations' text exactly as it stands in the file,
N the nonce in decimal; so `printf '%s%s%s' H T N | sha256sum` checks a block.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

GENESIS_HASH = "0" * 64
"""What the first block points at."""


class Block(msgspec.Struct, frozen=True, gc=False):
    """One decided slot as it stands on the chain. It holds only what was agreed, so it is the same on every node.

    `height` counts from 1; `prev_hash` (H) and `hash` are 64 lower-case hex digits; `operations_text` is T; `nonce` is
    N. Nothing is checked here: see `blockchain`.
    """

    height: int
    prev_hash: str
    operations_text: str
    nonce: int
    hash: str


def hash_of(prev_hash: str, text: str, nonce: int) -> str:
    """The SHA-256 of the three as UTF-8, in hex. T must be text that UTF-8 can hold (no lone surrogates)."""
    return sha256(f"{prev_hash}{text}{nonce}".encode()).hexdigest()
