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
from paxos.rules import rule
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
        self.damage: FileDamage | None = None

    @rule("16")
    def load(self, each: EachRun) -> None:
        """Check the file from its first line, pass every T to `each`, and cut off a torn last line.

        It stops at the first line that does not hold, or of which `each` raises `MalformedText` for the T. Then
        `damage` names that line, `height`, `tip` and `size` end before it, and the file is as it was found (see `cut`).

        Raises:
            OSError: the disk fails.
        """
        if not self._disk.exists(CHAIN):
            return
        run = _Run(each)
        tip, torn = GENESIS_HASH.encode(), False
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
                torn = not line.endswith(b"\n") and _begins(line, height, tip)
                if not torn:
                    self.damage = self._damage(line, height, tip.decode())
                break
            if height % STRIDE == 1:
                self._offsets.append(run.end)
            run.add(text, len(line), digest)
            tip = digest
            if run.full and not run.hand_on():
                break
        run.hand_on()
        self.height, self.tip, self.size = run.height, run.tip.decode(), run.end
        if run.damage is not None:
            self.damage = run.damage
            del self._offsets[(self.height + STRIDE - 1) // STRIDE :]
        if torn and self.damage is None:
            self.cut()

    def cut(self) -> None:
        """End the file after the blocks that hold, durably.

        Raises:
            OSError: the disk fails.
        """
        self._disk.truncate(CHAIN, self.size)
        self._disk.sync(CHAIN)

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
        if not line.endswith(b"\n"):
            return FileDamage(CHAIN, height, "it has no end, and it is not the beginning of a block")
        try:
            Blockchain(self._difficulty, height=height - 1, tip=tip).check(parse_block(line[:-1]))
        except MalformedText as error:
            return FileDamage(CHAIN, height, f"it is {error}")
        except ChainError as error:
            return FileDamage(CHAIN, height, error.what)
        raise AssertionError("a line that holds was called damaged")


class _Run:
    """Blocks in a row that hold and are not handed on yet. `height`, `tip` and `end` are those of the last good one."""

    def __init__(self, each: EachRun) -> None:
        self.height = 0
        self.tip = GENESIS_HASH.encode()
        self.end = 0
        self.full = False
        self.damage: FileDamage | None = None
        self._each = each
        self._blocks: list[tuple[bytes, int, bytes]] = []  # T, length of the line, hash.
        self._bytes = 0
        self._tip_before = GENESIS_HASH.encode()  # The hash before the first block of the run.

    def add(self, text: bytes, length: int, digest: bytes) -> None:
        self._blocks.append((text, length, digest))
        self.height += 1
        self.tip = digest
        self.end += length
        self._bytes += length
        self.full = self._bytes > RUN_BYTES

    def hand_on(self) -> bool:
        """Hand the Ts on. False: one is no T; the run then ends before it."""
        blocks, self._blocks = self._blocks, []
        first = self.height - len(blocks) + 1
        self._bytes, self.full = 0, False
        try:
            self._give(first, blocks)
        except MalformedText as error:
            self.damage = FileDamage(CHAIN, first + error.index, str(error))
            self._give(first, blocks[: error.index])
            self.height = first + error.index - 1
            self.end -= sum(length for _, length, _ in blocks[error.index :])
            self.tip = blocks[error.index - 1][2] if error.index else self._tip_before
            return False
        if blocks:
            self._tip_before = blocks[-1][2]
        return True

    def _give(self, first: int, blocks: list[tuple[bytes, int, bytes]]) -> None:
        if blocks:
            self._each(first, [text for text, _, _ in blocks])


def _begins(line: bytes, height: int, tip: bytes) -> bool:
    """True when a line without an end is the beginning of the next block; a power loss may leave zeros behind it."""
    head = b'{"height":%d,"H":"%b","T":[' % (height, tip)
    text = line.rstrip(b"\0")
    return text.startswith(head) or head.startswith(text)
