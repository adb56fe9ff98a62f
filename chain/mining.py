"""The proof of work: the smallest nonce whose hash begins with `difficulty` zeros in hex.

It must be the smallest, so that every node finds the same nonce for the same block. H and T are hashed once. Each try
copies that state, adds the nonce's digits and compares 32 bytes with a bound. A try takes about half a microsecond;
difficulty 2 needs 256 tries on average.
"""

from __future__ import annotations

from collections.abc import Iterator
from hashlib import sha256
from itertools import chain as joined
from itertools import count

MAX_DIFFICULTY = 64
"""The number of hex digits of a hash."""

_REMEMBERED = 4096
_DIGITS = tuple(b"%d" % nonce for nonce in range(_REMEMBERED))


def mine(prev_hash: str, text: str, difficulty: int) -> tuple[int, str]:
    """The smallest nonce that passes, and its hash in hex. Takes 16 ** difficulty tries on average.

    Raises:
        ValueError: the difficulty is not 0 to 64.
    """
    bound = _bound(difficulty)
    copy = sha256((prev_hash + text).encode()).copy
    for nonce, digits in enumerate(_decimals()):
        state = copy()
        state.update(digits)
        if state.digest() < bound:
            return nonce, state.hexdigest()
    raise AssertionError("nonces never end")


def passes(block_hash: str, difficulty: int) -> bool:
    """True when the hex digest begins with `difficulty` zeros."""
    return block_hash.startswith("0" * difficulty)


def _decimals() -> Iterator[bytes]:
    return joined(_DIGITS, (b"%d" % nonce for nonce in count(_REMEMBERED)))


def _bound(difficulty: int) -> bytes:
    """The lowest digest that does not pass. Bytes compare like the big-endian numbers that they encode."""
    if not 0 <= difficulty <= MAX_DIFFICULTY:
        raise ValueError(f"a difficulty of {difficulty} is not 0 to {MAX_DIFFICULTY} zeros")
    if difficulty == 0:
        return b"\xff" * 33  # One byte longer than a digest, so that it is above the highest one.
    return (1 << (256 - 4 * difficulty)).to_bytes(32, "big")
