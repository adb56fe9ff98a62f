"""A block and its hash: `hash = SHA256(H || T || N)`, concatenated as UTF-8 text.

H is the previous block's hash in hex (64 zeros for the first). T is the text of the operations, the same bytes as in
the file. N is the nonce in decimal. So `printf '%s%s%s' H T N | sha256sum` checks a block.
"""

from __future__ import annotations

from hashlib import sha256

import msgspec

GENESIS_HASH = "0" * 64
"""The previous hash of the first block."""


class Block(msgspec.Struct, frozen=True, gc=False):
    """One decided slot on the chain. It holds only what was agreed, so it is the same on every node.

    `height` counts from 1; `prev_hash` (H) and `hash` are 64 lower-case hex digits; `operations_text` is T; `nonce` is
    N. `blockchain` checks blocks.
    """

    height: int
    prev_hash: str
    operations_text: str
    nonce: int
    hash: str


def hash_of(prev_hash: str, text: str, nonce: int) -> str:
    """The SHA-256 of H, T and N in hex. T must not hold lone surrogates, which UTF-8 cannot encode."""
    return sha256(f"{prev_hash}{text}{nonce}".encode()).hexdigest()
