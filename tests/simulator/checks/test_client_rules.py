"""The rules of chains and answers: chains that differ, wrong answers, and views of states that never existed."""

from __future__ import annotations

import msgspec
import pytest

from blog.blog import Blog
from blog.operations import Comment, Post
from chain.blockchain import Blockchain
from simulator.checks.violation import INVARIANTS, Violation
from simulator.node.client_api import Inspected
from simulator.node.codec import operations_text
from simulator.node.status import NodeStatus
from simulator.trace.events import NodeReported
from tests.simulator.checks.scene import B1, Scene, X, Y, value

COMMENT = value("K", operation=Comment("bob", "X", "nice"))
ORPHAN = value("O", operation=Comment("bob", "nowhere", "nice"))


@pytest.fixture
def scene() -> Scene:
    """Three nodes; X is chosen in slot 1 and applied everywhere."""
    scene = Scene()
    scene.correct_start()
    return scene


def grow(scene: Scene, slot: int, what: tuple[object, ...]) -> None:
    """Choose one more slot, and apply it on nodes 1 and 2."""
    scene.asks(1, what)  # type: ignore[arg-type]
    scene.chooses(B1, slot, what, 2)  # type: ignore[arg-type]
    scene.applies(1, what)  # type: ignore[arg-type]
    scene.decides(B1, slot)
    scene.applies(2, what)  # type: ignore[arg-type]


def test_what_is_applied_is_what_was_chosen() -> None:
    """Node 1 applies Y where X was chosen."""
    scene = Scene()
    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, 2)

    scene.applies(1, Y)

    assert "another value in slot 1" in scene.broken["agreement"]


def test_only_chosen_values_are_applied() -> None:
    """A node applies a value without a majority of votes."""
    scene = Scene()
    scene.leads(B1, 2, 3)
    scene.proposes(B1, 1, X)
    scene.votes(1, B1, 1, X)

    scene.applies(1, X)

    assert "decision" in scene.broken


def test_messages_queued_for_a_starting_node_reach_it() -> None:
    """Messages delivered while a process starts count for its new incarnation; earlier ones do not."""
    scene = Scene()
    scene.leads(B1, 2, 3)
    scene.chooses(B1, 1, X, 2)
    scene.votes(3, B1, 1, X)
    scene.crashes(3)
    scene.decides(B1, 1)
    scene.recovers(3, promised=B1, votes={1: (B1, X)})
    scene.applies(3, X)
    assert scene.broken == {}

    scene.crashes(3)
    scene.recovers(3, promised=B1, votes={1: (B1, X)})
    scene.applies(3, X)

    assert "decision" in scene.broken


def test_two_chains_with_other_values_disagree(scene: Scene) -> None:
    """Blocks at one height with two values."""
    scene.chooses(B1, 2, Y, 2)
    scene.applies(1, Y)
    scene.decides(B1, 2)

    scene.applies(2, ())

    assert "differs" in scene.broken["agreement"]


def test_two_chains_with_other_nonces_are_two_chains(scene: Scene) -> None:
    """The same value under another nonce is another block."""
    scene.chooses(B1, 2, Y, 2)
    scene.applies(1, Y)
    scene.decides(B1, 2)
    block = Blockchain(0, height=1, tip=scene.chains[2].tip).extend(operations_text(Y))

    scene.appends(2, msgspec.structs.replace(block, nonce=block.nonce + 1))

    assert "differs" in scene.broken["chain"]


def test_every_link_and_hash_holds(scene: Scene) -> None:
    """A block with a wrong link or a wrong hash is a violation."""
    scene.chooses(B1, 2, Y, 2)
    block = Blockchain(0, height=1, tip="1" * 64).extend(operations_text(Y))

    scene.appends(1, block)

    assert "does not continue" in scene.broken["chain"]
    forged = Scene()
    forged.leads(B1, 2, 3)
    forged.chooses(B1, 1, X, 2)
    forged.appends(1, msgspec.structs.replace(Blockchain(0).extend(operations_text(X)), hash="2" * 64))
    assert "hash or the nonce" in forged.broken["chain"]


def test_no_slot_is_skipped(scene: Scene) -> None:
    """Slot 3 applied after slot 1."""
    block = Blockchain(0, height=2, tip=scene.chains[1].tip).extend("[]")

    scene.appends(1, block)

    assert "chain" in scene.broken


def test_a_node_recovers_its_own_chain() -> None:
    """The last hash after a restart is that of the block at this height, where nobody harms files unseen."""
    scene = Scene(simulated=True)
    scene.correct_start()
    scene.chooses(B1, 2, Y, 2)
    scene.applies(1, Y)
    scene.crashes(1)
    scene.blocks[1][1] = msgspec.structs.replace(scene.blocks[1][1], hash="3" * 64)

    scene.recovers(1, promised=B1, opened=B1, height=2)

    assert "another chain" in scene.broken["chain"]


