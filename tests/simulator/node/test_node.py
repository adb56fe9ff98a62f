"""The driver around a replica: in which order it carries out effects, how it recovers, and when it stops."""

from __future__ import annotations

import pytest

from paxos.messages import (
    Accepted,
)
from simulator.node.client_api import NodeFailed, NoteLine
from simulator.node.node import NodeStopped
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.journal import JOURNAL
from simulator.settings import Limits
from tests.simulator.node.node_bench import LEADER, NEW_POST, Bench, accept, decide, posts, request


def test_an_answer_follows_its_block() -> None:
    """The chain is written first, then the blog, then the answer. A run of slots is one write without a sync."""
    bench = Bench()
    bench.write(request(1))
    bench.hear(accept(1, (request(1),), *posts(2)))
    bench.actions.clear()

    bench.hear(decide(3))

    assert bench.actions == [f"append {CHAIN}", "append blog.txt", "applied 3", "report WriteAnswer", "push"]
    assert bench.answers() == [(1, "ok", NEW_POST, 1)]


def test_a_large_batch_is_answered_in_parts() -> None:
    """Each part is written, answered and pushed before the next one is applied."""
    bench = Bench(difficulty=0)
    values = posts(80)
    for value in (values[0], values[79]):
        bench.write(value[0])
    bench.hear(accept(1, *values))
    bench.actions.clear()

    bench.hear(decide(80))

    chain, answered = f"append {CHAIN}", "report WriteAnswer"
    kept = [action for action in bench.actions if action in {chain, answered, "push"} or action.startswith("applied")]
    first, rest, *_ = [action for action in kept if action.startswith("applied")]
    assert (first, rest) == ("applied 32", "applied 32")
    start = kept.index(chain)
    assert kept[start : start + 5] == [chain, first, answered, "push", chain]
    assert [(seq, height) for seq, _, _, height in bench.answers()] == [(1, 1), (80, 80)]


def test_a_vote_is_sent_before_blocks_are_written_when_no_client_waits() -> None:
    """A batch with a decision and an ACCEPT: the vote is synced and sent, then the block is written."""
    bench = Bench()
    bench.hear(accept(1, *posts(1)))
    bench.actions.clear()

    bench.hear(decide(1), accept(2, *posts(1, 2)))

    actions = [action for action in bench.actions if action.startswith(("sync ", "send", "append block", "push"))]
    assert actions == ["push", f"sync {JOURNAL}", "send Accepted", "push", f"append {CHAIN}", "push"]


def test_a_waiting_client_is_answered_before_the_sync() -> None:
    """The same batch with a client that waits for the block: its answer comes first."""
    bench = Bench()
    bench.write(request(1))
    bench.hear(accept(1, (request(1),)))
    bench.actions.clear()

    bench.hear(decide(1), accept(2, *posts(1, 2)))

    actions = [action for action in bench.actions if action.startswith(("sync ", "report WriteAnswer", "append block"))]
    assert actions == [f"append {CHAIN}", "report WriteAnswer", f"sync {JOURNAL}"]


def test_a_block_is_written_after_the_vote_for_it_is_durable() -> None:
    """A vote and its decision in one batch: the client is answered, since a majority has voted; its block waits."""
    bench = Bench()
    bench.write(request(1))
    bench.actions.clear()

    bench.decide((request(1),))

    actions = [action for action in bench.actions if action.startswith(("sync ", "report WriteAnswer", "append block"))]
    assert actions == ["report WriteAnswer", f"sync {JOURNAL}", f"append {CHAIN}"]


def test_an_empty_batch_costs_nothing() -> None:
    """No write, no message, no timer."""
    bench = Bench()

    bench.node.flush(bench.now)

    assert bench.actions == ["push"]


