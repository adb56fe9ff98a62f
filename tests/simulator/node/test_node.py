"""The driver around a replica, on a bench: what it does in which order, and what its clients are told."""

from __future__ import annotations

import pytest

from blog.operations import Comment, Post
from chain.mining import mine
from paxos.ballot import NO_BALLOT
from paxos.effects import GiveUp, ReadGiveUp, Timer
from paxos.messages import (
    Accepted,
    Catchup,
    CatchupReply,
    Forward,
    Heartbeat,
    Hints,
)
from simulator.node import node as node_module
from simulator.node.catchup import REPLY_BYTES
from simulator.node.client_api import ClientWrite, Inspect, Inspected, NodeFailed, ReadAnswer, WriteAnswer
from simulator.node.group_commit import GroupCommit
from simulator.node.node import Node, NodeStopped
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.journal import JOURNAL
from tests.simulator.node.node_bench import BALLOT, HELLO, LEADER, NICE, Bench, accept, decide, posts, request

NEW_POST = "NEW POST Hello from ann"


def miner_that_counts(tries: list[str]) -> object:
    """`mine`, which notes every text that it searches for."""

    def search(prev_hash: str, text: str, difficulty: int) -> tuple[int, str]:
        tries.append(text)
        return mine(prev_hash, text, difficulty)

    return search


# What is on disk before what is said


def test_a_vote_is_safe_before_it_is_said() -> None:
    """Two ACCEPTs of one batch: one write, one sync, and only then both ACCEPTEDs; then everything leaves."""
    bench = Bench()

    bench.hear(accept(1, *posts(2)), accept(3, *posts(2, 3)))

    assert bench.deeds == [
        "push",  # What need not wait for the disk is on its way.
        f"append {JOURNAL}",
        "recorded 4",
        f"sync {JOURNAL}",
        "synced",
        "send Accepted",
        "send Accepted",
        "push",
    ]


def test_what_vouches_for_nothing_leaves_before_the_sync() -> None:
    """The answer to a heartbeat does not wait for the disk that a vote of the same batch waits for."""
    bench = Bench()

    beat = Heartbeat(sender=LEADER, ballot=BALLOT, decided=0, round=1, stamp=7, heard=(), round_trip_ms=1)
    bench.hear(accept(1, *posts(1)), beat)

    order = [deed for deed in bench.deeds if deed.startswith(("send", "sync "))]
    assert order == ["send HeartbeatAck", f"sync {JOURNAL}", "send Accepted"]
    assert bench.deeds.index("push") < bench.deeds.index(f"sync {JOURNAL}")


def test_an_answer_follows_its_block() -> None:
    """Chain, then blog, then the client; a run of slots is written at once, and nothing of it waits for a sync."""
    bench = Bench()
    bench.write(request(1))
    bench.hear(accept(1, (request(1),), *posts(2)))
    bench.deeds.clear()

    bench.hear(decide(3))

    assert bench.deeds == [f"append {CHAIN}", "append blog.txt", "applied 3", "report WriteAnswer", "push"]
    assert bench.answers() == [(1, "ok", NEW_POST, 1)]


def test_a_large_batch_is_answered_in_parts() -> None:
    """Each part is written before it is answered, and leaves before the next is applied."""
    bench = Bench(difficulty=0)
    values = posts(80)
    for value in (values[0], values[79]):
        bench.write(value[0])
    bench.deeds.clear()

    bench.decide(*values)

    chain, reported = f"append {CHAIN}", "report WriteAnswer"
    kept = [deed for deed in bench.deeds if deed in {chain, reported, "push"} or deed.startswith("applied")]
    first, rest, *_ = [deed for deed in kept if deed.startswith("applied")]
    assert (first, rest) == ("applied 32", "applied 32")
    start = kept.index(chain)
    assert kept[start : start + 5] == [chain, first, reported, "push", chain]
    assert [(seq, height) for seq, _, _, height in bench.answers()] == [(1, 1), (80, 80)]


