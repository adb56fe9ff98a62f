"""`paxsim maelstrom`: our node under the Maelstrom protocol on stdin and stdout."""

from __future__ import annotations

import click

from simulator.cli.failures import OK
from simulator.cli.group import LabCommand, LabOption
from simulator.cli.options import common_options, difficulty_option, sync_option
from simulator.cli.output import Output
from simulator.settings import Settings


@click.command(
    "maelstrom",
    cls=LabCommand,
    short_help="Our node under the Maelstrom protocol, on stdin and stdout.",
    examples=[
        ("paxsim maelstrom", "one node that a harness starts; it serves init, echo, read, write and cas"),
        ("paxsim maelstrom --data nodes", "the same with files that outlive a kill, in nodes/n1 and so on"),
    ],
)
@click.option(
    "--data",
    type=click.Path(file_okay=False),
    metavar="DIR",
    cls=LabOption,
    help="Where the node keeps its files, in a folder of its name.  [default: a temporary directory]",
)
@difficulty_option
@sync_option
@click.option("--break", "break_rule", metavar="RULE", cls=LabOption, help="Leave out one rule of the protocol.")
@common_options
@click.pass_obj
def maelstrom(_output: Output, *, data: str | None, difficulty: int, sync: str, break_rule: str | None) -> int:
    """Run one node that a harness of the Maelstrom protocol starts and talks to; docs/maelstrom.md shows how.

    It serves the workloads echo and lin-kv: read asks the leader, write and cas go through the replicated log. A line
    that is no message ends it with status 2. It ends when stdin does and every client has its answer.
    """
    from simulator.maelstrom.gateway_loop import serve

    assert sync in {"fsync", "flush"}
    serve(Settings(data=data or "", difficulty=difficulty, sync=sync, break_rule=break_rule))  # type: ignore[arg-type]
    return OK
