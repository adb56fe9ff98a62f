"""Durable sends: what is synced before a message leaves, and when a leader defers its own votes."""

from __future__ import annotations

import pytest

from paxos.ballot import NO_BALLOT
from paxos.effects import Timer
from paxos.messages import (
    Accepted,
    Heartbeat,
    HeartbeatAck,
    Prepare,
    PreVote,
    PreVoteReply,
    Promise,
)
from simulator.node.client_api import ClientWrite
from simulator.node.group_commit import GroupCommit
from simulator.node.node import Node
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.journal import JOURNAL
from tests.simulator.node.node_bench import BALLOT, LEADER, Bench, accept, posts, request


def test_a_vote_is_durable_before_it_is_sent() -> None:
    """Two ACCEPTs of one batch cost one write and one sync; both ACCEPTEDs leave after it."""
    bench = Bench()

    bench.hear(accept(1, *posts(2)), accept(3, *posts(2, 3)))

    assert bench.actions == [
        "push",  # What need not wait for the disk is on its way.
        f"append {JOURNAL}",
        "recorded 4",
        f"sync {JOURNAL}",
        "synced",
        "send Accepted",
        "send Accepted",
        "push",
    ]


def test_a_message_that_needs_no_record_leaves_before_the_sync() -> None:
    """The answer to a heartbeat does not wait for the sync of a vote in the same batch."""
    bench = Bench()

    beat = Heartbeat(sender=LEADER, ballot=BALLOT, decided=0, round=1, stamp=7, heard=(), round_trip_ms=1)
    bench.hear(accept(1, *posts(1)), beat)

    order = [action for action in bench.actions if action.startswith(("send", "sync "))]
    assert order == ["send HeartbeatAck", f"sync {JOURNAL}", "send Accepted"]
    assert bench.actions.index("push") < bench.actions.index(f"sync {JOURNAL}")