def test_a_vote_does_not_wait_for_blocks_that_nobody_waits_for() -> None:
    """A decision and the next ACCEPT in one batch: the vote is said first, then the block is written."""
    bench = Bench()
    bench.hear(accept(1, *posts(1)))
    bench.deeds.clear()

    bench.hear(decide(1), accept(2, *posts(1, 2)))

    deeds = [deed for deed in bench.deeds if deed.startswith(("sync ", "send", "append block", "push"))]
    assert deeds == ["push", f"sync {JOURNAL}", "send Accepted", "push", f"append {CHAIN}", "push"]


def test_a_client_that_waits_is_answered_before_the_disk_is_waited_for() -> None:
    """The same batch where a client of this node waits for the block: its answer comes first."""
    bench = Bench()
    bench.write(request(1))
    bench.hear(accept(1, (request(1),)))
    bench.deeds.clear()

    bench.hear(decide(1), accept(2, *posts(1, 2)))

    deeds = [deed for deed in bench.deeds if deed.startswith(("sync ", "report WriteAnswer", "append block"))]
    assert deeds == [f"append {CHAIN}", "report WriteAnswer", f"sync {JOURNAL}"]


def test_the_leader_counts_its_own_vote_when_it_is_safe() -> None:
    """A cluster of one: the record, the sync, and only then the decision, the block and the answer."""
    bench = Bench(nodes=1)
    bench.lead_alone()

    bench.write(request(1))

    assert [deed for deed in bench.deeds if deed != "push"] == [
        f"append {JOURNAL}",
        "recorded 1",
        f"sync {JOURNAL}",
        "synced",
        f"append {CHAIN}",
        "append blog.txt",
        "applied 1",
        "report WriteAnswer",
    ]


def test_many_writes_of_one_batch_share_one_sync() -> None:
    """Group commit: what arrived together is written together, as far as it is one part."""
    bench = Bench(nodes=1)
    bench.lead_alone()

    for value in posts(32):
        bench.node.call(ClientWrite(value[0]), bench.now)
    bench.node.flush(bench.now)

    assert [deed for deed in bench.deeds if JOURNAL in deed] == [f"append {JOURNAL}", f"sync {JOURNAL}"]
    assert bench.deeds.count("report WriteAnswer") == 32
    assert bench.deeds.count(f"append {CHAIN}") == 1


def test_a_batch_in_which_nothing_happened_costs_nothing() -> None:
    """No write, no message, no alarm."""
    bench = Bench()

    bench.node.flush(bench.now)

    assert bench.deeds == ["push"]


# Exactly once


def test_a_retry_gets_the_first_answer() -> None:
    """At once, without going through the log again, as often as it is asked; another life knows it too."""
    bench = Bench()
    bench.decide((request(1),), (request(2, Post("bob", "Hello", "mine")),), (request(3, NICE),))
    expected = [
        (1, "ok", NEW_POST, 1),
        (2, "refused", "DUPLICATE TITLE", 2),
        (3, "ok", "NEW COMMENT on Hello from bob", 3),
    ]

    for life in range(2):
        bench.sent.clear()
        for seq, operation in ((1, HELLO), (2, Post("bob", "Hello", "mine")), (3, NICE)):
            bench.write(request(seq, operation))
        assert bench.answers() == expected, f"in life {life}"
        assert bench.sent == []
        bench.again()


def test_a_refusal_is_remembered() -> None:
    """A comment came before its post: its second copy, decided after the post, changes nothing."""
    bench = Bench()
    bench.write(request(2, NICE))
    bench.decide((request(2, NICE),), (request(1),), (request(2, NICE),))
    bench.write(request(2, NICE))

    refusal = (2, "refused", "CANNOT COMMENT on Hello: no such post exists", 1)
    assert bench.answers() == [refusal, refusal]
    assert bench.node.status().comments == 0
    assert len(bench.lines("blog.txt")) == 1


