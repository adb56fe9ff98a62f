"""How soon plain seeds see a broken rule."""

from __future__ import annotations

from simulator.tools.explore.first_sight import Sight, first_sight, line


def test_a_gross_mistake_is_seen_by_the_first_seed() -> None:
    """The seeds are counted from the start on, the one that shows it included."""
    assert first_sight("small-accept-quorum", 0).seeds == 1


def test_what_is_not_seen_is_told_as_such() -> None:
    """No seed of a control violates anything, so all are run."""
    sight = first_sight("control-late-vote-stored", 0, most=2)

    assert (sight.seeds, sight.seen) == (2, False)


def test_a_median_among_the_unseen_is_a_bound() -> None:
    """Seen in most starts: their median. Otherwise only more than what was run."""
    seen, unseen = Sight(10, 1.0), Sight(200, 30.0, seen=False)

    assert line("a", [seen, seen, unseen]) == "| `a` | 10 | 1.0 |"
    assert line("a", [seen, unseen, unseen]) == "| `a` | more than 200 | more than 30.0 |"
