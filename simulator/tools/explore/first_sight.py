"""Seeds and processor seconds until rules broken on purpose are first seen, from several starts: a table of medians.

Run it as `python -m simulator.tools.explore.first_sight STARTS NAME...`; it writes to stdout. A search that is cleverer
than plain seeds has to beat it (docs/decisions/0024-seeds-stay-unguided.md).
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from statistics import median

import msgspec

from simulator.mutants.registry import find
from simulator.tools.explore.batch import Search, run_seed
from simulator.tools.explore.engine import cores, local_executor

FIRST_START, START_EVERY = 1_000_000, 10_000
"""The first seeds of the starts: each has seeds that no other start comes to."""
MOST_SEEDS = 200


class Sight(msgspec.Struct, frozen=True):
    """After how many seeds and seconds a mutant was seen. If it was not `seen`, these were all that were run."""

    seeds: int
    seconds: float
    seen: bool = True


def first_sight(name: str, start: int, most: int = MOST_SEEDS) -> Sight:
    """Run seeds from `start` on until one violates an expected invariant. It can be imported by name, for a pool."""
    expected, began = set(find(name).expects), time.process_time()
    for seed in range(start, start + most):
        if expected & {found.invariant for found in run_seed(seed, Search(break_rule=name)).violations}:
            return Sight(seed - start + 1, time.process_time() - began)
    return Sight(most, time.process_time() - began, seen=False)


def line(name: str, sights: Sequence[Sight]) -> str:
    """A row of the table. A median beyond what was run is told as such."""
    seeds, seconds = median(one.seeds for one in sights), median(one.seconds for one in sights)
    more = "" if sum(one.seen for one in sights) * 2 > len(sights) else "more than "
    return f"| `{name}` | {more}{seeds:g} | {more}{seconds:.1f} |"


def main(words: Sequence[str]) -> None:
    """Search for each mutant from each start on all cores, and print the table."""
    starts, names = int(words[0]), words[1:]
    sys.stdout.write("| rule left out | seeds | s |\n| --- | --- | --- |\n")
    with local_executor(cores()) as executor:
        running = {
            name: [executor.submit(first_sight, name, FIRST_START + START_EVERY * start) for start in range(starts)]
            for name in names
        }
        for name, sights in running.items():
            sys.stdout.write(f"{line(name, [one.result() for one in sights])}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
