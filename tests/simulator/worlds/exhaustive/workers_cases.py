"""Any number of processes finds the same: states in the same order, verdicts, shortest runs, and errors."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from simulator.settings import Settings
from simulator.worlds.exhaustive import cluster_steps
from simulator.worlds.exhaustive import search as engine
from simulator.worlds.exhaustive import workers as workers_module
from simulator.worlds.exhaustive.cluster_model import Budgets, ClusterModel
from simulator.worlds.exhaustive.kept_search import SearchFolder
from simulator.worlds.exhaustive.model import Model, Property, Spread, always
from simulator.worlds.exhaustive.model_errors import ModelError
from simulator.worlds.exhaustive.search import Bounds, Outcome, Search
from simulator.worlds.exhaustive.workers import Work, spread
from tests.simulator.worlds.exhaustive.kept import Judged, same
from tests.simulator.worlds.exhaustive.models.clients import SingleCopy

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")


def fork_from(monkeypatch: pytest.MonkeyPatch, states: int) -> None:
    """Have processes forked for layers of so many states. A fork of a process that runs all tests takes long."""
    monkeypatch.setattr(engine, "WORTH_FORKING", states)
    monkeypatch.setattr(engine, "WORTH_WORK_AHEAD", states)


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that small models have rounds of many batches."""
    monkeypatch.setattr(engine, "LOOK_EVERY", 64)
    fork_from(monkeypatch, 800)
    monkeypatch.setattr(engine, "BATCHES", 20)
    for module in (engine, workers_module):  # pytest-xdist has a thread, which holds no lock that a child needs.
        monkeypatch.setattr(module, "can_fork", lambda: True)


def order(search: Search[Any, Any]) -> list[object]:
    """The fingerprints in the order in which they were found, and who found them."""
    return [(search._visited.key_at(number), search._parents[number]) for number in range(len(search._parents))]


@cache
def by_one_process(model: Callable[[int], Model[Any, Any]], size: int) -> tuple[Outcome[Any], list[object]]:
    """What one process finds of a model, and in which order."""
    search = Search(model(size), keep_going=True)
    return search.run(), order(search)


