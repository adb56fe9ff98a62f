"""paxos.txt: readable lines with checksums; a torn end is cut, and a changed line is refused."""

from __future__ import annotations

import re
from zlib import crc32

import msgspec
import pytest

from paxos.ballot import Ballot
from paxos.records import AcceptedRecord, JournalRecord, OpenedRecord, PromiseRecord
from simulator.node.storage.journal import JOURNAL, Journal, Memory
from tests.simulator.node.storage.builder import request
from tests.simulator.node.storage.crash_disk import CrashDisk

RECORDS: list[JournalRecord] = [
    PromiseRecord(Ballot(1, 2)),
    AcceptedRecord(Ballot(1, 2), 1, (request(1), request(2))),
    OpenedRecord(Ballot(2, 1)),
    AcceptedRecord(Ballot(2, 1), 2, ()),
    AcceptedRecord(Ballot(2, 1), 1, (request(3),)),
]


def written() -> CrashDisk:
    """A disk that holds a journal of these records."""
    disk = CrashDisk()
    journal = Journal(disk)
    journal.start()
    journal.append(RECORDS)
    return disk


def loaded(data: bytes) -> Memory:
    """The memory loaded from a journal of these bytes."""
    disk = CrashDisk()
    disk.files[JOURNAL] = data
    return Journal(disk).load()


def damage_in(data: bytes) -> str:
    """What is wrong with a journal of these bytes."""
    return str(loaded(data).damage or "")


def test_a_person_can_read_and_check_a_line() -> None:
    """Eight hex digits of the CRC-32 of all JSON so far, a blank, and JSON with each operation as in T."""
    lines = written().files[JOURNAL].decode().splitlines()[:3]

    checksum, text = lines[2].split(" ", 1)

    assert int(checksum, 16) == crc32("".join(line[9:] for line in lines).encode())
    operations = f"{request(1).operation},{request(2).operation}"
    assert text == f'{{"accepted":{{"slot":1,"ballot":[1,2],"value":[{operations}]}}}}'
    assert msgspec.json.decode(text)["accepted"]["value"][0]["id"] == "c1:1"


def test_the_newest_vote_of_a_slot_counts() -> None:
    """A later vote of a higher ballot replaces the earlier one of the same slot."""
    memory = loaded(written().files[JOURNAL])

    assert memory.accepted[1].value == (request(3),)
    assert memory.accepted[2].value == ()
    assert (memory.promised, memory.opened) == (Ballot(2, 1), Ballot(2, 1))


def test_a_line_torn_anywhere_is_cut_and_the_rest_is_kept() -> None:
    """The records before it are kept, and appending continues after them."""
    whole = written().files[JOURNAL]
    start = whole[:-1].rindex(b"\n") + 1
    for end in range(start + 1, len(whole)):
        disk = CrashDisk()
        disk.files[JOURNAL] = whole[:end]

        journal = Journal(disk)
        memory = journal.load()

        assert memory.accepted[1].value == (request(1), request(2))
        assert disk.files[JOURNAL] == whole[:start]
        assert journal.size == disk.safe[JOURNAL] == start


def test_a_tail_of_zeros_is_torn_too() -> None:
    """Some file systems extend a file before they fill it, and power may fail in between."""
    whole = written().files[JOURNAL]

    assert loaded(whole + b"12ab\0\0\0\0").promised == Ballot(2, 1)


def test_no_changed_byte_goes_unnoticed() -> None:
    """A flipped bit in any byte makes the journal refused."""
    whole = written().files[JOURNAL]
    for place in range(len(whole)):
        for bit in (1, 4, 32):
            damaged = bytearray(whole)
            damaged[place] ^= bit
            assert re.fullmatch(r"paxos\.txt, line \d: .*\.", damage_in(bytes(damaged)))


