"""`paxsim run`: carries out scenarios, each on a cluster of its own, and reports results."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Protocol, TextIO

import msgspec

from simulator.cluster.verdicts import OK, unknowns, violations
from simulator.errors import InputError
from simulator.scenario.language.commands import Quit, SetKey
from simulator.scenario.session.files import trace_to
from simulator.scenario.session.interpreter import Interpreter
from simulator.scenario.session.library import Scenario, builtin_scenarios, load_scenario
from simulator.scenario.session.outcome import result_of
from simulator.scenario.session.output import NoOutput, Output, PlainOutput
from simulator.scenario.session.result import RunResult
from simulator.scenario.session.session import Session
from simulator.settings import Settings
from simulator.text.json_text import json_text
from simulator.text.sanitize import safe
from simulator.worlds.open import open_cluster, with_wishes

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

PASSED, FAILED = 0, 1


class Watcher(Output, Protocol):
    """A screen that shows the cluster and the output while a scenario runs (see `screens/dashboard/watch.py`)."""

    def start(self, cluster: Cluster) -> None:
        """Begin to show this cluster."""
        ...

    def rest(self) -> None:
        """A line has been carried out: give a person time to read, in virtual time."""
        ...

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """Let the cluster's time pass, as `Cluster.wait` does, and draw meanwhile."""
        ...

    def stop(self) -> None:
        """Show no more."""
        ...


def run_files(
    names: Sequence[str],
    *,
    settings: Settings,
    world: str | None = None,
    json: bool = False,
    quiet: bool = False,
    trace: str | None = None,
    break_rule: str | None = None,
    watcher: Watcher | None = None,
    stdout: TextIO | None = None,
    stderr: TextIO | None = None,
) -> int:
    """Run scenarios, files or built-in ones by name. Returns 0 when all passed, 1 when one did not.

    `world` None: what the scenario sets, or real processes. `settings.data` "" is a temporary directory for each.
    Output goes to `stderr` (not when `quiet`), results to `stdout`.

    Raises:
        InputError: a file that cannot be found or understood. All are read before the first one runs.
    """
    out, err = stdout or sys.stdout, stderr or sys.stderr
    scenarios = _load_all(names, settings)
    results = []
    for place, scenario in enumerate(scenarios):
        several = len(scenarios) > 1
        output = watcher or (NoOutput() if quiet else _output(err))
        if several:
            output.write(f"== {scenario.name}")
        chosen = _settings_for(scenario, settings, break_rule, place if several else None)
        trace_name = _numbered(trace, place) if trace and several else trace
        results.append(run_scenario(scenario, chosen, world=world, output=output, trace=trace_name, watcher=watcher))
    _report(results, out, json=json)
    return PASSED if all(result.passed for result in results) else FAILED


def run_scenario(
    scenario: Scenario,
    settings: Settings,
    *,
    world: str | None = None,
    output: Output | None = None,
    trace: str | None = None,
    watcher: Watcher | None = None,
) -> RunResult:
    """Run one scenario on a cluster of its own, to its end, and return the result.

    A rule that the scenario breaks is broken, unless the settings name another.
    """
    output = output or NoOutput()
    if settings.break_rule is None:
        settings = msgspec.structs.replace(settings, break_rule=scenario.break_rule)
    with _directory(settings) as placed:
        cluster = open_cluster(world or str(scenario.wishes.get("world", "processes")), placed)
        try:
            if trace is not None:
                cluster.keep_trace(trace)
            if watcher is not None:
                watcher.start(cluster)
            session = Session(cluster, output, wait=None if watcher is None else watcher.wait)
            _carry_out(scenario, session, output, watcher)
            if trace is not None:
                trace_to(cluster, trace)
            result = result_of(session, scenario.name, trace)
            _report_violations(result, scenario, output)
            return result
        finally:
            if watcher is not None:
                watcher.stop()
            cluster.close()


def list_scenarios() -> list[tuple[str, str]]:
    """The built-in scenarios in the order of the course: name and lesson."""
    return [(scenario.name, scenario.lesson) for scenario in builtin_scenarios()]


def _output(stream: TextIO) -> Output:
    if not stream.isatty():
        return PlainOutput(stream)
    from simulator.scenario.session.rich_output import RichOutput  # noqa: PLC0415  # Rich is for terminals.

    return RichOutput(lambda: stream)