@pytest.mark.parametrize(
    ("model", "size", "layer"), [(SingleCopy, 3, 80), (Judged, 2, 800)]
)  # The second has properties.
@pytest.mark.parametrize("workers", [2, 3])
def test_any_number_of_processes_finds_the_same_in_the_same_order(
    model: Callable[[int], Model[Any, Any]], size: int, layer: int, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """States, parents, transitions, what was found and what was never seen."""
    fork_from(monkeypatch, layer)
    expected, expected_order = by_one_process(model, size)
    together = Search(model(size), keep_going=True, workers=workers)
    same(together.run(), expected)
    assert order(together) == expected_order


@pytest.mark.skipif(cluster_steps.FORM == "Python", reason="only what is compiled is shared")
@pytest.mark.parametrize("rule", [None, "promise-not-kept"])
def test_our_own_nodes_are_searched_the_same(rule: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes look up what is known; what is not is worked out by the first one, in order."""
    monkeypatch.setattr(engine, "LOOK_EVERY", 8)
    fork_from(monkeypatch, 60)
    shares: list[tuple[int, int]] = []
    whole = Search._whole

    def noted(search: Search[Any, Any], states: list[Any], work: Work[Any]) -> Work[Any]:
        shares.append((len(work.left), len(states)))
        return whole(search, states, work)

    monkeypatch.setattr(Search, "_whole", noted)
    settings = Settings(nodes=3, difficulty=0, break_rule=rule)
    budgets = Budgets(writes=1, elections=2, crashes=int(rule is not None))
    alone, together = (Search(ClusterModel(settings, budgets), workers=workers) for workers in (1, 2))
    same(together.run(), alone.run())
    assert order(together) == order(alone)
    assert bool(alone.found) == (rule is not None)
    assert rule is not None or any(0 < left < states for left, states in shares)


def test_a_violation_ends_all_at_the_same_state(monkeypatch: pytest.MonkeyPatch) -> None:
    """What other processes had found beyond it does not count."""
    fork_from(monkeypatch, 300)
    alone, together = Search(Judged(2)), Search(Judged(2), workers=2)
    same(together.run(), alone.run())
    assert order(together) == order(alone)


def test_bounds_interrupts_and_folders_go_with_several_processes(tmp_path: Path) -> None:
    """Cut off with one number of workers, gone on with another."""
    expected, expected_order = by_one_process(Judged, 2)

    def go_on(bound: int, workers: int) -> Search[Any, Any]:
        kept = SearchFolder(tmp_path, {})
        search: Search[Any, Any] = Search(Judged(2), keep_going=True, folder=kept, workers=workers)
        search.run(Bounds(states=bound))
        kept.close()
        return search

    for bound, workers in ((500, 2), (2_000, 1), (6_000, 3)):
        go_on(bound, workers)
    search = go_on(0, 2)
    same(search.run(), expected)
    assert order(search) == expected_order


class Flat(Model[tuple[int, int], str]):
    """A grid; what goes wrong goes wrong in a child too."""

    steps_in_parallel = True

    def __init__(self, wrong: str = "") -> None:
        self.wrong, self.parent = wrong, os.getpid()

    def first(self) -> Iterable[tuple[int, int]]:
        """A corner."""
        return [(0, 0)]

    def steps(self, state: tuple[int, int]) -> list[tuple[str, Any]]:
        """Right or down."""
        if state == (90, 90) and self.wrong == "fails":
            raise KeyError(state)
        if state == (90, 90) and self.wrong == "killed" and os.getpid() != self.parent:
            os.kill(os.getpid(), signal.SIGKILL)
        if state == (90, 90) and self.wrong == "no tuple" and os.getpid() != self.parent:
            return [("right", "far"), ("down", 7)]
        return [("right", (state[0] + 1, state[1])), ("down", (state[0], state[1] + 1))] if sum(state) < 199 else []

    def fingerprint(self, state: tuple[int, int]) -> int:
        """See `Model`."""
        return hash(state)

    def properties(self) -> list[Property[tuple[int, int]]]:
        """It comes nowhere near."""
        return [always("far", lambda state: state != (150, 40))]


@pytest.fixture
def late_forks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Processes are forked for the last twenty diagonals of the grid, where all of it goes wrong."""
    fork_from(monkeypatch, 180)


@pytest.mark.usefixtures("late_forks")
@pytest.mark.parametrize("wrong", ["", "killed", "no tuple"])
def test_a_child_that_fails_is_made_up_for(wrong: str) -> None:
    """Its parent does the work again."""
    search = Search(Flat(wrong), keep_going=True, workers=2)
    outcome = search.run()

    assert outcome.progress.states == 200 * 201 // 2
    assert len(outcome.found[0].steps) == 190


@pytest.mark.usefixtures("late_forks")
def test_an_error_of_the_model_is_the_same_in_a_child() -> None:
    """The sentence names the state."""
    with pytest.raises(ModelError, match=r"Flat.steps\(\) fails \(KeyError: \(90, 90\)\) from \(90, 90\)"):
        Search(Flat("fails"), workers=2).run()


def test_work_ahead_is_taken_in_order() -> None:
    """Each part in its own process, and here when that one fails."""
    parent = os.getpid()

    def work(items: Sequence[int]) -> bytes:
        if 30 in items and os.getpid() != parent:
            os.kill(os.getpid(), signal.SIGKILL)
        return bytes([*items, os.getpid() != parent])

    assert spread(3)(work, range(0, 60, 10)) == [bytes([0, 10, 1]), bytes([20, 30, 0]), bytes([40, 50, 1])]
    assert spread(3)(work, []) == []
    assert spread(1)(work, [5, 6]) == [bytes([5, 6, 0])]


@pytest.mark.usefixtures("late_forks")
def test_work_ahead_is_asked_for_with_several_processes_only() -> None:
    """Once for each state, and for all of the states of a round together."""
    asked: list[tuple[int, int]] = []

    class Ahead(Flat):
        def work_ahead(self, states: Sequence[tuple[int, int]], spread: Spread) -> None:
            asked.extend(states)

    Search(Ahead(), keep_going=True).run()
    assert not asked
    Search(Ahead(), keep_going=True, workers=2).run()
    assert len(asked) == len({*asked}) > 3_000


def test_no_process_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also when a search ends in the middle of a round."""
    pids: list[int] = []
    fork = os.fork

    def noted() -> int:
        pids.append(fork())
        return pids[-1]

    monkeypatch.setattr(os, "fork", noted)
    fork_from(monkeypatch, 120)
    Search(Flat(), workers=3).run(Bounds(states=9_000))

    assert len(pids) > 3
    for pid in pids:
        with pytest.raises(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
