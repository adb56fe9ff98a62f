"""`paxsim why`: explains a trouble of a recorded run by the events that led to it."""

from __future__ import annotations

from typing import Literal, cast

import click

from simulator.cli.failures import OK
from simulator.cli.group import LabCommand
from simulator.cli.options import common_options
from simulator.cli.output import Output

WHAT = ("last", "slot", "node", "request")


@click.command(
    "why",
    cls=LabCommand,
    short_help="Explains a refusal, time-out, lost election or missing decision of a recorded run.",
    examples=[
        ("paxsim why run.trace", "the last trouble, by the few events that led to it"),
        ("paxsim why run.trace request 3", "the third request: how far it came, and what stopped it"),
    ],
)
@click.argument("trace", metavar="TRACE", type=click.Path())
@click.argument("what", metavar="[last|slot|node|request]", type=click.Choice(WHAT), default="last")
@click.argument("number", metavar="[NUMBER]", type=int, required=False)
@common_options
@click.pass_obj
def why(output: Output, *, trace: str, what: str, number: int | None) -> int:
    """Explain the last trouble in TRACE, or a slot, a node or a request by its number.

    Each line is an event of the trace, with its time. Requests are numbered in the order of their calls.
    """
    if (number is None) is not (what == "last"):
        right = f"paxsim why {trace} {what}" + ("" if what == "last" else " 3")
        raise click.UsageError(f"'{what}' takes {'no number' if what == 'last' else 'a number'}: write {right!r}.")
    from simulator.analysis.explanation import explain_in
    from simulator.analysis.run import load_run

    chosen = cast("Literal['last', 'slot', 'node', 'request']", what)
    output.result("\n".join(explain_in(load_run(trace), chosen, number or 0)))
    return OK
