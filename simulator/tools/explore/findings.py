"""Writes down a failing seed: a scenario for people and a trace for programs, both of the shrunk schedule.

The first lines of the scenario name the violated invariant and the command that runs the seed. Whether `paxsim run` of
the scenario alone violates the invariant too is tried before it is stated.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import msgspec

from simulator.checks.trace_check import check_trace
from simulator.errors import InputError
from simulator.scenario.session.files import write_lines
from simulator.scenario.session.library import load_scenario
from simulator.scenario.session.run_scenarios import run_scenario
from simulator.settings import Settings
from simulator.tools.explore.batch import Failure, Search, run_seed
from simulator.tools.explore.schedule import Schedule
from simulator.tools.explore.shrink import shrink, touched
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A failing seed, shrunk and written down. `replay` is the command that shows it; the two files are named.

    `first_wrong` is the step that first went wrong, as `paxsim check --json` has it for the trace; None: no step did.
    """

    seed: int
    invariant: str
    why: str
    replay: str
    scenario: str
    shrunk_trace: str
    faults: int
    operations: int
    nodes: int
    runs: int
    first_wrong: dict[str, object] | None = None


def write_down(failure: Failure, search: Search, folder: str, most_runs: int) -> Finding:
    """Shrink the seed of `failure` and write both files into `folder`. It can be imported by name, for any executor.

    Raises:
        InputError: the folder cannot be written.
    """
    small = shrink(_as_it_happened(failure.seed, search), failure.invariant, most_runs=most_runs)
    stem = str(Path(folder) / f"seed-{failure.seed}-{failure.invariant}")
    try:
        Path(folder).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder!r} cannot be made: {error.strerror or error}.") from None
    trace = f"{stem}.jsonl.gz"
    run_trial(small.schedule, trace=lambda lines: write_lines(trace, lines))
    scenario = f"{stem}.paxsim"
    schedule = small.schedule
    shown = next(found for found in small.outcome.violations if found.invariant == failure.invariant)
    violation = check_trace(Path(trace)).violations.get(failure.invariant, shown)  # Which knows the lines.
    why = violation.sentence()
    shrunk = msgspec.structs.replace(failure, why=why)  # What the file is about: the shrunk run, not the drawn one.
    _write_scenario(scenario, schedule, shrunk, search.command(failure.seed), lines=True)
    lines = _breaks_again(scenario, schedule, failure.invariant)
    if not lines:
        _write_scenario(scenario, schedule, shrunk, search.command(failure.seed), lines=False)
    return Finding(
        seed=failure.seed,
        invariant=failure.invariant,
        why=why,
        replay=f"paxsim run {scenario} --world virtual" if lines else search.command(failure.seed),
        scenario=scenario,
        shrunk_trace=trace,
        faults=len(schedule.faults) + len(schedule.permanent),
        operations=len(schedule.calls),
        nodes=len(touched(schedule)),
        runs=small.runs,
        first_wrong=None if violation.first is None else violation.first.document(),
    )


def _as_it_happened(seed: int, search: Search) -> Schedule:
    """The seed's schedule with its triggered faults as plain faults, if it then takes the same course."""
    drawn = draw_schedule(seed, search.profile, break_rule=search.break_rule)
    outcome = run_seed(seed, search)
    again = run_trial(outcome.done)
    same = {found.invariant for found in again.violations} == {found.invariant for found in outcome.violations}
    return outcome.done if same else drawn


def _write_scenario(name: str, schedule: Schedule, failure: Failure, command: str, *, lines: bool) -> None:
    write_lines(name, _scenario_lines(schedule, failure, command, lines=lines))


def _scenario_lines(schedule: Schedule, failure: Failure, command: str, *, lines: bool) -> Iterable[str]:
    yield f"# Seed {failure.seed} breaks {failure.invariant!r}: {failure.why}"
    if not lines:
        yield "# What remains of it hangs on moments that no scenario can name; the seed itself shows it again:"
    yield f"# {command}"
    yield from schedule.lines()


def _breaks_again(name: str, schedule: Schedule, invariant: str) -> bool:
    settings = Settings(data="", seed=schedule.settings.seed, break_rule=schedule.settings.break_rule)
    scenario = load_scenario(name, nodes=schedule.settings.nodes)
    chosen = msgspec.structs.replace(
        settings,
        nodes=schedule.settings.nodes,
        difficulty=schedule.settings.difficulty,
        ops_per_block=schedule.settings.ops_per_block,
        window=schedule.settings.window,
    )
    result = run_scenario(scenario, chosen, world="virtual")
    return result.checks.get(invariant, "ok") != "ok" or (
        invariant in {"progress", "convergence"} and not result.passed
    )
