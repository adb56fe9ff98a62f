"""What a failing property tells: a plan that has shrunk to a handful of lines, as Python and as a scenario.

The failures are made by breaking a rule on purpose, so these tests show too that the properties have teeth.
"""

from __future__ import annotations

import re
from functools import cache

import pytest
from hypothesis import Phase, find, settings

import simulator.faults.faults
import simulator.settings
import simulator.tools.explore.schedule
from simulator.scenario.language.parser import parse_scenario
from simulator.tools.explore.schedule import Schedule
from simulator.tools.explore.trial import run_trial
from tests.properties.driver import judge, text
from tests.properties.strategies import plans

ENOUGH = settings(
    max_examples=500, derandomize=True, database=None, deadline=None, phases=[Phase.generate, Phase.shrink]
)
NAMES = {**vars(simulator.faults.faults), **vars(simulator.settings), **vars(simulator.tools.explore.schedule)}


@cache
def shrunk(rule: str) -> Schedule:
    """The smallest plan that hypothesis finds in which the broken rule shows."""
    small = plans(sizes=(3,), most_faults=4, most_calls=5, break_rule=rule)
    return find(small, lambda schedule: bool(run_trial(schedule).violations), settings=ENOUGH)


@pytest.mark.parametrize(
    "rule", ["skip-phase-one", "small-promise-quorum", pytest.param("lowest-id-wins", marks=pytest.mark.slow)]
)
def test_a_broken_rule_is_found_and_shrinks_to_a_handful_of_lines(rule: str) -> None:
    """Few faults and few calls, and the plan as printed is the plan: it fails again when it is read back."""
    schedule = shrunk(rule)

    assert len(schedule.faults) + len(schedule.calls) <= 8, text(schedule)
    again = eval(repr(schedule), NAMES)  # noqa: S307  It is our own text.
    assert again == schedule
    assert run_trial(again).violations == run_trial(schedule).violations != ()


def test_a_failure_names_its_seed_and_how_to_see_it_again() -> None:
    """The message holds the invariant, the seed, the plan as Python, and a scenario that the console understands."""
    schedule = shrunk("skip-phase-one")

    with pytest.raises(AssertionError) as caught:
        judge(schedule)

    text = str(caught.value)
    assert f"seed {schedule.settings.seed}: run_plan(" in text
    python = re.search(r"run_plan\(\n(.*)\n\)", text)
    assert python is not None
    assert eval(python[1].strip(), NAMES) == schedule  # noqa: S307
    scenario = "\n".join(schedule.lines())
    assert scenario in text
    assert parse_scenario(scenario, nodes=schedule.settings.nodes)
