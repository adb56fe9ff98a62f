"""The three files together: what a restart recovers after a clean stop, a crash and damage."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blog.operations import Post
from paxos.ballot import NO_BALLOT, Ballot, Slot
from paxos.messages import Acceptance
from paxos.records import AcceptedRecord, AmnesiaRecord, BallotRecord, OpenedRecord, PromiseRecord, RecoveredRecord
from tests.simulator.node.storage.builder import BareNode, busy_batches, request
from tests.simulator.node.storage.crash_disk import CrashDisk

B1, B2, B3 = Ballot(1, 1), Ballot(2, 3), Ballot(10, 2)


def test_a_new_node_starts_with_three_empty_files_and_one_that_says_whose_they_are() -> None:
    """A power loss after the first start does not remove the files or the first journal line."""
    disk = CrashDisk()

    writer = BareNode(disk)
    disk.crash()

    assert writer.recovered.fresh
    assert set(disk.files) == {"paxos.txt", "blockchain.txt", "blog.txt", "meta.txt"}
    assert not BareNode(disk).recovered.fresh


def test_a_restart_finds_promises_votes_chain_and_blog() -> None:
    """All that was written before a clean stop is recovered."""
    disk = CrashDisk()
    first = BareNode(disk)
    vote = AcceptedRecord(B2, 6, (request(9),))
    first.storage.append([PromiseRecord(B1), OpenedRecord(B2), vote])
    first.decide(*busy_batches())
    first.storage.close()

    second = BareNode(disk)

    assert second.recovered.promised == B2
    assert second.recovered.opened == B2
    assert second.recovered.accepted == {6: Acceptance(6, B2, vote.value)}
    assert (second.recovered.height, second.recovered.tip) == (5, first.chain.tip)
    assert second.recovered.notes == ()
    assert second.blog.view_all() == first.blog.view_all()


def test_a_vote_and_an_opened_ballot_are_promises_too() -> None:
    """The promise is the highest ballot of all records."""
    disk = CrashDisk()
    first = BareNode(disk)
    first.storage.append([PromiseRecord(B3), OpenedRecord(B1), AcceptedRecord(B2, 1, ())])

    recovered = BareNode(disk).recovered

    assert (recovered.promised, recovered.opened) == (B3, B1)
    assert recovered.accepted == {1: Acceptance(1, B2, ())}


def test_votes_for_slots_on_the_chain_are_not_reported() -> None:
    """These slots are decided."""
    disk = CrashDisk()
    first = BareNode(disk)
    first.storage.append([AcceptedRecord(B1, slot, (request(slot),)) for slot in (1, 2, 3)])
    first.decide([request(1)], [request(2)])

    assert list(BareNode(disk).recovered.accepted) == [3]


def test_what_a_restart_recovers_is_durable() -> None:
    """A process that was killed before a sync leaves lines from which the next incarnation may answer."""
    disk = CrashDisk()
    BareNode(disk).storage.append([PromiseRecord(B2)])

    killed = BareNode(disk).recovered
    disk.crash()

    assert killed.promised == B2
    assert BareNode(disk).recovered.promised == B2


def test_a_sync_with_nothing_new_costs_nothing() -> None:
    """A second sync without a new record does not reach the disk."""
    disk = CrashDisk()
    storage = BareNode(disk).storage
    storage.sync_all()
    storage.append([])
    before = disk.syncs

    storage.sync()
    storage.sync_all()
    storage.append([PromiseRecord(B1)])
    storage.sync()

    assert disk.syncs == before + 1


def test_compaction_keeps_what_is_still_needed() -> None:
    """The journal is short afterwards, and a restart recovers the same state."""
    disk = CrashDisk()
    first = BareNode(disk)
    first.storage.append([AcceptedRecord(B1, slot, (request(slot),)) for slot in range(1, 41)])
    first.decide(*([request(slot)] for slot in range(1, 40)))
    before = first.storage.journal_bytes
    votes = {slot: Acceptance(slot, B1, (request(slot),)) for slot in (38, 39, 40)}

    first.storage.compact(B3, B2, votes)
    disk.crash()

    second = BareNode(disk)
    assert first.storage.journal_bytes == len(disk.files["paxos.txt"]) < before / 5
    assert (second.recovered.promised, second.recovered.opened) == (B3, B2)
    assert second.recovered.accepted == {40: votes[40]}
    assert second.recovered.height == 39
    assert disk.files["blog.txt"].count(b"\n") == 39


def test_records_go_on_after_a_compaction() -> None:
    """Records are appended to the new journal."""
    disk = CrashDisk()
    first = BareNode(disk)
    first.storage.compact(B1, NO_BALLOT, {})
    first.storage.append([PromiseRecord(B3)])
    first.storage.sync()
    disk.crash()

    assert BareNode(disk).recovered.promised == B3


def test_an_unsynced_chain_is_short_after_a_power_loss_and_its_votes_are_back() -> None:
    """Blocks are not synced; until a compaction the journal holds the votes for them."""
    disk = CrashDisk()
    first = BareNode(disk)
    first.storage.append([AcceptedRecord(B1, slot, (request(slot),)) for slot in (1, 2, 3)])
    first.storage.sync()
    first.decide([request(1)], [request(2)], [request(3)])

    disk.crash()

    second = BareNode(disk)
    assert second.recovered.height == 0
    assert list(second.recovered.accepted) == [1, 2, 3]


def test_a_chain_that_lost_what_the_journal_relies_on_has_lost_votes() -> None:
    """Compaction dropped the votes for slots on the chain. The next start knows it too."""
    disk = CrashDisk()
    first = BareNode(disk)
    first.decide([request(1)], [request(2)])
    first.storage.compact(B1, B1, {})
    disk.files["blockchain.txt"] = disk.files["blockchain.txt"].split(b"\n")[0] + b"\n"

    what = "blockchain.txt, line 1: the chain ends before block 2, which paxos.txt relies on"
    assert BareNode(disk).recovered.lost == what
    assert BareNode(disk).recovered.lost == what


def test_a_chain_of_another_node_is_not_believed() -> None:
    """A chain that is valid but differs from the one that the journal relies on."""
    disk, other = CrashDisk(), CrashDisk()
    first = BareNode(disk)
    first.decide([request(1)])
    first.storage.compact(B1, B1, {})
    BareNode(other).decide([request(7)])
    disk.files["blockchain.txt"] = other.files["blockchain.txt"]

    recovered = BareNode(disk).recovered

    assert recovered.damaged[0].startswith("blockchain.txt, line 1: its hash is not the one that paxos.txt remembers;")
    assert (recovered.height, bool(recovered.lost)) == (0, True)


def test_a_node_with_a_past_and_no_journal_has_amnesia_until_it_has_recovered() -> None:
    """Its promises are lost: every start says so, compacted or not, until the node has proved that it may vote."""
    disk = CrashDisk()
    BareNode(disk).decide([request(1)])
    del disk.files["paxos.txt"]

    for _ in range(2):
        node = BareNode(disk)
        assert node.recovered.lost == "paxos.txt: it is missing, though this node has a past"
        node.storage.compact(B1, B1, {}, [AmnesiaRecord(node.recovered.lost)])
    last = BareNode(disk)
    last.storage.append([RecoveredRecord(B2, (0, 1))])
    last.storage.sync()

    recovered = BareNode(disk).recovered
    assert (recovered.lost, recovered.promised, recovered.height, recovered.eras) == ("", B2, 1, (0, 1))


def test_a_damaged_journal_is_set_aside_and_its_sound_lines_are_kept() -> None:
    """What is left of it is true, and may not be all: the node has amnesia."""
    disk = CrashDisk()
    first = BareNode(disk)
    first.storage.append([PromiseRecord(B1), AcceptedRecord(B1, 1, (request(1),)), PromiseRecord(B2)])
    damaged = disk.files["paxos.txt"].replace(b'"slot":1', b'"slot":2')
    disk.files["paxos.txt"] = damaged

    recovered = BareNode(disk).recovered

    assert (recovered.promised, recovered.accepted) == (B2, {})
    assert recovered.lost == "paxos.txt, line 3: its checksum does not match its text"
    assert recovered.damaged == (
        f"{recovered.lost}; the file was set aside as paxos.txt.damaged-1, and promises or votes may be lost",
    )
    assert disk.files["paxos.txt.damaged-1"] == damaged
    again = BareNode(disk).recovered
    assert (again.promised, again.lost, again.damaged) == (B2, recovered.lost, ())


def test_a_damaged_chain_is_set_aside_and_ends_before_the_damage() -> None:
    """The blocks from there on are fetched; promises and votes are whole."""
    disk = CrashDisk()
    first = BareNode(disk)
    first.storage.append([AcceptedRecord(B1, slot, (request(slot),)) for slot in (1, 2, 3)])
    first.decide([request(1)], [request(2)], [request(3)])
    right, damaged = disk.files["blockchain.txt"], disk.files["blockchain.txt"].replace(b"title 2", b"title 9")
    for number in (1, 2):
        disk.files["blockchain.txt"] = damaged

        node = BareNode(disk)

        assert (node.recovered.lost, node.recovered.height) == ("", 1)
        assert list(node.recovered.accepted) == [2, 3]
        assert node.recovered.damaged[0].startswith("blockchain.txt, line 2: its hash is written as")
        assert disk.files[f"blockchain.txt.damaged-{number}"] == damaged
        assert disk.files["blog.txt"].count(b"\n") == 1
    BareNode(disk).decide([request(2)], [request(3)])
    assert disk.files["blockchain.txt"] == right


@pytest.mark.parametrize(
    ("blog", "note"),
    [
        (b"", "continued"),
        (b'{"height":1,"op":"PO', "continued"),
        (b"\x00\xff junk\n", "written anew"),
    ],
)
def test_the_blog_file_is_repaired_from_the_chain(blog: bytes, note: str) -> None:
    """Lines that differ from the replay are cut, and missing lines are added."""
    disk = CrashDisk()
    BareNode(disk).decide(*busy_batches())
    right = disk.files["blog.txt"]
    disk.files["blog.txt"] = blog

    recovered = BareNode(disk).recovered

    assert disk.files["blog.txt"] == right
    assert disk.safe["blog.txt"] == len(right)
    assert note in recovered.notes[0]


def test_a_blog_file_that_goes_beyond_the_chain_is_cut() -> None:
    """A crash may keep more of one file than of the other."""
    disk = CrashDisk()
    BareNode(disk).decide(*busy_batches())
    right = disk.files["blog.txt"]
    disk.files["blog.txt"] += b'{"height":6,"op":"POST"'

    writer = BareNode(disk)
    writer.decide([request(20)])

    assert writer.recovered.notes == ("blog.txt went on beyond the chain and was cut to it",)
    assert disk.files["blog.txt"].startswith(right + b'{"height":6,"op":"POST","username":"ann"')


def test_a_missing_blog_file_is_written_again() -> None:
    """All of it follows from the chain."""
    disk = CrashDisk()
    BareNode(disk).decide(*busy_batches())
    right = disk.files.pop("blog.txt")

    BareNode(disk)

    assert disk.files["blog.txt"] == right


@pytest.mark.parametrize("number", range(3))
def test_a_long_blog_file_is_repaired_where_it_differs(number: int) -> None:
    """Files are compared in chunks of a megabyte; the difference may be in any of them."""
    disk = CrashDisk()
    writer = BareNode(disk, difficulty=0)
    writer.decide(*([request(n, Post("ann", f"t{n}", "x" * 60_000))] for n in range(1, 51)))
    right = disk.files["blog.txt"]
    place = (0, len(right) // 2, len(right) - 1)[number]
    disk.files["blog.txt"] = right[:place] + b"#" + right[place + 1 :]

    BareNode(disk, difficulty=0)

    assert disk.files["blog.txt"] == right


def _steps() -> st.SearchStrategy[list[tuple[str, int]]]:
    kinds = st.sampled_from(["vote", "promise", "open", "sync", "decide", "compact", "crash", "kill"])
    return st.lists(st.tuples(kinds, st.integers(0, 100)), max_size=30)


@settings(max_examples=150)
@given(_steps())
def test_what_was_synced_is_never_forgotten(steps: list[tuple[str, int]]) -> None:
    """In any order of writes, syncs, compactions and crashes.

    A restart knows at least what was synced and nothing that was never written; chain and blog agree.
    """
    disk = CrashDisk()
    writer = BareNode(disk)
    highest, seq = 0, 0
    synced: list[BallotRecord] = []
    pending: list[BallotRecord] = []
    for kind, number in steps:
        if kind in {"vote", "promise", "open"}:
            highest += 1
            ballot = Ballot(highest, 1)
            slot: Slot = writer.storage.height + 1 + number % 4
            choices: dict[str, BallotRecord] = {
                "vote": AcceptedRecord(ballot, slot, (request(1000 + highest),)),
                "promise": PromiseRecord(ballot),
                "open": OpenedRecord(ballot),
            }
            record = choices[kind]
            writer.storage.append([record])
            pending.append(record)
        elif kind == "sync":
            writer.storage.sync()
            synced, pending = synced + pending, []
        elif kind == "decide":
            seq += 1
            writer.decide([request(seq)])
        elif kind == "compact":
            state = _fold(synced + pending)
            writer.storage.compact(*state)
            synced, pending = synced + pending, []
        else:
            if kind == "crash":  # A killed process loses nothing of what it wrote; a machine without power may.
                disk.crash(number / 100)
            writer = BareNode(disk)
            kept = writer.recovered
            least, most = _fold(synced), _fold(synced + pending)
            assert least[0] <= kept.promised <= most[0]
            assert least[1] <= kept.opened <= most[1]
            for slot, vote in least[2].items():
                assert slot <= kept.height or kept.accepted[slot].ballot >= vote.ballot
            for slot, vote in kept.accepted.items():
                assert vote.ballot <= most[2][slot].ballot
            assert len(writer.blog) == disk.files["blog.txt"].count(b"\n")
            synced, pending = [*synced, *pending[: _survivors(pending, kept.promised)]], []
            seq = max(seq, kept.height)


def _survivors(pending: list[BallotRecord], promised: Ballot) -> int:
    return sum(record.ballot <= promised for record in pending)


def _fold(records: list[BallotRecord]) -> tuple[Ballot, Ballot, dict[Slot, Acceptance]]:
    promised = max((record.ballot for record in records), default=NO_BALLOT)
    opened = max((record.ballot for record in records if isinstance(record, OpenedRecord)), default=NO_BALLOT)
    votes = [record for record in records if isinstance(record, AcceptedRecord)]
    return promised, opened, {vote.slot: Acceptance(vote.slot, vote.ballot, vote.value) for vote in votes}
