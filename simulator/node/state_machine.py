"""What the decided log has made of one node: its chain, its blog, and the outcome of every request, each applied once.

Rules 11, 13 and 14: slots are applied in order, a refusal is an outcome like any other, and a request that was decided
twice takes effect once and keeps its first outcome. All of it follows from the chain, so a start-up that replays the
chain knows every outcome again. It knows nothing of votes, peers, files or time; each rule is a method, so that one can
be broken by name.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence

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
from simulator.node.codec import blog_line, operations_in, operations_text, parse_all, parse_block, parse_operations

HASHES_KEPT = 8
"""How many of the newest blocks' hashes are kept for pictures."""
HINTS_AHEAD = 4096
"""How far above the chain hints are kept: further than any leader runs ahead of a follower that is not lost."""
TRIES_AHEAD = 1 << 16
"""How many hashes may be tried at once for blocks that are not decided yet: some 30 ms of work."""

_OK = Outcome.OK  # The first of them; a member of an Enum is slow to look up.


class Applied(msgspec.Struct, frozen=True, gc=False):
    """One request that was applied just now, in block `height`, and whose client waits."""

    client: str
    seq: int
    operation: Operation
    outcome: Outcome
    height: int


class Page(msgspec.Struct, frozen=True):
    """What was applied and is not written yet: blocks in order, the lines for blog.txt, and who is to be told."""

    blocks: list[Block]
    blog_lines: bytes
    applied: list[Applied]


