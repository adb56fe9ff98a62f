"""The chain as witness: fast where it explains the history; where it does not, it proves nothing."""

from __future__ import annotations

from collections import Counter

from simulator.checks.history_generator import busy_blog
from simulator.checks.linearizability.blog_witness import explains
from simulator.checks.linearizability.judge import judge
from simulator.checks.linearizability.operations import pair
from tests.simulator.checks.linearizability.brute import blog_step, linearizable
from tests.simulator.checks.linearizability.drawn import draw
from tests.simulator.checks.linearizability.scripted import script


def test_a_witness_explains_only_what_some_order_explains() -> None:
    """A history that the witness explains is linearizable, and nearly all correct histories are explained by theirs."""
    counts: Counter[tuple[bool, bool]] = Counter()
    for seed in range(4_000):
        drawn = draw("blog", seed, most=9, local=seed % 2 == 0)
        explained = explains(pair(drawn.events), drawn.order)
        if explained:
            assert linearizable(drawn.events, blog_step, None), f"seed {seed}"
        counts[drawn.lies == 0, explained] += 1
    assert counts[True, True] > 200 * counts[True, False]
    assert counts[False, False] > 300


def test_a_busy_history_is_explained_by_its_own_order() -> None:
    """With pending and refused writes."""
    made = busy_blog(5_000, 20, seed=5, crash=0.02)

    assert explains(pair(made.events), made.witness)


def test_a_witness_that_fails_proves_nothing() -> None:
    """The witness has two concurrent posts in the wrong order: the history is checked without it."""
    events = script(
        '0 invoke post ["ann","t","x"]', '1 invoke post ["bob","u","y"]', '0 ok post "ok"', '1 ok post "ok"',
        "2 invoke view_all null", '2 ok view_all [["u","bob"],["t","ann"]]',
    )  # fmt: skip
    right = [("post", "bob", "u", "y"), ("post", "ann", "t", "x")]

    assert explains(pair(events), right)
    assert not explains(pair(events), right[::-1])
    assert not explains(pair(events), right[:1])
    assert not explains(pair(events), [*right, ("post", "cid", "v", "z")])
    assert judge(events, "blog", witness=right[::-1]).verdict == "ok"


def test_a_violation_stays_one_whatever_the_witness() -> None:
    """No witness explains a view that misses a write answered before its call."""
    events = script(
        '0 invoke post ["ann","t","x"]', '0 ok post "ok"', "1 invoke view_all null", "1 ok view_all []"
    )  # fmt: skip

    assert judge(events, "blog", witness=[("post", "ann", "t", "x")]).verdict == "violation"


def test_a_retry_and_its_unknown_original_share_one_place() -> None:
    """The write is on the chain once, so it belongs to the operation that was answered."""
    events = script(
        '0 invoke post ["ann","t","x"]', '0 ok post "ok"',
        '1 invoke comment ["bob","t","hi"]', "1 info comment null",
        '2 invoke comment ["bob","t","hi"]', '2 ok comment "ok"',
        '3 invoke view_title "t"', '3 ok view_title ["ann","x",[["bob","hi"]]]',
    )  # fmt: skip
    once = [("post", "ann", "t", "x"), ("comment", "bob", "t", "hi")]

    assert explains(pair(events), once)
    assert not explains(pair(events), [*once, once[1]])
