"""A search of our own nodes goes on in another process: its numbers mean the same, and damage is refused."""

from __future__ import annotations

from collections.abc import Iterable
from random import Random
from typing import Any

import msgspec
import pytest

from simulator.errors import InputError
from simulator.settings import Settings
from simulator.worlds.exhaustive.cluster_model import Budgets, ClusterModel, Numbers, Reductions

SMALL = Budgets(writes=1, elections=1, crashes=1)
NONE = Reductions(droppable=(), symmetry=False)


def model_of(
    budgets: Budgets = SMALL, *, nodes: int = 3, rule: str | None = None, reductions: Reductions | None = None
) -> ClusterModel:
    """A cluster."""
    return ClusterModel(Settings(nodes=nodes, difficulty=0, break_rule=rule), budgets, reductions=reductions)


def explored(model: ClusterModel, seen: set[Numbers], frontier: Iterable[Numbers], layers: int = -1) -> list[Numbers]:
    """Add the states that follow, up to so many steps away; returns the farthest."""
    now = list(frontier)
    while now and layers:
        after = {model.canonical(new): None for state in now for _, new in model.steps(state)}
        now = [state for state in after if state not in seen]
        seen.update(now)
        layers -= 1
    return now


def first(model: ClusterModel) -> list[Numbers]:
    """The first state."""
    return [model.canonical(state) for state in model.first()]


@pytest.mark.parametrize(
    ("budgets", "nodes", "rule", "reductions"),
    [
        (SMALL, 3, None, None),
        (SMALL, 3, None, Reductions(symmetry=False)),
        (SMALL, 2, None, None),
        (Budgets(writes=1, elections=1), 4, None, None),
        (Budgets(writes=1, elections=1, losses=1), 3, None, NONE),
        (Budgets(writes=1, elections=2, crashes=1), 3, "promise-not-kept", None),
    ],
    ids=str,
)
def test_a_search_goes_on_with_a_numbering(
    budgets: Budgets, nodes: int, rule: str | None, reductions: Reductions | None
) -> None:
    """A model that takes it up gives the same states under the same numbers as one that went all the way."""
    whole = model_of(budgets, nodes=nodes, rule=rule, reductions=reductions)
    all_of_them = set(first(whole))
    explored(whole, all_of_them, first(whole), 9)

    for layers in (2, 5):
        began = model_of(budgets, nodes=nodes, rule=rule, reductions=reductions)
        seen = set(first(began))
        frontier = explored(began, seen, first(began), layers)
        numbering = began.numbering()

        goes_on = model_of(budgets, nodes=nodes, rule=rule, reductions=reductions)
        goes_on.resume(numbering)
        assert goes_on.numbering() == numbering
        assert first(goes_on) == first(began)
        assert [goes_on.wrong_in(state) for state in frontier] == [began.wrong_in(state) for state in frontier]
        explored(goes_on, seen, frontier, 9 - layers)
        assert seen == all_of_them
        assert {state: goes_on.wrong_in(state) for state in seen} == {state: whole.wrong_in(state) for state in seen}


@pytest.fixture(scope="module")
def kept() -> bytes:
    """The numbering of a search of three nodes that has come some way."""
    model = model_of()
    explored(model, set(), first(model), 6)
    return model.numbering()


def test_a_numbering_of_another_search_is_refused(kept: bytes) -> None:
    """One sentence says what it is of."""
    with pytest.raises(ValueError, match="it is of 3 nodes, not 2"):
        model_of(nodes=2).resume(kept)
    with pytest.raises(ValueError, match="it is of a search with symmetry of nodes"):
        model_of(reductions=NONE).resume(kept)
    for foreign in (b"", b"x", kept[:-1], kept + b"x", msgspec.msgpack.encode({"nodes": 3}), b"\x91" * 5_000):
        with pytest.raises(ValueError, match="it is no numbering of a cluster"):
            model_of().resume(foreign)


def places(value: Any, way: tuple[int, ...] = ()) -> Iterable[tuple[tuple[int, ...], int]]:
    """Each whole number in it, and the way there."""
    if isinstance(value, int) and not isinstance(value, bool):
        yield way, value
    elif isinstance(value, list):
        for at, one in enumerate(value):
            yield from places(one, (*way, at))


def changed(value: Any, way: tuple[int, ...], new: int) -> Any:
    """The same, with another number at this place."""
    if not way:
        return new
    return [changed(one, way[1:], new) if at == way[0] else one for at, one in enumerate(value)]


def test_a_number_that_stands_for_nothing_is_refused(kept: bytes) -> None:
    """Whichever number is damaged: it is refused with a sentence, or it may be one of a search, as a count may."""
    plain = msgspec.msgpack.decode(kept)
    damaged = [
        msgspec.msgpack.encode(changed(plain, way, new))
        for way, _ in Random(1).sample(list(places(plain)), 400)
        for new in (-1, 10**6)
    ]
    refusals = [refusal(data) for data in damaged]
    assert all(why.startswith("it is ") or why.endswith(" in it stand for nothing") for why in refusals if why)
    assert sum(map(bool, refusals)) > len(refusals) * 2 // 3


def refusal(numbering: bytes) -> str:
    """Why a model does not take it up; empty: it does."""
    try:
        model_of().resume(numbering)
    except ValueError as error:
        return str(error)
    return ""


def test_nodes_that_do_something_else_are_noticed(kept: bytes) -> None:
    """The program may have changed between two runs: what the numbers stand for is then not what its nodes come to."""
    model = model_of()
    frontier = explored(model, set(), first(model), 6)
    other = model_of(rule="promise-not-kept")
    other.resume(kept)
    with pytest.raises(InputError, match="the nodes of this program do something else"):
        explored(other, set(), frontier)
