"""paxos.txt: what an acceptor must not forget, a record a line, each line with its checksum.

A line is the CRC-32 of its JSON in eight hex digits, a blank, and the JSON, so `cut -c10- paxos.txt` is JSON lines:

    1c291ca3 {"journal":1,"chain":[0,"0000…"]}
    …        {"promise":[3,1]}
    …        {"opened":[4,2]}
    …        {"accepted":{"slot":5,"ballot":[3,1],"value":[{"op":"POST",…,"id":"c1:7"}]}}
    …        {"lost":"paxos.txt, line 7: its checksum does not match its text"}

The first line says how far blockchain.txt was durable, and the hash there, when the journal was written anew: votes up
to that height were left out. A chain that no longer reaches it has lost votes of this node.

`lost` says that promises or votes of this node are missing in this journal, and why: the node has amnesia (rule 17).
It stays until the journal is written anew without it (`Storage.regain`).

A last line without an end is torn: it was never synced, no message depended on it, and it is cut off. Any other line
with a wrong checksum is damage, also a last line with its newline: a torn write has no end, and cutting a line that was
acknowledged would forget a promise. All other sound lines of a damaged journal are kept: each was true when it was
written, so the promise is at least theirs.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from zlib import crc32

import msgspec

from chain.block import GENESIS_HASH
from paxos.ballot import NO_BALLOT, Ballot, Slot
from paxos.messages import Acceptance, Request, Value
from paxos.records import AcceptedRecord, JournalRecord, OpenedRecord, PromiseRecord
from paxos.rules import rule
from simulator.node.codec import MalformedText, parse_operation
from simulator.node.storage.disk import Disk
from simulator.node.storage.errors import FileDamage
from simulator.node.storage.line_reader import lines_of

JOURNAL = "paxos.txt"
VERSION = 1

_CHECKED = re.compile(rb"[0-9a-f]{8} \{.*\}", re.DOTALL)
_BEGINNING = re.compile(rb"[0-9a-f]{0,8}|[0-9a-f]{8} (\{.*)?", re.DOTALL)


class _Vote(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    slot: Slot
    ballot: Ballot
    value: tuple[msgspec.Raw, ...]


class _Line(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line: exactly one of the records is set; `chain` goes with `journal`."""

    journal: int | None = None
    chain: tuple[int, str] | None = None
    promise: Ballot | None = None
    opened: Ballot | None = None
    accepted: _Vote | None = None
    lost: str | None = None


_decode = msgspec.json.Decoder(_Line).decode


class Memory(msgspec.Struct):
    """The fold of a journal.

    `promised` is the highest promise (opened ballots and votes are promises too), `opened` the highest own ballot,
    `accepted` each slot's vote of the highest ballot. The journal relies on a chain that reaches `chain_height` with
    `chain_hash`. `lost` says why records may be missing ("": none is), and `damage` what is wrong with the file itself.
    """

    promised: Ballot
    opened: Ballot
    accepted: dict[Slot, Acceptance]
    chain_height: int
    chain_hash: str
    lost: str = ""
    damage: FileDamage | None = None


