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
VOTING = "Voting.tla"
_REPLACED = "\nCONSTANT Value <- RunValues\nCONSTANT Quorum <- RunQuorums\nCONSTANT Ballot <- RunBallots"
MOST_STEPS = 200_000
"""TLC reads no larger module in reasonable time and memory."""

_HEAD = """------------------------------- MODULE Run -------------------------------
(* What the acceptors of recorded runs made durable, slot by slot.         *)
(* A step is <<acceptor, ballot, value>>. Value 0 stands for a promise,    *)
(* acceptor 0 for somebody who has learned that the value is chosen.       *)
EXTENDS {module}, Sequences, FiniteSets

VARIABLES run, slot, at    \\* Which run, which of its slots, how many steps of it.

"""
_OURS = """
RunStart == NothingYet
RunPromise(a, b) == Promise(a, b)
RunVote(a, b, v) == Vote(a, b, v)
RunLearn(v) == Learn(v)
RunAgreement == Agreement
Unchanged == UNCHANGED <<promised, votes>>
"""
_LAMPORT = """
RunQuorums == {q \\in SUBSET Acceptor : 2 * Cardinality(q) > Cardinality(Acceptor)}

RunStart == Init
Unchanged == UNCHANGED <<votes, maxBal>>
(* To write the same promise or vote once more is no step.                 *)
RunPromise(a, b) == IF b = maxBal[a] THEN Unchanged ELSE IncreaseMaxBal(a, b)
RunVote(a, b, v) == IF <<b, v>> \\in votes[a] /\\ maxBal[a] <= b THEN Unchanged ELSE VoteFor(a, b, v)
RunLearn(v) == v \\in chosen /\\ Unchanged
RunAgreement == Cardinality(chosen) <= 1
"""
_TAIL = """
RunInit ==
        /\\ RunStart
        /\\ run \\in DOMAIN Steps
        /\\ slot \\in DOMAIN Steps[run]
        /\\ at = 0

Now == Steps[run][slot][at + 1]

RunNext ==
        \\/ /\\ at < Len(Steps[run][slot])
           /\\ at' = at + 1
           /\\ UNCHANGED <<run, slot>>
           /\\ \\/ /\\ Now[1] = 0
                 /\\ RunLearn(Now[3])
              \\/ /\\ Now[3] = 0
                 /\\ RunPromise(Now[1], Now[2])
              \\/ /\\ Now[1] > 0 /\\ Now[3] > 0
                 /\\ RunVote(Now[1], Now[2], Now[3])
        \\/ /\\ at = Len(Steps[run][slot])
           /\\ Unchanged
           /\\ UNCHANGED <<run, slot, at>>

Recorded == RunInit /\\ [][RunNext]_<<{variables}, run, slot, at>>
==========================================================================
"""


def export_tla(trace: str, out: str, spec: str | None = None) -> int:
    """Write the run in a trace into the folder `out`; returns how many steps it has. See `write_modules` for `spec`.

    Raises:
        InputError: the trace or the folder cannot be used.
    """
    return write_modules([durable_votes(read_trace(trace))], expanded(out), spec)


def write_modules(runs: Sequence[DurableVotes], folder: Path, spec: str | None = None) -> int:
    """Write the module, its configuration and the specification into `folder`; returns how many steps they have.

    `spec` is a folder with Lamport's `Voting.tla`, and with the modules that it needs: it takes the place of ours.

    Raises:
        InputError: the runs are of clusters of different sizes, or too long, or a folder cannot be used.
    """
    specification = {SPECIFICATION.name: SPECIFICATION.read_bytes()} if spec is None else _lamports(spec)
    nodes = {run.nodes for run in runs}
    if len(nodes) != 1:
        raise InputError("the traces are of clusters of different sizes: export those of one size together.")
    steps = sum(len(slot) for run in runs for slot in run.slots.values())
    if steps > MOST_STEPS:
        raise InputError(f"the traces have {steps} steps, and {MOST_STEPS} are the most: take a shorter run, or fewer.")
    acceptors = ", ".join(str(node) for node in range(1, nodes.pop() + 1))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in specification.items():
            (folder / name).write_bytes(text)
        (folder / MODULE).write_text("".join(_module(runs, lamports=spec is not None)), encoding="ascii")
        constants = f"Acceptors = {{{acceptors}}}" if spec is None else f"Acceptor = {{{acceptors}}}{_REPLACED}"
        (folder / CONFIGURATION).write_text(
            f"SPECIFICATION Recorded\nINVARIANT RunAgreement\nCONSTANT {constants}\n", encoding="ascii"
        )
    except OSError as error:
        raise InputError(f"{str(folder)!r} cannot be written: {error.strerror or error}.") from None
    return steps


def _lamports(spec: str) -> dict[str, bytes]:
    """The modules of a folder that has Lamport's `Voting`."""
    folder = expanded(spec)
    try:
        modules = {path.name: path.read_bytes() for path in sorted(folder.glob("*.tla"))}
    except OSError as error:
        raise InputError(f"{spec!r} cannot be read: {error.strerror or error}.") from None
    if VOTING not in modules:
        raise InputError(f"{spec!r} has no {VOTING}: name the folder of Lamport's specification of voting.")
    return {name: text for name, text in modules.items() if name != MODULE}


def _module(runs: Sequence[DurableVotes], *, lamports: bool) -> Iterator[str]:
    yield _HEAD.replace("{module}", "Voting" if lamports else "Votes")
    for number, run in enumerate(runs, 1):
        for place, steps in enumerate(run.slots.values(), 1):
            shown = ", ".join(f"<<{step.acceptor}, {step.ballot}, {step.value}>>" for step in steps)
            yield f"R{number}S{place} == <<{shown}>>\n"
        names = ", ".join(f"R{number}S{place}" for place in range(1, len(run.slots) + 1))
        yield f"R{number} == <<{names}>>\n"
    yield f"Steps == <<{', '.join(f'R{number}' for number in range(1, len(runs) + 1))}>>\n"
    if lamports:
        yield f"RunBallots == 0..{max(len(run.ballots) for run in runs)}\n"
        values = (step.value for run in runs for steps in run.slots.values() for step in steps)
        yield f"RunValues == 1..{max(values, default=1)}\n"
    yield _LAMPORT if lamports else _OURS
    yield _TAIL.replace("{variables}", "votes, maxBal" if lamports else "promised, votes")
