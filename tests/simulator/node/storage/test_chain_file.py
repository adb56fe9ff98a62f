"""blockchain.txt: a start checks every line, and any range can be read back."""

from __future__ import annotations

import hashlib
import json
import re

import pytest

from chain.block import Block
from chain.blockchain import Blockchain
from simulator.errors import StorageDamage
from simulator.node.codec import operations_text, parse_all
from simulator.node.storage import chain_run
from simulator.node.storage.chain_file import CHAIN, ChainFile
from simulator.node.storage.chain_run import RUN_BYTES, STRIDE
from tests.simulator.node.storage.builder import DIFFICULTY, BareNode, busy_batches, request
from tests.simulator.node.storage.crash_disk import CrashDisk


def blocks_of(count: int) -> list[Block]:
    """A chain of `count` blocks with one post each."""
    chain = Blockchain(0)
    return [chain.extend(operations_text([request(number)])) for number in range(1, count + 1)]


def written(blocks: list[Block], difficulty: int = 0) -> tuple[CrashDisk, ChainFile]:
    """A disk with these blocks, and the file that wrote them."""
    disk = CrashDisk()
    file = ChainFile(disk, difficulty)
    file.append(blocks)
    return disk, file


def reloaded(disk: CrashDisk, difficulty: int = 0) -> ChainFile:
    """The chain as a restart loads it."""
    file = ChainFile(disk, difficulty)
    file.load(lambda _height, _texts: None)
    return file


def busy() -> CrashDisk:
    """A short chain with all kinds of operations."""
    chain = Blockchain(DIFFICULTY)
    return written([chain.extend(operations_text(batch)) for batch in busy_batches()], DIFFICULTY)[0]


def test_a_line_has_the_documented_form() -> None:
    """Keys in order; the hash is the SHA-256 of H, the bytes of T in the file, and N."""
    disk = busy()
    previous = "0" * 64
    for height, line in enumerate(disk.files[CHAIN].decode().splitlines(), 1):
        block = json.loads(line)
        text = line[line.index('"T":') + 4 : line.rindex(',"N":')]

        assert list(block) == ["height", "H", "T", "N", "hash"]
        assert (block["height"], block["H"]) == (height, previous)
        assert text == json.dumps(block["T"], ensure_ascii=False, separators=(",", ":"))
        assert block["hash"] == hashlib.sha256(f"{previous}{text}{block['N']}".encode()).hexdigest()
        assert block["hash"].startswith("0" * DIFFICULTY)
        previous = block["hash"]


