"""`paxsim verify`: it accepts the files that nodes write, and names file and line of every damage."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable
from pathlib import Path
from zlib import crc32

import msgspec
import pytest

from blog.operations import Post
from chain.blockchain import Blockchain
from paxos.ballot import NO_BALLOT, Ballot
from paxos.records import AcceptedRecord, OpenedRecord, PromiseRecord
from simulator.checks.audit import Report, verify_directory
from simulator.errors import InputError
from simulator.node.storage.real_disk import RealDisk
from tests.simulator.node.storage.builder import DIFFICULTY, BareNode, busy_batches, request


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three nodes with the same busy chain; the third has compacted its journal, the second is two blocks behind."""
    for node in (1, 2, 3):
        disk = RealDisk(tmp_path / f"node-{node}", "flush")
        writer = BareNode(disk)
        batches = busy_batches()
        writer.storage.append([PromiseRecord(Ballot(1, 1)), OpenedRecord(Ballot(2, node))])
        writer.storage.append([AcceptedRecord(Ballot(2, 1), n, tuple(batch)) for n, batch in enumerate(batches, 1)])
        writer.decide(*batches[: 3 if node == 2 else 5])
        if node == 3:
            writer.storage.compact(Ballot(2, 1), NO_BALLOT, {})
        writer.storage.close()
        disk.close()
    return tmp_path


def verified(data: Path) -> Report:
    """The report at the difficulty of these tests."""
    return verify_directory(data, DIFFICULTY)


def problems(data: Path, node: int = 1) -> list[str]:
    """The problems of one node."""
    return [text for report in verified(data).nodes if report.node == node for text in report.problems]


def warnings(data: Path, node: int = 1) -> list[str]:
    """The warnings of one node."""
    return [text for report in verified(data).nodes if report.node == node for text in report.warnings]


def test_files_written_by_nodes_pass(data: Path) -> None:
    """Refused writes, repeated requests, no-ops, escapes and a node that is behind are no problems."""
    report = verified(data)

    assert report.ok
    assert [(node.node, node.height, node.problems, node.warnings) for node in report.nodes] == [
        (1, 5, (), ()),
        (2, 3, (), ()),
        (3, 5, (), ()),
    ]
    assert report.nodes[0].hash == report.nodes[2].hash != report.nodes[1].hash


def test_the_report_has_the_documented_json_form(data: Path) -> None:
    """`ok`, and for each node its number, height, hash and problems."""
    document = msgspec.json.decode(msgspec.json.encode(verified(data)))

    assert document["ok"] is True
    assert list(document["nodes"][0]) == ["node", "height", "hash", "problems", "warnings"]


def test_the_text_names_each_node_and_the_result(data: Path) -> None:
    """This is the output without --json."""
    hold = verified(data).lines()
    (data / "node-2" / "blog.txt").write_bytes(b"")
    (data / "node-2" / "paxos.txt").write_bytes(b"")
    broken = verified(data).lines()

    assert hold[0].startswith("node 1: height 5, hash 0")
    assert hold[-1] == "all files hold"
    assert (
        broken[3]
        == "  warning: blog.txt: it ends after line 0, and 2 lines of the replay of blockchain.txt are missing."
    )
    assert broken[2].startswith("  problem: paxos.txt: it is empty")
    assert broken[-1] == "1 problem found"


def test_one_folder_alone_can_be_audited(data: Path, tmp_path: Path) -> None:
    """Under its own name, or as a copy with any name."""
    copy = (data / "node-3").rename(tmp_path / "copy")

    assert [node.node for node in verified(data / "node-2").nodes] == [2]
    assert [(node.node, node.problems) for node in verified(copy).nodes] == [(0, ())]


def test_nothing_is_changed(data: Path) -> None:
    """Damage that a start would repair stays too."""
    path = data / "node-1" / "blockchain.txt"
    path.write_bytes(path.read_bytes()[:-9])
    before = {file: file.read_bytes() for file in data.rglob("*.txt")}

    verified(data)

    assert {file: file.read_bytes() for file in data.rglob("*.txt")} == before


