"""What each way of joining states brings: complete searches of small bounds with each of them, and without.

`python -m simulator.tools.prove.reductions` prints the table of `docs/prove.md`; it takes a few minutes.
"""

from __future__ import annotations

import sys

from simulator.settings import Settings
from simulator.worlds.exhaustive.cluster_model import Budgets, ClusterModel, Reductions
from simulator.worlds.exhaustive.local_states import KINDS
from simulator.worlds.exhaustive.search import Search

BOUNDS = (
    Budgets(writes=1, elections=1, crashes=1),
    Budgets(writes=2, elections=1),
    Budgets(writes=1, elections=2),
)


def states(budgets: Budgets, *, droppable: bool, symmetry: bool) -> int:
    """How many states a complete search of three nodes visits."""
    reductions = Reductions(droppable=KINDS if droppable else (), symmetry=symmetry)
    model = ClusterModel(Settings(nodes=3, difficulty=0), budgets, reductions=reductions)
    return Search(model).run().progress.states


def row(budgets: Budgets) -> str:
    """One line of the table."""
    plain = states(budgets, droppable=False, symmetry=False)
    dropped = states(budgets, droppable=True, symmetry=False)
    joined = states(budgets, droppable=False, symmetry=True)
    both = states(budgets, droppable=True, symmetry=True)
    text = f"`--writes {budgets.writes} --elections {budgets.elections} --crashes {budgets.crashes}`"
    factors = f"{dropped:,} ({plain / dropped:.1f}) | {joined:,} ({plain / joined:.1f}) | {both:,} ({plain / both:.1f})"
    return f"| {text} | {plain:,} | {factors} |"


def main() -> None:
    """Print the table."""
    write = sys.stdout.write
    write("| bounds | neither | dead messages dropped (factor) | symmetry (factor) | both (factor) |\n")
    write("| --- | --- | --- | --- | --- |\n")
    for budgets in BOUNDS:
        write(row(budgets) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