def test_a_chain_may_lose_its_end_while_the_votes_survive(scene: Scene) -> None:
    """Blocks are not synced: those lost in a crash are applied again."""
    scene.chooses(B1, 2, Y, 2)
    scene.applies(1, Y)
    scene.decides(B1, 2)
    scene.applies(2, Y)
    scene.crashes(2)

    scene.recovers(2, promised=B1, votes={2: (B1, Y)}, height=1)
    scene.decides(B1, 2)
    scene.applies(2, Y)

    assert scene.broken == {}


def test_every_decided_request_was_made_by_a_client(scene: Scene) -> None:
    """No client called this post."""
    invented = value("invented")
    scene.chooses(B1, 2, invented, 2)

    scene.applies(1, invented)

    found = scene.checker.violations["validity"]
    assert (found.slot, found.request) == (2, "invented:1")


def test_a_request_is_not_changed_on_its_way(scene: Scene) -> None:
    """The block holds the right request with another text."""
    scene.asks(1, value("K", operation=Comment("bob", "X", "other words")))
    scene.chooses(B1, 2, COMMENT, 2)

    scene.applies(1, COMMENT)

    assert "validity" in scene.broken


def test_an_answered_write_is_on_the_chain(scene: Scene) -> None:
    """The client gets its answer before the slot is chosen."""
    scene.asks(1, Y)
    scene.proposes(B1, 2, Y)

    scene.answers(1, Y)

    assert "stands on no chain" in scene.broken["durability"]


@pytest.mark.parametrize(("what", "kind", "sound"), [
    (COMMENT, "ok", True), (COMMENT, "refused", False), (ORPHAN, "refused", True), (ORPHAN, "ok", False),
])  # fmt: skip
def test_an_answer_is_what_the_replay_gives(scene: Scene, what: tuple[object, ...], kind: str, sound: bool) -> None:
    """A comment on X takes effect, one on a missing post is refused, and the answers agree."""
    grow(scene, 2, what)

    scene.answers(1, what, kind)  # type: ignore[arg-type]

    assert set(scene.broken) == (set() if sound else {"once"})


def test_a_retry_gets_the_first_answer(scene: Scene) -> None:
    """A request decided twice takes effect once, and both answers are equal."""
    scene.chooses(B1, 2, X, 2)
    scene.applies(1, X)
    scene.answers(1, X)
    assert scene.broken == {}
    assert scene.checker.sometimes["requests decided twice"] == 1

    scene.answers(2, X, text="something else")

    assert "answered 'done' and then 'something else'" in scene.broken["once"]


def test_a_write_that_timed_out_constrains_nothing(scene: Scene) -> None:
    """A time-out does not state an outcome."""
    scene.asks(1, Y)

    scene.answers(1, Y, "timeout")

    assert scene.broken == {}


def test_a_view_is_the_replay(scene: Scene) -> None:
    """Each kind of view, correct and wrong, at an old height too."""
    grow(scene, 2, COMMENT)
    comment = ["bob", "nice"]
    right: list[tuple[str, str, object, int, str]] = [
        ("all", "", [["X", "alice"]], 2, "view_all"),
        ("all", "", [["X", "alice"]], 1, "view_all"),
        ("whole", "", [["X", "alice", "text", [comment]]], 2, "view_all"),
        ("whole", "", [["X", "alice", "text", []]], 1, "view_all"),
        ("user", "bob", [["comment", "X", "nice"]], 2, "view_user"),
        ("user", "bob", [], 1, "view_user"),
        ("title", "X", ["alice", "text", [comment]], 2, "view_title"),
        ("any", "Z", "not found", 2, "view_title"),
    ]
    for number, (kind, name, result, height, shown) in enumerate(right):
        scene.asks_view(number, linearizable=True, kind=kind, name=name)
        fresh = Scene()
        fresh.correct_start()
        grow(fresh, 2, COMMENT)
        fresh.asks_view(number, kind=kind, name=name)
        fresh.shows(1, number, result, height, shown)
        assert fresh.broken == {}, kind
        fresh.asks_view(number, kind=kind, name=name)
        fresh.shows(1, number, [["X", "mallory"]], 2, shown)
        assert "blog" in fresh.broken, kind


def test_a_linearizable_read_shows_what_was_answered_before(scene: Scene) -> None:
    """A read called after a write's answer must show the write; an old leader must not answer it."""
    grow(scene, 2, COMMENT)
    scene.answers(1, COMMENT)
    scene.asks_view(1, linearizable=True)

    scene.shows(3, 1, [["X", "alice"]], 1)

    assert "as of block 1" in scene.broken["reads"]