class Journal:
    """The journal over one disk. `size` is its length in bytes, the unsynced part included."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._unsafe = True
        self.size = 0

    def start(self) -> None:
        """Create the journal of a new node. It is durable on return."""
        self.rewrite(NO_BALLOT, NO_BALLOT, (), (0, GENESIS_HASH))

    @rule("16")
    def load(self) -> Memory:
        """Read all records back, cut off a torn last line, and sync.

        A process that was killed between write and sync leaves lines that a power loss can still take. They must be
        durable before a repeated message is answered from them without another write. When `damage` is set, the file is
        as it was found: set it aside and `rewrite` it.

        Raises:
            OSError: the disk fails, or there is no journal.
        """
        memory = Memory(NO_BALLOT, NO_BALLOT, {}, 0, GENESIS_HASH)
        number = good = 0
        torn = False
        for number, line in enumerate(lines_of(self._disk, JOURNAL), 1):
            try:
                if line.endswith(b"\n"):
                    _fold(memory, _parsed(line[:-1], number), number)
                    good += len(line)
                else:
                    _check_torn(line, number)
                    torn = True
            except FileDamage as damage:
                memory.damage = memory.damage or damage
        if not number:
            memory.damage = FileDamage(JOURNAL, 0, "it is empty, though a journal has a first line from its making on")
        if memory.damage is None:
            if torn:
                self._disk.truncate(JOURNAL, good)
            self.size = good
            self.sync()
        return memory

    def append(self, records: Iterable[JournalRecord]) -> None:
        """Append records in one write. They are durable after `sync`.

        Raises:
            OSError: the disk fails.
        """
        data = encode_records(records)
        if data:
            self._disk.append(JOURNAL, data)
            self.size += len(data)
            self._unsafe = True

    def sync(self) -> None:
        """Return once all appended records are durable.

        Raises:
            OSError: the disk fails; whether the records are kept is unknown, so the node must stop.
        """
        if self._unsafe:
            self._disk.sync(JOURNAL)
            self._unsafe = False

    def rewrite(
        self,
        promised: Ballot,
        opened: Ballot,
        accepted: Iterable[Acceptance],
        chain: tuple[int, str],
        lost: str = "",
    ) -> None:
        """Replace the journal by these records, durably. `chain` is the height and hash up to which blocks are durable.

        `lost` marks the journal of a node with amnesia.

        Raises:
            OSError: the disk fails.
        """
        first = b'{"journal":%d,"chain":[%d,"%b"]}' % (VERSION, chain[0], chain[1].encode())
        records: list[JournalRecord] = []
        if promised != NO_BALLOT:
            records.append(PromiseRecord(promised))
        if opened != NO_BALLOT:
            records.append(OpenedRecord(opened))
        records.extend(AcceptedRecord(vote.ballot, vote.slot, vote.value) for vote in accepted)
        data = b"%08x %b\n" % (crc32(first), first)
        if lost:
            mark = b'{"lost":%b}' % msgspec.json.encode(lost)
            data += b"%08x %b\n" % (crc32(mark), mark)
        data += encode_records(records)
        self._disk.replace(JOURNAL, data)
        self.size = len(data)
        self._unsafe = False


def _check_torn(tail: bytes, number: int) -> None:
    if _sound(tail[:-1]):
        # A whole line with another byte in place of its newline: it was complete and has changed since.
        raise FileDamage(JOURNAL, number, "the newline at its end has become another byte")
    # A power loss may leave zeros at the end of a file: they are no damage.
    if number == 1 or not _BEGINNING.fullmatch(tail.rstrip(b"\0")):
        raise FileDamage(JOURNAL, number, "it has no end, and it is not the beginning of a record")


def encode_records(records: Iterable[JournalRecord]) -> bytes:
    """The lines of these records. Operations are copied as they came and not encoded again."""
    lines = []
    for record in records:
        ballot = record.ballot
        if isinstance(record, AcceptedRecord):
            value = ",".join([request.operation for request in record.value])
            text = (
                f'{{"accepted":{{"slot":{record.slot},"ballot":[{ballot.round},{ballot.owner}],"value":[{value}]}}}}'
            ).encode()
        elif isinstance(record, PromiseRecord):
            text = b'{"promise":[%d,%d]}' % (ballot.round, ballot.owner)
        else:
            text = b'{"opened":[%d,%d]}' % (ballot.round, ballot.owner)
        lines.append(b"%08x %b\n" % (crc32(text), text))
    return b"".join(lines)


def _sound(line: bytes) -> bool:
    return _CHECKED.fullmatch(line) is not None and crc32(line[9:]) == int(line[:8], 16)


def _parsed(line: bytes, number: int) -> _Line:
    if not _sound(line):
        raise FileDamage(JOURNAL, number, "its checksum does not match its text")
    try:
        return _decode(line[9:])
    except (ValueError, RecursionError) as error:
        raise FileDamage(JOURNAL, number, f"it is no record of a journal ({error})") from None


def _fold(memory: Memory, line: _Line, number: int) -> None:
    if number == 1:
        if line.journal != VERSION or line.chain is None:
            raise FileDamage(JOURNAL, 1, f"the first line of a journal of version {VERSION} is missing")
        memory.chain_height, memory.chain_hash = line.chain
    elif line.promise is not None:
        memory.promised = max(memory.promised, line.promise)
    elif line.opened is not None:
        memory.opened = max(memory.opened, line.opened)
        memory.promised = max(memory.promised, line.opened)
    elif line.accepted is not None:
        vote = line.accepted
        memory.promised = max(memory.promised, vote.ballot)
        known = memory.accepted.get(vote.slot)
        value = _value(vote.value, number)
        if known is None or vote.ballot >= known.ballot:
            memory.accepted[vote.slot] = Acceptance(vote.slot, vote.ballot, value)
    elif line.lost:
        memory.lost = line.lost
    else:
        raise FileDamage(JOURNAL, number, "it holds no record")


def _value(operations: Sequence[msgspec.Raw], number: int) -> Value:
    try:
        return tuple([_request(bytes(raw).decode()) for raw in operations])
    except (MalformedText, UnicodeDecodeError) as error:
        raise FileDamage(JOURNAL, number, f"its value holds {error}") from None


def _request(text: str) -> Request:
    _, client, seq = parse_operation(text)
    return Request(client, seq, text)


def above(accepted: Mapping[Slot, Acceptance], height: int) -> dict[Slot, Acceptance]:
    """The votes for slots above `height`, in slot order."""
    return {slot: accepted[slot] for slot in sorted(accepted) if slot > height}
