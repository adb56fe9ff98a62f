"""Catch-up: which blocks a node sends to a peer, and which blocks of a peer it accepts."""

from __future__ import annotations

import pytest

from blog.operations import Post
from paxos.messages import (
    Catchup,
    CatchupReply,
)
from simulator.node.storage.chain_file import CHAIN
from tests.simulator.node.node_bench import NEW_POST, Bench, accept, posts, request


def test_fetched_blocks_are_checked_and_applied() -> None:
    """A client that waits for a request in a fetched block gets its answer."""
    donor, laggard = Bench(), Bench()
    donor.decide(*posts(3), (request(1),))
    laggard.write(request(1))

    laggard.hear(CatchupReply(sender=3, first_slot=1, blocks=tuple(donor.lines(CHAIN)), decided=4))

    assert laggard.lines(CHAIN) == donor.lines(CHAIN)
    assert laggard.lines("blog.txt") == donor.lines("blog.txt")
    assert laggard.answers() == [(1, "ok", NEW_POST, 4)]
    assert laggard.node.status().decided == 4


def test_a_forged_block_is_refused_with_all_that_follow() -> None:
    """The third of four blocks has one changed word: only the first two are applied."""
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
def test_text_that_is_no_block_is_refused(line: str) -> None:
    """Malformed text from a peer does not stop the node."""
    laggard = Bench()

    laggard.hear(CatchupReply(sender=3, first_slot=1, blocks=(line,), decided=1))

    assert laggard.height == 0
    assert [note.kind for note in laggard.notes()].count("refused") == 1


def test_blocks_that_are_applied_already_are_skipped() -> None:
    """A late reply begins below the tip and ends above it; the part above is applied."""
    donor, laggard = Bench(), Bench()
    donor.decide(*posts(5))
    laggard.decide(*posts(3))

    laggard.hear(CatchupReply(sender=3, first_slot=2, blocks=tuple(donor.lines(CHAIN)[1:]), decided=5))

    assert laggard.lines(CHAIN) == donor.lines(CHAIN)


def test_a_reply_is_bounded_and_holds_decided_blocks_only() -> None:
    """A reply holds at least one block and ends at its size limit. Slots that are only accepted are never sent."""
    bench = Bench(difficulty=1)
    large = [(request(seq, Post("ann", f"title {seq}", "x" * 60_000)),) for seq in range(1, 11)]
    bench.decide(*large)
    bench.hear(accept(11, *posts(1)))

    bench.hear(Catchup(sender=3, first_slot=3, last_slot=11))

    (reply,) = bench.heard(CatchupReply)
    assert isinstance(reply, CatchupReply)
    assert (reply.first_slot, reply.decided) == (3, 10)
    assert list(reply.blocks) == bench.lines(CHAIN)[2 : 2 + len(reply.blocks)]
    limit = bench.settings.limits.reply_bytes
    assert limit <= sum(map(len, reply.blocks)) < limit + 70_000
    bench.hear(Catchup(sender=3, first_slot=11, last_slot=11))
    assert len(bench.heard(CatchupReply)) == 1
