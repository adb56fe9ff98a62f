"""The three files of a node: the journal, the chain and the blog.

Journal records are synced before a message depends on them. Blocks and blog lines are written without a sync: what a
crash takes of them is in the journals of a majority, and in this node's own until `compact`, which syncs the chain
before it drops votes.

A block is written once this node's vote for it is durable, or its hash in the journal: a power loss may keep any part
of what is not synced, and a chain that goes on beyond its journal is a sign of damage. Until then the block is *held*.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from chain.block import GENESIS_HASH, Block
from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.eras import NO_LOSS, Eras
from paxos.messages import Acceptance
from paxos.records import AcceptedRecord, JournalRecord
from paxos.rules import rule
from simulator.node.codec import block_line
from simulator.node.storage.blog_file import BLOG, BlogFile
from simulator.node.storage.chain_file import CHAIN, MORE_KEYS, ChainFile
from simulator.node.storage.disk import Disk
from simulator.node.storage.errors import FileDamage
from simulator.node.storage.identity import NO_PAST, NOBODYS, VERSION, Identity, Past, keep_meta
from simulator.node.storage.journal import JOURNAL, Journal, Memory, ValueReader, above
from simulator.node.storage.proof import NO_VOTE, Proof
from simulator.node.storage.set_aside import set_aside

MARK_EVERY = 8
"""After so many blocks the journal names the hash of the newest one: the next start tries fewer nonces."""
MARKS_KEPT = 64
"""How many of these hashes a compacted journal keeps."""

Replay = Callable[[int, Sequence[bytes]], bytes]
"""Applies the Ts of blocks in a row, of which the height of the first is given, and returns the lines of blog.txt that
their writes make (see `codec`). Raises `MalformedText` for the first that is none, and has applied nothing then."""


class Recovered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a node has recovered from its files.

    `promised` is the highest promise (opened ballots and votes are promises too), `opened` the highest own ballot;
    `accepted` holds the votes for slots above `height`; `height` and `tip` are the chain's end, already replayed;
    `fresh` is true for a new node; `notes` are a sentence for each repair; `damaged` one for each file that was set
    aside, `file, line: what is wrong; what happens now`.

    `lost` says why promises or votes of this node may be missing here; it is empty when the memory is complete. Such
    a node has amnesia: it must not vote (rule 17). What it has recovered is true as far as it goes. Every later start
    finds `lost` again, until the record that it has recovered. `eras` and `nonces` are those of `paxos/recovery`.
    `marked` is the last block that the journal names: the chain held it once.
    """

    promised: Ballot
    opened: Ballot
    accepted: dict[Slot, Acceptance]
    height: int
    tip: str
    fresh: bool
    notes: tuple[str, ...]
    damaged: tuple[str, ...] = ()
    lost: str = ""
    eras: Eras = NO_LOSS
    nonces: dict[NodeId, int] = {}
    marked: Slot = 0


