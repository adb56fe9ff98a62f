"""The sweep for the blog, compared with plain search and with trying every order."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.checks.history_generator import busy_blog
from simulator.checks.linearizability.blog_sweep import sweep_blog
from simulator.checks.linearizability.budget import Budget, OutOfBudget
from simulator.checks.linearizability.judge import judge
from simulator.checks.linearizability.operations import pair
from simulator.checks.linearizability.plain_blog import PlainBlog
from simulator.checks.linearizability.search import search
from tests.simulator.checks.linearizability.brute import blog_step, linearizable
from tests.simulator.checks.linearizability.drawn import draw
from tests.simulator.checks.linearizability.scripted import script


def test_the_sweep_agrees_with_plain_search_and_with_trying_every_order() -> None:
    """Thousands of small histories: repeated titles, equal comments, pending writes, wrong results."""
    verdicts: Counter[bool] = Counter()
    for seed in range(4_000):
        events = draw("blog", seed, most=9).events
        history = pair(events)

        swept = sweep_blog(history, Budget()) is None

        assert swept is (search(history.main, PlainBlog(), None, Budget()).at is None), f"seed {seed}"
        assert swept is linearizable(events, blog_step, None), f"seed {seed}"
        verdicts[swept] += 1
    assert min(verdicts.values()) > 300


def test_the_sweep_agrees_with_plain_search_on_longer_histories() -> None:
    """As far as plain search settles them: up to 24 operations."""
    settled: Counter[bool] = Counter()
    for seed in range(1_000):
        history = pair(draw("blog", seed, most=24).events)
        try:
            searched = search(history.main, PlainBlog(), None, Budget(2)).at is None
        except OutOfBudget:
            continue
        assert searched is (sweep_blog(history, Budget()) is None), f"seed {seed}"
        settled[searched] += 1
    assert min(settled.values()) > 100


@pytest.mark.slow
def test_the_sweep_agrees_with_plain_search_thirty_thousand_times() -> None:
    """The same with more seeds."""
    for seed in range(10_000, 40_000):
        history = pair(draw("blog", seed, most=14).events)
        searched = search(history.main, PlainBlog(), None, Budget()).at is None
        assert searched is (sweep_blog(history, Budget()) is None), f"seed {seed}"


def test_a_busy_history_needs_no_witness() -> None:
    """Fifty busy clients; the search gives up at fifty operations."""
    made = busy_blog(3_000, 50, seed=3, crash=0.02)

    assert judge(made.events, "blog").verdict == "ok"


def test_one_stale_view_among_thousands_of_operations_is_found() -> None:
    """A view that misses an answered comment ends the shortest failing prefix."""
    events = busy_blog(2_000, 20, seed=4).events
    events += script(
        '999 invoke post ["ann","old news","x"]', '999 ok post "ok"',
        '999 invoke comment ["bob","old news","y"]', '999 ok comment "ok"',
        '999 invoke view_title "old news"', '999 ok view_title ["ann","x",[]]',
    )  # fmt: skip
    stale = len(events)
    events += script('998 invoke view_title "no news"', '998 ok view_title "not found"')

    verdict = judge(events, "blog")

    assert verdict.verdict == "violation"
    assert verdict.why.startswith(f"The first {stale} of {len(events)} events fail already")
    assert "did not see comment('bob', 'old news', 'y')" in verdict.why


def test_equal_comments_are_placed_by_deadline() -> None:
    """Three equal comments, one pending and called first: two are seen early, the last one late."""
    events = script(
        '0 invoke post ["ann","t","x"]', '0 ok post "ok"',
        '1 invoke comment ["bob","t","hi"]',
        '2 invoke view_title "t"', '2 ok view_title ["ann","x",[["bob","hi"]]]',
        '3 invoke comment ["bob","t","hi"]', '3 ok comment "ok"',
        '4 invoke comment ["bob","t","hi"]', '4 ok comment "ok"',
        '2 invoke view_title "t"', '2 ok view_title ["ann","x",[["bob","hi"],["bob","hi"],["bob","hi"]]]',
    )  # fmt: skip

    assert judge(events, "blog").verdict == "ok"
    assert judge([event for event in events if event.process != 1], "blog").verdict == "violation"


def test_a_pending_post_may_be_any_that_agrees_with_the_views() -> None:
    """A comment was accepted, so some pending post of the title took effect: ann's, since bob's view has none."""
    begin = script('0 invoke post ["ann","t","x"]', '1 invoke post ["bob","t","y"]')
    comment = script('2 invoke comment ["cid","t","hi"]', '2 ok comment "ok"')
    bob = script('3 invoke view_user "bob"', "3 ok view_user []")
    ann = script('3 invoke view_user "ann"', "3 ok view_user []")

    assert judge([*begin, *comment, *bob], "blog").verdict == "ok"
    assert judge([*begin, *comment, *ann], "blog").verdict == "ok"
    assert judge([*begin, *comment, *bob, *ann], "blog").verdict == "violation"
    assert judge([*begin, *bob, *ann, *comment], "blog").verdict == "ok"


def test_predecessors_in_a_cycle_are_a_violation() -> None:
    """One user's list shows u before t, the list of posts t before u: each view alone is possible."""
    events = script(
        '0 invoke post ["ann","t","x"]', '1 invoke post ["ann","u","y"]',
        "2 invoke view_all null", '3 invoke view_user "ann"',
        '2 ok view_all [["t","ann"],["u","ann"]]', '3 ok view_user [["post","u","y"],["post","t","x"]]',
    )  # fmt: skip

    verdict = judge(events, "blog")

    assert verdict.verdict == "violation"
    assert "before itself" in verdict.why


def test_titles_right_one_by_one_can_be_wrong_together() -> None:
    """Titles, users and the list of posts share writes: checking title by title would pass this."""
    events = script(
        '0 invoke post ["ann","t","x"]', '1 invoke post ["bob","u","y"]',
        '2 invoke view_title "t"', '2 ok view_title ["ann","x",[]]',
        '2 invoke view_title "u"', '2 ok view_title "not found"',
        '0 ok post "ok"', '1 ok post "ok"',
        "3 invoke view_all null", '3 ok view_all [["u","bob"],["t","ann"]]',
    )  # fmt: skip

    assert judge(events, "blog").verdict == "violation"


def test_writes_from_before_the_history_are_known() -> None:
    """A restored cluster shows posts from before this history: `init` names them."""
    events = script('0 invoke view_title "t"', '0 ok view_title ["ann","x",[["bob","hi"]]]')
    before = [("post", "ann", "t", "x"), ("post", "cid", "t", "z"), ("comment", "bob", "t", "hi")]

    assert judge(events, "blog").verdict == "violation"
    assert judge(events, "blog", init=before).verdict == "ok"
    assert judge(events, "blog", init=before, witness=before).verdict == "ok"
    assert judge(events, "blog", init=before[:1]).verdict == "violation"