def test_a_request_that_was_decided_twice_takes_effect_once() -> None:
    """It stands in two blocks, and once in the blog; the client is told once, of the first."""
    bench = Bench()
    bench.write(request(1))

    bench.decide((request(1),), (request(1),))

    assert (bench.height, bench.lines("blog.txt")[1:]) == (2, [])
    assert bench.answers() == [(1, "ok", NEW_POST, 1)]
    bench.again()
    assert bench.node.status().posts == 1


def test_a_write_that_waits_is_not_placed_twice() -> None:
    """The same request once more, before its answer: one place, one answer."""
    bench = Bench()
    bench.hear(Heartbeat(sender=LEADER, ballot=BALLOT, decided=0, round=1, stamp=0, heard=(), round_trip_ms=1))

    bench.write(request(1))
    bench.write(request(1))

    assert [message for _, message in bench.sent if isinstance(message, Forward)] == [
        Forward(sender=1, path=(1,), requests=(request(1),))
    ]
    assert bench.node.status().pending == 1


# Restart


def test_a_restart_knows_everything_again() -> None:
    """Chain, blog and votes beyond them; what is told of it says so."""
    bench = Bench()
    bench.decide(*posts(12))
    bench.hear(accept(13, *posts(1, 13)))
    before = bench.node.status()

    bench.again()

    after = bench.node.status()
    assert (after.height, after.hash, after.hashes, after.posts) == (12, before.hash, before.hashes, 12)
    assert (after.promised, after.accepted, after.decided) == ((1, LEADER), 13, 12)
    assert bench.notes()[0].text == "node 1 is back: block 12, promise 1.2, 1 vote beyond"


def test_what_a_crash_left_torn_is_mended_and_told() -> None:
    """A block whose line stops in the middle was never safe: it is cut off, and fetched again."""
    bench = Bench()
    bench.decide(*posts(3))
    bench.disk.files[CHAIN] = bench.disk.files[CHAIN][:-5]

    bench.again()

    assert bench.height == 2
    assert [note.text for note in bench.notes() if note.kind == "mended"] == [
        "node 1: blockchain.txt had a torn last line, which was cut off",
        "node 1: blog.txt went on beyond the chain and was cut to it",
    ]


# Catch-up


def test_a_laggard_installs_what_it_has_checked() -> None:
    """Fetched blocks are checked and applied; a client that waited for one of them is answered."""
    donor, laggard = Bench(), Bench()
    donor.decide(*posts(3), (request(1),))
    laggard.write(request(1))

    laggard.hear(CatchupReply(sender=3, first_slot=1, blocks=tuple(donor.lines(CHAIN)), decided=4))

    assert laggard.lines(CHAIN) == donor.lines(CHAIN)
    assert laggard.lines("blog.txt") == donor.lines("blog.txt")
    assert laggard.answers() == [(1, "ok", NEW_POST, 4)]
    assert laggard.node.status().decided == 4


def test_a_forged_block_is_refused_with_all_that_follow() -> None:
    """One letter of the third of four blocks was changed on the way: the first two are used."""
    donor, laggard = Bench(), Bench()
    donor.decide(*posts(4))
    lines = donor.lines(CHAIN)
    lines[2] = lines[2].replace("text", "lies")

    laggard.hear(CatchupReply(sender=3, first_slot=1, blocks=tuple(lines), decided=4))

    assert laggard.height == 2
    assert laggard.lines(CHAIN) == lines[:2]
    (note,) = [note for note in laggard.notes() if note.kind == "refused"]
    assert note.text.startswith("node 1 refused what node 3 sent: block 3: its hash is written as ")


@pytest.mark.parametrize("line", ["", "junk", '{"height":1}'])
def test_what_is_no_block_at_all_is_refused(line: str) -> None:
    """A peer's text never stops this node."""
    laggard = Bench()

    laggard.hear(CatchupReply(sender=3, first_slot=1, blocks=(line,), decided=1))

    assert laggard.height == 0
    assert [note.kind for note in laggard.notes()].count("refused") == 1


