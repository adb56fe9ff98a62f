"""Writes runs as a TLA+ module, beside the specification that judges them.

The module names each run and slot, and TLC starts one behaviour for each. A step that the specification does not allow
is a deadlock, whose last state names run, slot and step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from simulator.errors import InputError
from simulator.export.tla.durable_votes import DurableVotes, durable_votes
from simulator.files.names import expanded
from simulator.trace.reader import read_trace

SPECIFICATION = Path(__file__).parent / "Votes.tla"
MODULE, CONFIGURATION = "Run.tla", "Run.cfg"
MOST_STEPS = 200_000
"""TLC reads no larger module in reasonable time and memory."""

_HEAD = """------------------------------- MODULE Run -------------------------------
(* What the acceptors of recorded runs made durable, slot by slot.         *)
(* A step is <<acceptor, ballot, value>>. Value 0 stands for a promise,    *)
(* acceptor 0 for somebody who has learned that the value is chosen.       *)
EXTENDS Votes, Sequences

VARIABLES run, slot, at    \\* Which run, which of its slots, how many steps of it.

"""
_TAIL = """
Init == /\\ NothingYet
        /\\ run \\in DOMAIN Steps
        /\\ slot \\in DOMAIN Steps[run]
        /\\ at = 0

Now == Steps[run][slot][at + 1]

Next == \\/ /\\ at < Len(Steps[run][slot])
           /\\ at' = at + 1
           /\\ UNCHANGED <<run, slot>>
           /\\ \\/ /\\ Now[1] = 0
                 /\\ Learn(Now[3])
              \\/ /\\ Now[3] = 0
                 /\\ Promise(Now[1], Now[2])
              \\/ /\\ Now[1] > 0 /\\ Now[3] > 0
                 /\\ Vote(Now[1], Now[2], Now[3])
        \\/ /\\ at = Len(Steps[run][slot])
           /\\ UNCHANGED <<promised, votes, run, slot, at>>

Recorded == Init /\\ [][Next]_<<promised, votes, run, slot, at>>
==========================================================================
"""


def export_tla(trace: str, out: str) -> int:
    """Write the run in a trace into the folder `out`; returns how many steps it has.

    Raises:
        InputError: the trace or the folder cannot be used.
    """
    return write_modules([durable_votes(read_trace(trace))], expanded(out))


def write_modules(runs: Sequence[DurableVotes], folder: Path) -> int:
    """Write the module, its configuration and the specification into `folder`; returns how many steps they have.

    Raises:
        InputError: the runs are of clusters of different sizes, or too long, or the folder cannot be written.
    """
    nodes = {run.nodes for run in runs}
    if len(nodes) != 1:
        raise InputError("the traces are of clusters of different sizes: export those of one size together.")
    steps = sum(len(slot) for run in runs for slot in run.slots.values())
    if steps > MOST_STEPS:
        raise InputError(f"the traces have {steps} steps, and {MOST_STEPS} are the most: take a shorter run, or fewer.")
    acceptors = ", ".join(str(node) for node in range(1, nodes.pop() + 1))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / SPECIFICATION.name).write_bytes(SPECIFICATION.read_bytes())
        (folder / MODULE).write_text("".join(_module(runs)), encoding="ascii")
        (folder / CONFIGURATION).write_text(
            f"SPECIFICATION Recorded\nINVARIANT Agreement\nCONSTANT Acceptors = {{{acceptors}}}\n", encoding="ascii"
        )
    except OSError as error:
        raise InputError(f"{str(folder)!r} cannot be written: {error.strerror or error}.") from None
    return steps


def _module(runs: Sequence[DurableVotes]) -> Iterator[str]:
    yield _HEAD
    for number, run in enumerate(runs, 1):
        for place, steps in enumerate(run.slots.values(), 1):
            shown = ", ".join(f"<<{step.acceptor}, {step.ballot}, {step.value}>>" for step in steps)
            yield f"R{number}S{place} == <<{shown}>>\n"
        names = ", ".join(f"R{number}S{place}" for place in range(1, len(run.slots) + 1))
        yield f"R{number} == <<{names}>>\n"
    yield f"Steps == <<{', '.join(f'R{number}' for number in range(1, len(runs) + 1))}>>\n"
    yield _TAIL