def test_a_read_under_way_may_miss_what_is_answered_meanwhile(scene: Scene) -> None:
    """The read was called before the answer."""
    scene.asks_view(1, linearizable=True)
    grow(scene, 2, COMMENT)
    scene.answers(1, COMMENT)

    scene.shows(3, 1, [["X", "alice"]], 1)

    assert scene.broken == {}


def test_local_reads_never_go_back(scene: Scene) -> None:
    """Two local reads at one node, the second of an older blog; across a restart too."""
    grow(scene, 2, COMMENT)
    scene.asks_view(1)
    scene.shows(1, 1, [["X", "alice"]], 2)
    scene.crashes(1)
    scene.recovers(1, promised=B1, opened=B1, votes={2: (B1, COMMENT)}, height=1)
    scene.asks_view(2)

    scene.shows(1, 2, [["X", "alice"]], 1)

    assert "goes back from block 2 to 1" in scene.broken["reads"]


def test_a_local_read_of_another_node_may_be_older(scene: Scene) -> None:
    """Local reads may be stale."""
    grow(scene, 2, COMMENT)
    for number, (node, height) in enumerate([(1, 2), (3, 1)]):
        scene.asks_view(number)
        scene.shows(node, number, [["X", "alice"]], height)

    assert scene.broken == {}


def test_no_read_shows_what_the_node_has_not_applied(scene: Scene) -> None:
    """Node 3 has applied one block."""
    grow(scene, 2, COMMENT)
    scene.asks_view(1)

    scene.shows(3, 1, [["X", "alice"]], 2)

    assert "has applied 1" in scene.broken["reads"]


def test_statuses_are_compared_with_the_replay(scene: Scene) -> None:
    """A node that applied a comment twice counts two."""
    grow(scene, 2, COMMENT)
    for comments, sound in ((1, True), (2, False)):
        tip = scene.chains[1].tip
        state = NodeStatus(node=1, height=2, hash=tip, posts=1, comments=comments)
        scene.checker.observe(NodeReported(at_ms=99, node=1, report=Inspected(0, state)))
        assert (scene.broken == {}) == sound


def test_a_whole_blog_is_compared_with_the_replay(scene: Scene) -> None:
    """The same for the blog in memory."""
    blog = Blog()
    blog.apply(Post("alice", "X", "text"))
    scene.checker.check_blog(9, 1, blog)
    assert scene.broken == {}

    blog.apply(Comment("bob", "X", "twice"))
    scene.checker.check_blog(9, 1, blog)

    assert "blog" in scene.broken


def test_a_run_on_old_files_is_not_checked_for_their_past() -> None:
    """Nodes start with chains: those are taken as they are, and new slots are checked."""
    past = Scene()
    past.correct_start()
    scene = Scene(start=False)
    scene.blocks = past.blocks
    for node in scene.settings.node_ids:
        scene.recovers(node, promised=B1, height=1)
    later = B1.above(1)
    scene.opens(later, first_slot=2)
    scene.promises(2, later, decided=1)
    scene.chooses(later, 2, Y, 2)
    scene.applies(1, Y)
    scene.answers(1, Y)
    scene.asks_view(1)
    scene.shows(1, 1, [["X", "alice"], ["Y", "alice"]], 2)
    assert scene.broken == {}

    scene.proposes(later, 3, X)
    scene.decides(later, 3)

    assert "decision" in scene.broken


def test_others_may_declare_violations(scene: Scene) -> None:
    """The liveness check declares `progress`; the first violation stays."""
    for why in ("nothing was answered", "nothing at all"):
        scene.checker.declare(Violation(invariant="progress", why=why, at_ms=5))

    verdicts = scene.checker.verdicts()

    assert verdicts["progress"] == "nothing was answered (at 0.005 s)"
    assert [name for name, verdict in verdicts.items() if verdict == "ok"] == list(INVARIANTS)


def test_old_slots_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Memory does not grow with the log, and a late block is still compared with the chain."""
    monkeypatch.setattr("simulator.checks.oracle.KEPT_SLOTS", 16)
    monkeypatch.setattr("simulator.checks.chain_replay.KEPT_SLOTS", 16)
    scene = Scene()
    scene.leads(B1, 2, 3)
    for slot in range(1, 200):
        what = value(f"t{slot}")
        grow(scene, slot, what)
        scene.catches_up(3, 1, slot, slot)
        scene.applies(3, what)
    assert scene.broken == {}
    oracle = scene.checker._oracle
    assert len(oracle.slots) < 100

    scene.crashes(3)
    scene.recovers(3, promised=B1, height=5)
    scene.catches_up(3, 1, 6, 6)
    scene.applies(3, value("t6"))
    assert scene.broken == {}
    scene.catches_up(3, 1, 7, 7)
    scene.applies(3, value("t9"))

    assert "agreement" in scene.broken
