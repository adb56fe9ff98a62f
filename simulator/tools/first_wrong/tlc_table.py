"""Does TLC refuse it too? The table of docs/export.md about a foreign judge, for each broken rule of safety.

Run it as `python -m simulator.tools.first_wrong.tlc_table docs/first-wrong.md`, which has the seeds; it writes to
stdout and needs Java and TLC (docs/export.md). The runs go on after the first violation, as those of `run --break` do.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from simulator.errors import InputError
from simulator.export.tla.tlc import judge_with_tlc
from simulator.scenario.session.files import write_lines
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from simulator.tools.first_wrong.table import HEADER

NOTHING = "nothing"
"""No invariant has this name: the run goes on to its end."""


def seeds_of(page: Path) -> Iterator[tuple[str, list[int]]]:
    """Each rule of the table in docs/first-wrong.md, and its seeds: that to disagreement first, where there is one."""
    lines = page.read_text(encoding="utf-8").splitlines()
    for line in lines[lines.index(HEADER) + 2 :]:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| `"):
            found = [int(cell) for cell in (cells[5], cells[2]) if cell != "-"]
            yield cells[0].strip("`"), list(dict.fromkeys(found))


def refused(rule: str, seed: int) -> str:
    """What TLC says of a run with this rule broken; "" when it refuses nothing."""
    with tempfile.TemporaryDirectory() as folder:
        name = str(Path(folder) / "trace.jsonl.gz")
        run_trial(draw_schedule(seed, break_rule=rule), until=NOTHING, trace=lambda lines: write_lines(name, lines))
        return judge_with_tlc([name])[0].why


def row(rule: str, seeds: list[int]) -> str:
    """The line of one rule: the first of its seeds that is refused, and why; or why none is."""
    last = "no: its acceptors made nothing durable that is not allowed"
    for seed in seeds:
        try:
            why = refused(rule, seed)
        except InputError as error:
            last = f"no: {str(error).rpartition(': ')[2].rstrip('.')}"
            continue
        if why:
            return f"| `{rule}` | {seed} | yes: {why} |"
    return f"| `{rule}` | {', '.join(map(str, seeds))} | {last} |"


def main() -> None:
    """Print the table."""
    sys.stdout.write("| rule left out | seed | TLC refuses it too |\n| --- | --- | --- |\n")
    for rule, seeds in seeds_of(Path(sys.argv[1])):
        sys.stdout.write(row(rule, seeds) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
