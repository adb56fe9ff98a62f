"""The steps from a state, compiled and in Python: the same states in the same order, with the same numbers."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from simulator.settings import Settings
from simulator.worlds.exhaustive import cluster_steps
from simulator.worlds.exhaustive.cluster_model import Budgets, ClusterModel, Numbers, Reductions
from simulator.worlds.exhaustive.cluster_steps import in_python

compiled_only = pytest.mark.skipif(cluster_steps.FORM == "Python", reason="it is not compiled here")
CASES = [
    pytest.param(3, Budgets(writes=1, elections=1, crashes=1), None, True, id="a crash"),
    pytest.param(3, Budgets(writes=2, elections=2, crashes=1), None, True, id="the defaults"),
    pytest.param(3, Budgets(writes=1, elections=2), None, False, id="without symmetry"),
    pytest.param(3, Budgets(writes=1, elections=1, losses=1, duplicates=1), None, True, id="losses and duplicates"),
    pytest.param(3, Budgets(writes=2, elections=2), "small-accept-quorum", True, id="wrong together"),
    pytest.param(3, Budgets(writes=1, elections=1, crashes=1), "promise-not-kept", True, id="wrong alone"),
    pytest.param(2, Budgets(writes=1, elections=2), None, True, id="two nodes in order"),
    pytest.param(5, Budgets(writes=1, elections=1), None, True, id="five nodes in order"),
    pytest.param(5, Budgets(writes=1, elections=1), None, False, id="five nodes"),
]


def model_of(nodes: int, budgets: Budgets, rule: str | None, *, symmetry: bool) -> ClusterModel:
    """A model of its own, with tables of its own."""
    settings = Settings(nodes=nodes, difficulty=0, break_rule=rule)
    return ClusterModel(settings, budgets, reductions=Reductions(symmetry=symmetry))


@pytest.mark.parametrize(("nodes", "budgets", "rule", "symmetry"), CASES)
def test_both_forms_give_the_same_states(nodes: int, budgets: Budgets, rule: str | None, symmetry: bool) -> None:
    """Two models, one in each form, come to the same numbers, state by state, with the same things wrong."""
    one, other = (model_of(nodes, budgets, rule, symmetry=symmetry) for _ in range(2))
    states: list[Numbers] = list(one.first())
    assert states == list(other.first())
    seen, wrong = set(states), 0
    for state in states:
        after = one.states_after(state)
        assert after == in_python(other._tables, state, other._symmetry)
        assert [one.wrong_in(each) for each in after] == [other.wrong_in(each) for each in after]
        wrong += sum(bool(one.wrong_in(each)) for each in after)
        for each in after:
            if each not in seen and len(states) < 400:
                seen.add(each)
                states.append(each)
    assert bool(wrong) == (rule is not None)
    assert len(states) > 10


def test_states_come_as_the_steps_do() -> None:
    """What stands for the state after each step."""
    model = model_of(3, Budgets(writes=1, elections=2), None, symmetry=True)
    (first,) = model.first()
    for state in [first, *model.states_after(first)]:
        assert [model.canonical(after) for _, after in model.steps(state)] == model.states_after(state)


@compiled_only
def test_what_is_known_is_told_without_working_anything_out() -> None:
    """Nothing before the steps from a state were taken, then the same states; no table has grown by asking."""
    model = model_of(3, Budgets(writes=2, elections=2, crashes=1), None, symmetry=True)
    states = list(model.first())
    for state in states:
        sizes = len(model.locals.known), len(model.steps_of.states), len(model.used.values)
        known = model.known_states_after(state)
        assert sizes == (len(model.locals.known), len(model.steps_of.states), len(model.used.values))
        after = model.states_after(state)
        assert known in (None, after)
        assert known is None or len(states) > 1
        assert model.known_states_after(state) == after
        states += [each for each in after if each not in states] if len(states) < 100 else []
    assert len(states) > 90


@compiled_only
def test_the_compiled_form_refuses_what_is_no_state() -> None:
    """Too few or too many numbers, numbers that stand for nothing, and tables that are none."""
    assert cluster_steps.states_after is not None
    model = model_of(3, Budgets(writes=1, elections=1), None, symmetry=True)
    (first,) = model.first()
    tables = model._tables
    for state, kind in (
        ((0,), ValueError),
        ((0, 0, 0), ValueError),
        ((*first[:3], 99), IndexError),
        ((*first[:3], -1), IndexError),
        ((99, *first[1:]), IndexError),
        (("a", *first[1:]), TypeError),
    ):
        with pytest.raises(kind):
            cluster_steps.states_after(tables, state)  # type: ignore[arg-type]
    nothing = [dict[int, object]()] * 9
    changes: tuple[dict[str, object], ...] = (
        {"by_used": ()},
        {"by_used": nothing},
        {"by_used": [dict.fromkeys(range(9), (1,))] * 9},
        {"by_used": [dict.fromkeys(range(9), ((1,) * 7,))] * 9},
        {"by_used": [dict.fromkeys(range(9), (((), 0, ((7, {}),), 0, False, False, ""),))] * 9},
        {"likenesses": {}},
        {"orders": []},
        {"orders": [[]] * 27},
        {"orders": [[((0, 1, 9), {})]] * 27},
    )
    tables_with: list[object] = [tables._replace(**each) for each in changes]  # type: ignore[arg-type]
    for wrong in (*tables_with, tables[:4], None):
        with pytest.raises((IndexError, KeyError, TypeError)):
            cluster_steps.states_after(wrong, first)  # type: ignore[arg-type]


@pytest.mark.parametrize("pure", ["1", "0"])
def test_the_form_is_chosen_by_the_surroundings(pure: str) -> None:
    """PAXSIM_PURE leaves the compiled form out."""
    done = subprocess.run(
        [sys.executable, "-c", "from simulator.worlds.exhaustive.cluster_steps import FORM; print(FORM)"],
        env={**os.environ, "PAXSIM_PURE": pure},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() in ({"Python"} if pure == "1" else {"C", "Python"})
