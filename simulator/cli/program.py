"""The command `paxsim`: its tree of sub-commands, and how each ends."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Sequence

import click

from simulator import __version__
from simulator.cli import failures
from simulator.cli.commands.bench import bench
from simulator.cli.commands.check import check
from simulator.cli.commands.completion import completion
from simulator.cli.commands.explore import explore
from simulator.cli.commands.export import export
from simulator.cli.commands.lab import DATA_HELP, console, open_lab, world_option
from simulator.cli.commands.maelstrom import maelstrom
from simulator.cli.commands.prove import prove
from simulator.cli.commands.recover import recover
from simulator.cli.commands.replay import replay
from simulator.cli.commands.report import report
from simulator.cli.commands.run import run, scenarios
from simulator.cli.commands.verify import verify
from simulator.cli.commands.why import why
from simulator.cli.group import LabGroup
from simulator.cli.options import cluster_options, common_options
from simulator.cli.output import Output
from simulator.cli.surroundings import discard_output, ended_by_signals, open_streams
from simulator.errors import InputError
from simulator.settings import Settings


@click.group(
    cls=LabGroup,
    invoke_without_command=True,
    epilog="Options can also come from variables: --nodes from PAXSIM_NODES, or from PAXSIM_RUN_NODES for 'run' alone.",
    examples=[
        ("paxsim", "open the lab: five real processes, dashboard and console"),
        ("paxsim --nodes 3 --fresh", "a smaller lab that starts empty"),
        ("paxsim --world virtual", "the lab on virtual time: pause, step, go back, branch"),
    ],
)
@world_option
@cluster_options(data_help=DATA_HELP)
@common_options
@click.version_option(__version__, prog_name="paxsim", message="%(prog)s %(version)s")
@click.pass_context
def paxsim(ctx: click.Context, settings: Settings, world: str) -> int:
    """A lab for consensus: five processes agree by Multi-Paxos on a blog that they keep on a SHA-256 chain.

    Without a command it opens the lab. When stdin or stdout is no terminal, it is 'paxsim console'.
    """
    if ctx.invoked_subcommand is None:
        return open_lab(settings, world)
    return failures.OK


for command in (
    console,
    run,
    scenarios,
    explore,
    prove,
    check,
    verify,
    recover,
    replay,
    report,
    export,
    why,
    maelstrom,
    bench,
    completion,
):
    paxsim.add_command(command)


def run_program(arguments: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit status; `failures` says what each status means."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    output = Output()
    try:
        with ended_by_signals(process_ends=arguments is None):
            open_streams()
            _tolerate_any_text()
            if "_PAXSIM_COMPLETE" in os.environ:
                _complete(words)
            status = _invoke(words, output)
            sys.stdout.flush()
    except SystemExit:  # The shell's completion script has its answer.
        raise
    except BrokenPipeError:
        # The reader has closed the pipe, as `paxsim scenarios | head` does. Python must not complain at exit either.
        discard_output()
        return failures.OK
    except BaseException as error:  # noqa: BLE001  # This is where every error becomes one sentence and a status.
        failure = failures.explain(error, words)
        with contextlib.suppress(OSError):
            output.fail(failure.sentence)
        discard_output()
        return failure.status
    return status


def _complete(words: list[str]) -> None:
    """Answer the shell's completion script, which sets the variable, and exit."""
    try:
        paxsim.main(words, prog_name="paxsim", complete_var="_PAXSIM_COMPLETE")
    except SystemExit as end:
        if end.code and os.environ["_PAXSIM_COMPLETE"].partition("_")[0] not in {"bash", "zsh", "fish"}:
            raise InputError("the variable '_PAXSIM_COMPLETE' is for completion scripts: unset it.") from None
        raise


def _invoke(words: list[str], output: Output) -> int:
    try:
        with paxsim.make_context("paxsim", words, auto_envvar_prefix="PAXSIM", obj=output) as ctx:
            status = paxsim.invoke(ctx)
            return status if isinstance(status, int) else failures.OK
    except click.exceptions.Exit as end:
        return end.exit_code


def _tolerate_any_text() -> None:
    """Let a terminal that cannot show a character show an escape instead of ending the command."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
