"""What clients of a cluster may rely on, in both worlds."""

from __future__ import annotations

import pytest

from blog.operations import Comment, Operation, Post
from simulator.cluster.interface import AnswerKind, Cluster, Query
from simulator.errors import InputError
from simulator.faults.faults import Crash, Pause
from tests.simulator.worlds.contract.conftest import OpenNew
from tests.simulator.worlds.contract.driver import (
    LONG_MS,
    finish,
    follower_of,
    healthy,
    leader_of,
    new_post,
    read,
    write,
)


def test_a_write_at_any_node_reaches_every_chain(cluster: Cluster) -> None:
    """Each node accepts writes, and all chains are equal afterwards."""
    posts = [new_post() for _ in cluster.settings.node_ids]

    for node, post in zip(cluster.settings.node_ids, posts, strict=True):
        answer = finish(cluster, cluster.submit(node, post))
        assert (answer.kind, answer.text) == (AnswerKind.OK, f"NEW POST {post.title} from alice")
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)

    chains = {tuple(cluster.chain_lines(node, 1, 1_000_000)) for node in cluster.settings.node_ids}
    assert len(chains) == 1
    assert all(post.title in "".join(chains.pop()) for post in posts[:1])


def test_a_write_that_the_blog_refuses_is_answered_so(cluster: Cluster) -> None:
    """A second post of the same title, and a comment on no post, are refused."""
    post = new_post()
    assert write(cluster, 1, post) is AnswerKind.OK

    assert write(cluster, 2, post) is AnswerKind.REFUSED
    assert write(cluster, 3, Comment("bob", "no such title", "?")) is AnswerKind.REFUSED
    assert write(cluster, 3, Comment("bob", post.title, "well said")) is AnswerKind.OK


def test_a_linearizable_read_sees_every_earlier_write(cluster: Cluster) -> None:
    """It may be asked of any node, whether that has applied the write yet or not."""
    post = new_post()
    assert write(cluster, leader_of(cluster), post) is AnswerKind.OK

    for node in cluster.settings.node_ids:
        answer = read(cluster, node, Query(kind="all", linearizable=True))
        assert answer.kind is AnswerKind.OK
        assert [post.title, "alice"] in answer.result  # type: ignore[operator]


@pytest.mark.parametrize(
    ("kind", "shown"), [("all", "view_all"), ("whole", "view_all"), ("user", "view_user"), ("title", "view_title")]
)
def test_each_view_can_be_read(cluster: Cluster, kind: str, shown: str) -> None:
    """A plain read is answered by the node itself, which says what it has shown and at which height."""
    post = new_post()
    ticket = cluster.submit(2, post)
    written = finish(cluster, ticket)

    answer = read(cluster, 2, Query(kind=kind, name="alice" if kind == "user" else post.title))  # type: ignore[arg-type]

    assert (answer.kind, answer.shown) == (AnswerKind.OK, shown)
    assert answer.height >= written.height > 0
    assert post.title in str(answer.result) or post.content in str(answer.result)


def test_tickets_are_numbered_and_timed(cluster: Cluster) -> None:
    """Numbers ascend; a ticket is answered no earlier than it was asked, and no later than now."""
    first, second = cluster.submit(1, new_post()), cluster.read(2, Query(kind="all"))
    finish(cluster, first)
    finish(cluster, second)

    assert second.number == first.number + 1
    assert first.answered_ms is not None
    assert first.asked_ms <= first.answered_ms <= cluster.now_ms()


def test_a_status_is_never_older_than_an_answer_of_that_node(cluster: Cluster) -> None:
    """After the answer to a write, the node's status shows the write at once."""
    for _ in range(10):
        answer = finish(cluster, cluster.submit(1, new_post()))
        assert cluster.status(1).height >= answer.height