def test_damage_names_its_line_and_the_other_lines_are_kept() -> None:
    """A damaged file is neither cut nor rewritten here. The records of all sound lines are true."""
    disk = written()
    damaged = disk.files[JOURNAL].replace(b'"slot":1,"ballot":[2,1]', b'"slot":9,"ballot":[2,1]')
    disk.files[JOURNAL] = damaged

    memory = Journal(disk).load()

    assert str(memory.damage) == "paxos.txt, line 6: its checksum does not match its text."
    assert disk.files[JOURNAL] == damaged
    assert memory.promised == Ballot(2, 1)
    assert memory.accepted[1].value == (request(1), request(2))


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (f'{{"journal":2,"chain":[0,"{"0" * 64}"]}}', "line 7: the journal's first line stands elsewhere"),
        ('{"chain":[0,"x"]}', "line 7: it is no record of a journal"),
        ('{"promise":[1,1],"opened":[1,1]}', "line 7: it is not one record."),
        ('{"promise":[18446744073709551614,1]}', "line 7: it is no record of a journal"),
        (f'{{"promise":[{(1 << 40) + 1},1]}}', "line 7: no cluster ever reaches ballot 1099511627777.1"),
        ('{"promise":[1,0]}', "line 7: no cluster ever reaches ballot 1.0"),
        ('{"accepted":{"slot":1000000000,"ballot":[1,1],"value":[]}}', "line 7: it is no record of a journal"),
        ('{"accepted":{"slot":0,"ballot":[1,1],"value":[]}}', "line 7: it is no record of a journal"),
        ('{"promise":[1]}', "line 7: it is no record of a journal"),
        ('{"other":1}', "line 7: it is no record of a journal"),
        ("{}", "line 7: it is not one record."),
        ('{"accepted":{"slot":1,"ballot":[1,1],"value":[{"op":"DANCE"}]}}', "line 7: its value holds no operation"),
        (
            '{"accepted":{"slot":1,"ballot":[1,1],"value":[' + request(1).operation.replace("c1:1", "c1") + "]}}",
            r"line 7: its value holds no operation \(the id 'c1' is not <client>:<seq>\)",
        ),
    ],
)
def test_a_line_with_a_right_checksum_may_still_be_no_record(text: str, sentence: str) -> None:
    """Another program may have written it."""
    whole = written().files[JOURNAL]
    line = b"%08x %b\n" % (crc32(text.encode(), int(whole.splitlines()[-1][:8], 16)), text.encode())

    assert re.search(sentence, damage_in(whole + line))


@pytest.mark.parametrize("data", [b"", b"junk", b"junk\n", b"\0" * 5000, b"1c291ca3 {"])
def test_a_journal_without_its_beginning_is_refused(data: bytes) -> None:
    """The first line is durable before the node sends a message, so no crash removes it."""
    assert damage_in(data).startswith("paxos.txt")


def test_a_journal_cut_at_its_head_is_refused() -> None:
    """The other lines are valid, but a lost one may have been a promise."""
    whole = written().files[JOURNAL]

    assert damage_in(whole[whole.index(b"\n") + 1 :]) == "paxos.txt, line 1: its checksum does not match its text."


@pytest.mark.parametrize("edit", ["missing", "doubled", "swapped", "first of two"])
def test_whole_lines_that_are_missing_doubled_or_moved_are_noticed(edit: str) -> None:
    """Each line is sound alone: the checksum is of all JSON up to it."""
    lines = written().files[JOURNAL].splitlines(keepends=True)
    number = 3
    match edit:
        case "missing":
            del lines[2]
        case "doubled":
            lines.insert(2, lines[2])
            number = 4
        case "swapped":
            lines[2], lines[3] = lines[3], lines[2]
        case _:
            lines = [lines[0], *lines]
            number = 2

    assert damage_in(b"".join(lines)) == f"paxos.txt, line {number}: its checksum does not match its text."


def test_a_journal_of_version_1_is_read() -> None:
    """Its lines have checksums of their own."""
    texts = [b'{"journal":1,"chain":[0,"%b"]}' % (b"0" * 64), b'{"promise":[3,1]}', b'{"opened":[4,2]}']
    memory = loaded(b"".join(b"%08x %b\n" % (crc32(text), text) for text in texts))

    assert (memory.version, memory.promised, memory.opened, memory.damage) == (1, Ballot(4, 2), Ballot(4, 2), None)
