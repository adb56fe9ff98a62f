"""blockchain.txt: one decided block per line, in order. A sparse index finds a block, so memory hardly grows.

A start reads the file once and checks every height, link, hash and nonce. Lines of this program have one shape, so
their parts are cut out by position and hashed without decoding. A line of another shape is decoded strictly, to name
what is wrong with it.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from hashlib import sha256

from chain.block import GENESIS_HASH, Block
from chain.blockchain import Blockchain, ChainError
from simulator.node.codec import MalformedText, block_line, parse_block
from simulator.node.storage.disk import Disk
from simulator.node.storage.errors import FileDamage
from simulator.node.storage.line_reader import lines_of

CHAIN = "blockchain.txt"
STRIDE = 64
"""Blocks between two index entries: reading one block reads at most this many lines."""

_SHAPE = b'{"height":%d,"H":"%b","T":%b,"N":%b,"hash":"%b"}\n'
_HEAD = len(b'{"height":,"H":"","T":') + 64  # Without the height's digits.
_MIDDLE = b',"N":'
_TAIL = len(b',"hash":""}\n') + 64
_ZERO = ord("0")

EachRun = Callable[[int, list[bytes]], None]
"""Called for each run of blocks, in order, with the height of the first one and the Ts of all."""
RUN_BYTES = 1 << 18
"""A run ends with the block that takes it beyond this size."""


class ChainFile:
    """The file on one disk: it has `height` blocks and `size` bytes, synced or not, and ends with hash `tip`."""

    def __init__(self, disk: Disk, difficulty: int) -> None:
        self._disk = disk
        self._difficulty = difficulty
        self._offsets = array("Q")  # Where blocks 1, 65, 129, … begin.
        self._unsafe = True  # Blocks of an earlier incarnation may never have been synced.
        self.height = 0
        self.tip = GENESIS_HASH
        self.size = 0

    def load(self, each: EachRun) -> None:
        """Check the file from its first line, pass every T to `each`, and cut off a torn last line.

        Raises:
            FileDamage: a line does not hold, or `each` raises `MalformedText` for a T.
            OSError: the disk fails.
        """
        if not self._disk.exists(CHAIN):
            return
        done, offset, begun, tip = 0, 0, 0, GENESIS_HASH.encode()
        texts: list[bytes] = []
        zeros = b"0" * self._difficulty
        head, longer = _HEAD + 1, 10  # Where T begins, and the height from which on it is one digit further.
        for height, line in enumerate(lines_of(self._disk, CHAIN), 1):
            if height == longer:
                head, longer = head + 1, 10 * longer
            middle = line.rfind(_MIDDLE, 0, -_TAIL)
            text = line[head:middle]
            digits = line[middle + len(_MIDDLE) : -_TAIL]
            digest = sha256(tip + text + digits).hexdigest().encode()
            if (
                line != _SHAPE % (height, tip, text, digits, digest)
                or not digest.startswith(zeros)
                or not digits.isdigit()
                or (digits[0] == _ZERO and len(digits) > 1)
            ):
                if line.endswith(b"\n"):
                    raise self._damage(line, height, tip.decode())
                self._disk.truncate(CHAIN, offset)
                self._disk.sync(CHAIN)
                break
            if height % STRIDE == 1:
                self._offsets.append(offset)
            texts.append(text)
            offset += len(line)
            tip = digest
            done = height
            if offset - begun > RUN_BYTES:
                _hand_on(each, height, texts)
                begun, texts = offset, []
        _hand_on(each, done, texts)
        self.height, self.tip, self.size = done, tip.decode(), offset

    def append(self, blocks: Sequence[Block]) -> None:
        """Append blocks in one write. They follow one another and `tip`; the caller ensures it.

        Raises:
            OSError: the disk fails.
        """
        lines = []
        height, size = self.height, self.size
        for block in blocks:
            assert block.height == height + 1, f"block {block.height} cannot follow block {height}"
            line = f"{block_line(block)}\n".encode()
            if height % STRIDE == 0:
                self._offsets.append(size)
            lines.append(line)
            height += 1
            size += len(line)
        if lines:
            self._unsafe = True
            self._disk.append(CHAIN, b"".join(lines))
            self.height, self.tip, self.size = height, blocks[-1].hash, size

    def sync(self) -> None:
        """Return once all blocks are durable.

        Raises:
            OSError: the disk fails.
        """
        if self._unsafe and self.size:
            self._disk.sync(CHAIN)
            self._unsafe = False

    def read_lines(self, first: int, last: int) -> list[str]:
        """The lines of blocks `first` to `last`, both included, as far as they exist, without their newlines.

        Raises:
            FileDamage: the file is no longer what was read or written.
            OSError: the disk fails.
        """
        first, last = max(first, 1), min(last, self.height)
        if first > last:
            return []
        entry, beyond = (first - 1) // STRIDE, (last - 1) // STRIDE + 1
        begin = self._offsets[entry]
        end = self._offsets[beyond] if beyond < len(self._offsets) else self.size
        lines = self._disk.read_at(CHAIN, begin, end - begin).split(b"\n")
        skip = first - 1 - entry * STRIDE
        wanted = lines[skip : skip + last - first + 1]
        try:
            texts = [line.decode() for line in wanted]
        except UnicodeDecodeError:
            texts = []
        if len(texts) != last - first + 1:
            raise FileDamage(CHAIN, first, "the file has changed since it was read")
        return texts

    def read_blocks(self, first: int, last: int) -> list[Block]:
        """The blocks `first` to `last`, both included, as far as they exist.

        Raises:
            FileDamage: a line is no block of that height.
            OSError: the disk fails.
        """
        blocks = []
        first = max(first, 1)
        for height, line in enumerate(self.read_lines(first, last), first):
            try:
                block = parse_block(line)
            except MalformedText as error:
                raise FileDamage(CHAIN, height, f"it is {error}") from None
            if block.height != height:
                raise FileDamage(CHAIN, height, f"it holds block {block.height}")
            blocks.append(block)
        return blocks

    def _damage(self, line: bytes, height: int, tip: str) -> FileDamage:
        """What is wrong with a line, in one sentence."""
        try:
            Blockchain(self._difficulty, height=height - 1, tip=tip).check(parse_block(line[:-1]))
        except MalformedText as error:
            return FileDamage(CHAIN, height, f"it is {error}")
        except ChainError as error:
            return FileDamage(CHAIN, height, error.what)
        raise AssertionError("a line that holds was called damaged")


def _hand_on(each: EachRun, last_height: int, texts: list[bytes]) -> None:
    if texts:
        first = last_height - len(texts) + 1
        try:
            each(first, texts)
        except MalformedText as error:
            raise FileDamage(CHAIN, first + error.index, str(error)) from None