def test_the_leader_counts_its_own_vote_when_it_is_durable() -> None:
    """In a cluster of one, the record and the sync come before the decision, the block and the answer."""
    bench = Bench(nodes=1)
    bench.lead_alone()

    bench.write(request(1))

    assert [action for action in bench.actions if action != "push"] == [
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
    """Writes that arrive together cost one journal write, one sync and one chain write."""
    bench = Bench(nodes=1)
    bench.lead_alone()

    for value in posts(32):
        bench.node.call(ClientWrite(value[0]), bench.now)
    bench.node.flush(bench.now)

    assert [action for action in bench.actions if JOURNAL in action] == [f"append {JOURNAL}", f"sync {JOURNAL}"]
    assert bench.actions.count("report WriteAnswer") == 32
    assert bench.actions.count(f"append {CHAIN}") == 1


def leader_of_five(answering: int) -> Bench:
    """Node 1 leads five nodes, and `answering` others have answered its heartbeat."""
    bench = Bench(nodes=5, difficulty=0)
    bench.node.wake(Timer.ELECTION, bench.now)
    bench.node.flush(bench.now)
    pre_vote = next(message for _, message in bench.sent if isinstance(message, PreVote))
    nobody = {"leader": 0, "hops": 0, "promised": NO_BALLOT, "decided": 0}
    bench.hear(*[PreVoteReply(sender=n, stamp=pre_vote.stamp, would_grant=True, **nobody) for n in (2, 3)])  # type: ignore[arg-type]
    prepare = next(message for _, message in bench.sent if isinstance(message, Prepare))
    ballot = prepare.ballot
    bench.hear(*[Promise(sender=n, ballot=ballot, accepted=(), decided=0, stamp=prepare.stamp) for n in (2, 3)])
    for n in range(2, 2 + answering):
        bench.hear(HeartbeatAck(sender=n, ballot=ballot, round=1, stamp=bench.now, decided=0))
    assert bench.node.replica.status().role == "leader"
    bench.actions.clear()
    return bench


def write_together(bench: Bench, count: int) -> None:
    """`count` clients write in one batch."""
    for value in posts(count):
        bench.node.call(ClientWrite(value[0]), bench.now)
    bench.node.flush(bench.now)


def vote(bench: Bench, *voters: int) -> None:
    """These nodes accept the twenty slots."""
    ballot = bench.node.replica.status().ballot
    bench.hear(*[Accepted(sender=node, ballot=ballot, first_slot=1, last_slot=20) for node in voters])


def test_a_busy_leader_defers_its_own_votes_while_others_suffice() -> None:
    """Three others decide a large batch. The leader counts its own vote after a later sync."""
    bench = leader_of_five(answering=3)

    write_together(bench, 20)
    vote(bench, 2, 3)
    assert not bench.answers()
    vote(bench, 4)

    assert len(bench.answers()) == 20
    assert f"sync {JOURNAL}" not in bench.actions
    bench.node.wake(Timer.SYNC, bench.now)
    bench.node.flush(bench.now)
    assert bench.actions.count(f"sync {JOURNAL}") == 1


def test_a_power_loss_that_takes_deferred_votes_leaves_no_block_without_a_vote() -> None:
    """Blocks wait for the votes of this node. Otherwise their chain would look forged, and the node lose its vote."""
    bench = leader_of_five(answering=3)
    write_together(bench, 20)
    vote(bench, 2, 3, 4)
    assert len(bench.answers()) == 20
    assert [block.height for block in bench.node.storage.read_blocks(1, 20)] == list(range(1, 21))

    bench.disk.safe[CHAIN] = len(bench.disk.files[CHAIN])
    bench.disk.crash(keep=0.0)
    bench.again()

    assert not bench.node.replica.core.amnesia
    assert not [note for note in bench.notes() if note.kind == "damaged"]


def test_a_deferred_vote_still_counts() -> None:
    """When the third vote of the others is missing, the leader's deferred vote decides after its sync."""
    bench = leader_of_five(answering=3)
    write_together(bench, 20)
    vote(bench, 2, 3)

    bench.node.wake(Timer.SYNC, bench.now)
    bench.node.flush(bench.now)

    assert bench.actions.index(f"sync {JOURNAL}") < bench.actions.index(f"append {CHAIN}")
    assert len(bench.answers()) == 20


def test_a_deferred_vote_counts_with_the_next_sync_whatever_that_is_for() -> None:
    """A small batch that follows is synced at once: the deferred votes are durable then, and count before the timer."""
    bench = leader_of_five(answering=3)
    write_together(bench, 20)
    vote(bench, 2, 3)
    assert not bench.answers()

    bench.write(request(1, client="another"))

    assert bench.actions.count(f"sync {JOURNAL}") == 1
    assert len(bench.answers()) == 20


def test_a_local_read_makes_deferred_votes_count() -> None:
    """It syncs all files before it is answered."""
    bench = leader_of_five(answering=3)
    write_together(bench, 20)
    vote(bench, 2, 3)

    bench.read(7)

    assert bench.actions.count(f"sync {JOURNAL}") == 1
    assert len(bench.answers()) == 20


@pytest.mark.parametrize(("answering", "writes"), [(2, 20), (3, 8)])
def test_a_leader_does_not_defer_a_vote_that_is_needed_or_cheap(answering: int, writes: int) -> None:
    """Only two of five others answer, or the batch is small: the leader syncs at once."""
    bench = leader_of_five(answering)

    write_together(bench, writes)

    assert bench.actions.count(f"sync {JOURNAL}") == 1


def test_a_mutant_breaks_one_rule_by_overriding_one_method() -> None:
    """Without the sync, a vote that was sent is lost with the power."""

    class SpeaksFirst(GroupCommit):
        def sync(self) -> None:
            """Do not sync."""

    class Broken(Node):
        group_commit_type = SpeaksFirst

    bench = Bench(node_type=Broken)
    bench.hear(accept(1, *posts(1)))
    sent = len(bench.heard(Accepted))
    bench.disk.crash(keep=0.0)
    bench.again()

    assert (sent, bench.node.replica.status().promised) == (1, NO_BALLOT)
