"""Blocks that a node wrote and never told of, or hands over: the votes say whether they are right, and not the node."""

from __future__ import annotations

from chain.blockchain import Blockchain
from simulator.faults.faults import DiskFault, LinkConditions, Restart
from simulator.faults.links import LinkRule
from simulator.node.codec import operations_text
from simulator.settings import Settings
from simulator.tools.explore.schedule import Call, Look, Schedule, ScheduledFault, Write
from simulator.tools.explore.trial import run_trial
from tests.simulator.checks.scene import B1, Scene, X, Y


def ends_after_writing(scene: Scene, what: tuple[object, ...], *voters: int) -> None:
    """Node 1 proposes X in slot 1, writes a block with `what` there, and ends before it tells of the block."""
    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, *voters)
    scene.crashes(1)
    scene.blocks[1] = [Blockchain(0).extend(operations_text(what))]  # type: ignore[arg-type]
    scene.recovers(1, promised=B1, opened=B1, height=1)


def test_a_block_that_survived_is_read_and_answered() -> None:
    """A majority had voted for it, so the next incarnation shows it and answers its write."""
    scene = Scene()
    ends_after_writing(scene, X, 2)

    scene.asks_view(1)
    scene.shows(1, 1, [["X", "alice"]], 1)
    scene.asks(1, X)
    scene.answers(1, X, height=1)
    scene.catches_up(2, 1, 1, 1)
    scene.applies(2, X)

    assert scene.broken == {}


def test_a_block_is_not_chosen_because_a_node_has_it() -> None:
    """Only its own vote is on a disk. On a real machine a person may have edited the file, which is no violation."""
    scene = Scene(simulated=True)

    ends_after_writing(scene, X)

    assert "comes back with block 1, and no majority has synced a vote" in scene.broken["decision"]
    assert scene.checker.chosen_prefix == 0


def test_a_block_with_another_value_than_the_chosen_one_is_named() -> None:
    """The node is to blame, and not the next one that applies the true block."""
    scene = Scene()
    ends_after_writing(scene, Y, 2)

    scene.decides(B1, 1)
    scene.applies(2, X)

    assert scene.broken == {"chain": "node 1 comes back with another chain"}


def test_a_block_that_is_handed_over_is_that_of_the_chain() -> None:
    """Catch-up with another block than the one chosen: its source is named, before anybody refuses it."""
    scene = Scene()
    scene.correct_start()
    scene.blocks[2] = [Blockchain(0).extend(operations_text(Y))]

    scene.catches_up(3, 2, 1, 1)

    assert scene.broken == {"true-word": "node 2 hands over another block 1 than that of the chain"}


def test_a_disk_that_refuses_after_whole_blocks_raises_no_alarm() -> None:
    """Node 1 leads on slow links. Its disk takes the first of several blocks whole and refuses the rest.

    The next incarnation finds that block. Its first local read was called a violation of `blog` before.
    """
    calls: list[Call] = [Write(2_000 + at, 1, 1, "post", "ann", f"t{at}", f"c{at}") for at in range(20)]
    calls += [Look(2_203 + at, 9, 1, "all", "", linearizable=False) for at in range(0, 60, 3)]
    schedule = Schedule(
        settings=Settings(nodes=3, data="", difficulty=1),
        faults=(
            ScheduledFault(1_500, LinkConditions(LinkRule(delay_ms=40))),
            ScheduledFault(2_025, DiskFault(1, "full")),
            ScheduledFault(2_200, DiskFault(1, "ok")),
            ScheduledFault(2_201, Restart(1)),
        ),
        calls=tuple(calls),
        heals_ms=2_800,
    )

    outcome = run_trial(schedule)

    assert outcome.violations == ()
    assert outcome.sometimes["fault DiskFault"]
