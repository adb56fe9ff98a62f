"""`paxsim prove`: every schedule of a small cluster, breadth first."""

from __future__ import annotations

import gc
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from simulator.cli.failures import CHECK_FAILED, INTERRUPTED, OK
from simulator.cli.group import LabCommand, LabOption
from simulator.cli.options import TimeMs, common_options, json_option, number_option
from simulator.cli.output import Output

if TYPE_CHECKING:
    from simulator.tools.prove.command import GivenUp, Progress, Report, Shown

INCOMPLETE = 4
"""The status of a search that a bound has cut off: it has shown nothing."""
TELL_EVERY_S = 5.0
MANY = 50_000
"""After a search of so many states Python looks for no garbage at its end: that would take seconds, for nothing."""


@click.command(
    "prove",
    cls=LabCommand,
    short_help="Tries every schedule of a small cluster, and tells the shortest run that breaks a rule.",
    examples=[
        ("paxsim prove --writes 1 --elections 1", "every order of messages and alarms around one election"),
        ("paxsim prove --break small-accept-quorum", "the shortest way to disaster without a rule"),
    ],
)
@number_option("--nodes", 1, 5, 3, "How many nodes.")
@number_option("--writes", 0, 9, 2, "How many writes clients send, each to any node.")
@number_option("--elections", 0, 9, 2, "How many ballots are opened at most.")
@number_option("--crashes", 0, 9, 1, "How many crashes, each with a restart.")
@number_option("--losses", 0, 9, 0, "How many messages are lost. A message may always be late for ever.")
@number_option("--duplicates", 0, 9, 0, "How many messages are delivered once more.")
@number_option("--depth", 0, 10_000, 0, "Cut off at this depth, in states; 0: nowhere.")
@number_option("--states", 0, None, 0, "Cut off at so many states; 0: nowhere.")
@click.option("--time-limit", type=TimeMs(), metavar="TIME", cls=LabOption, help="Cut off after this time, as 10m.")
@number_option("--workers", 1, None, 1, "Processes that share the search.")
@click.option("--break", "break_rule", metavar="RULE", cls=LabOption, help="Leave out one rule of the protocol.")
@click.option("--agreement", is_flag=True, cls=LabOption, help="Look for two nodes with different blocks alone.")
@click.option("--keep-going", is_flag=True, cls=LabOption, help="Visit the other states too after a violation.")
@click.option(
    "-o",
    "folder",
    type=click.Path(file_okay=False),
    metavar="DIR",
    cls=LabOption,
    help="Write the shortest run there, as a scenario for 'paxsim run --world virtual' and as its trace.",
)
@click.option(
    "--resume",
    "kept",
    type=click.Path(file_okay=False),
    metavar="DIR",
    cls=LabOption,
    help="Keep the search in this folder, and go on with the one that is there.",
)
@json_option
@common_options
@click.pass_obj
def prove(
    output: Output,
    *,
    nodes: int,
    writes: int,
    elections: int,
    crashes: int,
    losses: int,
    duplicates: int,
    depth: int,
    states: int,
    time_limit: int | None,
    workers: int,
    break_rule: str | None,
    agreement: bool,
    keep_going: bool,
    folder: str | None,
    kept: str | None,
    json: bool,
) -> int:
    """Try every schedule of a small cluster of real nodes within the bounds, and judge every state.

    The exit status is 0 when all states were visited and all are right, 1 when a rule is broken, and 4 when --depth,
    --states or --time-limit cut the search off before it was complete. With --resume DIR the same command goes on where
    the search was; these three bounds may be other ones then.
    """
    from simulator.tools.prove.command import CUT_OFF, VIOLATED, Bounds, Budgets, Proof, Wishes

    budgets = Budgets(writes=writes, elections=elections, crashes=crashes, losses=losses, duplicates=duplicates)
    proof = Proof(
        Wishes(
            nodes=nodes,
            budgets=budgets,
            bounds=Bounds(depth=depth, states=states, seconds=(time_limit or 0) / 1_000),
            break_rule=break_rule,
            only_agreement=agreement,
            keep_going=keep_going,
            folder=Path(kept) if kept is not None else None,
            workers=workers,
        )
    )
    try:
        with _interrupts(proof.stop):
            report = proof.run(_Progress(output), lambda one: _tell_given_up(output, one))
    finally:
        proof.close()
    interrupted = report.cut_off == "an interrupt"
    shown = proof.write_down(Path(folder)) if folder is not None else None
    if shown is not None:
        _tell_files(output, shown)
    if json:
        output.json(report.document())
    else:
        _write(output, report)
    if report.states >= MANY:
        gc.freeze()
    if report.verdict == VIOLATED:
        return CHECK_FAILED
    if interrupted:
        return INTERRUPTED
    return INCOMPLETE if report.verdict == CUT_OFF else OK


@contextmanager
def _interrupts(stop: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C stop a search between two states, and the second one end everything at once."""

    def first(_signal: int, _frame: object) -> None:
        signal.signal(signal.SIGINT, signal.default_int_handler)
        stop()

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, first)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


class _Progress:
    """A line on stderr now and then."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._last_s = time.monotonic()

    def __call__(self, progress: Progress) -> None:
        now = time.monotonic()
        if now - self._last_s >= TELL_EVERY_S:
            self._last_s = now
            self._output.progress(
                f"{progress.states} states, depth {progress.depth}, {progress.frontier} to expand, "
                f"{progress.rate:.0f} states/s"
            )


def _tell_given_up(output: Output, one: GivenUp) -> None:
    output.progress(one.sentence())
    output.detail(one.why)


def _tell_files(output: Output, shown: Shown) -> None:
    what = f"shows a violation of {', '.join(shown.broken)}" if shown.broken else "does not show the violation"
    output.progress(f"{shown.scenario}: in the virtual world it {what}; its trace is {shown.trace}")


def _write(output: Output, report: Report) -> None:
    for number, step in enumerate(report.steps, 1):
        output.result(f"{number:3}  {step}")
    if report.why:
        output.result(f"violated after {len(report.steps)} steps: {report.why}")
        if report.first_wrong is not None:
            output.result(report.first_sentence())
    rate = report.states / report.seconds if report.seconds else 0.0
    verdict = f"cut off by {report.cut_off}, nothing is shown" if report.cut_off else report.verdict
    output.result(
        f"{verdict}: {report.states} states, depth {report.depth}, in {report.seconds:.1f} s ({rate:.0f} a second); "
        f"the nodes took {report.node_steps} different steps"
    )
    for one in report.given_up:
        output.result(f"{one.sentence()}: {one.why}")
