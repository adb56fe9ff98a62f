"""Local reads: each shows a state of the one order, never moves back on its node, and shows only called writes."""

from __future__ import annotations

from collections import Counter

from simulator.checks.linearizability.judge import judge
from tests.simulator.checks.linearizability.brute import blog_step, linearizable
from tests.simulator.checks.linearizability.drawn import draw
from tests.simulator.checks.linearizability.scripted import script

POSTS = ('0 invoke post ["ann","t","x"]', '0 ok post "ok"', '0 invoke post ["bob","u","y"]', '0 ok post "ok"')
OLD = ("1 invoke view_all null @2", '1 ok view_all [["t","ann"]] @2')
NEW = ("1 invoke view_all null @2", '1 ok view_all [["t","ann"],["u","bob"]] @2')
WITNESS = [("post", "ann", "t", "x"), ("post", "bob", "u", "y")]


def test_the_rule_agrees_with_trying_every_order() -> None:
    """Thousands of small histories with local reads, some stale, some of states that never existed."""
    verdicts: Counter[str] = Counter()
    for seed in range(4_000):
        drawn = draw("blog", seed, most=8, local=True)
        verdict = judge(drawn.events, "blog").verdict
        assert verdict == ("ok" if linearizable(drawn.events, blog_step, None) else "violation"), f"seed {seed}"
        assert judge(drawn.events, "blog", witness=drawn.order).verdict == verdict, f"seed {seed}"
        verdicts[verdict] += 1
    assert min(verdicts.values()) > 300


def test_a_local_read_may_be_old() -> None:
    """It shows the first post alone after both were answered: a linearizable read could not."""
    stale = script(*POSTS, *OLD)

    assert judge(stale, "blog").verdict == "ok"
    assert judge(stale, "blog", witness=WITNESS).verdict == "ok"
    assert judge(script(*POSTS, *(line.replace(" @2", "") for line in OLD)), "blog").verdict == "violation"


def test_a_node_never_goes_back_in_time() -> None:
    """New and then old at one node is a violation; at two nodes it is not."""
    back = script(*POSTS, *NEW, *OLD)
    elsewhere = script(*POSTS, *NEW, *(line.replace("@2", "@3") for line in OLD))

    for witness in (None, WITNESS):
        verdict = judge(back, "blog", witness=witness)
        assert verdict.verdict == "violation"
        assert "local" in verdict.why
        assert judge(elsewhere, "blog", witness=witness).verdict == "ok"


def test_a_node_never_goes_back_in_time_between_lists() -> None:
    """It has shown the second post, so the list of the first post's author can no longer be empty."""
    events = script(*POSTS, *NEW, '1 invoke view_user "ann" @2', "1 ok view_user [] @2")

    assert judge(events, "blog").verdict == "violation"
    assert judge(events, "blog", witness=WITNESS).verdict == "violation"


def test_a_node_shows_nothing_that_is_not_asked_for_yet() -> None:
    """A local read that shows a post before the post is called is a violation."""
    events = script(*OLD, *POSTS)

    assert judge(events, "blog").verdict == "violation"
    assert judge(events, "blog", witness=WITNESS).verdict == "violation"


def test_what_a_node_has_shown_is_decided() -> None:
    """A linearizable view called after a local read has shown a post must show it too."""
    begin = ('0 invoke post ["ann","t","x"]', "1 invoke view_all null @2", '1 ok view_all [["t","ann"]] @2')
    missing = ("2 invoke view_all null", "2 ok view_all []")

    for witness in (None, WITNESS[:1]):
        assert judge(script(*begin), "blog", witness=witness).verdict == "ok"
        assert judge(script(*begin, *missing), "blog", witness=witness).verdict == "violation"
    assert judge(script(begin[0], *missing, *begin[1:]), "blog").verdict == "ok"


def test_a_local_read_that_was_not_answered_says_nothing() -> None:
    """A pending or failed local read is ignored."""
    events = script(*POSTS, "1 invoke view_all null @2", "1 fail view_all null @2", "2 invoke view_all null @3")

    assert judge(events, "blog").verdict == "ok"
