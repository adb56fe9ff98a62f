"""The busy histories that measure the checkers have the properties that they claim."""

from __future__ import annotations

from collections import Counter

import pytest

from simulator.checks.history_generator import busy_blog
from simulator.checks.linearizability.judge import judge
from simulator.checks.linearizability.operations import misplaced


@pytest.mark.parametrize("clients", [1, 5, 50])
def test_a_busy_history_is_linearizable_and_has_everything(clients: int) -> None:
    """All operations, refused writes included, and each client always has one pending."""
    made = busy_blog(2_000, clients, seed=1, crash=0.02)

    invoked = [event for event in made.events if event.type == "invoke"]
    kinds = Counter(
        (event.f, event.value if isinstance(event.value, str) else "") for event in made.events if event.type == "ok"
    )
    assert len(invoked) == 2_000
    assert list(misplaced(made.events, range(len(made.events)))) == []
    assert {f for f, _ in kinds} == {"post", "comment", "view_all", "view_user", "view_title"}
    assert kinds["post", "duplicate title"]
    assert any(event.type == "info" for event in made.events)
    assert judge(made.events, "blog").verdict == "ok"
    assert [event.type for event in made.events[:clients]] == ["invoke"] * clients


def test_the_seed_alone_decides() -> None:
    """The same seed gives the same history, another seed another."""
    assert busy_blog(300, 7, seed=1) == busy_blog(300, 7, seed=1)
    assert busy_blog(300, 7, seed=1) != busy_blog(300, 7, seed=2)
