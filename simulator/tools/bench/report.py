"""Formats figures as aligned columns of plain text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from simulator.tools.bench.case import Case, Figure
from simulator.tools.bench.compare import Change

HEAD = ("benchmark", "median", "min", "max", "unit", "beside its limit", "aim")
CHANGES_HEAD = ("benchmark", "then", "now", "unit", "ratio", "verdict")


def machine_line(machine: Mapping[str, object]) -> str:
    """The machine in one line."""
    return ", ".join(f"{key.replace('_', ' ')} {value}" for key, value in machine.items())


def rows(figures: Sequence[Figure]) -> list[tuple[str, ...]]:
    """A row for each figure, under a head."""
    return [HEAD, *(_row(figure) for figure in figures)]


def _row(figure: Figure) -> tuple[str, ...]:
    unit = figure.unit if figure.p99 is None else f"{figure.unit} (p99 {figure.p99:,g})"
    beside = "" if figure.ratio is None else f"{figure.ratio:,g} x {figure.limit}"
    aim = ""
    if figure.aim and figure.ratio is not None:
        met = figure.ratio >= figure.aim if figure.better == "higher" else figure.ratio <= figure.aim
        bound = "at least" if figure.better == "higher" else "at most"
        aim = f"{bound} {figure.aim:g}: {'met' if met else 'missed'}"
    return (figure.name, f"{figure.median:,g}", f"{figure.min:,g}", f"{figure.max:,g}", unit, beside, aim)


def change_rows(changes: Sequence[Change]) -> list[tuple[str, ...]]:
    """A row for each figure that was measured in both runs."""
    lines = [
        (change.name, f"{change.then:,g}", f"{change.now:,g}", change.unit, f"{change.ratio:,g}", change.verdict)
        for change in changes
    ]
    return [CHANGES_HEAD, *lines]


def list_rows(cases: Sequence[Case]) -> list[tuple[str, ...]]:
    """A row for each case: its name, its unit and its description."""
    return [(case.name, case.unit, case.story) for case in cases]
