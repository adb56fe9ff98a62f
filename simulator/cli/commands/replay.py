"""`paxsim replay`: the lab over a recording."""

from __future__ import annotations

import os
import sys

import click
import msgspec

from simulator.cli.failures import OK
from simulator.cli.group import LabCommand, LabOption
from simulator.cli.options import TimeMs, common_options, json_option
from simulator.cli.output import Output
from simulator.errors import InputError


@click.command(
    "replay",
    cls=LabCommand,
    short_help="Steps through a recorded run, forward and back.",
    examples=[
        ("paxsim replay run.trace", "arrow keys step, space plays, e jumps to the next election"),
        ("paxsim replay run.trace --json --at 1.5s", "the state at a moment, for a script"),
    ],
)
@click.argument("trace", metavar="TRACE", type=click.Path())
@click.option("--at", "at_ms", type=TimeMs(), metavar="TIME", cls=LabOption, help="Print the state at this moment.")
@json_option
@common_options
@click.pass_obj
def replay(output: Output, *, trace: str, at_ms: int | None, json: bool) -> int:
    """Step through TRACE in a terminal: by event, by time, to the next election, decision, fault, refusal, violation.

    With --at it prints the state of all nodes at a moment instead.
    """
    from simulator.analysis.moment import Moments
    from simulator.analysis.run import load_run

    if json and at_ms is None:
        raise click.UsageError("'--json' prints the state at a moment: say which, as in '--json --at 1.5s'.")
    run = load_run(trace)
    if at_ms is not None:
        moment = Moments(run).at_time(at_ms)
        if json:
            output.json(msgspec.to_builtins(moment))
        else:
            from rich.console import Console

            from simulator.views.nodes import status_view
            from simulator.views.sheet import show

            show(status_view(moment.nodes, title=f"{moment.at_ms / 1000:.3f} s"), Console(highlight=False))
        return OK
    if not (sys.stdin.isatty() and sys.stdout.isatty()) or os.environ.get("TERM") == "dumb":
        raise InputError("a replay needs a terminal: open one, or print a moment with '--at 1.5s'.")
    from simulator.screens.replay.app import Replay
    from simulator.screens.replay.player import Player

    Replay(Player(run)).run()
    return OK