@pytest.mark.parametrize("file", ["blockchain.txt", "blog.txt", "paxos.txt"])
def test_no_changed_byte_goes_unnoticed(data: Path, file: str) -> None:
    """A flipped bit anywhere in a file gives a problem or a torn last line, with no other node to compare it with."""
    path = data / "node-1" / file
    whole = path.read_bytes()
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= 1
        path.write_bytes(damaged)

        report = verified(path.parent)

        found = report.nodes[0].problems or report.nodes[0].warnings
        torn = file == "blockchain.txt" and place == len(whole) - 1
        assert report.ok == (file == "blog.txt" or torn), place
        assert f"{file}" in found[0], (place, whole[max(0, place - 20) : place + 20])


@pytest.mark.parametrize("file", ["blockchain.txt", "blog.txt", "paxos.txt"])
def test_a_torn_last_line_is_a_warning(data: Path, file: str) -> None:
    """A crash leaves it, it was never acknowledged, and the next start cuts it off."""
    path = data / "node-1" / file
    line = path.read_bytes().splitlines(keepends=True)[-1]
    addition = {
        "blockchain.txt": b'{"height":6,"H":"%b","T":[' % json.loads(line).get("hash", "").encode()
        if file == "blockchain.txt"
        else b"",
        "paxos.txt": b'12345678 {"promise":[9,',
    }.get(file)
    if addition is None:
        path.write_bytes(path.read_bytes()[:-7])
    else:
        path.write_bytes(path.read_bytes() + addition)

    report = verified(data)

    assert report.ok
    number = path.read_bytes().count(b"\n") + 1
    assert report.nodes[0].warnings == (
        f"{file}, line {number}: the last line is torn; the node will cut it off when it starts.",
    )


