"""The replicated state machine of one node: its chain, its blog and its client table (rules 11, 13 and 14).

Slots are applied in order. A refusal is an outcome like any other. A request that was decided twice takes effect once
and keeps its first outcome. All state follows from the chain, so a start-up replays it. The state machine knows nothing
of votes, peers, files or time. Each rule is a method, so that a mutant can break one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from enum import Enum
from typing import Any

import msgspec

from blog.blog import Blog, Outcome
from blog.operations import Operation
from chain.block import Block
from chain.blockchain import Blockchain, Miner
from chain.mining import mine
from paxos.ballot import Slot
from paxos.messages import Value
from paxos.rules import rule
from simulator.node.client_table import ClientTable
from simulator.node.codec import (
    BlogEntry,
    blog_entry,
    blog_lines,
    operations_in,
    operations_text,
    parse_all,
    parse_block,
    parse_operations,
)
from simulator.node.premined import PreminedNonces
from simulator.node.storage.chain_run import HASHES_KEPT

HINTS_AHEAD = 4096
"""How many slots above the chain nonce hints are kept: more than a leader is ahead of a follower that keeps up."""

_OK = Outcome.OK  # The first of them; a member of an Enum is slow to look up.


class Applied(msgspec.Struct, frozen=True, gc=False):
    """One request that was applied just now, in block `height`, and whose client waits.

    `operation` and `outcome` are those of the state machine: here the blog's.
    """

    client: str
    seq: int
    operation: Any
    outcome: Any
    height: int


class Page(msgspec.Struct, frozen=True):
    """Applied and not yet written: blocks in order, lines for blog.txt, and requests whose clients wait."""

    blocks: list[Block]
    blog_lines: bytes
    applied: list[Applied]


class StateMachine:
    """Invariants: slot n is block n; the blog is the replay of the chain; every outcome is the first one.

    Start with `replay` for every block on disk and then `begin`. `take` returns what `extend`
    and `adopt` have applied, to be written. `awaits` tells whether a client waits for the outcome of a request here.
    """

    client_table_type = ClientTable

    def __init__(
        self, difficulty: int, *, miner: Miner = mine, awaits: Callable[[str, int], bool] = lambda _client, _seq: False
    ) -> None:
        self.blog = Blog()
        self.client_table = self.client_table_type()
        self._nonces = PreminedNonces(miner)
        self.chain = Blockchain(difficulty, miner=self._nonces.search)
        self.hashes: deque[str] = deque(maxlen=HASHES_KEPT)
        self._awaits = awaits
        self._hints: dict[Slot, int] = {}
        self._blocks: list[Block] = []
        self._lines: list[bytes] = []
        self._applied: list[Applied] = []

    @property
    def height(self) -> int:
        """How many blocks are applied."""
        return self.chain.height

    @property
    def has_unwritten(self) -> bool:
        """True when `take` has a block to hand over."""
        return bool(self._blocks)

    # From the disk

    def replay(self, first_height: int, texts: Sequence[bytes]) -> bytes:
        """Apply the Ts of blocks in a row that are on disk already; returns their lines of blog.txt.

        Raises:
            MalformedText: one is no list of operations, and nothing was applied.
        """
        written: list[BlogEntry] = []
        claim, apply = self.client_table.claim, self.blog.apply
        for height, operations in enumerate(parse_all(texts), first_height):
            for operation, client, seq in operations:
                if claim(client, seq, height):
                    outcome = apply(operation)
                    if outcome is _OK:
                        written.append(blog_entry(height, operation))
                    else:
                        self.note_refusal(client, seq, outcome)
        return blog_lines(written)

    def begin(self, height: int, tip: str, newest: Iterable[str]) -> None:
        """End the replay: the chain ends at `height` with hash `tip`; `newest` are the hashes of its last blocks."""
        self.chain = Blockchain(self.chain.difficulty, height=height, tip=tip, miner=self._nonces.search)
        self.hashes.extend(newest)

    # From the log

    def extend(self, values: Sequence[Value]) -> None:
        """Derive the next blocks from decided values, one each, and apply them in this order."""
        texts = [self.text_of(value) for value in values]
        named = [
            [(operation, request.client, request.seq) for operation, request in zip(operations, value, strict=True)]
            for operations, value in zip(operations_in(texts), values, strict=True)
        ]
        chain, hints = self.chain, self._hints
        self._apply([chain.extend(text, hints.pop(chain.height + 1, None)) for text in texts], named)

    def adopt(self, line: str) -> None:
        """Check a peer's block, a line of its blockchain.txt, and apply it; skip one at or below the tip.

        Raises:
            MalformedText: it is no block, or its T is no list of operations.
            ChainError: it is not the next block, or its hash or nonce is wrong. Nothing has changed.
        """
        block = parse_block(line)
        if block.height > self.chain.height:
            operations = parse_operations(block.operations_text)
            self.chain.append(block)
            self._hints.pop(block.height, None)
            self._apply([block], [operations])

    def take(self) -> Page:
        """Everything applied since the last call."""
        page = Page(self._blocks, b"".join(self._lines), self._applied)
        self._blocks, self._lines, self._applied = [], [], []
        return page

    # Rules

    def text_of(self, value: Value) -> str:
        """The block's T: it holds only what was agreed, so that it is equal on every node."""
        return operations_text(value)

    @rule("13")
    def note_refusal(self, client: str, seq: int, outcome: Enum) -> None:
        """Keep a refusal as the request's outcome; no retry changes it."""
        self.client_table.amend(client, seq, outcome)

    # Ahead of the log

    def hint(self, first_slot: Slot, nonces: Sequence[int]) -> None:
        """Keep the leader's nonces for the slots from `first_slot` on, those soon needed only."""
        height = self.chain.height
        for slot, nonce in enumerate(nonces, first_slot):
            if height < slot <= height + HINTS_AHEAD:
                self._hints[slot] = nonce

    def premine(self, values: Iterable[tuple[Slot, Value]]) -> None:
        """Search nonces for proposed slots while their votes are on the way."""
        self._nonces.premine(self.chain, values, self.text_of)

    def _apply(self, blocks: Sequence[Block], named: Iterable[Iterable[tuple[Operation, str, int]]]) -> None:
        """Apply the next blocks, of each of which the operations are given with client and seq."""
        claim, apply, awaits = self.client_table.claim, self.blog.apply, self._awaits
        written: list[BlogEntry] = []
        for block, operations in zip(blocks, named, strict=True):
            height = block.height
            for operation, client, seq in operations:
                if claim(client, seq, height):
                    outcome = apply(operation)
                    if outcome is _OK:
                        written.append(blog_entry(height, operation))
                    else:
                        self.note_refusal(client, seq, outcome)
                    if awaits(client, seq):
                        self._applied.append(Applied(client, seq, operation, outcome, height))
            self.hashes.append(block.hash)
        self._blocks += blocks
        self._lines.append(blog_lines(written))
