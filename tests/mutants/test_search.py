"""Every mutant is found by seeded search too, and no control ever is: `explore` sees what nobody wrote a story for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from concurrent.futures import Executor
from functools import partial
from pathlib import Path

import pytest

from simulator.mutants.registry import find, mutants
from simulator.tools.explore.batch import Search, run_seed
from simulator.tools.explore.engine import cores, local_executor
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial

BOUND = 600
"""Seeds from 0 on within which each mutant is found; how many each took is in docs/mutants.md. 2,000 are promised."""
TABLE = Path(__file__).parents[2] / "docs" / "mutants.md"
MUTANTS = [name for name, one in mutants().items() if not one.control]
CONTROLS = [name for name, one in mutants().items() if one.control]
CHANGED: dict[str, tuple[str, Iterable[int]]] = {
    "control-late-vote-stored": ("swarm", (4, 7, 22, 31, 40, 45, 55, 59)),
    "control-deposed-leader-learns": ("swarm", (60, 64, 79, 103, 118, 134, 135, 144)),
    "control-flexible-quorums": ("swarm", range(30)),
    "control-highest-known-vote": ("rivals", (127, *range(9))),
    "control-torn-vote": ("swarm", (1, 9, 10, 17, 26, 27, 31, 39, 41, 42, 45, 49, 52)),
}
"""A profile and seeds in which the control does something: every other run is one of the protocol as it is."""

Found = tuple[int, tuple[str, ...]]
"""A seed, and the invariants that it broke."""


def first_found(rule: str, start: int, end: int) -> Found | None:
    """The first seed that breaks what the mutant expects to be broken (for a control: anything)."""
    one = find(rule)
    for seed in range(start, end):
        broken = tuple(found.invariant for found in run_seed(seed, Search(break_rule=rule)).violations)
        if broken and (one.control or set(broken) & set(one.expects)):
            return seed, broken
    return None


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    """Both cores."""
    with local_executor(min(2, cores())) as executor:
        yield executor


def seeds_needed() -> dict[str, int]:
    """The last column of the table in docs/mutants.md: after how many seeds each mutant was seen."""
    rows = [line.strip("| \n").split(" | ") for line in TABLE.read_text().splitlines() if line.startswith("| `")]
    return {row[0].strip("`"): int(row[-1]) for row in rows if row[-1].isdigit()}


@pytest.mark.parametrize("rule", MUTANTS)
def test_a_broken_rule_is_found(rule: str) -> None:
    """Within the bound, and by a check that has to do with it. The search begins at the seed that the table names."""
    known = seeds_needed().get(rule, 1) - 1

    found = first_found(rule, known, known + 1) or first_found(rule, 0, BOUND)

    assert found is not None, f"{BOUND} seeds, and nothing that {find(rule).expects} would say"


@pytest.mark.parametrize("control", CONTROLS)
def test_what_only_looks_wrong_is_never_found(control: str) -> None:
    """A suite that reports these raises false alarms. In runs that the control changes, which some of these must be."""
    profile, seeds = CHANGED[control]

    outcomes = {seed: run_trial(draw_schedule(seed, profile, break_rule=control)) for seed in seeds}

    assert {seed: outcome.violations for seed, outcome in outcomes.items() if outcome.violations} == {}
    assert any(run_trial(draw_schedule(seed, profile)).digest != outcome.digest for seed, outcome in outcomes.items())


@pytest.mark.slow
@pytest.mark.timeout(3_600)
@pytest.mark.parametrize("start", [10_000, 20_000])
def test_a_broken_rule_is_found_from_wherever_one_begins(start: int, pool: Executor) -> None:
    """Other seeds find it too, within the 2,000 that are promised, so the first ones are no lucky draw."""
    found = dict(zip(MUTANTS, pool.map(partial(first_found, start=start, end=start + 2_000), MUTANTS), strict=True))

    assert [rule for rule, what in found.items() if what is None] == []


@pytest.mark.slow
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("rule", [None, *CONTROLS])
def test_the_sound_protocol_passes_thousands(rule: str | None, pool: Executor) -> None:
    """20,000 seeds of the protocol as it is, and 2,000 of each control."""
    last = 20_000 if rule is None else 2_000
    starts = range(0, last, 100)

    bad = [seed for seeds in pool.map(partial(bad_seeds, rule), starts) for seed in seeds]

    assert bad == []


def bad_seeds(rule: str | None, start: int) -> list[int]:
    """Those of a hundred seeds that break something."""
    return [seed for seed in range(start, start + 100) if run_seed(seed, Search(break_rule=rule)).violations]