def _edit(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    def edit(text: bytes) -> bytes:
        assert old in text
        return text.replace(old, new, 1)

    return edit


def _with_record(record: str) -> Callable[[bytes], bytes]:
    def edit(text: bytes) -> bytes:
        total = int(text.splitlines()[-1][:8], 16)
        return text + b"%08x %b\n" % (crc32(record.encode(), total), record.encode())

    return edit


def _swap(text: bytes) -> bytes:
    lines = text.splitlines(keepends=True)
    return b"".join([lines[0], lines[2], lines[1], *lines[3:]])


@pytest.mark.parametrize(
    ("file", "edit", "problem"),
    [
        (
            "blockchain.txt",
            _edit(b'"height":3', b'"height":7'),
            "line 3: its height is 7, and its place in the file 3",
        ),
        ("blockchain.txt", _edit(b"Hello", b"Howdy"), "line 1: its hash is written as"),
        ("blockchain.txt", _edit(b'"T":[]', b'"T":[ ]'), "line 3: its T is not written compactly"),
        ("blockchain.txt", _edit(b'"T":[]', b'"T": []'), "line 3: it is not of the form"),
        ("blockchain.txt", _edit(b"POST", b"DANCE"), "line 1: operation 1 of its T is neither POST nor COMMENT"),
        ("blockchain.txt", _edit(b'"c1:1"', b'"c1"'), "line 1: operation 1 of its T has an id that is not"),
        ("blockchain.txt", _edit(b'"ann"', b"1"), "line 1: operation 1 of its T has a username that is no text"),
        ("blockchain.txt", _edit(b'"op"', b'"do"'), "line 1: operation 1 of its T has other keys than op, username"),
        ("blockchain.txt", _swap, "line 2: its height is 3, and its place in the file 2"),
        ("blockchain.txt", lambda text: text + b'{"height":9', "line 6: it is torn, and not the beginning of a block"),
        ("blockchain.txt", lambda text: b"\xff\x00\r" * 9 + text, "line 1: it is not of the form"),
        ("blockchain.txt", lambda _text: b"", "it is missing"),
        ("blog.txt", _swap, "line 2: it is not what the replay of blockchain.txt gives: {"),
        ("blog.txt", lambda text: text + text, "line 4: 3 lines from here on have no write in blockchain.txt"),
        ("blog.txt", lambda text: text[: text.index(b"\n") + 1], "it ends after line 1, and 2 lines of the replay"),
        ("blog.txt", lambda text: b"junk" + text, "line 1: it is not what the replay"),
        ("paxos.txt", _edit(b'"slot":1', b'"slot":9'), "line 4: its checksum does not match its text"),
        ("paxos.txt", lambda text: text[text.index(b"\n") + 1 :], "line 1: its checksum does not match its text"),
        ("paxos.txt", lambda text: text + b"junk\n", "line 10: it is not of the form <checksum of eight hex digits>"),
        ("paxos.txt", _with_record('{"promise":[1]}'), "line 10: it is no record of a journal"),
        ("paxos.txt", _with_record('{"promise":[1,1],"opened":[1,1]}'), "line 10: it is not exactly one"),
        ("paxos.txt", _with_record("{}"), "line 10: it is not exactly one record"),
        (
            "paxos.txt",
            _with_record('{"accepted":{"slot":1,"ballot":[1,1],"value":[ ]}}'),
            "its value is",
        ),
        ("paxos.txt", lambda text: text[:-1] + b"X", "line 9: it is not of the form"),
        ("paxos.txt", lambda _text: b"", "it is missing"),
        ("paxos.txt", lambda _text: b"\0" * 99, "line 1: it is not of the form"),
    ],
)
def test_damage_is_named_with_file_line_and_fault(
    data: Path, file: str, edit: Callable[[bytes], bytes], problem: str
) -> None:
    """One sentence per fault; the other files are audited too."""
    path = data / "node-1" / file
    path.write_bytes(edit(path.read_bytes()))
    if not path.read_bytes():
        path.unlink()

    found = warnings(data) if file == "blog.txt" else problems(data)

    assert any(text.startswith(file) and problem in text for text in found), found
    assert problems(data, 2) == problems(data, 3) == []


def test_a_forged_block_breaks_the_link_behind_it(data: Path) -> None:
    """Its own hash and nonce are valid, but the next block points at the old hash."""
    path = data / "node-1" / "blockchain.txt"
    lines = path.read_text().splitlines()
    block = json.loads(lines[1])
    text = lines[1][lines[1].index('"T":') + 4 : lines[1].rindex(',"N":')].replace("bob", "eve")
    forged = Blockchain(DIFFICULTY, height=1, tip=block["H"]).extend(text)
    lines[1] = f'{{"height":2,"H":"{block["H"]}","T":{text},"N":{forged.nonce},"hash":"{forged.hash}"}}'
    path.write_text("\n".join(lines) + "\n")

    found = problems(data)

    assert any(problem.startswith("blockchain.txt, line 3: its H is") for problem in found)
    assert any("block 2 differs from block 2 of node" in text for node in (1, 2, 3) for text in problems(data, node))


def test_one_broken_link_is_reported_once(data: Path) -> None:
    """The audit continues from the hash in each line."""
    path = data / "node-1" / "blockchain.txt"
    path.write_bytes(_edit(b"Hello", b"Howdy")(path.read_bytes()))

    assert [problem for problem in problems(data) if problem.startswith("blockchain.txt")] == [
        problem for problem in problems(data) if problem.startswith("blockchain.txt, line 1: its hash is written as")
    ]


def test_two_chains_that_differ_are_named(tmp_path: Path) -> None:
    """Each chain is valid alone; they differ from block 2 on."""
    for node, title in ((1, "left"), (2, "right")):
        writer = BareNode(RealDisk(tmp_path / f"node-{node}", "flush"))
        writer.decide([request(1)], [request(2, Post("ann", title, ""))], [request(3)])

    report = verified(tmp_path)

    assert not report.ok
    assert report.nodes[1].problems == ("blockchain.txt, line 2: block 2 differs from block 2 of node 1.",)


def test_two_values_at_one_ballot_and_slot_are_named(tmp_path: Path) -> None:
    """Two journals hold different values of one leader, although no chain shows it."""
    for node in (1, 2):
        writer = BareNode(RealDisk(tmp_path / f"node-{node}", "flush"))
        writer.storage.append([AcceptedRecord(Ballot(1, 1), 1, (request(node),))])

    assert problems(tmp_path, 2) == ["paxos.txt, line 2: slot 1 has another value at ballot 1.1 than on node 1."]


def test_a_chain_shorter_than_its_journal_relies_on_is_named(data: Path) -> None:
    """Compaction dropped the votes for blocks that the chain has lost."""
    for name in ("blockchain.txt", "blog.txt"):
        path = data / "node-3" / name
        lines = path.read_bytes().splitlines(keepends=True)
        path.write_bytes(b"".join(lines[:3] if name == "blockchain.txt" else lines[:2]))

    assert [text.split(" with ")[0] for text in problems(data, 3)] == ["paxos.txt, line 1: it relies on block 5"]


def test_keys_behind_the_hash_are_allowed(data: Path) -> None:
    """Another program may have written them, as valid JSON; the node fetches such blocks anew."""
    path = data / "node-1" / "blockchain.txt"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"}\n", b',"more":[1]}\n', 1))
    assert verified(data).ok
    assert "blockchain.txt, line 1: it has keys behind its hash" in warnings(data)[0]

    path.write_bytes(whole.replace(b"}\n", b',"more":[1}\n', 1))
    assert "blockchain.txt, line 1: what follows its hash is no JSON" in problems(data)[0]


