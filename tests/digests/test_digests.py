"""The same seed gives the same trace, byte for byte: what moves or renames code changes nothing that it does."""

from __future__ import annotations

import pytest

from tests.digests.digests import SEEDS, scenario_digest, scenario_names, seed_digest, stored


@pytest.mark.parametrize("first", range(0, SEEDS, 10))
def test_seeds_give_the_stored_traces(first: int) -> None:
    """Ten hostile runs each, every event of each."""
    seeds = range(first, first + 10)

    assert {str(seed): seed_digest(seed) for seed in seeds} == {
        str(seed): stored()["seeds"][str(seed)] for seed in seeds
    }


@pytest.mark.parametrize("name", scenario_names())
def test_a_builtin_scenario_gives_the_stored_trace(name: str) -> None:
    """In virtual time a scenario has one trace."""
    assert scenario_digest(name) == stored()["scenarios"][name]


def test_nothing_stored_is_left_over() -> None:
    """Every stored digest is compared with something."""
    assert list(stored()["scenarios"]) == scenario_names()
    assert list(stored()["seeds"]) == [str(seed) for seed in range(SEEDS)]
