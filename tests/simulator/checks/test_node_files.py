"""The checker of nodes' files: correct files pass, and each kind of violation is found and named."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import cast

import pytest

from blog.operations import Comment, Operation, Post
from chain.blockchain import Blockchain
from paxos.messages import RequestId
from simulator.checks.node_files import INVARIANTS, NodeFilesChecker
from simulator.cluster.client_sessions import ClientBook
from simulator.cluster.history import Event
from simulator.cluster.history_store import HistoryList
from simulator.cluster.interface import Query, Ticket
from simulator.node.client_api import ReadAnswer, WriteAnswer
from simulator.node.codec import block_line, blog_line, operation_text
from simulator.settings import Settings

HELLO = Post("alice", "Hello", "first")
NICE = Comment("bob", "Hello", "nice")
Filed = tuple[Operation, Ticket]


class Reporting(HistoryList):
    """A history that tells a checker of each write and its answer."""

    def __init__(self, checker: NodeFilesChecker) -> None:
        super().__init__()
        self.checker = checker

    def called(self, event: Event, name: RequestId | None) -> int:
        """Tell of the call."""
        if name is not None:
            user, title, content = cast("list[str]", event.value)
            self.checker.called(name, (event.f, user, title, content))
        return super().called(event, name)

    def returned(self, number: int, event: Event, name: RequestId | None) -> None:
        """Tell of the answer."""
        if name is not None and event.type == "ok":
            self.checker.answered(name, took_effect=event.value == "ok")
        super().returned(number, event, name)


class Bench:
    """Two nodes' files, clients of a run called `run`, and a checker."""

    def __init__(self, directory: Path) -> None:
        settings = Settings(nodes=2, data=str(directory))
        self.directory = directory
        self.checker = NodeFilesChecker(settings, "run")
        self.history = Reporting(self.checker)
        self.clients = ClientBook("run", lambda: 0, self.history)
        for node in settings.node_ids:
            (directory / f"node-{node}").mkdir(parents=True)

    def ask(self, operation: Operation, answer: str = "") -> Filed:
        """A write, with its answer."""
        ticket, _ = self.clients.write(1, operation)
        if answer:
            self.clients.write_answered(WriteAnswer(ticket.client, ticket.seq, answer, "", 1))
        return operation, ticket

    def files(self, node: int, blocks: Sequence[Sequence[Filed]], blog: Sequence[tuple[int, Operation]]) -> None:
        """Write a node's chain and blog from scratch."""
        chain = Blockchain(2)
        lines = ""
        for filed in blocks:
            texts = ",".join(operation_text(operation, ticket.client, ticket.seq) for operation, ticket in filed)
            lines += block_line(chain.extend(f"[{texts}]")) + "\n"
        folder = self.directory / f"node-{node}"
        (folder / "blockchain.txt").write_text(lines)
        (folder / "blog.txt").write_bytes(b"".join(blog_line(height, operation) for height, operation in blog))

    def violations(self) -> dict[str, str]:
        """The violations that the checker finds."""
        self.checker.read()
        verdicts = self.checker.verdicts()
        assert tuple(verdicts) == INVARIANTS
        return {invariant: what for invariant, what in verdicts.items() if what != "ok"}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    """Empty files."""
    return Bench(tmp_path)


def test_correct_files_give_ok(bench: Bench) -> None:
    """A chain that is a prefix of the other, a refused write, a retry, and an unfinished line."""
    post, again, comment = (
        bench.ask(HELLO, "ok"),
        bench.ask(HELLO, "refused"),
        bench.ask(NICE, "no-majority"),
    )
    bench.files(1, [[post], [again], [comment, post]], [(1, HELLO), (3, NICE)])
    bench.files(2, [[post], [again]], [(1, HELLO)])
    with (bench.directory / "node-2" / "blockchain.txt").open("a") as file:
        file.write('{"height":3,"H"')

    assert bench.violations() == {}
    assert bench.checker.order() == [(ticket.client, ticket.seq) for _, ticket in (post, again, comment)]


def test_two_chains_that_differ_are_found(bench: Bench) -> None:
    """The block and the nodes are named, even when the chains are read in steps."""
    one, two = bench.ask(HELLO), bench.ask(NICE)
    bench.files(1, [[one]], [(1, HELLO)])
    assert bench.violations() == {}

    bench.files(2, [[two]], [])

    assert bench.violations() == {"agreement": "block 1 of node 2 differs from that of node 1"}


def test_an_invalid_block_is_found(bench: Bench) -> None:
    """A changed letter invalidates the hash."""
    post = bench.ask(HELLO)
    bench.files(1, [[post]], [(1, HELLO)])
    path = bench.directory / "node-1" / "blockchain.txt"
    path.write_text(path.read_text().replace("first", "fixed"))

    assert "its hash is written as" in bench.violations()["chain"]


def test_an_answered_write_that_is_on_no_chain_is_found(bench: Bench) -> None:
    """A write answered OK must be on the chain."""
    bench.ask(HELLO, "ok")

    assert "on no chain" in bench.violations()["durability"]


