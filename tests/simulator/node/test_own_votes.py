"""A leader's own votes: when they wait for its disk, when they are put off, and that they count once they are safe."""

from __future__ import annotations

import pytest

from paxos.ballot import NO_BALLOT
from paxos.effects import Timer
from paxos.messages import Accepted, Canvass, CanvassReply, HeartbeatAck, Prepare, Promise
from simulator.node.client_api import ClientWrite
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.journal import JOURNAL
from tests.simulator.node.node_bench import Bench, posts


def leader_of_five(answering: int) -> Bench:
    """Node 1 leads five nodes, of which so many others have answered its heartbeat."""
    bench = Bench(nodes=5, difficulty=0)
    bench.node.wake(Timer.ELECTION, bench.now)
    bench.node.flush(bench.now)
    pre_vote = next(message for _, message in bench.sent if isinstance(message, Canvass))
    nobody = {"leader": 0, "hops": 0, "promised": NO_BALLOT, "decided": 0}
    bench.hear(*[CanvassReply(sender=n, stamp=pre_vote.stamp, willing=True, **nobody) for n in (2, 3)])  # type: ignore[arg-type]
    prepare = next(message for _, message in bench.sent if isinstance(message, Prepare))
    ballot = prepare.ballot
    bench.hear(*[Promise(sender=n, ballot=ballot, accepted=(), decided=0, stamp=prepare.stamp) for n in (2, 3)])
    for n in range(2, 2 + answering):
        bench.hear(HeartbeatAck(sender=n, ballot=ballot, round=1, stamp=bench.now, decided=0))
    assert bench.node.replica.status().role == "leader"
    bench.deeds.clear()
    return bench


def write_together(bench: Bench, count: int) -> None:
    """So many clients' writes in one batch."""
    for value in posts(count):
        bench.node.call(ClientWrite(value[0]), bench.now)
    bench.node.flush(bench.now)


def vote(bench: Bench, *voters: int) -> None:
    """These nodes have accepted the twenty slots."""
    ballot = bench.node.replica.status().ballot
    bench.hear(*[Accepted(sender=node, ballot=ballot, first_slot=1, last_slot=20) for node in voters])


def test_a_busy_leader_does_not_wait_for_its_own_disk_where_others_suffice() -> None:
    """Three others decide a large batch; its own vote is counted when it is safe, and it is safe soon."""
    bench = leader_of_five(answering=3)

    write_together(bench, 20)
    vote(bench, 2, 3)
    assert not bench.answers()
    vote(bench, 4)

    assert len(bench.answers()) == 20
    assert f"sync {JOURNAL}" not in bench.deeds
    bench.node.wake(Timer.SYNC, bench.now)
    bench.node.flush(bench.now)
    assert bench.deeds.count(f"sync {JOURNAL}") == 1


def test_a_vote_that_was_put_off_still_counts() -> None:
    """When the third vote does not come, the leader's own, once it is safe, is the one that decides."""
    bench = leader_of_five(answering=3)
    write_together(bench, 20)
    vote(bench, 2, 3)

    bench.node.wake(Timer.SYNC, bench.now)
    bench.node.flush(bench.now)

    assert bench.deeds.index(f"sync {JOURNAL}") < bench.deeds.index(f"append {CHAIN}")
    assert len(bench.answers()) == 20


@pytest.mark.parametrize(("answering", "writes"), [(2, 20), (3, 8)])
def test_a_leader_that_needs_its_own_vote_or_is_not_busy_casts_it_at_once(answering: int, writes: int) -> None:
    """Of five only two others answer; or the batch is small, and waiting for the disk costs nothing."""
    bench = leader_of_five(answering)

    write_together(bench, writes)

    assert bench.deeds.count(f"sync {JOURNAL}") == 1
