"""`paxsim recover`: what an operator does when a majority has lost its memory."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.failures import CHECK_FAILED, OK
from simulator.cli.group import LabCommand, LabOption
from simulator.cli.options import common_options
from simulator.cli.output import Output


@click.command(
    "recover",
    cls=LabCommand,
    short_help="Decides by hand what was decided when a majority of nodes has lost its memory.",
    examples=[
        ("paxsim recover data", "look at the nodes in data/, explain, and ask before anything is changed"),
        ("paxsim recover data --yes", "the same for a script, which has decided already"),
    ],
)
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, cls=LabOption, help="Do not ask: go on.")
@common_options
@click.pass_obj
def recover(output: Output, *, directory: Path, yes: bool) -> int:
    """Let the nodes under DIR vote again after more of them than a minority have lost promises or votes.

    One or two of five recover by themselves when the lab runs, and nothing is changed here. Else the node that knows
    most is taken at its word; the decision is appended to DIR/recovered.txt. The lab must not run. The exit status is
    1 when the answer was not yes.
    """
    from simulator.tools.recover import carry_out, held, plan

    with held(directory):
        decided = plan(directory)
        for line in decided.lines():
            output.result(line)
        if not decided.source:
            return OK
        if not (yes or _agreed()):
            output.result("Nothing was changed.")
            return CHECK_FAILED
        output.result(
            f"Done, and written down in {carry_out(directory, decided)}. Start the lab: all nodes vote again."
        )
    return OK


def _agreed() -> bool:
    try:
        answer = click.prompt("Type yes to go on", default="no", show_default=False, err=True)
    except click.Abort:  # Nobody is there to answer.
        return False
    return str(answer).strip() == "yes"
