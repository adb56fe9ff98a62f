"""The proof of work: the smallest nonce whose hash begins with `difficulty` zeros in hex.

It must be the smallest, so that every node finds the same nonce for the same block. H and T are hashed once. Each try
copies that state, adds the nonce's digits and compares with a bound; difficulty 2 needs 256 tries on average.

A try takes some 400 ns in Python, and some 50 ns in `_nonce.c`, which is the same search compiled. It is used where it
was built, unless the variable PAXSIM_PURE is set. The one in Python is the reference.
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
    if not 0 <= difficulty <= MAX_DIFFICULTY:
        raise ValueError(f"a difficulty of {difficulty} is not 0 to {MAX_DIFFICULTY} zeros")
    return search((prev_hash + text).encode(), difficulty)


def passes(block_hash: str, difficulty: int) -> bool:
    """True when the hex digest begins with `difficulty` zeros."""
    return block_hash.startswith("0" * difficulty)


def search_in_python(hashed: bytes, zeros: int, first: int = 0, /) -> tuple[int, str]:
    """The smallest nonce from `first` on that passes behind the text `hashed`, and its hash in hex."""
    bound = _bound(zeros)
    copy = sha256(hashed).copy
    for nonce, digits in enumerate(_decimals(first), first):
        state = copy()
        state.update(digits)
        if state.digest() < bound:
            return nonce, state.hexdigest()
    raise AssertionError("nonces never end")


def _decimals(first: int) -> Iterator[bytes]:
    return joined(_DIGITS[first:], (b"%d" % nonce for nonce in count(max(first, _REMEMBERED))))


def _bound(difficulty: int) -> bytes:
    """The lowest digest that does not pass. Bytes compare like the big-endian numbers that they encode."""
    if difficulty == 0:
        return b"\xff" * 33  # One byte longer than a digest, so that it is above the highest one.
    return (1 << (256 - 4 * difficulty)).to_bytes(32, "big")


try:
    from chain import _nonce
except ImportError:
    FORM, search = "Python", search_in_python
else:
    FORM, search = _nonce.FORM, _nonce.search
