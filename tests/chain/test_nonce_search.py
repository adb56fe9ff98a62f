"""The search for the nonce in its two forms: the compiled one finds what the one in Python finds, byte for byte.

Where the extension was not built both names mean the search in Python. `.ci/run` tests both forms, and
`python -m tests.chain.sanitised` runs this folder on a build that watches memory and undefined behaviour.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain import mining
from chain.mining import search, search_in_python

HOUSE = Path(__file__).parent.parent.parent
COMPILED = list((HOUSE / "chain").glob("_nonce.*.so"))


@given(st.text(st.characters(codec="utf-8")), st.integers(0, 3))
def test_both_forms_find_the_same_nonce(text: str, zeros: int) -> None:
    """Any text, any script, difficulties that end within a byte and that do not."""
    hashed = text.encode()

    assert search(hashed, zeros) == search_in_python(hashed, zeros)


@given(st.binary(max_size=200), st.sampled_from([1, 2, 9, 10, 19]), st.integers(0, 40))
def test_both_forms_go_on_where_a_nonce_gets_one_more_digit(hashed: bytes, digits: int, before: int) -> None:
    """One more digit moves the padding, and may need a second block of SHA-256."""
    first = max(0, min(10**digits - before, 2**63 - 1))

    assert search(hashed, 2, first) == search_in_python(hashed, 2, first)


@pytest.mark.parametrize("length", range(130))
def test_both_forms_pad_alike(length: int) -> None:
    """Each length up to two blocks, at nonces of one to four digits: the padding fits in a block, or just does not."""
    for first in (0, 9, 98, 997):
        for zeros in (0, 1, 2):
            assert search(b"x" * length, zeros, first) == search_in_python(b"x" * length, zeros, first)


def test_a_very_long_text_is_hashed_once() -> None:
    """A block of thousands of operations; its length in bits takes more than one byte of the padding's eight."""
    hashed = "Ω".encode() * 3_000_001

    nonce, digest = search(hashed, 2)

    assert (nonce, digest) == search_in_python(hashed, 2)
    assert digest == hashlib.sha256(hashed + b"%d" % nonce).hexdigest()


def test_a_long_search_is_found_in_many_turns() -> None:
    """More than the 65,536 tries of a turn: signals are looked at in between, and no nonce is left out."""
    nonce, digest = search(b"turn 5", 4)

    assert nonce > 2 << 16
    assert (nonce, digest) == search_in_python(b"turn 5", 4)


@pytest.mark.parametrize("difficulty", [-1, 65, 1 << 40])
def test_both_forms_refuse_a_difficulty_that_no_hash_has(difficulty: int) -> None:
    """The sentence is the same, because it is said before either searches."""
    with pytest.raises(ValueError, match=f"a difficulty of {difficulty} is not 0 to 64 zeros"):
        mining.mine("0" * 64, "[]", difficulty)


def test_both_forms_refuse_a_lone_surrogate() -> None:
    """UTF-8 cannot encode it."""
    with pytest.raises(UnicodeEncodeError):
        mining.mine("0" * 64, "\ud800", 1)


@pytest.mark.parametrize(
    "arguments", [(), (b"x",), ("x", 1), (b"x", -1), (b"x", 65), (b"x", 1, -1), (b"x", 1 << 70), (b"x", 1, 1 << 70)]
)
def test_a_wrong_call_is_an_error(arguments: tuple[object, ...]) -> None:
    """The compiled search refuses what it cannot take; it never reads beyond it."""
    if mining.FORM != "Python":
        with pytest.raises((TypeError, ValueError, OverflowError)):
            search(*arguments)  # type: ignore[arg-type]


def test_ctrl_c_ends_a_search() -> None:
    """A search of a difficulty that nothing reaches ends with KeyboardInterrupt, in either form."""
    program = (
        "import _thread, threading, chain.mining\n"
        "threading.Timer(0.2, _thread.interrupt_main).start()\n"
        "chain.mining.search(b'x', 64)"
    )
    for pure in ("", "1"):
        done = subprocess.run(
            [sys.executable, "-c", program],
            cwd=HOUSE,
            env={**os.environ, "PAXSIM_PURE": pure},
            capture_output=True,
            text=True,
            check=False,
        )

        assert "KeyboardInterrupt" in done.stderr


def test_threads_search_beside_each_other() -> None:
    """The interpreter's lock is released meanwhile, so that the lab draws while a block is mined. Nothing is shared."""
    texts = [b"%d" % number for number in range(20)]

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda text: search(text, 3), texts))

    assert found == [search_in_python(text, 3) for text in texts]


@pytest.mark.parametrize("pure", ["", "0", "1", "yes"])
def test_the_variable_chooses_the_form(pure: str) -> None:
    """PAXSIM_PURE=1 ignores the extension at run time, too; without it, it is used where it was built."""
    done = subprocess.run(
        [sys.executable, "-c", "from chain.mining import FORM; print(FORM)"],
        cwd=HOUSE,
        env={**os.environ, "PAXSIM_PURE": pure},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.startswith("C" if COMPILED and pure in {"", "0"} else "Python")


@pytest.mark.parametrize("text", ["", "[]", '[{"op":"POST","title":"é"}]'])
def test_the_nonce_is_known_from_elsewhere(text: str) -> None:
    """The forms are not compared with each other alone: hashlib and a plain loop find the nonce, too."""
    hashed = text.encode()
    expected = next(
        nonce for nonce in range(1 << 20) if hashlib.sha256(hashed + b"%d" % nonce).hexdigest().startswith("000")
    )

    assert search(hashed, 3)[0] == search_in_python(hashed, 3)[0] == expected
