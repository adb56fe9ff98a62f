"""paxos.txt: what an acceptor must not forget, a record a line, each line with its checksum.

A line is a checksum in eight hex digits, a blank, and JSON, so `cut -c10- paxos.txt` is JSON lines:

    1c291ca3 {"journal":2,"cluster":"5f0c…","node":3,"written":1,"chain":[0,"0000…"]}
    …        {"promise":[3,1]}
    …        {"opened":[4,2]}
    …        {"accepted":{"slot":5,"ballot":[3,1],"value":[{"op":"POST",…,"id":"c1:7"}]}}
    …        {"chain":[16,"00ab…"]}
    …        {"lost":"paxos.txt, line 7: its checksum does not match its text"}
    …        {"recovered":[[4,2],[0,0,1]]}
    …        {"era":[2,1,81237]}

The first line says whose file this is and of which version, how often the journal was written anew, and how far
blockchain.txt was durable then, with the hash there: votes up to that height were left out. A chain that no longer
reaches it has lost votes of this node.

The checksum is the CRC-32 of all JSON up to this line, so that a line that is missing, doubled or moved shows. (In
version 1, of this line's JSON alone.)

A later `chain` line names a block that the node has applied: block 16 has this hash. It is what the chain is proved by
at the next start, together with the votes: see `proof`.

`lost` says that promises or votes of this node are missing in this journal, and why: the node has amnesia (rule 17),
until `recovered`. An `era` is that of another node (`paxos/recovery.py`).

A last line without an end is torn: it was never synced, no message depended on it, and it is cut off. Any other line
with a wrong checksum is damage, also a last line with its newline: a torn write has no end, and cutting a line that was
acknowledged would forget a promise. All other sound lines of a damaged journal are kept: each was true when it was
written, so the promise is at least theirs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Annotated
from zlib import crc32

import msgspec
from msgspec import Meta

from chain.block import GENESIS_HASH
from paxos.ballot import MOST_SLOTS, NO_BALLOT, Ballot, NodeId, Slot
from paxos.eras import NO_LOSS, Eras, newest, with_era
from paxos.messages import Acceptance, Request, Value
from paxos.records import AcceptedRecord, AmnesiaRecord, EraRecord, JournalRecord, OpenedRecord, PromiseRecord
from paxos.rules import rule
from simulator.node.codec import REMEMBERED, SHORT, MalformedText, compact_requests, operation_text, parse_operation
from simulator.node.storage.disk import Disk
from simulator.node.storage.errors import FileDamage, ForeignFile
from simulator.node.storage.identity import NO_PAST, NOBODYS, VERSION, Identity, Past, check_version
from simulator.node.storage.line_reader import lines_of

JOURNAL = "paxos.txt"
ROUNDS_ON_DISK = 1 << 40
"""No journal holds a higher round. It is less than a message may hold, so that a node can go above it."""

_ELSEWHERE = "the journal's first line stands elsewhere"
_SUM = re.compile(rb"[0-9a-f]{8} ")
_BEGINNING = re.compile(rb"[0-9a-f]{0,8}|[0-9a-f]{8} (\{.*)?", re.DOTALL)


_Number = Annotated[int, Meta(ge=0, le=(1 << 63) - 1)]


class _Vote(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    slot: Annotated[int, Meta(ge=1, le=MOST_SLOTS)]
    ballot: Ballot
    value: msgspec.Raw


class _Line(msgspec.Struct, frozen=True, gc=False, forbid_unknown_fields=True):
    """One line: exactly one of the records is set. `journal` and the fields up to `chain` are the first line's."""

    journal: int | None = None
    cluster: str = ""
    node: int = 0
    written: Annotated[int, Meta(ge=0, lt=1 << 53)] = 0
    chain: tuple[Slot, Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]] | None = None
    promise: Ballot | None = None
    opened: Ballot | None = None
    accepted: _Vote | None = None
    lost: str | None = None
    era: tuple[Annotated[int, Meta(ge=1, le=99)], _Number, _Number] | None = None
    recovered: tuple[Ballot, Eras] | None = None


ValueReader = Callable[[msgspec.Raw], Value]
"""Reads the value of a vote, a list of operations. Raises `MalformedText`: the end of a sentence on what is wrong."""