def test_blocks_that_overlap_what_is_there_are_passed_over() -> None:
    """A late reply begins before the tip and ends behind it; its new part is used."""
    donor, laggard = Bench(), Bench()
    donor.decide(*posts(5))
    laggard.decide(*posts(3))

    laggard.hear(CatchupReply(sender=3, first_slot=2, blocks=tuple(donor.lines(CHAIN)[1:]), decided=5))

    assert laggard.lines(CHAIN) == donor.lines(CHAIN)


def test_catch_up_serves_the_chain_in_bites() -> None:
    """As many blocks as a reply may be long, and at least one; what is not decided is never among them."""
    bench = Bench(difficulty=1)
    large = [(request(seq, Post("ann", f"title {seq}", "x" * 60_000)),) for seq in range(1, 11)]
    bench.decide(*large)
    bench.hear(accept(11, *posts(1)))

    bench.hear(Catchup(sender=3, first_slot=3, last_slot=11))

    (reply,) = bench.heard(CatchupReply)
    assert isinstance(reply, CatchupReply)
    assert (reply.first_slot, reply.decided) == (3, 10)
    assert list(reply.blocks) == bench.lines(CHAIN)[2 : 2 + len(reply.blocks)]
    assert REPLY_BYTES <= sum(map(len, reply.blocks)) < REPLY_BYTES + 70_000
    bench.hear(Catchup(sender=3, first_slot=11, last_slot=11))
    assert len(bench.heard(CatchupReply)) == 1


# Hints


def test_a_right_hint_saves_the_search() -> None:
    """The leader's nonces are checked by one hash each; the chain is the same."""
    donor, tries = Bench(), list[str]()
    donor.decide(*posts(3))
    nonces = tuple(int(line.rpartition('"N":')[2].partition(",")[0]) for line in donor.lines(CHAIN))
    bench = Bench(miner=miner_that_counts(tries))  # type: ignore[arg-type]

    bench.hear(Hints(sender=LEADER, first_slot=1, hints=nonces))
    bench.decide(*posts(3))

    assert (bench.lines(CHAIN), tries) == (donor.lines(CHAIN), [])


def test_a_wrong_or_missing_hint_costs_a_search_and_nothing_else() -> None:
    """A nonce that does not pass, none at all, one below zero, one for a slot that is over or far away."""
    donor, tries = Bench(), list[str]()
    donor.decide(*posts(3))
    bench = Bench(miner=miner_that_counts(tries))  # type: ignore[arg-type]

    for first, nonces in ((1, (1_000_001, -1)), (0, (5,)), (99_999, (5,))):
        bench.hear(Hints(sender=LEADER, first_slot=first, hints=nonces))
    bench.decide(*posts(3))

    assert (bench.lines(CHAIN), len(tries)) == (donor.lines(CHAIN), 3)


# Reads


def test_a_local_read_is_answered_at_once() -> None:
    """From this node's own copy, whoever leads; a linearizable one waits."""
    bench = Bench()
    bench.decide((request(1),))

    bench.read(7)
    bench.read(8, linearizable=True)

    assert bench.shown() == [(7, "ok", [["Hello", "ann"]], 1)]
    assert bench.node.status().pending == 1


def test_a_local_read_never_goes_back() -> None:
    """What was shown survives a loss of power, on this node alone: its blocks are safe before they are shown."""
    bench = Bench()
    bench.decide((request(1),))
    bench.read(7)

    bench.disk.crash(keep=0.0)
    bench.again()
    bench.read(8)

    assert bench.shown() == [(8, "ok", [["Hello", "ann"]], 1)]


def test_a_linearizable_read_is_answered_by_a_leader_that_is_sure() -> None:
    """Alone in its cluster the leader is a majority."""
    bench = Bench(nodes=1)
    bench.lead_alone()
    bench.write(request(1))

    bench.read(9, "title", "Hello", linearizable=True)

    assert bench.shown() == [(9, "ok", ["ann", "first", []], 1)]


# What gets no answer