class StateMachine:
    """Invariants: slot n is block n; the blog is the replay of the chain; every outcome is the first one.

    Start with `replay` for every block on disk and then `begin`. What `extend` and `adopt` apply gathers until `take`
    hands it over to be written. `awaits` tells whether a client waits for the outcome of a request here.
    """

    client_table_type = ClientTable

    def __init__(
        self, difficulty: int, *, miner: Miner = mine, awaits: Callable[[str, int], bool] = lambda _client, _seq: False
    ) -> None:
        self.blog = Blog()
        self.client_table = self.client_table_type()
        self.chain = Blockchain(difficulty, miner=self._search)
        self.hashes: deque[str] = deque(maxlen=HASHES_KEPT)
        self._awaits = awaits
        self._mine = miner
        self._hints: dict[Slot, int] = {}
        self._premined: dict[str, tuple[str, int, str]] = {}  # By the hash before: T, nonce and hash.
        self._premined_height = 0
        self._premined_tip = ""
        self._blocks: list[Block] = []
        self._lines: list[bytes] = []
        self._applied: list[Applied] = []

    @property
    def height(self) -> int:
        """How many blocks are applied."""
        return self.chain.height

    # From the disk

    def replay(self, first_height: int, texts: Sequence[bytes]) -> bytes:
        """Apply the Ts of blocks in a row that are on disk already; returns their lines of blog.txt.

        Raises:
            MalformedText: one is no list of operations, and nothing was applied.
        """
        lines = []
        claim, apply = self.claim_replayed, self.blog.apply
        for height, operations in enumerate(parse_all(texts), first_height):
            for operation, client, seq in operations:
                if claim(client, seq, height):
                    outcome = apply(operation)
                    if outcome is _OK:
                        lines.append(blog_line(height, operation))
                    else:
                        self.note_refusal(client, seq, outcome)
        return b"".join(lines)

    def begin(self, height: int, tip: str, newest: Iterable[Block]) -> None:
        """The replay is over: the chain ends at `height` with hash `tip`; `newest` are its last blocks."""
        self.chain = Blockchain(self.chain.difficulty, height=height, tip=tip, miner=self._search)
        self.hashes.extend(block.hash for block in newest)

    # From the log

    def extend(self, value: Value) -> None:
        """Make the next block of a decided value, and apply it."""
        text = self.text_of(value)
        block = self.chain.extend(text, self.nonce_hint(self.chain.height + 1))
        requests = zip(operations_in(text), value, strict=True)
        self._apply(block, [(operation, request.client, request.seq) for operation, request in requests])

    def adopt(self, line: str) -> None:
        """Check a peer's block, a line of its blockchain.txt, and apply it; one below the tip is passed over.

        Raises:
            MalformedText: it is no block, or its T is no list of operations.
            ChainError: it is not the next block, or its hash or nonce is wrong. Nothing has changed.
        """
        block = parse_block(line)
        if block.height > self.chain.height:
            operations = parse_operations(block.operations_text)
            self.chain.append(block)
            self._hints.pop(block.height, None)
            self._apply(block, operations)

    def take(self) -> Page:
        """Everything applied since the last call."""
        page = Page(self._blocks, b"".join(self._lines), self._applied)
        self._blocks, self._lines, self._applied = [], [], []
        return page

    # Rules

    def text_of(self, value: Value) -> str:
        """T holds what was agreed and nothing else, so that it is the same on every node."""
        return operations_text(value)

    @rule("14")
    def claim(self, client: str, seq: int, height: int) -> bool:
        """Rule 14: a request takes effect once. True the first time; what is claimed is the answer to every retry."""
        return self.client_table.claim(client, seq, height)

    def claim_replayed(self, client: str, seq: int, height: int) -> bool:
        """What an earlier life applied is remembered like everything else."""
        return self.client_table.claim(client, seq, height)

    @rule("13")
    def note_refusal(self, client: str, seq: int, outcome: Outcome) -> None:
        """Rule 13: a refusal is an outcome too, and no retry changes it."""
        self.client_table.amend(client, seq, outcome)

    def nonce_hint(self, slot: Slot) -> int | None:
        """The nonce that the leader found for this slot, if it has said so."""
        return self._hints.pop(slot, None)

    # Ahead of the log

    def hint(self, first_slot: Slot, nonces: Sequence[int]) -> None:
        """The leader found these nonces for the slots from `first_slot` on. Only those soon needed are kept."""
        height = self.chain.height
        for slot, nonce in enumerate(nonces, first_slot):
            if height < slot <= height + HINTS_AHEAD:
                self._hints[slot] = nonce

    def premine(self, values: Iterable[tuple[Slot, Value]]) -> None:
        """Search the blocks of slots that are proposed but not decided, while the votes are on their way.

        Whatever is found is kept with the H and T that it belongs to: if another value is decided, it is thrown away.
        """
        difficulty = self.chain.difficulty
        most = TRIES_AHEAD >> 4 * difficulty
        for slot, value in values:
            if self._premined_height <= self.chain.height or not self._premined:
                self._premined.clear()
                self._premined_height, self._premined_tip = self.chain.height, self.chain.tip
            if slot == self._premined_height + 1 and most > 0:
                most -= 1
                text = self.text_of(value)
                nonce, digest = self._mine(self._premined_tip, text, difficulty)
                self._premined[self._premined_tip] = (text, nonce, digest)
                self._premined_height, self._premined_tip = slot, digest

    def _search(self, prev_hash: str, text: str, difficulty: int) -> tuple[int, str]:
        premined = self._premined.pop(prev_hash, None)
        if premined is not None and premined[0] == text:
            return premined[1], premined[2]
        self._premined.clear()
        return self._mine(prev_hash, text, difficulty)

    def _apply(self, block: Block, operations: Iterable[tuple[Operation, str, int]]) -> None:
        height, claim, apply, awaits = block.height, self.claim, self.blog.apply, self._awaits
        for operation, client, seq in operations:
            if claim(client, seq, height):
                outcome = apply(operation)
                if outcome is _OK:
                    self._lines.append(blog_line(height, operation))
                else:
                    self.note_refusal(client, seq, outcome)
                if awaits(client, seq):
                    self._applied.append(Applied(client, seq, operation, outcome, height))
        self._blocks.append(block)
        self.hashes.append(block.hash)
