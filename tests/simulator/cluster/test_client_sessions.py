"""The book of clients: names, tickets, deadlines and the recorded history."""

from __future__ import annotations

from blog.operations import Comment, Post
from simulator.cluster.client_sessions import ClientBook, client_timeout_ms, new_run_name
from simulator.cluster.history_store import HistoryList
from simulator.cluster.interface import AnswerKind, Query, Ticket
from simulator.faults.links import LinkRule, Links
from simulator.node.client_api import ReadAnswer, WriteAnswer

POST = Post(username="alice", title="Hello", content="first")
COMMENT = Comment(username="bob", title="Hello", content="nice")


def book() -> ClientBook:
    """An empty book of a run called `run`, at a time that stands still."""
    return ClientBook("run", lambda: 0, HistoryList())


def answer(ticket: Ticket, kind: str = "ok", text: str = "", height: int = 1) -> WriteAnswer:
    """What a node says to the write of `ticket`."""
    return WriteAnswer(ticket.client, ticket.seq, kind, text, height)


def text(clients: ClientBook) -> list[tuple[int, str, str, object]]:
    """The history, short."""
    return [(event.process, event.type, event.f, event.value) for event in clients.history()]


def test_an_answer_ends_its_ticket_and_is_recorded() -> None:
    """A write is invoked, answered once, and a second answer finds nobody."""
    clients = book()
    ticket, call = clients.write(3, POST)

    first = clients.write_answered(answer(ticket, text="NEW POST Hello from alice", height=7))
    second = clients.write_answered(answer(ticket, "refused"))

    assert (first, second) == (ticket, None)
    assert ticket.answer is not None
    assert (ticket.answer.kind, ticket.answer.height) == (AnswerKind.OK, 7)
    assert (call.request.client, call.request.seq) == (ticket.client, ticket.seq)
    assert f'"id":"{ticket.client}:{ticket.seq}"' in call.request.operation
    assert text(clients) == [
        (0, "invoke", "post", ["alice", "Hello", "first"]),
        (0, "ok", "post", "ok"),
    ]


def test_a_refusal_was_observed() -> None:
    """A refused write is an ok whose value is the refusal, because it was in the log."""
    clients = book()
    post, _ = clients.write(1, POST)
    comment, _ = clients.write(1, COMMENT)

    clients.write_answered(answer(post, "refused"))
    clients.write_answered(answer(comment, "refused"))

    assert [event.value for event in clients.history()][2:] == ["duplicate title", "cannot comment"]


def test_a_client_with_a_write_of_unknown_fate_does_not_come_back() -> None:
    """After an info another process stands for the caller's, under another client name."""
    clients = book()
    lost, _ = clients.write(1, POST, process=4)
    clients.write_answered(answer(lost, "no-majority"))

    again, _ = clients.write(1, COMMENT, process=4)
    clients.write_answered(answer(again))

    assert [(event.process, event.type) for event in clients.history()] == [
        (4, "invoke"),
        (4, "info"),
        (0, "invoke"),
        (0, "ok"),
    ]
    assert again.client != lost.client


def test_requests_of_one_caller_that_overlap_are_different_processes() -> None:
    """A history process has one open request at most; an idle one is used again."""
    clients = book()
    one, _ = clients.write(1, POST)
    two, _ = clients.write(2, COMMENT)
    clients.write_answered(answer(one))
    three, _ = clients.write(3, COMMENT)
    named, _ = clients.write(3, COMMENT, process=1)

    assert [event.process for event in clients.history() if event.type == "invoke"] == [0, 1, 0, 2]
    assert len({ticket.client for ticket in (one, two, named)}) == 3
    assert three.seq > one.seq


def test_what_was_never_sent_did_not_happen() -> None:
    """A write for a node that is down fails; so does a read without an answer, for it changed nothing."""
    clients = book()
    unsent, _ = clients.write(1, POST)
    sent, _ = clients.write(1, POST)
    read, _ = clients.read(1, Query(kind="all"))

    clients.give_up(unsent, "node 1 is down", sent=False)
    clients.give_up(sent, "node 1 went down")
    clients.give_up(read, "node 1 went down")

    assert [event.type for event in clients.history()][3:] == ["fail", "info", "fail"]
    assert unsent.answer is not None
    assert (unsent.answer.kind, unsent.answer.sent) == (AnswerKind.TIMEOUT, False)
    assert unsent.answer.text == "TIMEOUT: node 1 is down"


def test_a_read_of_anything_is_recorded_as_what_it_turned_out_to_be() -> None:
    """VIEW(x) that shows a user is a view_user in the history, from its invoke on."""
    clients = book()
    ticket, call = clients.read(2, Query(kind="any", name="alice"))

    clients.read_answered(ReadAnswer(call.number, "ok", "", [["post", "Hello", "first"]], "view_user", 1))

    assert text(clients) == [
        (0, "invoke", "view_user", "alice"),
        (0, "ok", "view_user", [["post", "Hello", "first"]]),
    ]
    assert ticket.done


def test_a_local_read_names_its_node() -> None:
    """Local reads may be stale, so the history marks them; linearizable ones stand unmarked."""
    clients = book()
    clients.read(2, Query(kind="all"))
    clients.read(2, Query(kind="all", linearizable=True))

    local, strong = clients.history()

    assert (local.read, local.node) == ("local", 2)
    assert strong.read != "local"


def test_a_request_waits_longer_than_any_node_and_not_for_ever() -> None:
    """The deadline is measured from the call, and grows with the delay of the links."""
    now = 0
    clients = ClientBook("run", lambda: now, HistoryList())
    links = Links((1, 2))
    clear = client_timeout_ms(links)
    links.set_rule([(1, 2)], LinkRule(delay_ms=3_000))
    short, _ = clients.write(1, POST, timeout_ms=clear)
    long, _ = clients.write(1, POST, timeout_ms=client_timeout_ms(links))

    now = clear
    late = clients.expire()

    assert late == [short]
    assert clients.open_tickets() == [long]
    assert short.answer is not None
    assert "node 1 did not answer within 40 s" in short.answer.text


def test_a_client_with_a_session_has_many_writes_under_way_in_one_name() -> None:
    """They are numbered in it from 1, and answered in any order; in the history each is a process of its own."""
    clients = book()
    tickets = [clients.write(1, POST, process=4, session=1)[0] for _ in range(3)]

    ended = [clients.write_answered(answer(ticket)) for ticket in reversed(tickets)]

    assert [(ticket.client, ticket.seq) for ticket in tickets] == [("run-4.1", 1), ("run-4.1", 2), ("run-4.1", 3)]
    assert ended == list(reversed(tickets))
    assert len({process for process, kind, _, _ in text(clients) if kind == "invoke"}) == 3


def test_a_client_that_begins_anew_has_a_new_name() -> None:
    """Its numbers begin at 1 again, and no answer to its first session is taken for one to its second."""
    clients = book()
    clients.write(1, POST)
    first, _ = clients.write(1, POST, process=4, session=1)
    again, call = clients.write(1, COMMENT, process=4, session=2)

    assert (again.client, again.seq) == ("run-4.2", 1)
    assert call.request.id == ("run-4.2", 1)
    assert clients.write_answered(answer(first)) == first
    assert not again.done
    assert clients.write_answered(answer(again)) == again


def test_no_two_runs_share_a_client_name() -> None:
    """A lab that starts again on the same files must not be taken for a retry of its earlier self."""
    names = {new_run_name() for _ in range(100)}

    assert len(names) == 100
    assert not any(":" in name for name in names)
