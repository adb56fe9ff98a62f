"""The chain: its hashes, the smallest nonce, and errors that name height and fault."""

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
    """The block with some fields replaced and no hash recomputed."""
    parts = {name: getattr(block, name) for name in block.__struct_fields__}
    return Block(**{**parts, **fields})


def test_a_hash_is_sha256_of_three_texts() -> None:
    """H, T and N are concatenated as UTF-8, so that sha256sum can check a block."""
    digest = hashlib.sha256((GENESIS_HASH + '["é"]' + "42").encode()).hexdigest()

    assert hash_of(GENESIS_HASH, '["é"]', 42) == digest


@given(st.text(st.characters(codec="utf-8"), max_size=80), st.integers(0, 2))
def test_the_nonce_is_the_smallest_that_passes(text: str, difficulty: int) -> None:
    """No smaller nonce passes, so all nodes build the same block."""
    nonce, digest = mine(GENESIS_HASH, text, difficulty)

    assert digest == hash_of(GENESIS_HASH, text, nonce)
    assert [n for n in range(nonce + 1) if hash_of(GENESIS_HASH, text, n).startswith("0" * difficulty)] == [nonce]


def test_the_search_goes_on_past_the_nonces_prepared() -> None:
    """At difficulty 4 the nonce is beyond the prepared digits; the search must continue there."""
    nonce, digest = mine(GENESIS_HASH, "[]", 4)

    assert nonce > 4096
    assert digest == hash_of(GENESIS_HASH, "[]", nonce)
    assert digest.startswith("0000")


def test_difficulty_counts_hex_digits() -> None:
    """An odd difficulty ends within a byte; at difficulty 0 every hash passes."""
    assert passes("00f" + "a" * 61, 2)
    assert not passes("00f" + "a" * 61, 3)
    assert mine(GENESIS_HASH, "[]", 0)[0] == 0
    assert mine(GENESIS_HASH, "[]", 3)[1].startswith("000")
    with pytest.raises(ValueError, match="difficulty of 65"):
        mine(GENESIS_HASH, "[]", 65)


def test_blocks_point_at_their_predecessors() -> None:
    """The first block points at 64 zeros, each other one at the previous hash; heights count from 1."""
    blocks = built(TEXTS)

    assert [block.height for block in blocks] == [1, 2, 3, 4]
    assert [block.prev_hash for block in blocks] == [GENESIS_HASH, *(block.hash for block in blocks[:-1])]
    assert blocks[0].hash != blocks[3].hash


def test_a_good_hint_is_used_and_a_bad_one_replaced() -> None:
    """A right hint saves the search; a missing, wrong or impossible one does not change the block."""
    expected = built(["[]"])[0]

    for hint in (None, expected.nonce, expected.nonce + 1, -1):
        assert Blockchain(2).extend("[]", hint) == expected


def test_a_chain_verifies_from_its_first_block() -> None:
    """The check ends at the tip of the chain that built the blocks."""
    blocks = built(TEXTS)

    chain = verify_blocks(blocks, 2)

    assert (chain.height, chain.tip) == (4, blocks[-1].hash)


def test_a_chain_goes_on_from_a_verified_tip() -> None:
    """A chain started from height and hash builds the same next blocks."""
    blocks = built(TEXTS)

    resumed = Blockchain(2, height=2, tip=blocks[1].hash)

    assert [resumed.extend(text) for text in TEXTS[2:]] == blocks[2:]


def test_a_cache_may_replace_the_search() -> None:
    """The search is a pure function, so five nodes in one process can share its results."""
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
    """The error has the height, the fault and the two values that differ; the tip does not move."""
    blocks = built(TEXTS)
    chain = verify_blocks(blocks[:2], 2)

    with pytest.raises(ChainError) as error:
        chain.append(changed(blocks[2], **fields))

    assert str(error.value).startswith(what)
    assert chain.height == 2


def test_a_nonce_that_does_not_pass_is_no_proof() -> None:
    """The hash is right but has too few zeros."""
    nonce = next(n for n in range(1000) if not hash_of(GENESIS_HASH, "[]", n).startswith("00"))
    block = Block(1, GENESIS_HASH, "[]", nonce, hash_of(GENESIS_HASH, "[]", nonce))

    with pytest.raises(ChainError, match=f"block 1: its nonce {nonce} does not pass"):
        verify_blocks([block], 2)
