"""The three files of a node: the journal, the chain and the blog.

Journal records are synced before a message depends on them. Blocks and blog lines are written without a sync: what a
crash takes of them is in the journals of a majority, and in this node's own until `compact`, which syncs the chain
before it drops votes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from chain.block import GENESIS_HASH, Block
from paxos.ballot import NO_BALLOT, Ballot, Slot
from paxos.messages import Acceptance
from paxos.records import JournalRecord
from simulator.node.storage.blog_file import BLOG, BlogFile
from simulator.node.storage.chain_file import CHAIN, ChainFile
from simulator.node.storage.disk import Disk
from simulator.node.storage.errors import FileDamage
from simulator.node.storage.journal import JOURNAL, Journal, Memory, above

Replay = Callable[[int, Sequence[bytes]], bytes]
"""Applies the Ts of blocks in a row, of which the height of the first is given, and returns the lines of blog.txt that
their writes make (see `codec`). Raises `MalformedText` for the first that is none, and has applied nothing then."""


class Recovered(msgspec.Struct, frozen=True, kw_only=True):
    """What a node has recovered from its files.

    `promised` is the highest promise (opened ballots and votes are promises too), `opened` the highest own ballot;
    `accepted` holds the votes for slots above `height`; `height` and `tip` are the chain's end, already replayed;
    `fresh` is true for a new node; `notes` are a sentence for each repair.
    """

    promised: Ballot
    opened: Ballot
    accepted: dict[Slot, Acceptance]
    height: int
    tip: str
    fresh: bool
    notes: tuple[str, ...]


class Storage:
    """The three files of one node over `disk`. `load` comes first, once. After any `OSError` the node must stop."""

    def __init__(self, disk: Disk, difficulty: int) -> None:
        self._disk = disk
        self._journal = Journal(disk)
        self._chain = ChainFile(disk, difficulty)
        self._blog: BlogFile | None = None

    def load(self, replay: Replay) -> Recovered:
        """Read the files, repair what a crash may leave behind, and replay the chain into the node.

        Raises:
            StorageDamage: a file is damaged in a way that no crash explains, or a required file is missing.
            OSError: the disk fails.
        """
        notes: list[str] = []
        self._blog = blog = BlogFile(self._disk)
        chain_size, journal_size = self._size(CHAIN), self._size(JOURNAL)
        if not self._disk.exists(JOURNAL):
            if chain_size or self._size(BLOG):
                raise FileDamage(JOURNAL, 0, "it is missing, though this node has a past: its promises are lost")
            return self._start()
        memory = self._journal.load()
        if self._journal.size < journal_size:
            notes.append(f"{JOURNAL} had a torn last line, which was cut off")
        self._chain.load(lambda height, texts: blog.expect(replay(height, texts)))
        if self._chain.size < chain_size:
            notes.append(f"{CHAIN} had a torn last line, which was cut off")
        self._hold_chain_against(memory)
        blog.mend()
        if blog.mended:
            notes.append(blog.mended)
        return Recovered(
            promised=memory.promised,
            opened=memory.opened,
            accepted=above(memory.accepted, self._chain.height),
            height=self._chain.height,
            tip=self._chain.tip,
            fresh=False,
            notes=tuple(notes),
        )

    def append(self, records: Iterable[JournalRecord]) -> None:
        """Append journal records in one write. No message may depend on them before `sync`.

        Raises:
            OSError: the disk fails.
        """
        self._journal.append(records)

    def sync(self) -> None:
        """Return once all appended journal records survive a power loss.

        Raises:
            OSError: the disk fails.
        """
        self._journal.sync()

    def append_blocks(self, blocks: Sequence[Block], blog_lines: bytes) -> None:
        """Append applied blocks to the chain, then their writes to the blog. Not synced.

        Raises:
            OSError: the disk fails.
        """
        self._chain.append(blocks)
        self._blog_file.append(blog_lines)

    def sync_all(self) -> None:
        """Return once all three files are durable.

        Raises:
            OSError: the disk fails.
        """
        self._journal.sync()
        self._chain.sync()
        self._blog_file.sync()

    def read_blocks(self, first: int, last: int) -> list[Block]:
        """The blocks `first` to `last`, both included, as far as they exist. The cost grows with their number.

        Raises:
            StorageDamage: the file has been changed since it was read or written.
            OSError: the disk fails.
        """
        return self._chain.read_blocks(first, last)

    def read_lines(self, first: int, last: int) -> list[str]:
        """The same blocks as lines of blockchain.txt (`codec.parse_block` reads one).

        Raises:
            StorageDamage: the file has been changed since it was read or written.
            OSError: the disk fails.
        """
        return self._chain.read_lines(first, last)

    def compact(self, promised: Ballot, opened: Ballot, accepted: Mapping[Slot, Acceptance]) -> None:
        """Sync chain and blog, then rewrite the journal with these records alone.

        Votes for slots that the chain holds are left out of it; a PROMISE reports those as decided.

        Raises:
            OSError: the disk fails; the old journal or the new one stands, whole.
        """
        self._chain.sync()
        self._blog_file.sync()
        votes = above(accepted, self._chain.height).values()
        self._journal.rewrite(promised, opened, votes, self._chain.height, self._chain.tip)

    @property
    def journal_bytes(self) -> int:
        """The journal's length in bytes."""
        return self._journal.size

    @property
    def height(self) -> int:
        """How many blocks blockchain.txt holds."""
        return self._chain.height

    def close(self) -> None:
        """Sync everything. The disk belongs to whoever opened it.

        Raises:
            OSError: the disk fails.
        """
        if self._blog is not None:
            self.sync_all()

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

    def _hold_chain_against(self, memory: Memory) -> None:
        # Votes up to this height were dropped because the chain held their values.
        height = memory.chain_height
        if self._chain.height < height:
            raise FileDamage(
                CHAIN,
                self._chain.height + 1,
                f"the chain ends before block {height}, which {JOURNAL} relies on: decided blocks are lost",
            )
        if height and self._chain.read_blocks(height, height)[0].hash != memory.chain_hash:
            raise FileDamage(CHAIN, height, f"this is another chain than the one that {JOURNAL} relies on")
