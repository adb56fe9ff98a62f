"""The three files together: what a restart finds, whatever a crash took."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blog.operations import Post
from paxos.ballot import NO_BALLOT, Ballot, Slot
from paxos.messages import Acceptance
from paxos.records import AcceptedRecord, JournalRecord, OpenedRecord, PromiseRecord
from simulator.errors import StorageDamage
from tests.simulator.node.storage.builder import Scribe, busy_batches, request
from tests.simulator.node.storage.crash_disk import CrashDisk

B1, B2, B3 = Ballot(1, 1), Ballot(2, 3), Ballot(10, 2)


def test_a_new_node_starts_with_nothing_and_three_files() -> None:
    """The files are there from the first moment on, and a loss of power does not take the journal's beginning."""
    disk = CrashDisk()

    writer = Scribe(disk)
    disk.crash()

    assert writer.recovered.fresh
    assert set(disk.files) == {"paxos.txt", "blockchain.txt", "blog.txt"}
    assert not Scribe(disk).recovered.fresh


def test_a_restart_finds_promises_votes_chain_and_blog() -> None:
    """Everything that was written before a clean stop is known again after it."""
    disk = CrashDisk()
    first = Scribe(disk)
    vote = AcceptedRecord(B2, 6, (request(9),))
    first.storage.append([PromiseRecord(B1), OpenedRecord(B2), vote])
    first.decide(*busy_batches())
    first.storage.close()

    second = Scribe(disk)

    assert second.recovered.promised == B2
    assert second.recovered.opened == B2
    assert second.recovered.accepted == {6: Acceptance(6, B2, vote.value)}
    assert (second.recovered.height, second.recovered.tip) == (5, first.chain.tip)
    assert second.recovered.notes == ()
    assert second.blog.view_all() == first.blog.view_all()


def test_a_vote_and_a_bid_are_promises_too() -> None:
    """The highest ballot of any record is the promise, whatever record it stands in."""
    disk = CrashDisk()
    first = Scribe(disk)
    first.storage.append([PromiseRecord(B3), OpenedRecord(B1), AcceptedRecord(B2, 1, ())])

    recovered = Scribe(disk).recovered

    assert (recovered.promised, recovered.opened) == (B3, B1)
    assert recovered.accepted == {1: Acceptance(1, B2, ())}


def test_votes_for_slots_on_the_chain_are_not_reported() -> None:
    """They are decided: the chain speaks for them."""
    disk = CrashDisk()
    first = Scribe(disk)
    first.storage.append([AcceptedRecord(B1, slot, (request(slot),)) for slot in (1, 2, 3)])
    first.decide([request(1)], [request(2)])

    assert list(Scribe(disk).recovered.accepted) == [3]


def test_what_a_restart_believes_is_safe_from_then_on() -> None:
    """A process killed before its sync leaves a line that the next life reads, and may answer from without a write."""
    disk = CrashDisk()
    Scribe(disk).storage.append([PromiseRecord(B2)])

    killed = Scribe(disk).recovered
    disk.crash()

    assert killed.promised == B2
    assert Scribe(disk).recovered.promised == B2


def test_a_sync_with_nothing_new_costs_nothing() -> None:
    """Only what was appended since the last one is worth a wait."""
    disk = CrashDisk()
    storage = Scribe(disk).storage
    storage.sync_all()
    storage.append([])
    before = disk.syncs

    storage.sync()
    storage.sync_all()
    storage.append([PromiseRecord(B1)])
    storage.sync()

    assert disk.syncs == before + 1


def test_compaction_keeps_what_is_still_needed() -> None:
    """After it the journal is short, and a restart knows the same."""
    disk = CrashDisk()
    first = Scribe(disk)
    first.storage.append([AcceptedRecord(B1, slot, (request(slot),)) for slot in range(1, 41)])
    first.decide(*([request(slot)] for slot in range(1, 40)))
    before = first.storage.journal_bytes
    votes = {slot: Acceptance(slot, B1, (request(slot),)) for slot in (38, 39, 40)}

    first.storage.compact(B3, B2, votes)
    disk.crash()

    second = Scribe(disk)
    assert first.storage.journal_bytes == len(disk.files["paxos.txt"]) < before / 5
    assert (second.recovered.promised, second.recovered.opened) == (B3, B2)
    assert second.recovered.accepted == {40: votes[40]}
    assert second.recovered.height == 39
    assert disk.files["blog.txt"].count(b"\n") == 39


def test_records_go_on_after_a_compaction() -> None:
    """The new journal is appended to like the old one."""
    disk = CrashDisk()
    first = Scribe(disk)
    first.storage.compact(B1, NO_BALLOT, {})
    first.storage.append([PromiseRecord(B3)])
    first.storage.sync()
    disk.crash()

    assert Scribe(disk).recovered.promised == B3


def test_an_unsynced_chain_is_short_after_a_power_loss_and_its_votes_are_back() -> None:
    """Blocks are written and not synced; until a compaction the votes for them are still in the journal."""
    disk = CrashDisk()
    first = Scribe(disk)
    first.storage.append([AcceptedRecord(B1, slot, (request(slot),)) for slot in (1, 2, 3)])
    first.storage.sync()
    first.decide([request(1)], [request(2)], [request(3)])

    disk.crash()

    second = Scribe(disk)
    assert second.recovered.height == 0
    assert list(second.recovered.accepted) == [1, 2, 3]


