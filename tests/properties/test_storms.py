"""Whatever is injected, and whatever clients ask meanwhile.

What must never happen does not, what must happen soon does.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given

from simulator.checks.linearizability.budget import Budget
from simulator.checks.linearizability.operations import pair
from simulator.checks.linearizability.plain_blog import PlainBlog
from simulator.checks.linearizability.search import search
from simulator.cluster.interface import AnswerKind, Query
from simulator.tools.explore.schedule import Schedule
from simulator.tools.explore.trial import run_trial
from tests.properties.driver import KNOWN, Life, answer_of, audit, judge, shown, text
from tests.properties.effort import effort
from tests.properties.strategies import (
    disk_and_clock_faults,
    hand_faults,
    link_faults,
    node_faults,
    plans,
)


@effort(5)
@given(schedule=plans())
def test_nothing_is_violated_whatever_is_injected(schedule: Schedule) -> None:
    """All invariants, checked while the run goes on; and after its healing, progress and convergence in time."""
    judge(schedule)


@pytest.mark.parametrize("kinds", [node_faults, link_faults, hand_faults, disk_and_clock_faults])
def test_nothing_is_violated_by_many_faults_of_one_family(kinds: Any) -> None:
    """Alone a family goes further than among others: what is always cut off is never torn."""

    @effort(1)
    @given(schedule=plans(kinds=kinds, most_faults=30))
    def property_of_family(schedule: Schedule) -> None:
        judge(schedule)

    property_of_family()


@given(schedule=plans(sizes=(2, 4, 7, 9)))
def test_odd_and_even_clusters_of_every_size_agree(schedule: Schedule) -> None:
    """Of two both must be there, of four it takes three."""
    judge(schedule)


@given(schedule=plans(sizes=(1,), kinds=node_faults))
def test_a_single_node_is_its_own_majority(schedule: Schedule) -> None:
    """It has nobody to ask, and must still keep what it answered."""
    judge(schedule)


@given(schedule=plans())
def test_after_the_healing_all_chains_and_blogs_are_the_same(schedule: Schedule) -> None:
    """Byte for byte, on every node, and every blog is what our own replay of the chain gives."""
    life = Life(schedule)

    cluster, nodes = life.cluster, schedule.settings.node_ids
    chains = {tuple(cluster.chain_lines(node, 1, cluster.status(node).height)) for node in nodes}
    assert len(chains) == 1, text(schedule)
    whole = Query(kind="whole")
    reads = [cluster.read(node, whole) for node in nodes]
    assert cluster.wait(lambda: all(read.done for read in reads), 1_000), text(schedule)
    expected = shown(life.blog_at(len(life.chain)), whole)
    assert all(answer_of(read).result == expected for read in reads), text(schedule)


@given(schedule=plans())
def test_files_audit_clean_after_any_storm(schedule: Schedule) -> None:
    """`paxsim verify` finds no fault in any node's three files, and no two journals that contradict each other."""
    life = Life(schedule)

    assert audit(life.cluster, schedule.settings.difficulty) == [], text(schedule)


@effort(2)
@given(schedule=plans())
def test_a_write_takes_effect_once_however_often_it_is_sent(schedule: Schedule) -> None:
    """Retries at other nodes, lost answers, crashes: an answered post stands once on the chain, a refused one never."""
    life = Life(schedule)

    effects = Counter(life.contents())
    for content, ticket in life.writes.items():
        answer = ticket.answer
        if answer is not None and answer.kind in KNOWN:
            assert effects[content] == (answer.kind is AnswerKind.OK), (
                f"{content} was answered {answer}{text(schedule)}"
            )
        else:
            assert effects[content] <= (1 if answer is None or answer.sent else 0), f"{content}{text(schedule)}"


@effort(2)
@given(schedule=plans(most_faults=8, most_calls=16))
def test_histories_are_linearizable(schedule: Schedule) -> None:
    """What clients saw is explained by one order: judged by the general search, which knows no chain and no blocks."""
    life = Life(schedule)

    found = search(pair(life.cluster.history()).main, PlainBlog(), None, Budget())
    assert found.at is None, f"no order explains event {found.at}{text(schedule)}"


@effort(2)
@given(schedule=plans(most_calls=20))
def test_local_reads_follow_the_chain_and_go_forward_only(schedule: Schedule) -> None:
    """Each shows the blog as it was after some block of the final chain, and no node ever goes back."""
    life = Life(schedule)

    reached = dict.fromkeys(schedule.settings.node_ids, 0)
    answered = [ticket for ticket in life.reads if ticket.answer is not None and ticket.answer.kind is AnswerKind.OK]
    for ticket in sorted(answered, key=lambda ticket: (ticket.answered_ms or 0, ticket.number)):
        query, answer = ticket.request, answer_of(ticket)
        assert isinstance(query, Query)
        assert answer.result == shown(life.blog_at(answer.height), query), text(schedule)
        if not query.linearizable:
            assert answer.height >= reached[ticket.node], text(schedule)
            reached[ticket.node] = answer.height


@given(schedule=plans())
def test_the_same_schedule_gives_the_same_run(schedule: Schedule) -> None:
    """All that was drawn, done and told, as one digest; and what counts as done is a plan that gives it too."""
    first, again = run_trial(schedule), run_trial(schedule)
    assert first.digest == again.digest, text(schedule)
    assert first.sometimes == again.sometimes, text(schedule)
    assert run_trial(first.done).digest == first.digest, text(schedule)
