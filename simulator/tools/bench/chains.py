"""Start-up on a long chain: reading, checking and replaying it, beside a plain loop that reads and checks each hash."""

from __future__ import annotations

import gc
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path

from chain.block import GENESIS_HASH, Block
from chain.mining import mine
from paxos.ballot import Ballot
from simulator.node.codec import block_line, blog_line, operation_text
from simulator.node.state_machine import StateMachine
from simulator.node.storage.journal import Journal
from simulator.node.storage.real_disk import RealDisk
from simulator.node.storage.storage import MARKS_KEPT, Storage
from simulator.tools.bench import real
from simulator.tools.bench.case import Case, Effort

BLOCKS = 100_000
QUICK_BLOCKS = 500
CLIENTS = 20


@cache
def _chain(blocks: int, ops_per_block: int) -> tuple[bytes, bytes, dict[int, str]]:
    """The text of blockchain.txt and blog.txt of a chain of this size, and the hashes that a node's journal names.

    It is mined at difficulty 2: a hundred thousand blocks take some fifteen seconds, once a run.
    """
    lines: list[bytes] = []
    blog: list[bytes] = []
    seq, tip, marks = 0, GENESIS_HASH, dict[int, str]()
    for height in range(1, blocks + 1):
        texts = []
        for _ in range(ops_per_block):
            seq += 1
            operation = real.operation()
            texts.append(operation_text(operation, f"bench-{seq % CLIENTS}", seq))
            blog.append(blog_line(height, operation))
        text = f"[{','.join(texts)}]"
        nonce, digest = mine(tip, text, 2)
        lines.append(block_line(Block(height, tip, text, nonce, digest)).encode() + b"\n")
        tip = digest
        if height == blocks or height % max(1, blocks // MARKS_KEPT) == 0:
            marks[height] = digest
    return b"".join(lines), b"".join(blog), marks


@contextmanager
def stored(blocks: int, ops_per_block: int = 1) -> Iterator[Path]:
    """A node's directory with such a chain."""
    chain, blog, marks = _chain(blocks, ops_per_block)
    with tempfile.TemporaryDirectory(prefix="paxsim-bench-") as name:
        directory = Path(name)
        (directory / "blockchain.txt").write_bytes(chain)
        (directory / "blog.txt").write_bytes(blog)
        Journal(RealDisk(directory, "flush")).rewrite(Ballot(1, 1), Ballot(1, 1), (), marks)
        yield directory


def plain_loop(effort: Effort) -> Sequence[float]:
    """Seconds to read every line, split it at fixed positions, and check every link, hash and nonce."""
    blocks = effort.pick(BLOCKS, QUICK_BLOCKS)
    with stored(blocks) as directory:
        began = time.process_time()
        tip = GENESIS_HASH.encode()
        done = 0
        with (directory / "blockchain.txt").open("rb") as file:
            for line in file:
                begin = line.index(b'"T":') + 4
                end = line.rindex(b',"N":')
                nonce, _, rest = line[end + 5 :].partition(b",")
                digest = sha256(tip + line[begin:end] + nonce).hexdigest().encode()
                if rest[8:72] != digest or not digest.startswith(b"00") or line[begin - 70 : begin - 6] != tip:
                    raise RuntimeError(f"line {done + 1} does not hold")
                tip = digest
                done += 1
        took = time.process_time() - began
    if done != blocks:
        raise RuntimeError(f"{done} blocks were read of {blocks}")
    return [took]


def start_up(effort: Effort) -> Sequence[float]:
    """Seconds of a node's own start-up: every check, the replay into the blog, and the client table."""
    blocks = effort.pick(BLOCKS, QUICK_BLOCKS)
    with stored(blocks) as directory:
        disk = RealDisk(directory, "flush")
        state_machine = StateMachine(2)
        gc.disable()  # As a node process does.
        began = time.process_time()
        recovered = Storage(disk, 2).load(state_machine.replay)
        took = time.process_time() - began
        gc.enable()
        disk.close()
    if recovered.height != blocks or len(state_machine.blog) != blocks:
        raise RuntimeError(f"{recovered.height} blocks were replayed of {blocks}")
    return [took]


CASES = [
    Case(
        name="start-up/plain-loop",
        story="a plain loop that reads each line of a chain and checks its link, hash and nonce",
        unit="s",
        better="lower",
        measure=plain_loop,
        settings={"blocks": BLOCKS, "ops_per_block": 1, "clock": "processor"},
    ),
    Case(
        name="start-up/paxsim",
        story="a node reads, checks and replays a chain",
        unit="s",
        better="lower",
        measure=start_up,
        settings={"blocks": BLOCKS, "ops_per_block": 1, "clock": "processor"},
        limit="start-up/plain-loop",
        aim=3,
    ),
]
