"""The order that explains a history, as a picture shows it: legal, within every interval, and complete."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from simulator.checks.linearizability.judge import judge
from simulator.checks.linearizability.model import UNKNOWN
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.operations import PENDING, pair
from simulator.checks.linearizability.points import MOST_OPERATIONS, Point, linearization
from simulator.checks.object_histories import busy_object
from simulator.cluster.history import Event
from tests.simulator.checks.linearizability.drawn import draw
from tests.simulator.checks.linearizability.scripted import script

FIRST = {"register": 0, "cas-register": 0}


def assert_explains(points: Sequence[Point], events: Sequence[Event], model: str) -> None:
    """The points lie in their intervals, have every operation that ended, and the model allows their order."""
    table, judged = pair(events).main, MODELS[model]()
    number_of = {call: number for number, call in enumerate(table.call)}
    assert set(table.returned) <= {number_of[point.call] for point in points}
    assert len({point.call for point in points}) == len(points)
    assert [point.after for point in points] == sorted(point.after for point in points)
    states: dict[Any, Any] = {}
    for point in points:
        number = number_of[point.call]
        assert point.call <= point.after < table.ret[number]
        f, arg = table.f[number], table.arg[number]
        result = UNKNOWN if table.ret[number] == PENDING else table.result[number]
        part = judged.part(f, arg)
        state = states.get(part, judged.initial(judged.narrow(FIRST.get(model), part)))
        legal, states[part] = judged.step(state, f, *judged.prepare(f, arg, result))
        assert legal


@pytest.mark.parametrize("model", sorted(MODELS))
def test_the_order_explains_the_longest_linearizable_prefix(model: str) -> None:
    """For a linearizable history that is all of it; for a violation the misfit returns right after it."""
    violations = 0
    for seed in range(40):
        events = draw(model, seed, most=9).events
        verdict = judge(events, model, FIRST.get(model))
        prefix = events[: verdict.prefix]
        points = linearization(prefix, model, FIRST.get(model))
        assert points is not None
        assert_explains(points, prefix, model)
        if verdict.verdict == "violation":
            violations += 1
            assert linearization(events[: verdict.prefix + 1], model, FIRST.get(model)) is None
            assert verdict.misfit is not None
            assert events[verdict.misfit].process == events[verdict.prefix].process
            assert all(events[call].type == "invoke" for call in verdict.conflict)
        else:
            assert (verdict.prefix, verdict.misfit) == (len(events), None)
    assert violations > 0


@pytest.mark.parametrize("model", ["fifo-queue", "priority-queue", "register", "stack"])
def test_the_order_of_busy_clients_is_found(model: str) -> None:
    """A search alone would not find one: 20 clients are never idle."""
    events = busy_object(model, operations=150, clients=20, seed=3, crashes=0.02)

    points = linearization(events, model, limit_s=60)

    assert points is not None
    assert_explains(points, events, model)


def test_a_pending_write_that_was_read_is_in_the_order() -> None:
    """It took effect between the two reads."""
    events = script(
        "0 invoke write 1", "1 invoke read null", "1 ok read 0", "1 invoke read null", "1 ok read 1",
    )  # fmt: skip

    assert linearization(events, "register", 0) == [Point(1, 1), Point(0, 1), Point(3, 3)]


def test_a_long_history_has_no_order_here() -> None:
    """It is checked all the same."""
    events = busy_object("register", operations=MOST_OPERATIONS + 1, clients=3)

    assert linearization(events, "register") is None