@pytest.mark.parametrize(
    ("no_majority", "kind", "why"),
    [
        (True, "no-majority", "TIMEOUT: no majority: node 1 hears too few nodes, and 2 are needed"),
        (False, "timeout", "TIMEOUT: node 1 got no answer in time"),
    ],
)
def test_what_is_given_up_is_said_to_be_unknown(no_majority: bool, kind: str, why: str) -> None:
    """Neither answer says that nothing happened; each is given once, and to those who wait."""
    bench = Bench()
    bench.write(request(1))
    bench.read(2, linearizable=True)
    effects = bench.node.replica.core.effects
    for _ in range(2):
        effects += [GiveUp((("c1", 1), ("c9", 9)), no_majority), ReadGiveUp((2, 3), no_majority)]

    bench.node.flush(bench.now)

    write, read = [report for report in bench.reports if isinstance(report, WriteAnswer | ReadAnswer)]
    assert write == WriteAnswer("c1", 1, kind, f"{why}; the write may still take effect later", 0)
    assert (read.kind, read.text) == (kind, f"{why}; without --linearizable the node shows its own copy")
    assert bench.node.status().pending == 0


def test_a_lonely_node_gives_up_by_itself() -> None:
    """Nobody is heard for seconds: the client is told that there is no majority."""
    bench = Bench()
    bench.write(request(1))

    for _ in range(200):
        bench.now += 100
        bench.node.wake(Timer.FORWARD, bench.now)
        bench.node.flush(bench.now)

    assert [(seq, kind) for seq, kind, _, _ in bench.answers()] == [(1, "no-majority")]


# Disks that fail, and what no correct peer says


@pytest.mark.parametrize("what", ["append", "sync"])
def test_a_disk_that_fails_stops_the_node(what: str) -> None:
    """It says why, vouches for nothing, and never does anything again."""
    bench = Bench()
    bench.write(request(1))
    bench.disk.failing = what

    with pytest.raises(NodeStopped):
        bench.hear(accept(1, (request(1),)), decide(1))

    text = "node 1 stopped: its disk failed on paxos.txt: No space left on device"
    failed = [report for report in bench.reports if isinstance(report, NodeFailed)]
    assert failed == [NodeFailed(text.replace("paxos", "blockchain") if what == "append" else text)]
    assert bench.deeds[-1] == "push"
    assert bench.heard(Accepted) == []
    assert bench.node.status(detail=True).error == failed[0].text
    with pytest.raises(NodeStopped):
        bench.node.flush(bench.now)
    with pytest.raises(NodeStopped):
        bench.read(1)


def test_nobody_is_answered_for_a_block_that_could_not_be_written() -> None:
    """The decision stands, but this node has not kept it."""
    bench = Bench()
    bench.write(request(1))
    bench.hear(accept(1, (request(1),)))
    bench.disk.failing = "append"

    with pytest.raises(NodeStopped):
        bench.hear(decide(1))

    assert bench.answers() == []


def test_a_local_read_that_cannot_be_made_lasting_is_not_answered() -> None:
    """The node stops like after any other failed sync."""
    bench = Bench()
    bench.decide((request(1),))
    bench.disk.failing = "sync"

    with pytest.raises(NodeStopped):
        bench.read(7)

    assert bench.shown() == []


def test_damaged_files_are_named_and_not_believed() -> None:
    """A letter of the second block was changed while the node was down."""
    bench = Bench()
    bench.decide(*posts(3))
    bench.disk.files[CHAIN] = bench.disk.files[CHAIN].replace(b"title 2", b"title X")

    with pytest.raises(NodeStopped, match=r"node 1 stopped: blockchain\.txt, line 2: its hash is written as "):
        bench.again()

    assert isinstance(bench.reports[-1], NodeFailed)


def test_two_values_at_one_ballot_stop_the_node() -> None:
    """No correct leader proposes both: somebody's memory is lost, and this node takes no part in it."""
    bench = Bench()
    bench.hear(accept(1, *posts(1)))

    with pytest.raises(NodeStopped, match=r"ballot 1\.2 carried two values for slot 1"):
        bench.hear(accept(1, *posts(1, 5)))