def test_the_difficulty_is_checked_for_every_block(data: Path) -> None:
    """All these hashes begin with one zero, but not all with two."""
    found = [text for text in verify_directory(data, 2).nodes[0].problems if "its nonce does not pass" in text]
    lines = (data / "node-1" / "blockchain.txt").read_text().splitlines()

    assert len(found) == sum(not json.loads(line)["hash"].startswith("00") for line in lines) > 0
    assert verify_directory(data, 0).ok


@pytest.mark.parametrize("file", ["blockchain.txt", "blog.txt", "paxos.txt"])
def test_random_bytes_of_any_size_are_audited(data: Path, file: str) -> None:
    """Megabytes of random bytes, with no newline or thousands: a thousand problems are listed, more are counted."""
    path = data / "node-1" / file
    path.write_bytes(random.Random(7).randbytes(3_000_000))
    assert problems(data) or warnings(data)

    path.write_bytes(b"junk\n" * 5000)
    found = problems(data)
    assert len(found) < 3100

    path.write_bytes(b'{"height":' + b"1" * 5_000_000 + b"\n")
    assert problems(data) or warnings(data)
    path.write_bytes(b'{"height":1,"H":"' + b"0" * 64 + b'","T":' + b"[" * 2_000_000)
    assert problems(data) or warnings(data)


def test_a_file_that_cannot_be_read_is_a_problem(data: Path) -> None:
    """A folder has the name of the file."""
    path = data / "node-1" / "blog.txt"
    path.unlink()
    path.mkdir()

    assert problems(data) == [
        "blog.txt: it cannot be read (Is a directory).",
    ]


def test_a_folder_without_files_is_a_problem_thrice(data: Path) -> None:
    """The folder of a node holds none of its three files."""
    (data / "node-4").mkdir()

    assert [text.split(";")[0].rstrip(".") for text in (*problems(data, 4), *warnings(data, 4))] == [
        "paxos.txt: it is missing",
        "blockchain.txt: it is missing",
        "blog.txt: it is missing",
    ]


def test_a_path_that_is_no_data_directory_is_bad_input(tmp_path: Path) -> None:
    """An audit of nothing must not pass as valid."""
    (tmp_path / "file").write_text("x")
    for path, sentence in (
        (tmp_path / "none", "does not exist"),
        (tmp_path / "file", "is no directory"),
        (tmp_path, "holds no node-N folder, and none of blockchain.txt, blog.txt and paxos.txt"),
        ("a\0b", "does not exist|cannot be read"),
        ("x" * 5000, "does not exist|cannot be read"),
    ):
        with pytest.raises(InputError, match=sentence):
            verify_directory(path)


def test_a_person_with_sha256sum_agrees(data: Path) -> None:
    """sha256sum gives the hash of each block."""
    for line in (data / "node-1" / "blockchain.txt").read_text().splitlines():
        height_to_t, rest = line.rsplit(',"N":', 1)
        before, text = height_to_t.split('","T":', 1)
        nonce, digest = rest.split(",")[0], rest[-66:-2]
        assert hashlib.sha256((before[-64:] + text + nonce).encode()).hexdigest() == digest