def test_the_history_holds_calls_and_returns_in_order(open_new: OpenNew) -> None:
    """A client keeps its process number; a plain read names its node."""
    cluster = open_new()
    post = new_post()
    finish(cluster, cluster.submit(1, post, process=7))
    finish(cluster, cluster.read(2, Query(kind="title", name=post.title), process=8))

    history = cluster.history()

    assert [(event.process, event.type, event.f) for event in history] == [
        (7, "invoke", "post"),
        (7, "ok", "post"),
        (8, "invoke", "view_title"),
        (8, "ok", "view_title"),
    ]
    assert history[0].value == [post.username, post.title, post.content]
    assert [(event.read, event.node) for event in history[2:]] == [("local", 2), ("local", 2)]
    assert [event.time for event in history] == sorted(event.time for event in history)


def test_a_client_of_a_node_that_dies_gets_a_timeout(open_new: OpenNew) -> None:
    """The fate of an unanswered write is unknown. A write for a node that is already down was never sent."""
    cluster = open_new()
    cluster.apply(Pause(1))
    lost = cluster.submit(1, new_post())

    cluster.apply(Crash(1))
    unsent = cluster.submit(1, new_post())

    assert lost.answer is not None
    assert unsent.answer is not None
    assert (lost.answer.kind, lost.answer.sent) == (AnswerKind.TIMEOUT, True)
    assert (unsent.answer.kind, unsent.answer.sent) == (AnswerKind.TIMEOUT, False)
    assert [event.type for event in cluster.history()] == ["invoke", "info", "invoke", "fail"]


@pytest.mark.parametrize("operation", [Post("alice", "  ", "no title"), Comment("", "title", "no name")])
def test_text_that_the_blog_does_not_take_is_never_sent(cluster: Cluster, operation: Operation) -> None:
    """It is refused before it enters the protocol, and no client has asked for anything."""
    before = list(cluster.history())

    with pytest.raises(InputError):
        cluster.submit(1, operation)

    assert cluster.history() == before


def test_an_unknown_node_is_refused(cluster: Cluster) -> None:
    """Every call that names a node refuses one that does not exist."""
    for call in (
        lambda: cluster.submit(6, new_post()),
        lambda: cluster.read(0, Query(kind="all")),
        lambda: cluster.status(6),
        lambda: cluster.chain_lines(6, 1, 2),
        lambda: cluster.apply(Crash(6)),
    ):
        with pytest.raises(InputError, match=r"There is no node [06]: this cluster has nodes 1 to 5\."):
            call()


def test_a_wait_returns_the_last_value_of_its_condition(cluster: Cluster) -> None:
    """A condition that holds ends the wait at once; one that never holds lets all the time pass."""
    began = cluster.now_ms()
    assert cluster.wait(lambda: True, LONG_MS)
    assert cluster.now_ms() - began < LONG_MS / 2

    began = cluster.now_ms()
    assert not cluster.wait(lambda: False, 200)
    assert cluster.now_ms() - began >= 199  # Both times are cut to whole milliseconds.


def test_a_wait_ends_when_an_answer_arrives(cluster: Cluster) -> None:
    """It does not last as long as it may."""
    ticket = cluster.submit(follower_of(cluster), new_post())

    assert cluster.wait(lambda: ticket.done, LONG_MS)

    assert ticket.answered_ms is not None
    assert cluster.now_ms() - ticket.answered_ms < LONG_MS / 2


def test_closing_ends_open_requests(open_new: OpenNew) -> None:
    """Requests of a paused node end too; later calls are refused; closing twice changes nothing."""
    cluster = open_new()
    cluster.apply(Pause(1))
    ticket, query = cluster.submit(1, new_post()), cluster.read(1, Query(kind="all"))

    cluster.close()
    cluster.close()

    assert ticket.answer is not None
    assert ticket.answer.text == "TIMEOUT: the cluster was closed"
    assert query.done
    for call in (
        lambda: cluster.submit(1, new_post()),
        lambda: cluster.read(1, Query(kind="all")),
        lambda: cluster.apply(Crash(1)),
        lambda: cluster.wait(lambda: False, 1),
    ):
        with pytest.raises(InputError, match="closed"):
            call()
    assert [event.type for event in cluster.history()] == ["invoke", "invoke", "info", "fail"]
