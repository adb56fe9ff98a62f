"""`paxsim report`: one self-contained page about a recorded run."""

from __future__ import annotations

import click

from simulator.cli.failures import OK
from simulator.cli.group import LabCommand, LabOption
from simulator.cli.options import TimeMs, common_options
from simulator.cli.output import Output


@click.command(
    "report",
    cls=LabCommand,
    short_help="Writes one self-contained page: what happened in a recorded run, in pictures.",
    examples=[
        ("paxsim report run.trace -o run.html", "then open run.html in a browser; it needs no network"),
        ("paxsim report run.trace.gz -o run.html --time-limit 10s", "give up on linearizability after ten seconds"),
    ],
)
@click.argument("trace", metavar="TRACE", type=click.Path())
@click.option("-o", "--out", metavar="OUT.html", required=True, cls=LabOption, help="The page to write.")
@click.option(
    "--time-limit", type=TimeMs(), metavar="TIME", cls=LabOption, help="Leave linearizability unsettled after this."
)
@common_options
@click.pass_obj
def report(output: Output, *, trace: str, out: str, time_limit: int | None) -> int:
    """Write one page about TRACE: a space-time diagram, the clients' operations, charts, the verdict of every check.

    A violation is told by the few events that prove it. The exit status is 0 when the page was written, whatever the
    checks say.
    """
    from simulator.report.command import report_trace

    limit_s = None if time_limit is None else time_limit / 1000
    data = report_trace(trace, out, time_limit_s=limit_s, progress=output.progress)
    bad = [f"{name}: {why}" for name, verdict, why in data["checks"] if verdict != "ok"]
    output.result("\n".join([f"{out}: {data['facts'][4][1]} events, {data['facts'][3][1]}", *bad]))
    return OK
