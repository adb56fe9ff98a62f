"""Writes docs/coverage-of-seeds.md: `python -m tests.coverage_of_seeds [SEEDS]`, by default 1,000: some minutes.

The page lists each branch of `paxos/` and `simulator/node/` that none of these seeds of `paxsim explore` takes, and
why. A branch without a reason is a hole in the search: `main` fails then.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import coverage

from simulator.tools.explore.batch import Search, run_seed
from simulator.tools.explore.engine import cores, local_executor
from tests.coverage_reasons import FILES, REASONS

HOUSE = Path(__file__).parents[1]
PAGE = HOUSE / "docs" / "coverage-of-seeds.md"
SEEDS = 1_000
BATCH = 50
NEVER = ("assert_never", "raise AssertionError", r"^\s*\.\.\.$", "def __repr__", "if TYPE_CHECKING:")
"""What cannot run, or only when the program itself is wrong."""


class Branch(NamedTuple):
    """A jump from one line of a file to another; a target below 1 is the end of the function, or of the module."""

    file: str
    line: int
    target: int

    def words(self) -> tuple[str, str, str]:
        """The file, and the text of both lines: what a reason is found by."""
        lines = (HOUSE / self.file).read_text(encoding="utf-8").splitlines()
        target = lines[self.target - 1].strip() if self.target > 0 else "the end"
        return self.file, lines[self.line - 1].strip(), target


Taken = tuple[set[Branch], set[tuple[str, int]]]
"""The branches that were not taken, and the lines that ran."""


def run_seeds(seeds: range) -> Taken:
    """Run these seeds and measure. It can be imported by name, for a pool."""
    measured = coverage.Coverage(
        data_file=None, branch=True, config_file=False, source=[str(HOUSE / "paxos"), str(HOUSE / "simulator" / "node")]
    )
    for pattern in NEVER:
        measured.exclude(pattern)
    measured.start()
    for seed in seeds:
        run_seed(seed, Search())
    measured.stop()
    with TemporaryDirectory() as folder:
        report = Path(folder) / "coverage.json"
        measured.json_report(outfile=str(report))
        files = json.loads(report.read_text(encoding="utf-8"))["files"]
    missing: set[Branch] = set()
    ran: set[tuple[str, int]] = set()
    for name, file in files.items():
        path = Path(name).resolve().relative_to(HOUSE).as_posix()
        missing |= {Branch(path, line, target) for line, target in file["missing_branches"]}
        ran |= {(path, line) for line in file["executed_lines"]}
    return missing, ran


def not_taken(parts: Iterable[Taken]) -> list[Branch]:
    """The branches that no part took, in order. Those of a line that never ran lie behind another one of them."""
    missing, ran = zip(*parts, strict=True)
    everywhere, somewhere = set.intersection(*missing), set[tuple[str, int]]().union(*ran)
    return sorted(branch for branch in everywhere if (branch.file, branch.line) in somewhere)


def page(branches: Iterable[Branch], seeds: int) -> tuple[str, list[Branch]]:
    """The page, and the branches that have no reason."""
    rows, holes = [], []
    for branch in branches:
        name, line, target = branch.words()
        why = FILES.get(name) or REASONS.get((name, line))
        if why is None:
            holes.append(branch)
            why = "no reason is known: a hole in the search"
        if name not in FILES:
            rows.append(f"| `{name}` | {_code(line)} | {_code(target)} | {why} |")
    whole = [f"- `{name}`: {why}" for name, why in FILES.items()]
    return HEAD.format(seeds=f"{seeds:,}", number=seeds, files="\n".join(whole)) + "\n".join(rows) + "\n", holes


def _code(text: str) -> str:
    return "`" + text.replace("|", "\\|") + "`"


HEAD = """\
# What no seed does

`paxsim explore` searches for schedules that break an invariant. What it never runs, it never tries. This page is
written by

    python -m tests.coverage_of_seeds {number}

and lists each branch of `paxos/` and `simulator/node/` that none of {seeds} seeds takes, and why. Only the first branch
of a way is listed, not what lies behind it. Each has a reason; without one the command fails, and the search gets a
new kind of trouble, or a limit that is drawn smaller (`simulator/tools/explore/limits.py`). What these branches do is
tested by hand: `make coverage` measures the tests.

Whole files that the virtual world replaces:

{files}

| file | at | not taken | why |
| --- | --- | --- | --- |
"""


def main() -> None:
    """Measure on all cores, and write the page. Exit status 1: a branch has no reason."""
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    batches = [range(first, min(first + BATCH, seeds)) for first in range(0, seeds, BATCH)]
    with local_executor(cores()) as executor:
        branches = not_taken(executor.map(run_seeds, batches))
    text, holes = page(branches, seeds)
    PAGE.write_text(text, encoding="utf-8")
    for hole in holes:
        sys.stdout.write(f"no reason: {hole.words()}\n")
    sys.exit(bool(holes))


if __name__ == "__main__":
    main()
