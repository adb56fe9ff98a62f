"""What is concluded of the image of a node is what the real node does."""

from __future__ import annotations

import pytest

from simulator.settings import Settings
from simulator.worlds.exhaustive.cluster_model import Budgets, ClusterModel
from simulator.worlds.exhaustive.renamings import Ways
from simulator.worlds.exhaustive.search import Search


def test_renamings_are_a_group() -> None:
    """Two renamings one after the other are one, and each can be undone."""
    ways = Ways(3)
    turn, exchange = ways.of((2, 3, 1)), ways.of((2, 1, 3))

    assert ways.names[ways.then(turn, exchange)] == (1, 3, 2)
    assert ways.names[ways.then(exchange, turn)] == (3, 2, 1)
    for way in (0, turn, exchange):
        assert ways.then(way, ways.back(way)) == ways.then(ways.back(way), way) == 0


@pytest.mark.parametrize(
    ("budgets", "rule"),
    [
        (Budgets(writes=1, elections=1, crashes=1), None),
        (Budgets(writes=1, elections=2), None),
        (Budgets(writes=2, elections=1, crashes=1), "promise-not-kept"),
    ],
    ids=str,
)
def test_the_step_of_an_image_is_the_image_of_the_step(budgets: Budgets, rule: str | None) -> None:
    """For every step that the search took, and every image of it: the real node is asked, and does the same."""
    model = ClusterModel(Settings(nodes=3, difficulty=0, break_rule=rule), budgets)
    Search(model, keep_going=True).run()
    nodes, orbits = model.steps_of, model.orbits
    assert orbits is not None
    ways = [way for way in range(len(orbits.ways.names)) if way]
    compared = 0
    for state in range(len(nodes.states)):
        if orbits.states.places[state][1] == 0:
            for event, done in nodes.asked_of(state).items():
                for way in ways:
                    image, there = orbits.state(way, state), orbits.event(way, event)
                    concluded = nodes.known_otherwise(image, there)
                    asked = nodes.ask(image, there)
                    if concluded is not None:
                        assert [(one.after, sorted(one.sent), one.opened) for one in concluded] == [
                            (one.after, sorted(one.sent), one.opened) for one in asked
                        ]
                        compared += 1
                    elif orbits.states.places[image][1]:
                        assert any(one.wrong for one in done)
                        assert [bool(one.wrong) for one in asked] == [bool(one.wrong) for one in done]

    assert compared > 100
