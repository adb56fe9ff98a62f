"""Figures: what becomes of values, how cases are chosen, how two runs are held against each other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from simulator.errors import InputError
from simulator.tools.bench.case import Better, Case, Effort, Skipped, figure, machine
from simulator.tools.bench.command import run_bench
from simulator.tools.bench.compare import compare
from simulator.tools.bench.plot import plot
from simulator.tools.bench.report import rows
from simulator.tools.bench.run import Bench, choose

FULL = Effort()


def counting(values: Sequence[float]) -> Callable[[Effort], Sequence[float]]:
    """A measurement that gives these values, one a time."""
    left = list(values)
    return lambda _effort: [left.pop(0)]


def case(name: str, values: Sequence[float], *, limit: str = "", better: Better = "lower", aim: float = 0) -> Case:
    """A case that comes to `values`."""
    return Case(
        name=name,
        story=f"the story of {name}",
        unit="ms",
        better=better,
        measure=counting(values),
        settings={"nodes": 5},
        limit=limit,
        aim=aim,
    )


def silent(_text: str) -> None:
    """Nobody listens."""


def test_a_figure_is_the_median_between_the_least_and_the_greatest() -> None:
    """Of five repeats, whatever their order; few values have no percentile."""
    found = figure(case("a", ()), [3, 1, 2, 5, 4])

    assert (found.median, found.min, found.max, found.repeats, found.p99) == (3, 1, 5, 5, None)


def test_many_values_have_a_percentile() -> None:
    """Of a hundred values the 99th is the one before the last."""
    assert figure(case("a", ()), range(1, 101)).p99 == 100


def test_a_name_chooses_what_begins_with_it_and_the_limits_beside() -> None:
    """The family, its limit, and nothing else; the order is the catalogue's."""
    cases = [case("a/bare", ()), case("b/one", ()), case("a/ours", (), limit="a/bare"), case("a/other", ())]

    assert [one.name for one in choose(cases, ["a/ours"])] == ["a/bare", "a/ours"]
    assert [one.name for one in choose(cases, ["a", "b/one"])] == ["a/bare", "b/one", "a/ours", "a/other"]
    assert choose(cases, []) == cases


def test_a_wrong_name_is_answered_with_the_likeliest() -> None:
    """As everywhere on the command line."""
    with pytest.raises(InputError, match="did you mean 'failover'"):
        choose([case("failover/paxsim", ())], ["failovr"])


def test_cases_of_a_family_take_turns_and_stand_beside_their_limit() -> None:
    """What disturbs the machine then disturbs both; the ratio is that of the medians."""
    shown: list[str] = []
    cases = [case("a/bare", [1, 2, 3, 4, 5]), case("a/ours", [2, 4, 6, 8, 10], limit="a/bare", aim=1.5)]
    bench = Bench(cases, FULL, shown.append)

    bench.run()

    assert [line.split(":")[0] for line in shown[:4]] == [
        "a/bare [1/5]", "a/ours [1/5]", "a/bare [2/5]", "a/ours [2/5]",
    ]  # fmt: skip
    ours = bench.figures[1]
    assert (ours.median, ours.ratio, ours.repeats) == (6, 2, 5)
    assert rows(bench.figures)[2][-2:] == ("2 x a/bare", "at most 1.5: missed")


def test_what_cannot_be_measured_here_is_left_out() -> None:
    """It says why, once for all that misses the same, and has no figure."""

    def missing(_effort: Effort) -> Sequence[float]:
        raise Skipped("a library is not installed.")

    shown: list[str] = []
    left_out = [Case(name=f"a/{name}", story="", unit="s", better="lower", measure=missing) for name in ("x", "z")]
    bench = Bench([*left_out, case("a/y", [1] * 5)], FULL, shown.append)

    bench.run()

    assert [one.name for one in bench.figures] == ["a/y"]
    assert shown[0] == "a/x: left out: a library is not installed."
    assert sum("left out" in line for line in shown) == 1


def test_what_goes_wrong_costs_its_own_figure_alone() -> None:
    """A write that is not answered well ends its case, is told, and leaves the others."""

    def wrong(_effort: Effort) -> Sequence[float]:
        raise RuntimeError("a write was answered TIMEOUT")

    shown: list[str] = []
    cases = [Case(name="a/x", story="", unit="s", better="lower", measure=wrong), case("a/y", [1] * 5)]

    report = run_bench((), quick=False, earlier=None, chart=None, tell=shown.append, cases=cases)

    assert (report.failed, [one.name for one in report.figures]) == (["a/x"], ["a/y"])
    assert shown[0] == "a/x: failed: a write was answered TIMEOUT"


def test_an_interruption_keeps_what_was_measured() -> None:
    """Ctrl-C in the third repeat: the figures of two are there."""
    values = [1.0, 2.0]

    def impatient(_effort: Effort) -> Sequence[float]:
        if not values:
            raise KeyboardInterrupt
        return [values.pop(0)]

    cases = [Case(name="a/x", story="", unit="s", better="lower", measure=impatient)]

    report = run_bench((), quick=False, earlier=None, chart=None, tell=silent, cases=cases)

    assert report.interrupted
    assert (report.figures[0].repeats, report.figures[0].median) == (2, 1.5)


def test_a_later_run_is_held_against_an_earlier_one(tmp_path: Path) -> None:
    """Better and worse follow the direction of the figure; what lies within the new values is the same."""
    earlier = tmp_path / "earlier.json"
    results = [{"name": name, "unit": "ms", "median": 10.0, "min": 9.0, "max": 11.0} for name in "abcd"]
    earlier.write_text(json.dumps({"machine": {}, "results": results}), encoding="utf-8")
    figures = [
        figure(case("a", ()), [5, 5, 5]),
        figure(case("b", (), better="higher"), [5, 5, 5]),
        figure(case("c", ()), [9, 11, 12]),
        figure(case("new", ()), [1, 1, 1]),
    ]

    changes = compare(figures, earlier)

    assert [(change.name, change.ratio, change.verdict) for change in changes] == [
        ("a", 0.5, "better"), ("b", 0.5, "worse"), ("c", 1.1, "same"),
    ]  # fmt: skip


def test_a_file_that_is_no_earlier_run_is_refused_before_anything_is_measured(tmp_path: Path) -> None:
    """An hour later would be too late."""
    path = tmp_path / "x.json"
    path.write_text("[]", encoding="utf-8")

    with pytest.raises(InputError, match=r"is not what 'paxsim bench --json' prints"):
        run_bench((), quick=True, earlier=path, chart=None, tell=silent, cases=[case("a", ())])


def test_growth_is_drawn_a_panel_an_aspect() -> None:
    """Each size is a dot; other figures are not drawn."""
    figures = [
        figure(case(f"growth/chain-{size}/start-up", ()), [size / 1000] * 5) for size in (1_000, 10_000, 100_000)
    ] + [figure(case("start/paxsim", ()), [1] * 5)]

    chart = plot(figures)

    assert chart.startswith("<svg ")
    assert chart.count("<circle") == 3
    assert chart.count('class="title"') == 1


def test_the_machine_is_named() -> None:
    """Without it a figure says nothing."""
    found = machine()

    assert found["cores"]
    assert "Python" in str(found["python"])
