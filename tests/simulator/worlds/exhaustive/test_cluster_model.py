"""Every schedule of our own nodes, within small bounds; with a rule broken, the shortest way to disaster."""

from __future__ import annotations

import pytest

from simulator.settings import Settings
from simulator.worlds.exhaustive.cluster_model import Budgets, ClusterModel
from simulator.worlds.exhaustive.search import Bounds, Outcome, Search


def every_schedule(
    budgets: Budgets, rule: str | None = None, *, states: int = 0
) -> tuple[ClusterModel, Outcome[object]]:
    """Search a cluster of three nodes."""
    model = ClusterModel(Settings(nodes=3, difficulty=0, break_rule=rule), budgets)
    outcome: Outcome[object] = Search(model).run(Bounds(states=states))  # type: ignore[assignment]
    return model, outcome


def test_one_election_and_one_write_are_right_in_every_order() -> None:
    """All states are visited, in some of them the write is on all three chains, and nothing is wrong."""
    model, outcome = every_schedule(Budgets(writes=1, elections=1))

    assert outcome.complete
    assert not outcome.found
    assert outcome.progress.states == 1_465
    assert sum(len(facts.chain) == 1 for facts in model.steps_of.facts) >= 3


def test_the_same_search_gives_the_same_states() -> None:
    """Nothing in it depends on chance or on the process."""
    first, second = (every_schedule(Budgets(writes=1, elections=1))[1] for _ in range(2))

    assert first.transitions == second.transitions
    assert first.progress.states == second.progress.states


@pytest.mark.parametrize(
    ("rule", "steps", "why"),
    [
        ("small-accept-quorum", 3, "decision"),
        ("accept-ignores-promise", 5, "promise"),
        ("promise-not-kept", 2, "promise"),
        ("speak-before-sync", 2, "promise"),
    ],
)
def test_a_broken_rule_is_found_by_a_shortest_run_that_replays(rule: str, steps: int, why: str) -> None:
    """The run is found without a hint, and taking its steps by name leads to the same state."""
    model, outcome = every_schedule(Budgets(writes=2, elections=2, crashes=1), rule)

    (found,) = outcome.found
    state = next(iter(model.first()))
    for name in found.steps:
        state = next(after for step, after in model.steps(state) if step == name)
    assert state == found.state
    assert len(found.steps) == steps
    assert why in model.wrong_in(state)


def test_a_search_that_is_cut_off_is_not_complete() -> None:
    """A bound on the states is named."""
    _, outcome = every_schedule(Budgets(writes=1, elections=2), states=2_000)

    assert outcome.cut_off == "states"
    assert not outcome.complete


@pytest.mark.slow
@pytest.mark.timeout(1_800)
def test_two_leaders_and_one_write_are_right_in_every_order() -> None:
    """All states of two elections."""
    _, outcome = every_schedule(Budgets(writes=1, elections=2))

    assert outcome.complete
    assert not outcome.found
    assert outcome.progress.states == 459_583
