"""The scenarios that teach: each is understood, says what it teaches, and comes out as it says, in both worlds."""

from __future__ import annotations

import msgspec
import pytest

from simulator.mutants.registry import find
from simulator.scenario.session.library import builtin_names, builtin_scenarios, load_scenario
from simulator.scenario.session.run_scenarios import list_scenarios, run_scenario
from simulator.settings import Settings

NAMES = builtin_names()
WITHOUT_WAITING = ("normal-operation", "two-proposers", "leader-dies-after-a-write")
"""Those that a default run of the tests also tries on real processes: they take a second or two."""


def test_the_lessons_that_the_course_needs_are_there() -> None:
    """In the order of the course, each with one line that says what it teaches."""
    listed = list_scenarios()

    assert [name for name, _ in listed] == NAMES
    assert len(NAMES) >= 16
    for name, lesson in listed:
        assert 40 <= len(lesson) <= 120, name
        assert lesson.endswith("."), name


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_is_a_page_with_comments_and_expectations(name: str) -> None:
    """Not longer than a page, explained, and it says what must hold."""
    scenario = load_scenario(name)

    assert 5 <= len(scenario.lines) <= 60
    assert any(line.text.startswith("expect") for line in scenario.lines)


def test_a_broken_rule_names_the_line_that_forbids_it() -> None:
    """A run that shows a violation also says which rule was left out."""
    broken = [scenario for scenario in builtin_scenarios() if scenario.break_rule]

    assert len(broken) == 5
    assert all(scenario.forbidden_by for scenario in broken)
    assert all(find(scenario.break_rule or "").wrong for scenario in broken)


@pytest.mark.parametrize("name", [scenario.name for scenario in builtin_scenarios() if scenario.break_rule])
def test_with_the_rule_kept_nothing_is_violated(name: str) -> None:
    """The same steps on sound nodes: what the scenario expects does not come, and every check holds."""
    scenario = msgspec.structs.replace(load_scenario(name), break_rule=None)

    result = run_scenario(scenario, Settings(data=""), world="virtual")

    assert "expect not check ok" in [failure.command for failure in result.failures]
    assert set(result.checks.values()) == {"ok"}


@pytest.mark.parametrize("name", NAMES)
def test_a_lesson_comes_out_as_it_says_in_virtual_time(name: str) -> None:
    """Every expectation holds."""
    result = run_scenario(load_scenario(name), Settings(data=""), world="virtual")

    assert result.failures == []
    assert result.passed


@pytest.mark.parametrize("name", WITHOUT_WAITING)
def test_a_lesson_comes_out_the_same_on_real_processes(name: str) -> None:
    """The same verdict in both worlds."""
    result = run_scenario(load_scenario(name), Settings(data=""), world="processes")

    assert result.failures == []
    assert result.passed


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in NAMES if name not in WITHOUT_WAITING])
def test_every_lesson_comes_out_the_same_on_real_processes(name: str) -> None:
    """The slow ones, too."""
    test_a_lesson_comes_out_the_same_on_real_processes(name)