# Compaction


def test_a_long_journal_is_written_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond a size the votes that the chain holds are dropped; what is left restores the same node."""
    monkeypatch.setattr(node_module, "COMPACT_BYTES", 3_000)
    bench = Bench()
    sizes = []
    for first in range(1, 100):
        bench.decide(*posts(1, first))
        sizes.append(bench.disk.size(JOURNAL))
    bench.hear(accept(100, *posts(1, 100)))

    assert max(sizes) < 4_000
    assert sizes != sorted(sizes)
    bench.disk.crash(keep=0.0)
    bench.again()
    state = bench.node.status()
    assert 0 < state.height < 100
    assert list(bench.node.replica.votes()) == list(range(state.height + 1, 101))  # No vote is lost with a block.
    assert state.promised == (1, LEADER)


# Pictures


def test_a_picture_shows_what_the_node_holds() -> None:
    """Its place in the protocol, its chain, its newest entries, its clients that wait."""
    bench = Bench()
    bench.decide((request(1),), (request(2, NICE),), *posts(8))
    bench.hear(accept(11, *posts(1, 30)))
    bench.write(request(40))

    bench.node.call(Inspect(5, detail=False), bench.now)

    (inspected,) = [report for report in bench.reports if isinstance(report, Inspected)]
    state = inspected.state
    hashes = [line.rpartition('"hash":"')[2][:64] for line in bench.lines(CHAIN)]
    assert (inspected.number, state.node, state.life, state.role, state.leader) == (5, 1, "up", "follower", LEADER)
    assert (state.promised, state.accepted, state.decided, state.applied) == ((1, LEADER), 11, 10, 10)
    assert (state.height, state.hash, state.hashes) == (10, hashes[-1], tuple(hashes[-8:]))
    assert (state.posts, state.comments, state.pending, state.error) == (9, 1, 1, "")
    assert [entry.title for entry in state.newest] == [f"title {seq}" for seq in range(1, 9)]
    assert state.syncs == 2
    assert state.messages_in == 3
    assert state.messages_out == sum(len(to) for to, _ in bench.sent)
    assert state.log == ()


def test_the_log_in_a_picture_goes_beyond_the_chain() -> None:
    """Applied slots with their operations, then what is accepted; a no-op is empty, a batch has its parts."""
    bench = Bench(ops_per_block=2)
    batch = (request(1), request(2, NICE))
    bench.decide(batch, ())
    bench.hear(accept(4, *posts(1)))

    log = bench.node.status(detail=True).log

    assert [(view.slot, view.ballot, view.state) for view in log] == [
        (1, (1, 2), "applied"),
        (2, (1, 2), "applied"),
        (4, (1, 2), "accepted"),
    ]
    assert [view.value for view in log] == [
        tuple(part.operation for part in batch),
        (),
        (posts(1)[0][0].operation,),
    ]


def test_the_log_in_a_picture_is_bounded() -> None:
    """However long the chain, and however large its operations."""
    bench = Bench(difficulty=1)
    bench.decide(*posts(100))
    short = bench.node.status(detail=True).log
    large = [(request(seq, Comment("ann", "title 1", "x" * 60_000)),) for seq in range(1, 11)]
    bench.decide(*large)

    assert [view.slot for view in short] == list(range(37, 101))
    assert len(bench.node.status(detail=True).log) == 4


# One rule a method


def test_a_rule_can_be_broken_by_name() -> None:
    """A subclass that overrides one method is a node with one rule broken: here it speaks before it syncs."""

    class SpeaksFirst(GroupCommit):
        def sync(self) -> None:
            """Do not sync."""

    class Broken(Node):
        group_commit_type = SpeaksFirst

    bench = Bench(node_type=Broken)
    bench.hear(accept(1, *posts(1)))
    said = len(bench.heard(Accepted))
    bench.disk.crash(keep=0.0)
    bench.again()

    assert (said, bench.node.replica.status().promised) == (1, NO_BALLOT)
