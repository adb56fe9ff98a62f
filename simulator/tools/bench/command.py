"""Carries out `paxsim bench`: measures the chosen cases, and compares, reports or draws the figures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from simulator.tools.bench.case import Case, Effort, Figure, machine
from simulator.tools.bench.catalogue import CASES
from simulator.tools.bench.compare import Change, compare
from simulator.tools.bench.plot import plot
from simulator.tools.bench.run import Bench, choose


@dataclass(slots=True)
class Report:
    """The result of a run. `interrupted` when a person ended it: the figures are those measured until then.

    `failed` names cases that could not be measured because of an error.
    """

    machine: dict[str, object]
    figures: list[Figure] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    interrupted: bool = False

    def document(self) -> dict[str, object]:
        """The JSON document of `--json`."""
        found: dict[str, object] = {"machine": self.machine, "results": self.figures}
        if self.changes:
            found["changes"] = self.changes
        return found


def run_bench(
    names: Sequence[str],
    *,
    quick: bool,
    earlier: Path | None,
    chart: Path | None,
    tell: Callable[[str], None],
    cases: Sequence[Case] = CASES,
) -> Report:
    """Measure the cases that `names` name (all for none), compare with `earlier`, draw `chart`.

    Raises:
        InputError: a name fits nothing, or the earlier run's file is none. Nothing has been measured then.
        OSError: a file cannot be read or written.
    """
    chosen = choose(cases, names)
    if earlier is not None:
        compare((), earlier)  # Report a wrong file now, not in an hour.
    report = Report(machine())
    bench = Bench(chosen, Effort(quick=quick), tell)
    try:
        bench.run()
    except KeyboardInterrupt:
        report.interrupted = True
    report.figures, report.failed = bench.figures, bench.failed
    if earlier is not None:
        report.changes = compare(report.figures, earlier)
    if chart is not None:
        chart.write_text(plot(report.figures), encoding="utf-8")
    return report