def _carry_out(scenario: Scenario, session: Session, output: Output, watcher: Watcher | None) -> None:
    runner = Interpreter(session, from_file=True)
    for line in scenario.lines:
        if isinstance(line.command, SetKey):
            continue
        if isinstance(line.command, Quit):
            break
        for remark in scenario.remarks.get(line.number, ()):
            output.write(remark)
        output.write(f"> {line.text}", "quiet")
        try:
            runner.carry_out(line)
        except InputError as error:
            # The line was valid when it was read, and is impossible now; the lines after it may still be useful.
            session.fail(line, str(error))
            output.write(f"FAILED line {line.number}: {line.text}: {error}", "bad")
        if watcher is not None:
            watcher.rest()
    session.finish()


def _load_all(names: Sequence[str], settings: Settings) -> list[Scenario]:
    scenarios, mistakes = [], []
    for name in names:
        try:
            scenarios.append(load_scenario(name, nodes=settings.nodes))
        except InputError as error:
            mistakes.append(str(error))
    if mistakes:
        raise InputError("\n".join(mistakes))
    return scenarios


def _settings_for(scenario: Scenario, settings: Settings, break_rule: str | None, place: int | None) -> Settings:
    chosen = with_wishes(settings, scenario.wishes)
    if break_rule:
        chosen = msgspec.structs.replace(chosen, break_rule=break_rule)
    if chosen.data and place is not None:
        stem = re.sub(r"[^A-Za-z0-9._-]", "-", Path(scenario.name).stem)
        chosen = msgspec.structs.replace(chosen, data=str(Path(chosen.data) / f"{place + 1}-{stem}"))
    return chosen


@contextmanager
def _directory(settings: Settings) -> Iterator[Settings]:
    if settings.data:
        yield settings
        return
    with TemporaryDirectory(prefix="paxsim-run-", ignore_cleanup_errors=True) as name:
        yield msgspec.structs.replace(settings, data=name)


def _numbered(trace: str, place: int) -> str:
    path = Path(trace)
    ends = path.suffixes[-2:] if path.suffix == ".gz" else path.suffixes[-1:]
    end = "".join(ends)
    return str(path.with_name(f"{path.name.removesuffix(end)}-{place + 1}{end}"))


def _report_violations(result: RunResult, scenario: Scenario, output: Output) -> None:
    for name, why in unknowns(result.checks).items():
        output.write(f"{name}: {why}", "bad")
    broken = violations(result.checks)
    for name, why in broken.items():
        output.write(f"VIOLATED {name}: {why}", "bad")
    if broken and scenario.forbidden_by:
        output.write(f"The protocol forbids what led to this: {scenario.forbidden_by}", "bad")


def _report(results: Sequence[RunResult], out: TextIO, *, json: bool) -> None:
    if json:
        document: object = results[0] if len(results) == 1 else list(results)
        out.write(json_text(document, pretty=True, terminal=out.isatty()) + "\n")
    elif len(results) == 1:
        out.write("\n".join(_verdict_lines(results[0])) + "\n")
    else:
        out.write("\n".join(_table(results)) + "\n")
    out.flush()


def _verdict_lines(result: RunResult) -> list[str]:
    counts = result.operations
    asked = (
        f"{counts.ok} ok, {counts.refused} refused, {counts.timeout} timeout, {counts.no_majority} no majority; "
        f"elections: {result.elections}"
    )
    lines = [f"{_verdict(result)} {safe(result.scenario)} ({result.world}, seed {result.seed}): {asked}"]
    lines += [f"  line {wrong.line}: {safe(wrong.command)}: {safe(wrong.why)}" for wrong in result.failures]
    lines += [f"  {name}: {safe(why)}" for name, why in result.checks.items() if why != OK]
    return lines


def _table(results: Sequence[RunResult]) -> list[str]:
    heading = "scenario verdict world seed ok refused timeout no-majority elections why"
    rows: list[tuple[str, ...]] = [tuple(heading.split())]
    for result in results:
        counts = result.operations
        broken = [f"{name}: {why}" for name, why in result.checks.items() if why != OK]
        wrong = [f"line {failure.line}: {failure.why}" for failure in result.failures]
        numbers = (result.seed, counts.ok, counts.refused, counts.timeout, counts.no_majority, result.elections)
        seed, *numbers_shown = (str(number) for number in numbers)
        why = "; ".join([*wrong, *broken])
        rows.append((result.scenario, _verdict(result), result.world, seed, *numbers_shown, why))
    widths = [max(len(safe(row[column])) for row in rows) for column in range(len(rows[0]))]
    lines = ("  ".join(safe(cell).ljust(width) for cell, width in zip(row, widths, strict=True)) for row in rows)
    return [line.rstrip() for line in lines]


def _verdict(result: RunResult) -> str:
    return "PASSED" if result.passed else "FAILED"
