"""`paxsim` and `paxsim console`: a cluster of real processes for a person."""

from __future__ import annotations

import os
import sys

import click

from simulator.cli.group import LabCommand, LabOption
from simulator.cli.options import cluster_options, common_options
from simulator.settings import Settings

DATA_HELP = "Where nodes keep their files. What is found there is restored.  [default: data]"

world_option = click.option(
    "--world",
    type=click.Choice(["processes", "virtual"]),
    default="processes",
    show_default=True,
    cls=LabOption,
    help="Real processes, or virtual time: pause, step, go back, branch.",
)


@click.command(
    "console",
    cls=LabCommand,
    short_help="The line console alone; reads commands from a pipe, one a line.",
    examples=[
        ("paxsim console", "five nodes and a prompt; type help to see every command"),
        (
            "printf 'post alice Hello World\\nview\\n' | paxsim console --fresh",
            "two commands from a pipe, starting empty",
        ),
    ],
)
@world_option
@cluster_options(data_help=DATA_HELP)
@common_options
def console(settings: Settings, world: str) -> int:
    """Start the nodes and read commands, one a line.

    At a terminal a write prints its number at once and its answer when it comes. From a pipe a write is waited for
    unless its line ends in &, and a line that cannot be understood is reported and makes the exit status 2.
    """
    from simulator.screens.console.main import run_console

    return run_console(settings, world=world)


def open_lab(settings: Settings, world: str) -> int:
    """Open dashboard and console in one terminal; without a terminal on both ends, the line console alone.

    Textual would wait for ever for a terminal that is not there, so it is asked before.
    """
    if sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb":
        from simulator.screens.dashboard.lab import run_lab

        return run_lab(settings, world)
    from simulator.screens.console.main import run_console

    return run_console(settings, world=world)