def test_a_restart_recovers_chain_blog_and_votes() -> None:
    """The note of the start names the block, the promise and the votes beyond the chain."""
    bench = Bench()
    bench.decide(*posts(12))
    bench.hear(accept(13, *posts(1, 13)))
    before = bench.node.status()

    bench.again()

    after = bench.node.status()
    assert (after.height, after.hash, after.hashes, after.posts) == (12, before.hash, before.hashes, 12)
    assert (after.promised, after.accepted, after.decided) == ((1, LEADER), 13, 12)
    assert bench.notes()[0].text == "node 1 is back: block 12, promise 1.2, 1 vote beyond"


def test_torn_files_are_repaired_and_reported() -> None:
    """A torn last block was never durable: it is cut off and fetched again."""
    bench = Bench()
    bench.decide(*posts(3))
    bench.disk.files[CHAIN] = bench.disk.files[CHAIN][:-5]

    bench.again()

    assert bench.height == 2
    assert [note.text for note in bench.notes() if note.kind == "mended"] == [
        "node 1: blockchain.txt had a torn last line, which was cut off",
        "node 1: blog.txt went on beyond the chain and was cut to it",
    ]


@pytest.mark.parametrize("what", ["append", "sync"])
def test_a_disk_that_fails_stops_the_node(what: str) -> None:
    """The node reports the reason, sends no vote, and refuses every further call."""
    bench = Bench()
    bench.write(request(1))
    bench.disk.failing = what

    with pytest.raises(NodeStopped):
        bench.hear(accept(1, (request(1),)), decide(1))

    text = "node 1 stopped: its disk failed on paxos.txt: No space left on device"
    failed = [report for report in bench.reports if isinstance(report, NodeFailed)]
    assert failed == [NodeFailed(text)]
    assert bench.actions[-1] == "push"
    assert bench.heard(Accepted) == []
    assert bench.node.status(detail=True).error == failed[0].text
    with pytest.raises(NodeStopped):
        bench.node.flush(bench.now)
    with pytest.raises(NodeStopped):
        bench.read(1)


def test_no_client_is_answered_for_a_block_that_was_not_written() -> None:
    """The slot is decided, but this node has not stored the block."""
    bench = Bench()
    bench.write(request(1))
    bench.hear(accept(1, (request(1),)))
    bench.disk.failing = "append"

    with pytest.raises(NodeStopped):
        bench.hear(decide(1))

    assert bench.answers() == []


def test_a_node_sets_a_damaged_chain_aside_and_goes_on_with_the_rest() -> None:
    """One letter of the second block was changed while the node was down: it says so, and fetches from there."""
    bench = Bench()
    bench.decide(*posts(3))
    bench.disk.files[CHAIN] = bench.disk.files[CHAIN].replace(b"title 2", b"title X")

    bench.again()

    assert bench.node.status().height == 1
    notes = [report.text for report in bench.reports if isinstance(report, NoteLine) and report.kind == "damaged"]
    assert notes[0].startswith("node 1: blockchain.txt, line 2: its hash is written as ")
    assert notes[0].endswith("the file was set aside as blockchain.txt.damaged-1, and the blocks from 2 on are fetched")


def test_a_node_whose_journal_is_damaged_does_not_vote() -> None:
    """A promise may be lost with the damaged line."""
    bench = Bench()
    bench.decide(*posts(3))
    bench.disk.files[JOURNAL] = bench.disk.files[JOURNAL].replace(b"title 2", b"title X")

    for _ in range(2):
        bench.again()
        bench.hear(accept(9, *posts(1)))

        assert "its checksum does not match" in bench.node.replica.status().amnesia
        assert not bench.heard(Accepted)


def test_two_values_at_one_ballot_stop_the_node() -> None:
    """No correct leader proposes both, so a node has lost its memory."""
    bench = Bench()
    bench.hear(accept(1, *posts(1)))

    with pytest.raises(NodeStopped, match=r"ballot 1\.2 carried two values for slot 1"):
        bench.hear(accept(1, *posts(1, 5)))


def test_a_long_journal_is_compacted() -> None:
    """Votes for slots on the chain are dropped; a restart recovers the same state from the rest."""
    bench = Bench(limits=Limits(compact_bytes=3_000))
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
