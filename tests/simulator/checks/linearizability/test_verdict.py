"""The reason of a violation: the shortest failing prefix, the operations, and the contradiction."""

from __future__ import annotations

from random import Random

import msgspec
import pytest

from simulator.checks.linearizability.budget import OutOfBudget
from simulator.checks.linearizability.judge import judge
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.prefix import shortest_failing
from simulator.checks.object_histories import busy_object
from simulator.cluster.history import Event
from simulator.errors import InputError
from tests.simulator.checks.linearizability.drawn import draw
from tests.simulator.checks.linearizability.scripted import script


@pytest.mark.parametrize("model", sorted(MODELS))
def test_the_named_prefix_is_the_shortest_that_fails(model: str) -> None:
    """It fails by itself, and without its last event it passes."""
    explained = 0
    for seed in range(600):
        events = draw(model, seed, most=10, local=model == "blog").events
        why = judge(events, model).why
        if why:
            length = _named_length(why, events)
            assert judge(events[:length], model).verdict == "violation", f"seed {seed}"
            assert judge(events[: length - 1], model).verdict == "ok", f"seed {seed}"
            explained += 1
    assert explained > 10


def _named_length(why: str, events: list[Event]) -> int:
    return len(events) if why.startswith("It takes all") else int(why.split()[2])


def test_a_stale_read_is_explained_with_both_operations() -> None:
    """The answered post, the later view, their processes and their events."""
    events = script('0 invoke post ["ann","t","x"]', '0 ok post "ok"', "7 invoke view_all null", "7 ok view_all []")

    why = judge(events, "blog").why

    assert why == (
        "It takes all 4 events to fail: Post('ann', 't', 'x') of process 0 (events 1 to 2, told 'ok') had returned by "
        "event 2. But view_all() of process 7 (events 3 to 4, saw nothing), called after that, did not see "
        "post('ann', 't', 'x') of process 0 (events 1 to 2, told 'ok')."
    )


def test_a_register_names_its_possible_values() -> None:
    """A read of a value that was never written: the possible values, and the pending operations."""
    events = script(
        "0 invoke write 1", "0 ok write 1", "1 invoke write 2", "2 invoke read null", "2 ok read 3", "1 ok write 2"
    )  # fmt: skip

    why = judge(events, "cas-register", 0).why

    assert why == (
        "The first 5 of 6 events fail already: read() of process 2 (events 4 to 5, told 3) cannot be explained by any "
        "order. When it returned the state could only be 1, or what these still open operations make of it: write(2) "
        "of process 1 (event 3, fate unknown)."
    )


def test_a_value_from_nowhere_is_named() -> None:
    """No search is needed to see it."""
    events = script("0 invoke write 1", "0 ok write 1", "2 invoke read null", "2 ok read 3")

    assert judge(events, "register", 0).why == (
        "It takes all 4 events to fail: read() of process 2 (events 3 to 4, told 3) read a value that nobody wrote."
    )


def test_a_stale_value_is_explained_by_what_real_time_orders() -> None:
    """Two pairs of operations, each with the order that it forces, which contradict each other."""
    events = script(
        "0 invoke write 1", "0 ok write 1", "1 invoke write 2", "1 ok write 2", "2 invoke read null", "2 ok read 1"
    )  # fmt: skip

    assert judge(events, "register", 0).why == (
        "It takes all 6 events to fail: write(1) of process 0 (events 1 to 2, told 1) ended before write(2) of process "
        "1 (events 3 to 4, told 2) began, so the value of the first was there before that of the second; write(2) of "
        "process 1 (events 3 to 4, told 2) ended before read() of process 2 (events 5 to 6, told 1) began, so it was "
        "there after it too."
    )


def test_a_kv_blames_the_read_that_shows_it() -> None:
    """The search looks ahead to the next read; the reason does not."""
    events = script(
        '0 invoke append ["k","a"]', '0 ok append ["k","a"]', '0 invoke get ["k",null]', '0 ok get ["k","b"]'
    )  # fmt: skip

    assert "get(['k', None]) of process 0 (events 3 to 4, told ['k', 'b'])" in judge(events, "kv").why


def test_a_long_chain_of_reasons_is_cut_in_the_middle() -> None:
    """Twenty comments precede the answered one, and the first of them was called too late."""
    events = script('0 invoke post ["ann","t","x"]', '0 ok post "ok"')
    texts = [["bob", f"c{number}"] for number in range(20)]
    calls = [
        Event(process=number, type="invoke", f="comment", value=["bob", "t", text])
        for number, (_, text) in enumerate(texts, 1)
    ]
    events += [*calls[1:], *script('20 ok comment "ok"', '50 invoke view_title "t"'), calls[0]]
    events.append(Event(process=50, type="ok", f="view_title", value=["ann", "x", texts]))

    why = judge(events, "blog").why

    assert "(So it goes on, 11 steps more.)" in why
    assert why.count("comes after") == 8
    assert "But comment('bob', 't', 'c0')" in why