def test_a_refused_write_that_took_effect_is_found(bench: Bench) -> None:
    """The answer and the chain must agree."""
    post = bench.ask(HELLO, "refused")
    bench.files(1, [[post]], [(1, HELLO)])

    assert "was answered 'refused', and its effect is 'ok'" in bench.violations()["once"]


def test_a_write_that_no_client_called_is_found(bench: Bench) -> None:
    """Requests of earlier runs are unknown and allowed; one with this run's name is not."""
    _, ticket = bench.ask(HELLO)
    stranger = Ticket(number=1, node=1, request=NICE, client="other-1", seq=9, asked_ms=0)
    bench.files(1, [[(HELLO, ticket)], [(NICE, stranger)]], [(1, HELLO), (2, NICE)])
    assert bench.violations() == {}

    forged = Ticket(number=9, node=1, request=NICE, client="run-7", seq=9, asked_ms=0)
    bench.files(1, [[(HELLO, ticket)], [(NICE, stranger)], [(NICE, forged)]], [(1, HELLO), (2, NICE), (3, NICE)])

    assert "run-7:9, which no client asked for" in bench.violations()["validity"]


def test_a_blog_that_differs_from_the_replay_is_found(bench: Bench) -> None:
    """The line is named."""
    post, comment = bench.ask(HELLO), bench.ask(NICE)
    bench.files(1, [[post], [comment]], [(1, HELLO), (1, NICE)])

    assert bench.violations() == {"blog": "node 1: line 2 of blog.txt is not what the chain's replay gives"}


@pytest.mark.parametrize("titles", [[], [["Old", "zoe"], ["Hello", "alice"]], [["Hello", "alice"], ["Old", "zoe"]]])
def test_views_are_checked_against_the_chain_and_earlier_writes(bench: Bench, titles: list[list[str]]) -> None:
    """The run began with an older post: after a new post is answered, a view must show both in order."""
    old = Ticket(number=1, node=1, request=Post("zoe", "Old", "o"), client="earlier-1", seq=1, asked_ms=0)
    post = bench.ask(HELLO, "ok")
    bench.files(1, [[(Post("zoe", "Old", "o"), old)], [post]], [(1, Post("zoe", "Old", "o")), (2, HELLO)])
    ticket, _ = bench.clients.read(1, Query(kind="all", linearizable=True))
    bench.clients.read_answered(ReadAnswer(ticket.number, "ok", "", titles, "view_all", 2))

    bench.checker.read()
    verdict = bench.checker.judge_history(bench.clients.history())

    assert verdict.ok == (titles == [["Old", "zoe"], ["Hello", "alice"]])


def test_a_write_called_during_the_check_is_valid(bench: Bench) -> None:
    """A client may call after the check began, and its block may be in the file that is read before the call is."""
    ticket = Ticket(number=1, node=1, request=HELLO, client="run-0", seq=1, asked_ms=0)
    bench.files(1, [[(HELLO, ticket)]], [(1, HELLO)])
    bench.checker.read()
    _, later = bench.ask(HELLO, "ok")

    assert (later.client, later.seq) == (ticket.client, ticket.seq)
    assert bench.checker.verdicts()["validity"] == "ok"
    assert bench.violations() == {}


def test_an_answer_given_after_the_files_were_read_is_no_violation(bench: Bench) -> None:
    """Its block is in the file by the next reading."""
    bench.checker.read()
    post = bench.ask(HELLO, "ok")
    assert bench.checker.verdicts()["durability"] == "ok"

    bench.files(1, [[post]], [(1, HELLO)])

    assert bench.violations() == {}


def test_a_request_proves_nothing_when_not_all_calls_are_known(bench: Bench) -> None:
    """The record of the run may have ended before it was called."""
    forged = Ticket(number=9, node=1, request=NICE, client="run-7", seq=9, asked_ms=0)
    bench.files(1, [[(NICE, forged)]], [])
    bench.checker.read()

    assert bench.checker.verdicts(knows_calls=False)["validity"] == "ok"


def test_a_request_that_is_decided_again_with_another_content_is_found(bench: Bench) -> None:
    """A retry has the same content."""
    _, ticket = bench.ask(HELLO)
    bench.files(1, [[(HELLO, ticket)], [(NICE, ticket)]], [(1, HELLO)])

    assert "block 2 holds request run-0:1, which no client asked for" in bench.violations()["validity"]


def test_files_can_be_left_alone(bench: Bench) -> None:
    """Those of a node that is down may be damaged, and a start may mend them."""
    bench.files(1, [[bench.ask(HELLO, "ok")]], [(1, HELLO)])
    bench.files(2, [[bench.ask(NICE)]], [])
    bench.checker.read(without={2})
    assert bench.checker.verdicts()["agreement"] == "ok"

    assert "block 1 of node 2 differs" in bench.violations()["agreement"]
