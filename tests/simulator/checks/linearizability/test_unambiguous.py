"""The exact algorithms for distinct values, compared with plain search; and what they leave to it."""

from __future__ import annotations

from collections import Counter
from typing import Any

import msgspec
import pytest

from simulator.checks.linearizability.budget import Budget
from simulator.checks.linearizability.judge import judge
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.operations import pair
from simulator.checks.linearizability.parts import parts_of
from simulator.checks.linearizability.search import search
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous
from simulator.checks.linearizability.unambiguous.decide import DECIDERS
from simulator.checks.object_histories import busy_object
from simulator.cluster.history import Event
from tests.simulator.checks.linearizability.crossed import CROSSED, crossed
from tests.simulator.checks.linearizability.drawn import draw
from tests.simulator.checks.linearizability.scripted import script

FIRST = {"register": 0}


def compared(model: str, events: list[Event], first: Any = None) -> str:
    """The verdict (or "ambiguous"), after comparing it with plain search."""
    operations, judged = pair(events).main, MODELS[model]()
    first = FIRST.get(model) if first is None else first
    explained = search(operations, judged, first, Budget()).at is None
    verdict = "ok"
    for part, numbers in parts_of(operations, judged).items():
        try:
            conflict = DECIDERS[model](operations, numbers, judged.narrow(first, part))
        except Ambiguous:
            verdict = "ambiguous"
            continue
        if conflict is not None:
            assert not explained
            assert all(f"{{{at}}}" in conflict.text for at in range(len(conflict.operations)))
            return "violation"
    assert explained or verdict == "ambiguous"
    return verdict


def drawn(model: str, seed: int, *, distinct: bool) -> list[Event]:
    """A history; a set only grows in it."""
    events = draw(model, seed, most=12, distinct=distinct).events
    return [msgspec.structs.replace(one, f="add") if one.f == "remove" else one for one in events]


@pytest.mark.parametrize("distinct", [True, False])
@pytest.mark.parametrize("model", sorted(DECIDERS))
def test_it_agrees_with_search(model: str, *, distinct: bool) -> None:
    """On histories of a correct object with wrong results in it, and with operations of unknown fate."""
    verdicts = Counter(compared(model, drawn(model, seed, distinct=distinct)) for seed in range(400))

    assert verdicts["ok"] > 50
    assert verdicts["violation"] > 5
    if distinct:
        assert verdicts["ambiguous"] < 10


@pytest.mark.parametrize("model", [*sorted(CROSSED), "set"])
def test_it_agrees_with_search_where_only_the_order_is_wrong(model: str) -> None:
    """Every result was written once, and the intervals are moved until some histories have no order."""
    verdicts = Counter(compared(model, crossed(model, seed, most=7)) for seed in range(600))

    assert verdicts["ok"] > 100
    assert verdicts["violation"] > 100
    assert verdicts["ambiguous"] < 10


@pytest.mark.parametrize("model", ["fifo-queue", "priority-queue", "set", "stack"])
def test_it_agrees_with_search_on_an_object_that_holds_something_at_first(model: str) -> None:
    """The first elements were put in before everything else, in their order."""
    verdicts: Counter[str] = Counter()
    for seed in range(400):
        events = crossed(model, seed, most=6)
        puts = [one for one in events if one.type == "invoke" and one.value is not None][: 1 + seed % 3]
        gone = {one.process for one in puts}
        rest = [one for one in events if one.process not in gone]
        verdicts[compared(model, rest, [one.value for one in puts])] += 1

    assert verdicts["ok"] > 30
    assert verdicts["violation"] > 30


@pytest.mark.slow
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("model", sorted(DECIDERS))
def test_it_agrees_with_search_on_very_many(model: str) -> None:
    """A hundred thousand histories of each model, most with distinct values."""
    both = model in CROSSED or model == "set"
    for seed in range(1_000, 51_000 if both else 101_000):
        compared(model, drawn(model, seed, distinct=seed % 4 != 0))
        if both:
            compared(model, crossed(model, seed, most=7))


@pytest.mark.parametrize("model", [*sorted(CROSSED), "set"])
def test_busy_clients_of_one_object_are_settled(model: str) -> None:
    """Far beyond what a search can do: 2,000 operations by 50 clients that are never idle."""
    events = busy_object(model, operations=2_000, clients=50, seed=1)

    assert judge(events, model, limit_s=20).verdict == "ok"


@pytest.mark.parametrize("model", [*sorted(CROSSED), "set"])
def test_crashed_clients_are_settled(model: str) -> None:
    """One operation of a hundred has an unknown fate."""
    events = busy_object(model, operations=2_000, clients=20, seed=2, crashes=0.01)

    assert judge(events, model, limit_s=20).verdict == "ok"


@pytest.mark.parametrize(("model", "cut"), [("stack", 1_500), ("priority-queue", 700), ("priority-queue", 1_500)])
def test_many_pending_takings_are_settled(model: str, cut: int) -> None:
    """Where a history is cut off, about half of 100 clients have a taking of unknown fate."""
    events = busy_object(model, operations=1_000, clients=100, seed=5)[:cut]

    assert judge(events, model, limit_s=20).verdict == "ok"


def test_three_elements_that_cannot_lie_on_one_another() -> None:
    """Any two of them fit, all three do not: each would have to lie below another."""
    events = script(
        "0 invoke push 1", "1 invoke push 2", "0 ok push 1", "2 invoke push 3", "1 ok push 2", "0 invoke pop null",
        "1 invoke pop null", "0 ok pop 2", "2 ok push 3", "0 invoke pop null", "0 ok pop 3", "1 ok pop 1",
    )  # fmt: skip

    assert compared("stack", events) == judge(events, "stack").verdict


def test_a_pending_dequeue_explains_one_missing_element_only() -> None:
    """Two older elements were never seen again; one dequeue never returned."""
    begin = ["0 invoke enqueue 1", "0 ok enqueue 1", "0 invoke enqueue 2", "0 ok enqueue 2", "9 invoke dequeue null"]
    more = ["0 invoke enqueue 3", "0 ok enqueue 3", "1 invoke dequeue null"]

    assert judge(script(*begin, *more, "1 ok dequeue 2"), "fifo-queue").verdict == "ok"
    assert judge(script(*begin, *more, "1 ok dequeue 3"), "fifo-queue").verdict == "violation"


def test_a_read_value_that_was_written_twice_is_searched() -> None:
    """Which of the two writes it saw is a choice; where nobody reads the value, it does not matter."""
    twice = ["0 invoke write 1", "0 ok write 1", "0 invoke write 1", "0 ok write 1"]
    operations = pair(script(*twice, "1 invoke read null", "1 ok read 1")).main

    with pytest.raises(Ambiguous):
        DECIDERS["register"](operations, range(3), 0)
    assert DECIDERS["register"](pair(script(*twice)).main, range(2), 0) is None


def test_texts_of_different_lengths_are_told_apart() -> None:
    """A short text is no beginning of a longer one that happens to be cut off there."""
    events = script(
        '0 invoke put ["k","4."]', "0 ok put null", '1 invoke put ["k","123."]', "1 ok put null",
        '2 invoke get ["k",null]', '2 ok get ["k","123."]',
    )  # fmt: skip

    assert compared("kv", events) == "ok"
