"""The table of `docs/prove.md`: each broken rule of the core, and the shortest run that `paxsim prove` finds for it.

`python -m simulator.tools.prove.mutant_table` prints it; it takes a quarter of an hour. Each run is written as a
scenario and carried out in the virtual world, to see whether it shows a violation there too.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from simulator.tools.prove.command import Bounds, Budgets, Proof, Wishes

LIMIT_S = 60.0
"""How long one search may take, unless another number of seconds is given."""

KNOWN_STEPS = {
    "accept-ignores-promise": 10,
    "promise-goes-down": 10,
    "ignore-reported-values": 10,
    "lowest-ballot-wins": 14,
    "lowest-ballot-wins-first": 14,
    "lowest-ballot-wins-last": 14,
    "lowest-ballot-wins-most-common": 14,
    "small-promise-quorum": 8,
    "small-accept-quorum": 8,
    "duplicates-fill-quorum": 8,
    "accepted-by-slot-only": 11,
    "ballot-reused": 8,
    "acceptance-raises-nothing": 14,
    "acceptance-wiped-by-promise": 11,
    "skip-phase-one": 6,
    "refused-but-acknowledged": 10,
    "speak-before-sync": 10,
    "promise-not-kept": 11,
    "acceptance-not-kept": 11,
}
"""The shortest run to disagreement that is known for the bare core: promises, choices, votes and crashes count."""

CRASH = ("ballot-reused", "speak-before-sync", "promise-not-kept", "acceptance-not-kept")
THREE_LEADERS = ("lowest-ballot-wins", "acceptance-raises-nothing", "acceptance-wiped-by-promise")


def budgets_for(rule: str) -> Budgets:
    """The smallest bounds in which the run that is known fits."""
    if rule == "duplicates-fill-quorum":
        return Budgets(writes=1, elections=1, duplicates=2)  # Of three nodes any two are a majority.
    return Budgets(
        writes=2,
        elections=3 if rule.startswith(THREE_LEADERS) else 2,
        crashes=int(rule in CRASH),
    )


def row(rule: str, known: int, folder: Path, limit_s: float = LIMIT_S) -> str:
    """The line of one rule."""
    cells = [f"`{rule}`", str(known)]
    for only_agreement in (False, True):
        proof = Proof(
            Wishes(
                nodes=5 if rule == "duplicates-fill-quorum" else 3,
                budgets=budgets_for(rule),
                bounds=Bounds(seconds=limit_s),
                break_rule=rule,
                only_agreement=only_agreement,
            )
        )
        report = proof.run(lambda _progress: None)
        shown = proof.write_down(folder / rule)
        there = "-" if shown is None else ", ".join(shown.broken) or "no"
        if report.why:
            invariant = next(part for part in report.why.split(": ") if not part.startswith("node "))
            what = f"{len(report.steps)}, {invariant}" if not only_agreement else str(len(report.steps))
        else:
            what = f"none to depth {report.depth}" if report.cut_off else "none"
        cells += [what, f"{report.states:,}", f"{report.seconds:.1f}", there]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table; the first argument may be the seconds of one search."""
    limit_s = float(sys.argv[1]) if len(sys.argv) > 1 else LIMIT_S
    write = sys.stdout.write
    write("| rule left out | steps known | first rule broken after | states | s | shown in the virtual world |")
    write(" disagreement after | states | s | shown in the virtual world |\n")
    write("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
    with tempfile.TemporaryDirectory() as folder:
        for rule, known in KNOWN_STEPS.items():
            write(row(rule, known, Path(folder), limit_s) + "\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main()
