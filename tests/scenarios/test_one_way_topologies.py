"""Whoever has a way to the leader and a way back is served, whatever links are cut (rule 7)."""

from __future__ import annotations

import pytest

from tests.scenarios.one_way_topologies import draw, run

SIZES = (3, 5, 7)


@pytest.mark.parametrize("nodes", SIZES)
def test_all_who_have_a_way_there_and_back_are_served(nodes: int) -> None:
    """Random topologies: `run(seed, nodes)` shows one again."""
    wrong = {seed: found for seed in range(30) if (found := run(seed, nodes))}

    assert wrong == {}


@pytest.mark.slow
@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("nodes", [*SIZES, 9])
def test_all_are_served_in_hundreds_of_topologies(nodes: int) -> None:
    """What docs/partial-partitions.md says."""
    wrong = {seed: found for seed in range(600) if (found := run(seed, nodes))}

    assert wrong == {}


@pytest.mark.parametrize("nodes", SIZES)
def test_the_topologies_are_what_the_page_says(nodes: int) -> None:
    """The leader keeps a majority both ways, and somebody needs others to reach it or to hear it."""
    for seed in range(200):
        topology = draw(seed, nodes, leader=1)
        both = [n for n in range(2, nodes + 1) if not {(1, n), (n, 1)} & set(topology.cut)]
        assert len(both) + 1 > nodes // 2
        assert set(topology.served) - set(both)
