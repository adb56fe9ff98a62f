"""The engine on models that fit on a page: paths, bounds, properties, symmetry, going on."""

from __future__ import annotations

from collections.abc import Iterator

from simulator.worlds.exhaustive.liveness import avoiding
from simulator.worlds.exhaustive.model import Model, Property, always, eventually, sometimes
from simulator.worlds.exhaustive.search import Bounds, Search

Jugs = tuple[int, int]


class TwoJugs(Model[Jugs, tuple[str, ...]]):
    """A jug of three litres and one of five: can four be measured?"""

    def first(self) -> Iterator[Jugs]:
        """Both are empty."""
        yield (0, 0)

    def steps(self, state: Jugs) -> Iterator[tuple[tuple[str, ...], Jugs]]:
        """Fill, empty, pour."""
        small, big = state
        poured = min(small, 5 - big)
        back = min(big, 3 - small)
        yield ("fill", "small"), (3, big)
        yield ("fill", "big"), (small, 5)
        yield ("empty", "small"), (0, big)
        yield ("empty", "big"), (small, 0)
        yield ("pour", "small", "big"), (small - poured, big + poured)
        yield ("pour", "big", "small"), (small + back, big - back)

    def properties(self) -> list[Property[Jugs]]:
        """Never four litres; some time a full small jug; never six."""
        return [
            always("no four litres", lambda state: state[1] != 4),
            sometimes("small is full", lambda state: state[0] == 3),
            sometimes("six litres", lambda state: state[1] == 6),
        ]


def test_the_first_path_to_a_violation_is_a_shortest_one_and_replays() -> None:
    """Six steps measure four litres, and taking them by name leads there."""
    outcome = Search(TwoJugs()).run()

    (found,) = outcome.found
    state = (0, 0)
    for name in found.steps:
        state = dict(TwoJugs().steps(state))[name]
    assert len(found.steps) == 6
    assert state == found.state == (3, 4)
    assert outcome.cut_off == "a violation"


def test_a_search_that_keeps_going_visits_all_and_says_what_it_never_saw() -> None:
    """All 16 fillings are reached; six litres never."""
    search = Search(TwoJugs(), keep_going=True)

    outcome = search.run()

    assert outcome.complete
    assert outcome.progress.states == 16
    assert list(search._unseen) == ["six litres"]


def test_a_cut_off_search_goes_on_where_it_was() -> None:
    """A bound is never a success; the same search without it ends as one that was never cut off."""
    whole = Search(TwoJugs(), keep_going=True).run()
    search = Search(TwoJugs(), keep_going=True)

    first = search.run(Bounds(depth=3))
    second = search.run()

    assert first.cut_off == "depth"
    assert first.progress.states < whole.progress.states
    assert second.complete
    assert second.progress.states == whole.progress.states
    assert second.found == whole.found


class Ring(Model[int, str]):
    """Round and round: 0, 1, 2, 0, … or out from 2 to 3, where it ends."""

    def first(self) -> Iterator[int]:
        """Zero."""
        yield 0

    def steps(self, state: int) -> Iterator[tuple[str, int]]:
        """On, or out."""
        if state < 3:
            yield "on", (state + 1) % 3
        if state == 2:
            yield "out", 3


def test_eventually_finds_a_path_that_goes_round_and_one_that_ends() -> None:
    """3 can be avoided by going round; 4 too, by ending; 2 cannot be avoided."""
    assert avoiding(Ring(), lambda state: state == 3) == ("on", "on", "on")
    assert avoiding(Ring(), lambda state: state == 4) is not None
    assert avoiding(Ring(), lambda state: state == 2) is None


class Promising(Ring):
    """A ring that must come to a state at last."""

    def __init__(self, goal: int) -> None:
        self.goal = goal

    def properties(self) -> list[Property[int]]:
        """It comes to its goal."""
        return [eventually("the goal", lambda state: state == self.goal)]


def test_a_search_judges_what_must_hold_eventually() -> None:
    """Going round, the ring never comes to 3; it always comes to 2."""
    [found] = Search(Promising(3)).run().found

    assert (found.name, found.steps) == ("the goal", ("on", "on", "on"))
    assert Search(Promising(2)).run().found == ()


class Coins(Model[tuple[int, int], str]):
    """Two coins that are turned; which is which does not matter."""

    def first(self) -> Iterator[tuple[int, int]]:
        """Both show 0."""
        yield (0, 0)

    def steps(self, state: tuple[int, int]) -> Iterator[tuple[str, tuple[int, int]]]:
        """Turn one."""
        yield "first", (1 - state[0], state[1])
        yield "second", (state[0], 1 - state[1])


class EqualCoins(Coins):
    """The same with symmetry."""

    def canonical(self, state: tuple[int, int]) -> tuple[int, int]:
        """Sorted."""
        return (min(state), max(state))


def test_symmetry_joins_equal_states_and_loses_none() -> None:
    """Four states become three, and each of the four has its representative among them."""
    assert Search(Coins()).run().progress.states == 4
    assert Search(EqualCoins()).run().progress.states == 3
