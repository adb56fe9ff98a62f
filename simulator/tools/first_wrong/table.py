"""Writes the table of docs/first-wrong.md: for each broken rule of safety, what is expected and what is said.

Run it as `python -m simulator.tools.first_wrong.table`; it writes to stdout and takes half an hour. The runs
are the seeds of `paxsim explore --break NAME`: the first in which a check sees the rule broken, and the first whose
run, let go on, ends with two values decided in one slot. There the checks must not blame what became visible.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import msgspec

from simulator.checks.first_wrong import WrongStep, rule_name
from simulator.checks.trace_check import check_trace
from simulator.checks.violation import Violation
from simulator.mutants.registry import find
from simulator.scenario.session.files import write_lines
from simulator.tools.explore.engine import cores, local_executor
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from simulator.tools.first_wrong.expected import EXPECTED, safety_mutants

FIRST_SEEDS, AGREEMENT_SEEDS = 2_000, 100
"""How many seeds are looked through, for the first violation and for one of agreement."""
AGREEMENT = "agreement"
HEADER = (
    "| rule left out | expected | seed | seen as | first wrong, as told "
    "| seed to disagreement | seen as | first wrong, as told |"
)


class Blame(msgspec.Struct, frozen=True):
    """What is said of a run: the violation, and the lines of its trace at which it showed and first went wrong."""

    seed: int
    invariant: str
    shown_ms: int
    first: WrongStep

    @property
    def words(self) -> str:
        """The step and the rule, as a cell of the table."""
        return f"{self.first.kind}, {rule_name(self.first.rule)}, {self.first.at_ms / 1000:.3f} s"


def fits(rule: str, blame: Blame) -> bool:
    """True when a step of the kind that is expected is said to be the first, with the rule that is expected."""
    return any((one.kind, one.rule) == (blame.first.kind, blame.first.rule) for one in EXPECTED[rule])


def first_blame(rule: str, seed: int) -> Blame | None:
    """What the trace of a seed says, read from its file; None: nothing that the mutant is expected to break."""
    return _of_file(rule, seed, "", set(find(rule).expects))


def agreement_blame(rule: str, seed: int) -> Blame | None:
    """The same for a run that goes on until two values are decided in one slot; None: it never comes to that."""
    return _of_file(rule, seed, AGREEMENT, {AGREEMENT})


def _of_file(rule: str, seed: int, until: str, wanted: set[str]) -> Blame | None:
    schedule = draw_schedule(seed, break_rule=rule)
    found = {one.invariant for one in run_trial(schedule, until=until).violations}
    if not found & wanted:
        return None
    with tempfile.TemporaryDirectory() as folder:
        name = str(Path(folder) / "trace.jsonl.gz")
        run_trial(schedule, until=until, trace=lambda lines: write_lines(name, lines))
        violations = check_trace(name).violations
    some = [one for name, one in violations.items() if name in wanted]
    return min((_blamed(seed, one) for one in some if one.first), key=lambda blame: blame.shown_ms, default=None)


def _blamed(seed: int, violation: Violation) -> Blame:
    assert violation.first is not None
    return Blame(seed, violation.invariant, violation.at_ms, violation.first)


def look_for(rule: str) -> tuple[str, Blame | None, Blame | None]:
    """The first seed of each kind. It can be imported by name, for a pool."""
    first = next((blame for seed in range(FIRST_SEEDS) if (blame := first_blame(rule, seed))), None)
    agreed = next((blame for seed in range(AGREEMENT_SEEDS) if (blame := agreement_blame(rule, seed))), None)
    return rule, first, agreed


def row(rule: str, first: Blame | None, agreed: Blame | None) -> str:
    """The line of one rule."""
    expected = " or ".join(f"{one.step}: {one.kind}, {rule_name(one.rule)}" for one in EXPECTED[rule])
    cells = [f"`{rule}`", expected]
    for blame in (first, agreed):
        if blame is None:
            cells += ["-"] * 3
        else:
            wrong = "" if fits(rule, blame) else " (not expected)"
            cells += [str(blame.seed), f"{blame.invariant}, {blame.shown_ms / 1000:.3f} s", blame.words + wrong]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Look for every mutant of safety on all cores, and print the table."""
    sys.stdout.write(f"{HEADER}\n|{' --- |' * 8}\n")
    with local_executor(cores()) as executor:
        for found in executor.map(look_for, safety_mutants()):
            sys.stdout.write(row(*found) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
