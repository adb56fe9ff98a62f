"""The status of a node: its counters, its newest entries, and its log when that is asked for."""

from __future__ import annotations

from blog.operations import Comment
from simulator.node.client_api import Inspect, Inspected
from simulator.node.storage.chain_file import CHAIN
from tests.simulator.node.node_bench import LEADER, NICE, Bench, accept, posts, request


def test_the_status_shows_the_state_of_the_node() -> None:
    """Role and ballots, chain, newest entries, counters, and clients that wait."""
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


def test_the_log_goes_beyond_the_chain() -> None:
    """It lists applied slots with their operations, then accepted ones; a no-op has no operations."""
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


def test_the_log_is_bounded() -> None:
    """The log has a maximum number of slots and a maximum size."""
    bench = Bench(difficulty=1)
    bench.decide(*posts(100))
    short = bench.node.status(detail=True).log
    large = [(request(seq, Comment("ann", "title 1", "x" * 60_000)),) for seq in range(1, 11)]
    bench.decide(*large)

    assert [view.slot for view in short] == list(range(37, 101))
    assert len(bench.node.status(detail=True).log) == 4