_decode = msgspec.json.Decoder(_Line).decode
_decode_list = msgspec.json.Decoder(list[msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class Memory(msgspec.Struct):
    """The fold of a journal.

    `promised` is the highest promise (opened ballots and votes are promises too), `opened` the highest own ballot,
    `accepted` each slot's vote of the highest ballot. The journal relies on a chain that reaches `chain_height` with
    `chain_hash`; `marks` are the hashes of this and other blocks by height. `lost` says why records may be missing
    ("": none is), and `damage` what is wrong with the file itself. `eras` and `nonces` are those of `paxos/recovery`.
    `version` is that of the file, which was `written` anew so often; `owned`: it names this node, and not nobody.
    """

    promised: Ballot
    opened: Ballot
    accepted: dict[Slot, Acceptance]
    chain_height: int
    chain_hash: str
    marks: dict[Slot, str] = {}
    lost: str = ""
    damage: FileDamage | None = None
    eras: Eras = NO_LOSS
    nonces: dict[NodeId, int] = {}
    version: int = VERSION
    written: int = 0
    owned: bool = False

    def records(self) -> list[JournalRecord]:
        """The records of rule 17 that a journal which is written anew must keep."""
        records: list[JournalRecord] = [
            EraRecord(node, era, self.nonces.get(node, 0)) for node, era in enumerate(self.eras, 1) if era
        ]
        return [*records, AmnesiaRecord(self.lost)] if self.lost else records


class Journal:
    """The journal over one disk. `size` is its length in bytes, the unsynced part included.

    `written` counts how often it was written anew, all older ones included: both together only grow.
    """

    def __init__(
        self, disk: Disk, identity: Identity = NOBODYS, past: Past = NO_PAST, values: ValueReader | None = None
    ) -> None:
        self._disk = disk
        self._identity = identity
        self._values = values or blog_value
        self._unsafe = True
        self._sum = 0  # The checksum of the last line.
        self.written = past.written
        self.size = 0

    def start(self) -> None:
        """Create the journal of a new node. It is durable on return."""
        self.rewrite(NO_BALLOT, NO_BALLOT, (), {})

    @rule("16")
    def load(self, chain_lines: Callable[[], int] = lambda: 0) -> Memory:
        """Read all records back, cut off a torn last line, and sync.

        A process that was killed between write and sync leaves lines that a power loss can still take. They must be
        durable before a repeated message is answered from them without another write. When `damage` is set, the file is
        as it was found: set it aside and `rewrite` it. `chain_lines` counts the lines of the chain: zeros at the end of
        a journal are what a power loss left of the last write, unless the chain goes on beyond it.

        Raises:
            ForeignFile: it is the journal of another node or cluster, or of a newer program.
            OSError: the disk fails, or there is no journal.
        """
        memory = Memory(NO_BALLOT, NO_BALLOT, {}, 0, GENESIS_HASH, nonces={}, marks={})
        number = good = total = 0
        torn = False
        for number, line in enumerate(lines_of(self._disk, JOURNAL), 1):
            try:
                if line.endswith(b"\n"):
                    if number == 1:
                        self._begin(memory, _parsed(line[:-1], 1, 0))
                    else:
                        _fold(memory, _parsed(line[:-1], number, total), number, self._values)
                    good += len(line)
                else:
                    _check_torn(line, number, total)
                    torn = True
                    if line.endswith(b"\0") and chain_lines() > max(*memory.marks, *memory.accepted, 0, 0):
                        raise FileDamage(JOURNAL, number, "it is zeros, and the chain goes on beyond it")  # noqa: TRY301
            except ForeignFile:
                raise
            except FileDamage as damage:
                memory.damage = memory.damage or damage
                if number == 1 and b'"journal":1,' in line:
                    memory.version = 1
            if memory.version > 1 and not torn:
                total = int(line[:8], 16) if _SUM.match(line) else total  # After damage, the others are still checked.
        if not number:
            memory.damage = FileDamage(JOURNAL, 0, "it is empty, though a journal has a first line from its making on")
        if memory.damage is None:
            if torn:
                self._disk.truncate(JOURNAL, good)
            self.size, self._sum = good, total
            self.sync()
        return memory

    def append(self, records: Iterable[JournalRecord], mark: tuple[Slot, str] | None = None) -> None:
        """Append records in one write, `mark` before them. They are durable after `sync`.

        `mark` is the height and hash of a block that is applied, or is about to be.

        Raises:
            OSError: the disk fails.
        """
        texts = [_record_text(record) for record in records]
        if mark is not None:
            texts.insert(0, _mark_text(*mark))
        if texts:
            data, self._sum = _lines(texts, self._sum)
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
        chain: Mapping[Slot, str],
        kept: Iterable[JournalRecord] = (),
    ) -> None:
        """Replace the journal by these records, durably.

        `chain` are hashes of blocks by height: all blocks up to the highest one are durable. `kept` are the records of
        rule 17.

        Raises:
            OSError: the disk fails.
        """
        self.written += 1
        relied = max(chain, default=0)
        texts = [
            b'{"journal":%d,"cluster":"%b","node":%d,"written":%d,%b'
            % (
                VERSION,
                self._identity.cluster.encode(),
                self._identity.node,
                self.written,
                _mark_text(relied, chain.get(relied, GENESIS_HASH))[1:],
            )
        ]
        texts += [_mark_text(height, chain[height]) for height in sorted(chain) if height < relied]
        texts += [_record_text(record) for record in kept]
        if promised != NO_BALLOT:
            texts.append(_record_text(PromiseRecord(promised)))
        if opened != NO_BALLOT:
            texts.append(_record_text(OpenedRecord(opened)))
        texts += [_record_text(AcceptedRecord(vote.ballot, vote.slot, vote.value)) for vote in accepted]
        data, self._sum = _lines(texts, 0)
        self._disk.replace(JOURNAL, data)
        self.size = len(data)
        self._unsafe = False

    def _begin(self, memory: Memory, line: _Line) -> None:
        if line.journal is not None:
            check_version(JOURNAL, line.journal)
        if line.journal is None or line.chain is None:
            raise FileDamage(JOURNAL, 1, "the first line of a journal is missing")
        self._identity.check(JOURNAL, line.cluster, line.node)
        memory.owned = bool(line.cluster) and line.cluster == self._identity.cluster
        memory.version = line.journal
        memory.chain_height, memory.chain_hash = line.chain
        memory.marks = {line.chain[0]: line.chain[1]}
        memory.written = line.written
        self.written = max(self.written, line.written)


def _check_torn(tail: bytes, number: int, total: int) -> None:
    if _sound(tail[:-1], total):
        # A whole line with another byte in place of its newline: it was complete and has changed since.
        raise FileDamage(JOURNAL, number, "the newline at its end has become another byte")
    # A power loss may leave zeros at the end of a file: they are no damage.
    if number == 1 or not _BEGINNING.fullmatch(tail.rstrip(b"\0")):
        raise FileDamage(JOURNAL, number, "it has no end, and it is not the beginning of a record")


def reached(data: bytes) -> tuple[int, int] | None:
    """How often this journal was written anew, and the length of its whole lines; None if it is no journal.

    Both together only grow, so a world that remembers them notices a journal that has become older (rule 17).
    """
    first = first_line(data[: data.find(b"\n") + 1])
    return None if first is None else (first[1], data.rfind(b"\n") + 1)


def first_line(line: bytes) -> tuple[str, int] | None:
    """The cluster that the first line of a journal names, and how often the journal was written anew; None: no such."""
    try:
        first = _decode(line[9:-1])
    except (ValueError, RecursionError):
        return None
    return None if first.journal is None else (first.cluster, first.written)


def _record_text(record: JournalRecord) -> bytes:
    """A record as JSON. Operations are copied as they came and not encoded again."""
    if isinstance(record, AcceptedRecord):
        ballot = record.ballot
        value = ",".join([request.operation for request in record.value])
        return (
            f'{{"accepted":{{"slot":{record.slot},"ballot":[{ballot.round},{ballot.owner}],"value":[{value}]}}}}'
        ).encode()
    if isinstance(record, PromiseRecord):
        return b'{"promise":[%d,%d]}' % (record.ballot.round, record.ballot.owner)
    if isinstance(record, OpenedRecord):
        return b'{"opened":[%d,%d]}' % (record.ballot.round, record.ballot.owner)
    if isinstance(record, EraRecord):
        return b'{"era":[%d,%d,%d]}' % (record.node, record.era, record.nonce)
    if isinstance(record, AmnesiaRecord):
        return b'{"lost":%b}' % _encode(record.why)
    return b'{"recovered":%b}' % _encode([record.ballot, record.eras])


def _mark_text(height: Slot, block_hash: str) -> bytes:
    return b'{"chain":[%d,"%b"]}' % (height, block_hash.encode())


def _lines(texts: Iterable[bytes], total: int) -> tuple[bytes, int]:
    """The texts as lines that follow one with checksum `total`, and the checksum of the last one."""
    lines = []
    for text in texts:
        total = crc32(text, total)
        lines.append(b"%08x %b\n" % (total, text))
    return b"".join(lines), total


def _sound(line: bytes, total: int) -> bool:
    return line.startswith(b"%08x {" % crc32(line[9:], total)) and line.endswith(b"}")


def _parsed(line: bytes, number: int, total: int) -> _Line:
    if not _sound(line, total):
        raise FileDamage(JOURNAL, number, "its checksum does not match its text")
    text = line[9:]
    try:
        found = _short_line(text) if len(text) <= SHORT else _line_of(text)
    except MalformedText as error:
        raise FileDamage(JOURNAL, number, str(error)) from None
    if found.journal is not None and number > 1:
        raise FileDamage(JOURNAL, number, _ELSEWHERE)
    return found


def _line_of(text: bytes) -> _Line:
    """What a line says.

    Raises:
        MalformedText: it is none of a journal. The text is a sentence on the line.
    """
    try:
        found = _decode(text)
    except (ValueError, RecursionError) as error:
        raise MalformedText(f"it is no record of a journal ({error})") from None
    records = [found.promise, found.opened, found.accepted, found.lost, found.chain, found.era, found.recovered]
    if records.count(None) != len(records) - 1:
        raise MalformedText(_ELSEWHERE if found.journal is not None else "it is not one record")
    ballot = found.promise or found.opened or (found.accepted.ballot if found.accepted else None)
    if ballot is not None and not (ballot.owner and 0 < ballot.round <= ROUNDS_ON_DISK):
        raise MalformedText(f"no cluster ever reaches ballot {ballot}")
    if found.recovered is not None and found.recovered[0].round > ROUNDS_ON_DISK:
        raise MalformedText(f"no cluster ever reaches ballot {found.recovered[0]}")
    return found


_short_line = lru_cache(REMEMBERED)(_line_of)


def _fold(memory: Memory, line: _Line, number: int, values: ValueReader) -> None:
    if line.chain is not None:
        memory.marks[line.chain[0]] = line.chain[1]
    elif line.promise is not None:
        memory.promised = max(memory.promised, line.promise)
    elif line.opened is not None:
        memory.opened = max(memory.opened, line.opened)
        memory.promised = max(memory.promised, line.opened)
    elif line.accepted is not None:
        vote = line.accepted
        memory.promised = max(memory.promised, vote.ballot)
        known = memory.accepted.get(vote.slot)
        value = _value(vote.value, number, values)
        if known is None or vote.ballot >= known.ballot:
            memory.accepted[vote.slot] = Acceptance(vote.slot, vote.ballot, value)
    elif line.lost:
        memory.lost = line.lost
    elif line.era is not None:
        node, era, nonce = line.era
        memory.eras = newest(memory.eras, with_era(memory.eras, node, era))
        memory.nonces[node] = nonce
    elif line.recovered is not None:
        floor, eras = line.recovered
        memory.promised, memory.eras = max(memory.promised, floor), newest(memory.eras, eras)
        memory.lost = ""
    else:
        raise FileDamage(JOURNAL, number, "it holds no record")


def _value(raw: msgspec.Raw, number: int, values: ValueReader) -> Value:
    try:
        return values(raw)
    except MalformedText as error:
        raise FileDamage(JOURNAL, number, f"its value {error}") from None


def blog_value(raw: msgspec.Raw) -> Value:
    """The value of a vote, requests of the blog. See `ValueReader`."""
    value = compact_requests(bytes(raw))
    return _checked_value(raw) if value is None else value


def _checked_value(raw: msgspec.Raw) -> Value:
    """The same, one operation after the other, to name what is wrong."""
    try:
        operations = [bytes(operation) for operation in _decode_list(raw)]
        value = tuple([_request(operation.decode()) for operation in operations])
    except MalformedText as error:
        raise MalformedText(f"holds {error}") from None
    except (ValueError, RecursionError) as error:
        raise MalformedText(f"is no list of operations ({error})") from None
    if b"[%b]" % b",".join(operations) != bytes(raw):
        raise MalformedText("is not written compactly")
    return value


def _request(text: str) -> Request:
    operation, client, seq = parse_operation(text)
    if operation_text(operation, client, seq) != text:
        raise MalformedText("an operation that is not written compactly")
    return Request(client, seq, text)


def above(accepted: Mapping[Slot, Acceptance], height: int) -> dict[Slot, Acceptance]:
    """The votes for slots above `height`, in slot order."""
    return {slot: accepted[slot] for slot in sorted(accepted) if slot > height}