@pytest.mark.parametrize("size", [0, 200, RUN_BYTES])
def test_every_t_is_passed_on_unchanged(size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each T arrives in order and with its height, in runs of any size."""
    monkeypatch.setattr(chain_run, "RUN_BYTES", size)
    seen: list[tuple[int, bytes]] = []
    ChainFile(busy(), DIFFICULTY).load(lambda first, texts: seen.extend(enumerate(texts, first)))

    assert seen == [(n, operations_text(batch).encode()) for n, batch in enumerate(busy_batches(), 1)]


def test_a_t_that_cannot_be_applied_is_named() -> None:
    """The error names its block, at any place in a run."""
    chain = Blockchain(DIFFICULTY)
    disk, _ = written([chain.extend(text) for text in ("[]", "[]", "[7]", "[]", "7")], DIFFICULTY)

    file = ChainFile(disk, DIFFICULTY)
    seen: list[bytes] = []

    def each(_first: int, texts: list[bytes]) -> None:
        parse_all(texts)
        seen.extend(texts)

    file.load(each)

    assert str(file.damage).startswith("blockchain.txt, line 3: its T is no list of operations")
    assert seen == [b"[]", b"[]"]
    assert (file.height, file.tip) == (2, file.read_blocks(2, 2)[0].hash)
    file.cut()
    assert disk.files[CHAIN].count(b"\n") == 2


@pytest.mark.parametrize("reload", [False, True])
def test_any_range_is_read_back(reload: bool) -> None:
    """Ranges may cross entries of the index and reach beyond both ends."""
    blocks = blocks_of(3 * STRIDE + 5)
    disk, file = written(blocks[:100])
    file.append(blocks[100:])
    if reload:
        file = reloaded(disk)
    ends = [-1, 0, 1, 2, STRIDE - 1, STRIDE, STRIDE + 1, 2 * STRIDE, 3 * STRIDE, 3 * STRIDE + 1, 3 * STRIDE + 5, 999]

    for first in ends:
        for last in ends:
            assert file.read_blocks(first, last) == [b for b in blocks if first <= b.height <= last], (first, last)
    assert file.size == len(disk.files[CHAIN])


def test_appending_goes_on_after_a_restart() -> None:
    """The index continues too."""
    blocks = blocks_of(200)
    disk, _ = written(blocks[:64])

    file = reloaded(disk)
    file.append(blocks[64:])

    assert file.read_blocks(1, 200) == blocks
    assert reloaded(disk).tip == blocks[-1].hash


def test_a_torn_last_line_is_cut_wherever_it_stops() -> None:
    """The blocks before it stay, and the file ends after them."""
    whole = busy().files[CHAIN]
    start = whole[:-1].rindex(b"\n") + 1
    for end in range(start + 1, len(whole)):
        disk = CrashDisk()
        disk.files[CHAIN] = whole[:end]

        file = reloaded(disk, DIFFICULTY)

        assert file.height == 4
        assert disk.files[CHAIN] == whole[:start]
        assert disk.safe[CHAIN] == start


def test_no_changed_byte_goes_unnoticed() -> None:
    """A flipped bit in any byte raises an error with its line. Without its last newline a file is torn."""
    whole = busy().files[CHAIN]
    for place in range(len(whole) - 1):
        disk = CrashDisk()
        damaged = bytearray(whole)
        damaged[place] ^= 1
        disk.files[CHAIN] = bytes(damaged)
        line = whole.count(b"\n", 0, place) + 1

        damage = str(reloaded(disk, DIFFICULTY).damage)

        found = re.match(r"blockchain\.txt, line (\d+): .*\.$", damage, re.DOTALL)
        assert found
        assert int(found[1]) == line


def _altered(height: int, old: bytes, new: bytes) -> CrashDisk:
    disk = busy()
    lines = disk.files[CHAIN].split(b"\n")
    assert old in lines[height - 1]
    lines[height - 1] = lines[height - 1].replace(old, new, 1)
    disk.files[CHAIN] = b"\n".join(lines)
    return disk


@pytest.mark.parametrize(
    ("height", "old", "new", "what"),
    [
        (3, b'"height":3', b'"height":4', "line 3: height 3 comes next here"),
        (2, b'"H":"', b'"H":"f', "line 2: it is no block"),
        (2, b"Hello", b"Howdy", r"line 2: its hash is written as \w{12}…, but SHA256\(H \+ T \+ N\) is \w{12}…"),
        (3, b'"T":[]', b'"T":[ ]', "line 3: its hash is written as"),
        (3, b'"T":[]', b'"T": []', "line 3: it is a block, but not written as this program writes it"),
        (1, b"{", b"junk", "line 1: it is no block"),
        (1, b"{", b"\xff\x00\r{", "line 1: it is no block"),
    ],
)
def test_damage_is_named_with_its_line_and_fault(height: int, old: bytes, new: bytes, what: str) -> None:
    """The sentence has the found and the expected value."""
    disk = _altered(height, old, new)
    found = disk.files[CHAIN]

    file = reloaded(disk, DIFFICULTY)

    assert re.search(what, str(file.damage))
    assert (file.height, disk.files[CHAIN]) == (height - 1, found)


def test_lines_that_changed_places_are_noticed() -> None:
    """Each line is valid alone, but the links are not."""
    disk = busy()
    lines = disk.files[CHAIN].splitlines(keepends=True)
    disk.files[CHAIN] = b"".join([lines[0], lines[2], lines[1], *lines[3:]])

    assert "line 2: height 2 comes next here" in str(reloaded(disk, DIFFICULTY).damage)


def test_a_chain_of_a_lower_difficulty_is_refused() -> None:
    """The hash is right but has too few zeros; the sentence names the difficulty."""
    disk, _ = written(blocks_of(3))

    damage = str(reloaded(disk, 2).damage)

    assert "line 1: its nonce 0 does not pass: at difficulty 2 a hash begins with 00" in damage


def test_a_valid_block_without_operations_is_refused() -> None:
    """Hash and nonce are right, but T is no list of operations."""
    disk = CrashDisk()
    block = Blockchain(0).extend('[{"op":"DANCE"}]')
    BareNode(disk, 0).storage.append_blocks([block], b"", fetched=True)

    recovered = BareNode(disk, 0).recovered

    assert "line 1: its T is no list of operations" in recovered.damaged[0]
    assert recovered.height == 0


def test_a_file_changed_while_running_is_noticed_when_read() -> None:
    """A peer that catches up never gets another block than it asked for."""
    disk, file = written(blocks_of(70))
    lines = disk.files[CHAIN].splitlines(keepends=True)
    disk.files[CHAIN] = b"".join([*lines[:65], lines[66], lines[65], *lines[67:]])

    with pytest.raises(StorageDamage, match="line 66: the file has changed since it was read"):
        file.read_blocks(66, 67)
    for at in (10, 40, 100, 160, 240):  # A letter of each part of the block.
        disk.files[CHAIN] = b"".join([*lines[:65], lines[65][:at] + b"~" + lines[65][at + 1 :], *lines[66:]])
        with pytest.raises(StorageDamage, match="line 66: the file has changed since it was read"):
            file.read_lines(65, 67)
    disk.files[CHAIN] = disk.files[CHAIN][:500]
    with pytest.raises(StorageDamage, match="line 66: the file has changed since it was read"):
        file.read_lines(66, 67)
