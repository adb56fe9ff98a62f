"""The controls about votes, told by hand: what looks wrong happens, and nothing is called wrong."""

from __future__ import annotations

import pytest

from paxos.effects import Timer
from paxos.messages import Accept, Prepare, PreVote, PreVoteReply, Promise
from simulator.node.storage.journal import JOURNAL
from simulator.worlds.virtual.disk import Killed
from tests.mutants.puppets import PuppetCluster


def two_rivals(rule: str) -> PuppetCluster:
    """Five nodes. Node 1 leads, and X reaches node 2. Then node 5 leads with nodes that never heard of X."""
    cluster = PuppetCluster(rule, nodes=5)
    cluster.elect(1, 2, 3)
    cluster.write(1, "X")
    cluster.deliver(Accept, source=1, to=2)
    cluster.lose()
    cluster.tick()
    cluster.elect(5, 3, 4)
    cluster.write(5, "Y")
    return cluster


def test_a_torn_vote_is_reported_and_misleads_nobody() -> None:
    """Y reaches node 2, which dies before the sync: Y stands beside the ballot of X. Node 3 hears only of that vote.

    X cannot have been chosen, because node 5 was free to propose Y. So Y may follow, and does.
    """
    cluster = two_rivals("control-torn-vote")
    disk = cluster.seats[2].disk
    journal = disk.files[JOURNAL]
    before = len(journal.data)
    disk.crash_at = "before-sync"
    with pytest.raises(Killed):
        cluster.deliver(Accept, source=5, to=2)
    journal.synced = journal.data.index(b"\n", before) + 1  # What is left of its vote for Y is the first line.
    cluster.crash(2)
    cluster.lose()
    cluster.restart(2)
    cluster.tick()

    cluster.elect(3, 2, 4)
    cluster.accept(3, 2, 4)

    assert cluster.broken() == set()
    assert cluster.checker.sometimes["torn votes"] == 1
    assert [cluster.height(node) for node in (3, 5)] == [1, 0]


def test_the_highest_vote_that_a_leader_knows_of_is_proposed() -> None:
    """Node 5 tells node 3 of Y at its ballot, and node 3's campaign fails. Its next promises report X at 1.1 alone."""
    cluster = two_rivals("control-highest-known-vote")
    cluster.lose()
    cluster.crash(5)
    cluster.restart(5)
    cluster.tick()
    cluster.ring(3, Timer.ELECTION)
    cluster.deliver(PreVote, source=3, to=(4, 5))
    cluster.deliver(PreVoteReply, to=3)
    cluster.deliver(Prepare, source=3, to=5)
    cluster.deliver(Promise, source=5, to=3)
    cluster.lose()
    cluster.ring(3, Timer.ELECTION)
    cluster.tick()

    cluster.elect(3, 2, 4)
    proposed = {letter.message.values[0][0].operation for letter in cluster.letters_of(Accept, source=3)}  # type: ignore[union-attr]
    cluster.accept(3, 2, 4)

    assert [text.count('"title":"Y"') for text in proposed] == [1]
    assert cluster.broken() == set()
    assert cluster.height(3) == 1
