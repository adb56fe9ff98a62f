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
from simulator.tools.explore.schedule import Plan
from simulator.tools.explore.trial import run_plan
from tests.properties.driver import judge, told
from tests.properties.strategies import plans

ENOUGH = settings(
    max_examples=500, derandomize=True, database=None, deadline=None, phases=[Phase.generate, Phase.shrink]
)
NAMES = {**vars(simulator.faults.faults), **vars(simulator.settings), **vars(simulator.tools.explore.schedule)}


@cache
def shrunk(rule: str) -> Plan:
    """The smallest plan that hypothesis finds in which the broken rule shows."""
    small = plans(sizes=(3,), most_faults=4, most_calls=5, break_rule=rule)
    return find(small, lambda plan: bool(run_plan(plan).violations), settings=ENOUGH)


@pytest.mark.parametrize("rule", ["skip-phase-one", "small-promise-quorum", "lowest-id-wins"])
def test_a_broken_rule_is_found_and_shrinks_to_a_handful_of_lines(rule: str) -> None:
    """Few faults and few calls, and the plan as printed is the plan: it fails again when it is read back."""
    plan = shrunk(rule)

    assert len(plan.strikes) + len(plan.calls) <= 8, told(plan)
    again = eval(repr(plan), NAMES)  # noqa: S307  It is our own text.
    assert again == plan
    assert run_plan(again).violations == run_plan(plan).violations != ()


def test_a_failure_names_its_seed_and_how_to_see_it_again() -> None:
    """The message holds the invariant, the seed, the plan as Python, and a scenario that the console understands."""
    plan = shrunk("skip-phase-one")

    with pytest.raises(AssertionError) as caught:
        judge(plan)

    text = str(caught.value)
    assert f"seed {plan.settings.seed}: run_plan(" in text
    python = re.search(r"run_plan\(\n(.*)\n\)", text)
    assert python is not None
    assert eval(python[1].strip(), NAMES) == plan  # noqa: S307
    scenario = "\n".join(plan.lines())
    assert scenario in text
    assert parse_scenario(scenario, nodes=plan.settings.nodes)