def test_user_text_is_cut_and_quoted() -> None:
    """A title with two hundred characters and a line break does not break the sentence."""
    title = "long\n" * 40
    events = [
        Event(process=0, type="invoke", f="view_title", value=title),
        Event(process=0, type="ok", f="view_title", value=["ann", "x", []]),
    ]

    why = judge(events, "blog").why

    assert "\n" not in why
    assert len(why) < 400


def test_the_shortest_prefix_is_found_wherever_it_ends() -> None:
    """From any guess, in few steps; if the budget ends first, the best known prefix is named."""
    dice = Random(7)
    for _ in range(300):
        whole = dice.randint(1, 5_000)
        answer = dice.randint(1, whole)
        asked: list[int] = []

        def fails(length: int, answer: int = answer, asked: list[int] = asked) -> bool:
            asked.append(length)
            return length >= answer

        passes = dice.randint(0, answer - 1)
        guess = dice.randint(0, whole + 1)
        assert shortest_failing(fails, passes=passes, failing=whole, guess=guess) == (answer, True)
        assert len(asked) <= 40

    def out_of_time(length: int) -> bool:
        raise OutOfBudget(f"over at {length}")

    assert shortest_failing(out_of_time, passes=0, failing=9, guess=5) == (9, False)


def test_a_model_or_first_value_that_is_none_is_refused() -> None:
    """With one sentence each."""
    for model, init in (("queue", None), ("kv", [1]), ("set", 3), ("mutex", "held"), ("blog", [["post", 1]])):
        with pytest.raises(InputError, match=r"model|starts with"):
            judge([], model, init)


def test_a_search_names_the_few_operations_that_contradict_each_other() -> None:
    """All others may have taken effect at any time, or never, and still there is no order."""
    events = script(
        "0 invoke write 1", "0 ok write 1", "5 invoke write 9", "1 invoke cas [1,2]", "2 invoke read null",
        "1 ok cas [1,2]", "2 ok read 2", "3 invoke read null", "3 ok read 2", "4 invoke read null", "4 ok read 1",
    )  # fmt: skip

    verdict = judge(events, "cas-register", 0)

    assert verdict.why.endswith(
        "These contradict each other, whatever the others did: A, read() -> 2 of process 3; "
        "B, read() -> 1 of process 4. A ended before B began."
    )
    assert (verdict.misfit, verdict.conflict) == (9, (7, 9))


def test_orders_that_real_time_allows_are_refuted_one_by_one() -> None:
    """Two swaps found the same value: either must come first."""
    events = script(
        "0 invoke cas [0,1]", "1 invoke cas [0,2]", "0 ok cas [0,1]", "1 ok cas [0,2]",
    )  # fmt: skip

    assert judge(events, "cas-register", 0).why.endswith(
        "In each order that real time allows, one does not fit: B after A; A after B."
    )


def test_an_unknown_verdict_tells_how_far_it_came_and_what_would_help() -> None:
    """Values that repeat, and many clients: a search, which does not end in time."""
    busy = busy_object("fifo-queue", operations=400, clients=20, seed=1)
    events = [msgspec.structs.replace(one, value=one.value % 3) if isinstance(one.value, int) else one for one in busy]

    why = judge(events, "fifo-queue", limit_s=0.5).why

    assert why.startswith("not settled within 0.5 s. The orders tried explain ")
    assert why.endswith("A history in which no value is written twice is decided without a search.")


def test_a_violation_of_a_blog_names_the_operations_that_contradict_each_other() -> None:
    """A view shows the second post first: both posts and the view. Two views in two orders: both views."""
    posts = [
        '0 invoke post ["a","one","x"]', '0 ok post "ok"', '0 invoke post ["a","two","x"]', '0 ok post "ok"',
        "1 invoke view_all null",
    ]  # fmt: skip
    turned = script(*posts, '1 ok view_all [["two","a"],["one","a"]]')
    right = '1 ok view_all [["one","a"],["two","a"]]'
    other = ["1 invoke view_all null", '1 ok view_all [["two","a"]]']

    assert set(judge(turned, "blog").conflict) == {0, 2, 4}
    assert set(judge(script(*posts, right, *other), "blog").conflict) == {4, 6}


@pytest.mark.parametrize(
    ("model", "lines"),
    [
        ("register", ["1 invoke read null", "1 ok read 9", "0 invoke write 9", "0 ok write 9"]),
        ("stack", ["1 invoke pop null", "1 ok pop 9", "0 invoke push 9", "0 ok push null"]),
        (
            "blog",
            ["1 invoke view_all null", '1 ok view_all [["t","a"]]', '0 invoke post ["a","t","c"]', '0 ok post "ok"'],
        ),
    ],
)
def test_what_was_seen_before_it_was_written_names_the_write(model: str, lines: list[str]) -> None:
    """The shortest prefix ends before the write is called; the reason tells where it came from all the same."""
    verdict = judge(script(*lines), model)

    assert verdict.verdict == "violation"
    assert "process 0" in verdict.why
    assert len(verdict.conflict) == 2