class Storage:
    """The files of one node over `disk`. `load` comes first, once. After any `OSError` the node must stop.

    `past` is what the world remembers of them: files that are not as far as that have lost something (rule 17).
    `values` reads the operations of votes; the blog's are read without it.
    """

    def __init__(
        self,
        disk: Disk,
        difficulty: int,
        identity: Identity = NOBODYS,
        past: Past = NO_PAST,
        values: ValueReader | None = None,
    ) -> None:
        self._disk = disk
        self._identity = identity
        self._past = past
        self._values = values
        self._journal = Journal(disk, identity, past, values)
        self._chain = ChainFile(disk, difficulty)
        self._blog: BlogFile | None = None
        self._difficulty = difficulty
        self._marks: dict[Slot, str] = {}  # The hashes that the journal names.
        self._marked = 0  # The last block among them.
        self._held: list[Block] = []  # Applied, but not written: see `append_blocks`.
        self._held_lines: list[bytes] = []  # What they add to blog.txt.
        self._unsynced: list[JournalRecord] = []

    @rule("16")
    def load(self, replay: Replay) -> Recovered:
        """Read the files, repair what a crash may leave behind, set aside what is damaged, and replay the chain.

        Raises:
            ForeignFile: the files belong to another node or cluster, or to a newer program.
            OSError: the disk fails.
        """
        self._blog = blog = BlogFile(self._disk)
        journal_size, chain_size = self._size(JOURNAL), self._size(CHAIN)
        if not (self._disk.exists(JOURNAL) or chain_size or self._size(BLOG) or self._past.began):
            keep_meta(self._disk, self._identity, proved=False)
            return self._start()
        notes: list[str] = []
        memory = self._load_journal()
        mended = keep_meta(self._disk, self._identity, proved=memory.owned)
        if mended:
            notes.append(mended)
        known = memory.lost
        if memory.damage is None and self._journal.size < journal_size:
            notes.append(f"{JOURNAL} had a torn last line, which was cut off")
        whole = memory.damage is None and memory.version == VERSION  # Version 1 named no fetched blocks.
        proof = Proof(memory.marks, memory.accepted, self._difficulty, whole=whole)
        proof.compare(self._disk, CHAIN)
        self._chain.load(lambda height, texts: blog.expect(replay(height, texts)), proof)
        if self._chain.damage is None and self._chain.size < chain_size:
            notes.append(f"{CHAIN} had a torn last line, which was cut off")
        damage = self._chain.damage
        if damage is not None and (proof.is_crash(damage.what) or damage.what == MORE_KEYS):
            notes.append(f"{damage.sentence}; the file was cut, and the blocks from {damage.line} on are fetched")
            self._chain.cut()
            self._chain.damage = None
        damaged = [*self._set_chain_aside(memory, proof), *self._hold_chain_against(memory)]
        blog.mend()
        if blog.mended:
            notes.append(blog.mended)
        self._marks = {height: name for height, name in memory.marks.items() if height <= self._chain.height}
        if not whole:
            self._marks.update(self._chain.milestones)
        self._marked = max(self._marks, default=0)
        self._hold_against_past(memory)
        damaged += self._set_journal_aside(memory, known)
        return Recovered(
            promised=memory.promised,
            opened=memory.opened,
            accepted=above(memory.accepted, self._chain.height),
            height=self._chain.height,
            tip=self._chain.tip,
            fresh=False,
            notes=tuple(notes),
            damaged=tuple(damaged),
            lost=memory.lost,
            eras=memory.eras,
            nonces=memory.nonces,
            marked=max(memory.marks, default=0),
        )

    def append(self, records: Sequence[JournalRecord]) -> None:
        """Append journal records in one write. No message may depend on them before `sync`.

        Raises:
            OSError: the disk fails.
        """
        mark = None
        if self._chain.height >= self._marked + MARK_EVERY:
            mark = self._mark(self._chain.height, self._chain.tip)
        self._journal.append(records, mark)
        self._unsynced += records

    def sync(self) -> None:
        """Return once all appended journal records survive a power loss, and write the blocks that waited for them.

        Raises:
            OSError: the disk fails.
        """
        self._journal.sync()
        self._unsynced.clear()
        if self._held:
            self._write_held()

    @rule("16")
    def append_blocks(
        self,
        blocks: Sequence[Block],
        blog_lines: bytes,
        *,
        fetched: bool = False,
        unwritten: Iterable[JournalRecord] = (),
    ) -> None:
        """Append applied blocks to the chain, then their writes to the blog. Not synced.

        Blocks are held until the next `sync` when a vote for one of them is not durable; `unwritten` are records that
        are still to be appended. `fetched` blocks came from a peer, perhaps without a vote of this node: the journal
        names the last one first, durably.

        Raises:
            OSError: the disk fails.
        """
        if fetched:
            self._journal.append((), self._mark(blocks[-1].height, blocks[-1].hash))
            self.sync()
        last = blocks[-1].height
        hold = self._held or _has_vote(self._unsynced, last) or _has_vote(unwritten, last)
        self._held += blocks
        self._held_lines.append(blog_lines)
        if fetched or not hold:
            self._write_held()

    def sync_all(self) -> None:
        """Return once all three files are durable.

        Raises:
            OSError: the disk fails.
        """
        self.sync()
        self._chain.sync()
        self._blog_file.sync()

    def read_blocks(self, first: int, last: int) -> list[Block]:
        """The blocks `first` to `last`, both included, as far as they exist. The cost grows with their number.

        Raises:
            StorageDamage: the file has been changed since it was read or written.
            OSError: the disk fails.
        """
        return [*self._chain.read_blocks(first, last), *self._held_between(first, last)]

    def read_lines(self, first: int, last: int) -> list[str]:
        """The same blocks as lines of blockchain.txt (`codec.parse_block` reads one).

        Raises:
            StorageDamage: the file has been changed since it was read or written.
            OSError: the disk fails.
        """
        return [*self._chain.read_lines(first, last), *map(block_line, self._held_between(first, last))]

    def compact(
        self,
        promised: Ballot,
        opened: Ballot,
        accepted: Mapping[Slot, Acceptance],
        kept: Iterable[JournalRecord] = (),
    ) -> None:
        """Sync chain and blog, then rewrite the journal with these records alone; `kept` are those of rule 17.

        Votes for slots that the chain holds are left out of it; a PROMISE reports those as decided.

        Raises:
            OSError: the disk fails; the old journal or the new one stands, whole.
        """
        if self._held:
            self.sync()
        self._chain.sync()
        self._blog_file.sync()
        votes = above(accepted, self._chain.height).values()
        self._mark(self._chain.height, self._chain.tip)
        self._marks = _thinned(self._marks, self._chain.height)
        self._journal.rewrite(promised, opened, votes, self._marks, kept)

    def disbelieve(self, first: Slot, why: str) -> tuple[str, ...]:
        """Set aside the chain from block `first` on, and the journal: blocks there were never decided.

        What the journal promised stays promised; its votes, and hashes from `first` on, are dropped, because whoever
        made the block made them too. Returns a sentence for each file, with `why`. If `first` is 0, the chain stays,
        and the promises are dropped too.

        Raises:
            OSError: the disk fails. The files are still what they were, or hold together.
        """
        if not first:
            return (self._forget_promises(why),)
        sentence = FileDamage(CHAIN, first, why).sentence
        memory = self._journal.load()
        memory.lost = sentence
        copies = set_aside(self._disk, CHAIN), set_aside(self._disk, JOURNAL)
        self._chain.sync()
        kept = self._chain.read_blocks(first - 1, first - 1)
        marks = {height: name for height, name in self._marks.items() if height < first}
        if kept:
            marks[first - 1] = kept[0].hash
        self._journal.rewrite(memory.promised, memory.opened, (), marks, memory.records())
        self._chain.cut_before(first)
        return (
            f"{sentence}; the file was set aside as {copies[0]}, and the blocks from {first} on are fetched",
            f"{JOURNAL}: it goes with that block; it was set aside as {copies[1]}, and its votes are lost",
        )

    def _forget_promises(self, why: str) -> str:
        """Set aside a journal of which not even the promises can be believed; the chain stays."""
        memory = self._journal.load()
        sentence = FileDamage(JOURNAL, 0, why).sentence
        memory.lost = sentence
        copy = set_aside(self._disk, JOURNAL)
        self.compact(NO_BALLOT, NO_BALLOT, {}, memory.records())
        return f"{sentence}; the file was set aside as {copy}, and its promises and votes are lost"

    def again(self) -> Storage:
        """The same files, to be loaded once more."""
        return Storage(self._disk, self._difficulty, self._identity, self._past, self._values)

    def check_present(self) -> None:
        """Check that the files are still there, under their names.

        Raises:
            OSError: one was removed or replaced, or the disk fails.
        """
        self._disk.check_present()

    @property
    def journal_bytes(self) -> int:
        """The journal's length in bytes."""
        return self._journal.size

    @property
    def height(self) -> int:
        """How many blocks blockchain.txt holds, those that are held included."""
        return self._chain.height + len(self._held)

    @property
    def newest_hashes(self) -> tuple[str, ...]:
        """The hashes of the last blocks that `load` has found, in order."""
        return self._chain.newest

    def close(self) -> None:
        """Sync everything. The disk belongs to whoever opened it.

        Raises:
            OSError: the disk fails.
        """
        if self._blog is not None:
            if self._held:
                self.sync()
            if self._chain.height > self._marked:
                self._journal.append((), self._mark(self._chain.height, self._chain.tip))
            self.sync_all()

    def _write_held(self) -> None:
        blocks, lines = self._held, self._held_lines
        self._held, self._held_lines = [], []
        self._chain.append(blocks)
        self._blog_file.append(lines[0] if len(lines) == 1 else b"".join(lines))

    def _held_between(self, first: int, last: int) -> list[Block]:
        return [block for block in self._held if first <= block.height <= last]

    @property
    def _blog_file(self) -> BlogFile:
        assert self._blog is not None, "load comes first"
        return self._blog

    def _size(self, name: str) -> int:
        return self._disk.size(name) if self._disk.exists(name) else 0

    def _start(self) -> Recovered:
        self._disk.append(CHAIN, b"")
        self._disk.append(BLOG, b"")
        self._journal.start()  # Last, with the folder synced: a journal shows that the node has run before.
        return Recovered(
            promised=NO_BALLOT, opened=NO_BALLOT, accepted={}, height=0, tip=GENESIS_HASH, fresh=True, notes=()
        )

    def _mark(self, height: Slot, block_hash: str) -> tuple[Slot, str]:
        self._marked = height
        self._marks[height] = block_hash
        return height, block_hash

    def _load_journal(self) -> Memory:
        if self._disk.exists(JOURNAL):
            return self._journal.load(self._chain.count_lines)
        memory = Memory(NO_BALLOT, NO_BALLOT, {}, 0, GENESIS_HASH, nonces={}, marks={})
        memory.damage = FileDamage(JOURNAL, 0, "it is missing, though this node has a past")
        return memory

    def _set_chain_aside(self, memory: Memory, proof: Proof) -> list[str]:
        """Set aside a chain with damage and end it before that line: what follows is fetched from peers.

        A block that the journal does not reach is forged, or the journal has lost its end.
        """
        damage = self._chain.damage
        if not self._disk.exists(CHAIN):
            self._disk.append(CHAIN, b"")
            return [f"{CHAIN}: it is missing; its blocks are fetched"]
        if damage is None:
            return []
        if not proof.knows(damage.line) and damage.what == NO_VOTE:
            memory.lost = memory.lost or f"{damage.sentence}: it was added, or the end of {JOURNAL} is lost"
        copy = set_aside(self._disk, CHAIN)
        self._chain.cut()
        first = self._chain.height + 1
        return [f"{damage.sentence}; the file was set aside as {copy}, and the blocks from {first} on are fetched"]

    def _hold_chain_against(self, memory: Memory) -> list[str]:
        """Votes up to `chain_height` were dropped because the chain held their values: without it they are lost."""
        height = memory.chain_height
        if self._chain.height >= height:
            return []
        line = self._chain.height + 1
        ends = FileDamage(CHAIN, line, f"the chain ends before block {height}, which {JOURNAL} relies on").sentence
        memory.lost = memory.lost or ends
        return [f"{ends}; the votes for its blocks are lost"]

    @rule("17")
    def _hold_against_past(self, memory: Memory) -> None:
        """A journal that had come farther has lost records, though all its lines are sound."""
        journal, past = self._journal, self._past
        if memory.damage is None and not memory.lost and (memory.written, journal.size) < (past.written, past.size):
            what = f"it is older, or shorter, than this node left it: {journal.size} bytes of {past.size}"
            memory.lost = FileDamage(JOURNAL, 0, what).sentence

    def _set_journal_aside(self, memory: Memory, known: str) -> list[str]:
        """Set aside a journal with damage; write a new one with its sound records that says what is lost.

        `known` is what it said already. The journal of an older program is written anew too.
        """
        damage = memory.damage
        if damage is None and memory.lost == known and memory.version == VERSION:
            return []
        if damage is not None:
            memory.lost = damage.sentence
        copy = set_aside(self._disk, JOURNAL) if damage and self._disk.exists(JOURNAL) else ""
        self.compact(memory.promised, memory.opened, memory.accepted, memory.records())
        if damage is None:
            return []
        where = f"the file was set aside as {copy}, and " if copy else ""
        return [f"{damage.sentence}; {where}promises or votes may be lost"]


def _has_vote(records: Iterable[JournalRecord], last: Slot) -> bool:
    """True when a vote for slot `last` or an earlier one is among them."""
    return any(isinstance(record, AcceptedRecord) and record.slot <= last for record in records)


def _thinned(marks: Mapping[Slot, str], height: Slot) -> dict[Slot, str]:
    """Some `MARKS_KEPT` of the marks up to `height`, and that one: a break in the chain costs what lies between."""
    kept: dict[Slot, str] = {}
    last = 0
    for mark in sorted(marks):
        if mark == height or last + max(MARK_EVERY, height // MARKS_KEPT) <= mark < height:
            kept[mark] = marks[mark]
            last = mark
    return kept