def test_a_chain_that_lost_what_the_journal_relies_on_is_refused() -> None:
    """Votes were let go because the chain held those slots; a chain cut behind our back has lost votes."""
    disk = CrashDisk()
    first = Scribe(disk)
    first.decide([request(1)], [request(2)])
    first.storage.compact(B1, B1, {})
    disk.files["blockchain.txt"] = disk.files["blockchain.txt"].split(b"\n")[0] + b"\n"

    with pytest.raises(
        StorageDamage, match=r"blockchain\.txt, line 2: the chain ends before block 2, which paxos\.txt"
    ):
        Scribe(disk)


def test_another_chain_than_the_journals_is_refused() -> None:
    """A chain from elsewhere may hold in itself and still not be the one that this node vouched for."""
    disk, other = CrashDisk(), CrashDisk()
    first = Scribe(disk)
    first.decide([request(1)])
    first.storage.compact(B1, B1, {})
    Scribe(other).decide([request(7)])
    disk.files["blockchain.txt"] = other.files["blockchain.txt"]

    with pytest.raises(StorageDamage, match=r"another chain than the one that paxos\.txt relies on"):
        Scribe(disk)


def test_a_node_with_a_past_and_no_journal_is_refused() -> None:
    """Its promises are lost; starting as if it had never given any would be unsafe."""
    disk = CrashDisk()
    Scribe(disk).decide([request(1)])
    del disk.files["paxos.txt"]

    with pytest.raises(StorageDamage, match=r"paxos\.txt: it is missing"):
        Scribe(disk)


@pytest.mark.parametrize(
    ("blog", "note"),
    [
        (b"", "continued"),
        (b'{"height":1,"op":"PO', "continued"),
        (b"\x00\xff junk\n", "written anew"),
    ],
)
def test_the_blog_file_is_mended_from_the_chain(blog: bytes, note: str) -> None:
    """It is never believed: what differs from the replay is cut, what is missing is added."""
    disk = CrashDisk()
    Scribe(disk).decide(*busy_batches())
    right = disk.files["blog.txt"]
    disk.files["blog.txt"] = blog

    recovered = Scribe(disk).recovered

    assert disk.files["blog.txt"] == right
    assert disk.safe["blog.txt"] == len(right)
    assert note in recovered.notes[0]


def test_a_blog_file_that_goes_beyond_the_chain_is_cut() -> None:
    """A crash may keep more of one file than of the other."""
    disk = CrashDisk()
    Scribe(disk).decide(*busy_batches())
    right = disk.files["blog.txt"]
    disk.files["blog.txt"] += b'{"height":6,"op":"POST"'

    writer = Scribe(disk)
    writer.decide([request(20)])

    assert writer.recovered.notes == ("blog.txt went on beyond the chain and was cut to it",)
    assert disk.files["blog.txt"].startswith(right + b'{"height":6,"op":"POST","username":"ann"')


def test_a_missing_blog_file_is_written_again() -> None:
    """Everything in it follows from the chain."""
    disk = CrashDisk()
    Scribe(disk).decide(*busy_batches())
    right = disk.files.pop("blog.txt")

    Scribe(disk)

    assert disk.files["blog.txt"] == right


@pytest.mark.parametrize("number", range(3))
def test_a_long_blog_file_is_mended_where_it_differs(number: int) -> None:
    """Comparing goes by pieces of a megabyte; the place of the difference may lie in any of them."""
    disk = CrashDisk()
    writer = Scribe(disk, difficulty=0)
    writer.decide(*([request(n, Post("ann", f"t{n}", "x" * 60_000))] for n in range(1, 51)))
    right = disk.files["blog.txt"]
    place = (0, len(right) // 2, len(right) - 1)[number]
    disk.files["blog.txt"] = right[:place] + b"#" + right[place + 1 :]

    Scribe(disk, difficulty=0)

    assert disk.files["blog.txt"] == right


def _steps() -> st.SearchStrategy[list[tuple[str, int]]]:
    kinds = st.sampled_from(["vote", "promise", "open", "sync", "decide", "compact", "crash", "kill"])
    return st.lists(st.tuples(kinds, st.integers(0, 100)), max_size=30)


@settings(max_examples=150)
@given(_steps())
def test_what_was_synced_is_never_forgotten(steps: list[tuple[str, int]]) -> None:
    """Whatever is written, synced, compacted and lost, in whatever order.

    A restart knows at least what was synced and nothing that was never written; chain and blog agree.
    """
    disk = CrashDisk()
    writer = Scribe(disk)
    highest, seq = 0, 0
    synced: list[JournalRecord] = []
    pending: list[JournalRecord] = []
    for kind, number in steps:
        if kind in {"vote", "promise", "open"}:
            highest += 1
            ballot = Ballot(highest, 1)
            slot: Slot = writer.storage.height + 1 + number % 4
            choices: dict[str, JournalRecord] = {
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
            writer = Scribe(disk)
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


def _survivors(pending: list[JournalRecord], promised: Ballot) -> int:
    return sum(record.ballot <= promised for record in pending)


def _fold(records: list[JournalRecord]) -> tuple[Ballot, Ballot, dict[Slot, Acceptance]]:
    promised = max((record.ballot for record in records), default=NO_BALLOT)
    opened = max((record.ballot for record in records if isinstance(record, OpenedRecord)), default=NO_BALLOT)
    votes = [record for record in records if isinstance(record, AcceptedRecord)]
    return promised, opened, {vote.slot: Acceptance(vote.slot, vote.ballot, vote.value) for vote in votes}
