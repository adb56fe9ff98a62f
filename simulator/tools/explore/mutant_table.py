"""Writes the table of docs/mutants.md: each mutant, the checks that see it, and after how many seeds.

Run it as `python -m simulator.tools.explore.mutant_table`; it writes to stdout. The seeds are those of `paxsim explore
--break NAME`, from 0 on.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

import msgspec

from simulator.mutants.registry import Mutant, find, mutants
from simulator.tools.explore.batch import Search, run_seed
from simulator.tools.explore.engine import cores, local_executor

MOST_SEEDS = 2_000
KINDS = {
    "S": "agreement or safety",
    "D": "durability",
    "E": "exactly once",
    "R": "stale or wrong read",
    "L": "progress",
}


class Row(msgspec.Struct, frozen=True):
    """A mutant, the `checks` that saw it, and the number of `seeds` run until then (0: not seen)."""

    name: str
    checks: tuple[str, ...]
    seeds: int


def look_for(name: str) -> Row:
    """Run seeds until one violates an expected invariant. It can be imported by name, for a pool."""
    expected = set(find(name).expects)
    for seed in range(MOST_SEEDS):
        broken = tuple(sorted({found.invariant for found in run_seed(seed, Search(break_rule=name)).violations}))
        if expected & set(broken):
            return Row(name, broken, seed + 1)
    return Row(name, (), 0)


def lines(rows: Iterable[Row]) -> list[str]:
    """The table of mutants, then the table of controls."""
    found = {row.name: row for row in rows}
    known = list(mutants().values())
    table = [
        "| name | the wrong rule | kind | what forbids it | seen by | seeds |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    table += [_line(one, found.get(one.name)) for one in known if not one.control]
    table += ["", "| control | what looks wrong | why it is not |", "| --- | --- | --- |"]
    table += [f"| `{one.name}` | {one.wrong} | {one.forbidden_by} |" for one in known if one.control]
    return table


def _line(one: Mutant, row: Row | None) -> str:
    seen, seeds = ("", "") if row is None or not row.seeds else (", ".join(row.checks), str(row.seeds))
    return f"| `{one.name}` | {one.wrong} | {', '.join(one.kinds)} | {one.forbidden_by} | {seen} | {seeds} |"


def main() -> None:
    """Search for every mutant on all cores, and print the table."""
    names = [name for name, one in mutants().items() if not one.control]
    with local_executor(cores()) as executor:
        sys.stdout.write("\n".join(lines(executor.map(look_for, names))) + "\n")


if __name__ == "__main__":
    main()
