"""Clients as real ones are: many writes in one name, answered writes sent again, crowds, and leaders asked at once."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from simulator.cluster.client_sessions import ClientBook
from simulator.cluster.interface import Ticket
from simulator.settings import Settings
from simulator.tools.explore.client_habits import CROWDS, lost_answers, many_in_one_name, with_crowds
from simulator.tools.explore.draw_calls import draw_calls
from simulator.tools.explore.fault_kinds import Draw
from simulator.tools.explore.schedule import Again, Look, Schedule, TriggeredCalls, Write
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import Outcome, run_trial
from simulator.tools.explore.triggered_calls import FIRST_CLIENT, calls_of


def write(at_ms: int, content: str, *, session: int = 1, node: int = 1) -> Write:
    """Client 1 posts under a title of its own."""
    return Write(at_ms, 1, node, "post", "ann", f"title-{content}", content, session)


def happened(*calls: Write | Again | Look, heals_ms: int = 3_000) -> Counter[str]:
    """What happened in a quiet run of three nodes, which must be faultless."""
    outcome = run_trial(Schedule(settings=Settings(nodes=3, data="", difficulty=0), calls=calls, heals_ms=heals_ms))
    assert outcome.violations == (), outcome.violations[0].sentence()
    return Counter(outcome.sometimes)


def test_writes_of_one_name_overtake_one_another() -> None:
    """The first goes to a follower, which has to ask the leader; all take effect, each once."""
    found: Counter[str] = Counter()
    for first in (1, 2, 3):
        found += happened(*(write(1_000, f"c{node}", node=node) for node in (first, *{1, 2, 3} - {first})))

    assert found["writes under way together in one name"] == 6
    assert found["writes overtaken by later ones of their client"] >= 1


def test_an_answered_write_is_sent_again_through_another_node() -> None:
    """Its first answer is repeated, and that is checked. A client that knows the outcome is quiet otherwise."""
    quiet = happened(write(1_000, "c"), Again(2_000, 1, 2, "c"))
    again = happened(write(1_000, "c"), Again(2_000, 1, 2, "c", answered=True), Again(2_500, 1, 3, "c", answered=True))

    assert quiet["answered writes sent again"] == 0
    assert again["answered writes sent again"] == again["answers repeated"] == 2


def test_a_client_that_begins_anew_under_its_old_name_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its new first write would be taken for the retry of the old one. Under a new name all is well."""
    assert happened(write(1_000, "c"), write(2_000, "d", session=2))["clients that began anew"] == 1

    def forgetful(book: ClientBook, ticket: Ticket, process: int | None, session: int) -> None:
        assert session
        ticket.client, ticket.seq = f"{book.run}-{process}.1", 1

    monkeypatch.setattr(ClientBook, "_give_own_name", forgetful)
    with pytest.raises(AssertionError, match="a client that begins anew with its numbers needs a new name"):
        happened(write(1_000, "c"), write(2_000, "d", session=2))


def test_habits_change_how_clients_ask_and_nothing_else() -> None:
    """The same writes as before are among the calls, in order, with a session; sessions never go back."""
    draw = Draw(5, Random("habits"))
    before = draw_calls(draw, (20, 60), 4_000)

    pipelined = list(many_in_one_name(before, draw))
    retried = list(lost_answers(before, draw))

    contents = [call.content for call in before if isinstance(call, Write)]
    assert [c.content for c in pipelined if isinstance(c, Write) and c.content in contents] == contents
    sessions = [call.session for call in pipelined if isinstance(call, Write) and call.client == 1]
    assert sessions == sorted(sessions)
    assert [call for call in retried if call in before] == list(before)
    assert any(isinstance(call, Again) and call.answered for call in retried)
    crowded = with_crowds(before, draw, 4_000)
    assert len(before) + min(CROWDS) <= len(crowded) <= len(before) + 3 * max(CROWDS)


def test_a_new_leader_and_the_one_it_replaces_are_asked_at_once() -> None:
    """The calls come in the millisecond after the new one began; they are read at both, linearizably."""
    calls = calls_of(TriggeredCalls(0, 1, seed=7), 500, 2, 3)

    assert [(call.at_ms, call.node) for call in calls[:2]] == [(500, 2), (500, 3)]
    assert {call.node for call in calls} <= {2, 3}
    assert all(call.linearizable for call in calls if isinstance(call, Look))
    assert all(call.client >= FIRST_CLIENT for call in calls)
    assert {call.node for call in calls_of(TriggeredCalls(0, 1, seed=7), 500, 2, 0)} == {2}


def test_triggered_calls_become_plain_ones() -> None:
    """What was asked is part of what is repeated, shrunk and written down, and nothing is triggered then."""
    seeds = [seed for seed in range(30) if draw_schedule(seed).asks][:4]
    for seed in seeds:
        outcome = run_trial(draw_schedule(seed))
        triggered = [call for call in outcome.done.calls if not isinstance(call, Again) and call.client >= FIRST_CLIENT]

        assert outcome.done.asks == ()
        assert bool(triggered) == bool(outcome.sometimes.get("a new leader asked at once"))
        assert list(outcome.done.calls) == sorted(outcome.done.calls, key=lambda call: call.at_ms)
        assert same(run_trial(outcome.done), outcome)


def same(again: Outcome, first: Outcome) -> bool:
    """True when both runs took one course, to the last message."""
    return (again.messages, again.answers, again.virtual_ms) == (first.messages, first.answers, first.virtual_ms)
