"""The chain: hashes that anyone can recompute, the smallest nonce, and a judge that names height and fault."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.block import GENESIS_HASH, Block, hash_of
from chain.blockchain import Blockchain, ChainError, verify_blocks
from chain.mining import mine, passes

TEXTS = ["[]", '[{"op":"POST","username":"ada","title":"é","content":"日本"}]', "", "[]"]


def built(texts: list[str], difficulty: int = 2) -> list[Block]:
    """The blocks of a chain on these texts."""
    chain = Blockchain(difficulty)
    return [chain.extend(text) for text in texts]


def changed(block: Block, **fields: object) -> Block:
    """The block with some fields replaced, and nothing recomputed."""
    parts = {name: getattr(block, name) for name in block.__struct_fields__}
    return Block(**{**parts, **fields})


def test_a_hash_is_sha256_of_three_texts() -> None:
    """H, T and N are concatenated as UTF-8, so that sha256sum alone can check a block."""
    digest = hashlib.sha256((GENESIS_HASH + '["é"]' + "42").encode()).hexdigest()

    assert hash_of(GENESIS_HASH, '["é"]', 42) == digest


@given(st.text(st.characters(codec="utf-8"), max_size=80), st.integers(0, 2))
def test_the_nonce_is_the_smallest_that_passes(text: str, difficulty: int) -> None:
    """No smaller one does, so all nodes build the same block."""
    nonce, digest = mine(GENESIS_HASH, text, difficulty)

    assert digest == hash_of(GENESIS_HASH, text, nonce)
    assert [n for n in range(nonce + 1) if hash_of(GENESIS_HASH, text, n).startswith("0" * difficulty)] == [nonce]


def test_the_search_goes_on_past_the_nonces_prepared() -> None:
    """At difficulty 4 the nonce is beyond the digits kept ready; the search must not end or repeat there."""
    nonce, digest = mine(GENESIS_HASH, "[]", 4)

    assert nonce > 4096
    assert digest == hash_of(GENESIS_HASH, "[]", nonce)
    assert digest.startswith("0000")


def test_difficulty_counts_hex_digits() -> None:
    """Odd difficulties end in the middle of a byte; 0 lets everything pass."""
    assert passes("00f" + "a" * 61, 2)
    assert not passes("00f" + "a" * 61, 3)
    assert mine(GENESIS_HASH, "[]", 0)[0] == 0
    assert mine(GENESIS_HASH, "[]", 3)[1].startswith("000")
    with pytest.raises(ValueError, match="difficulty of 65"):
        mine(GENESIS_HASH, "[]", 65)


def test_blocks_point_at_their_predecessors() -> None:
    """The first points at 64 zeros, each next one at the hash before it; heights count from 1."""
    blocks = built(TEXTS)

    assert [block.height for block in blocks] == [1, 2, 3, 4]
    assert [block.prev_hash for block in blocks] == [GENESIS_HASH, *(block.hash for block in blocks[:-1])]
    assert blocks[0].hash != blocks[3].hash


def test_a_good_hint_is_taken_and_a_bad_one_mended() -> None:
    """A hint saves the search; a missing, wrong or impossible one costs it and changes nothing."""
    expected = built(["[]"])[0]

    for hint in (None, expected.nonce, expected.nonce + 1, -1):
        assert Blockchain(2).extend("[]", hint) == expected


def test_a_chain_verifies_from_its_first_block() -> None:
    """And the judge ends where the builder did."""
    blocks = built(TEXTS)

    chain = verify_blocks(blocks, 2)

    assert (chain.height, chain.tip) == (4, blocks[-1].hash)


def test_a_chain_goes_on_from_a_verified_tip() -> None:
    """A restart keeps height and hash; the blocks that follow are the same."""
    blocks = built(TEXTS)

    resumed = Blockchain(2, height=2, tip=blocks[1].hash)

    assert [resumed.extend(text) for text in TEXTS[2:]] == blocks[2:]


def test_a_memory_of_mined_blocks_may_stand_in_for_the_search() -> None:
    """The search is a pure function: five nodes in one process need not run it five times."""
    asked: list[str] = []

    def remembered(prev_hash: str, text: str, difficulty: int) -> tuple[int, str]:
        asked.append(text)
        return mine(prev_hash, text, difficulty)

    assert Blockchain(2, miner=remembered).extend("[]") == built(["[]"])[0]
    assert asked == ["[]"]


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"height": 5}, "block 5: height 3 comes next here"),
        ({"prev_hash": "f" * 64}, "block 3: its H is ffffffffffff…, but the block before it has hash"),
        ({"prev_hash": "junk"}, "block 3: its H is 'junk', but"),
        ({"nonce": -1}, "block 3: its nonce -1 is below 0"),
        ({"hash": "0" * 64}, "block 3: its hash is written as 000000000000…, but SHA256"),
        ({"operations_text": "[1]"}, "block 3: its hash is written as"),
    ],
)
def test_a_block_that_does_not_fit_is_named_with_its_fault(fields: dict[str, object], what: str) -> None:
    """The height, what is wrong, and the two values that should have agreed; the tip stays."""
    blocks = built(TEXTS)
    chain = verify_blocks(blocks[:2], 2)

    with pytest.raises(ChainError) as error:
        chain.append(changed(blocks[2], **fields))

    assert str(error.value).startswith(what)
    assert chain.height == 2


def test_a_nonce_that_does_not_pass_is_no_proof() -> None:
    """The hash may be right and still have too few zeros."""
    nonce = next(n for n in range(1000) if not hash_of(GENESIS_HASH, "[]", n).startswith("00"))
    block = Block(1, GENESIS_HASH, "[]", nonce, hash_of(GENESIS_HASH, "[]", nonce))

    with pytest.raises(ChainError, match=f"block 1: its nonce {nonce} does not pass"):
        verify_blocks([block], 2)
