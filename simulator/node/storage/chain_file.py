"""blockchain.txt: one decided block per line, in order. A sparse index finds a block, so memory hardly grows.

A start reads the file once and checks every height, link, hash and nonce. Lines of this program have one shape, so
their parts are cut out by position and hashed without decoding. A line of another shape is decoded strictly, to name
what is wrong with it.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256

import msgspec

from chain.block import GENESIS_HASH, Block
from chain.blockchain import Blockchain, ChainError
from paxos.rules import rule
from simulator.node.codec import REMEMBERED, SHORT, MalformedText, block_line, parse_block
from simulator.node.storage.chain_run import STRIDE, ChainRun, EachRun
from simulator.node.storage.disk import Disk
from simulator.node.storage.errors import FileDamage
from simulator.node.storage.line_reader import CHUNK, lines_of
from simulator.node.storage.proof import NO_PROOF, Proof

CHAIN = "blockchain.txt"
MOST_DIGITS = 18
"""No nonce has more digits: it must fit into 64 bits."""
MORE_KEYS = "it has keys behind its hash"
"""What is wrong with a block that another program may have written. It is no damage; the block is fetched anew."""

_SHAPE = b'{"height":%d,"H":"%b","T":%b,"N":%b,"hash":"%b"}\n'
_HEAD = len(b'{"height":,"H":"","T":') + 64  # Without the height's digits.
_MIDDLE = b',"N":'
_TAIL = len(b',"hash":""}\n') + 64
_ZERO = ord("0")
_CHANGED = "the file has changed since it was read"


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
        self.milestones: dict[int, str] = {}
        self.newest: tuple[str, ...] = ()  # The hashes of the last blocks that `load` has found.

    @rule("16")
    def load(self, each: EachRun, proof: Proof | None = None) -> None:
        """Check the file from its first line, pass every T to `each`, and cut off a torn last line.

        It stops at the first line that does not hold, that `proof` does not prove, or of which `each` raises
        `MalformedText` for the T. Then `damage` names that line, `height`, `tip` and `size` end before it, and the file
        is as it was found (see `cut`).

        Raises:
            OSError: the disk fails.
        """
        if not self._disk.exists(CHAIN):
            return
        run = ChainRun(each, proof or NO_PROOF, self._offsets)
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
                or len(digits) > MOST_DIGITS
            ):
                torn = not line.endswith(b"\n") and _begins(line, height, tip)
                if not torn:
                    self.damage = self._damage(line, height, tip.decode())
                break
            tip = digest
            if not run.add(text, digits, len(line), digest):
                break
        run.end()
        self.height, self.tip, self.size = run.height, run.tip.decode(), run.size
        self.milestones, self.newest = run.milestones, tuple(run.newest)
        if run.damage is not None:
            self.damage = FileDamage(CHAIN, *run.damage)
        if torn and self.damage is None:
            self.cut()

    def count_lines(self) -> int:
        """How many whole lines the file has, whatever they hold.

        Raises:
            OSError: the disk fails.
        """
        if not self._disk.exists(CHAIN):
            return 0
        return sum(chunk.count(b"\n") for chunk in self._disk.stream(CHAIN, CHUNK))

    def cut(self) -> None:
        """End the file after the blocks that hold, durably.

        Raises:
            OSError: the disk fails.
        """
        self._disk.truncate(CHAIN, self.size)
        self._disk.sync(CHAIN)

    def cut_before(self, first: int) -> None:
        """End the file before block `first`, durably.

        Raises:
            OSError: the disk fails.
        """
        entry = (first - 1) // STRIDE
        begin = self._offsets[entry]
        lines = self._disk.read_at(CHAIN, begin, self.size - begin).split(b"\n") if first - 1 > entry * STRIDE else []
        self.size = begin + sum(len(line) + 1 for line in lines[: first - 1 - entry * STRIDE])
        self.height = first - 1
        self.cut()

    def append(self, blocks: Sequence[Block]) -> None:
        """Append blocks in one write. They follow one another and `tip`; the caller ensures it.

        Raises:
            OSError: the disk fails.
        """
        height = self.height
        lines: list[str] = []
        data, end = [], self.size
        for block in blocks:
            assert block.height == height + 1, f"block {block.height} cannot follow block {height}"
            if height % STRIDE == 0:
                data.append("".join(lines).encode())
                lines.clear()
                end += len(data[-1])
                self._offsets.append(end)
            lines.append(block_line(block) + "\n")
            height += 1
        data.append("".join(lines).encode())
        if blocks:
            self._unsafe = True
            self._disk.append(CHAIN, b"".join(data))
            self.height, self.tip, self.size = height, blocks[-1].hash, end + len(data[-1])

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

        Each is checked against its own hash: what a peer is given is what was written.

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
        for height, line in enumerate(wanted, first):
            if not (_short_holds(line, height) if len(line) <= SHORT else _holds(line, height)):
                raise FileDamage(CHAIN, height, _CHANGED)
        if len(wanted) != last - first + 1:
            raise FileDamage(CHAIN, first, _CHANGED)
        return [line.decode() for line in wanted]

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
            blocks.append(block)
        return blocks

    def _damage(self, line: bytes, height: int, tip: str) -> FileDamage:
        """What is wrong with a line, in one sentence."""
        if not line.endswith(b"\n"):
            return FileDamage(CHAIN, height, "it has no end, and it is not the beginning of a block")
        try:
            block = parse_block(line[:-1])
            Blockchain(self._difficulty, height=height - 1, tip=tip).check(block)
        except MalformedText as error:
            return FileDamage(CHAIN, height, MORE_KEYS if _has_more_keys(line) else f"it is {error}")
        except ChainError as error:
            return FileDamage(CHAIN, height, error.what)
        if len(str(block.nonce)) > MOST_DIGITS:
            return FileDamage(CHAIN, height, f"its nonce has more than {MOST_DIGITS} digits")
        raise AssertionError("a line that holds was called damaged")


def _holds(line: bytes, height: int) -> bool:
    """True for a line of blockchain.txt, without its newline, that is block `height` and has the hash of its parts."""
    head = _HEAD + len(b"%d" % height)
    end = len(line) + 1 - _TAIL
    middle = line.rfind(_MIDDLE, head, end)
    if middle < 0:
        return False
    linked, text, digits = line[head - 6 - 64 : head - 6], line[head:middle], line[middle + len(_MIDDLE) : end]
    return line + b"\n" == _SHAPE % (height, linked, text, digits, sha256(linked + text + digits).hexdigest().encode())


_short_holds = lru_cache(REMEMBERED)(_holds)


def _begins(line: bytes, height: int, tip: bytes) -> bool:
    """True when a line without an end is the beginning of the next block; a power loss may leave zeros behind it."""
    head = b'{"height":%d,"H":"%b","T":[' % (height, tip)
    text = line.rstrip(b"\0")
    return text.startswith(head) or head.startswith(text)


def _has_more_keys(line: bytes) -> bool:
    end = line.find(b',"', line.rfind(b',"hash":"') + 9)
    if end < 0:
        return False
    try:
        parse_block(line[:end] + b"}")
        msgspec.json.decode(line)
    except (ValueError, RecursionError):
        return False
    return True
