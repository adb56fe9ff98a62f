"""`paxsim export`: a recorded run for other people's tools."""

from __future__ import annotations

import click

from simulator.cli.failures import OK
from simulator.cli.group import LabCommand, LabOption
from simulator.cli.options import TimeMs, common_options
from simulator.cli.output import Output

TLA = "tla"
NAMES = ("shiviz", "perfetto", "mermaid", "jepsen", "otlp", "cast")


@click.command(
    "export",
    cls=LabCommand,
    short_help="Writes a recorded run for ShiViz, Perfetto, Mermaid, Jepsen, OpenTelemetry or asciinema.",
    examples=[
        ("paxsim export run.trace --format perfetto -o run.json", "open run.json in ui.perfetto.dev"),
        (
            "paxsim export run.trace --format mermaid --from 1s --to 1.5s -o run.mmd",
            "half a second as a sequence diagram",
        ),
    ],
)
@click.argument("trace", metavar="TRACE", type=click.Path())
@click.option(
    "--format", "form", type=click.Choice([*NAMES, TLA]), required=True, cls=LabOption, help="For which tool."
)
@click.option("-o", "--out", metavar="OUT", required=True, cls=LabOption, help="The file to write; a folder for tla.")
@click.option("--from", "begin", type=TimeMs(), metavar="TIME", default=0, cls=LabOption, help="Where a window begins.")
@click.option("--to", "end", type=TimeMs(), metavar="TIME", cls=LabOption, help="Where it ends.")
@click.option(
    "--spec",
    metavar="DIR",
    type=click.Path(file_okay=False),
    cls=LabOption,
    help="For tla: the Voting.tla in DIR, Lamport's own, in place of ours.",
)
@common_options
@click.pass_obj
def export(output: Output, *, trace: str, form: str, out: str, begin: int, end: int | None, spec: str | None) -> int:
    """Write TRACE in the format of another tool; docs/export.md says how to open each.

    shiviz: its log. perfetto: Chrome trace events. mermaid: a sequence diagram of a window. jepsen: the clients'
    history, EDN. otlp: OpenTelemetry spans, JSON. cast: an asciinema recording of the lab. tla: promises and votes as
    steps of a specification in TLA+, for TLC.
    """
    if form == TLA:
        from simulator.export.tla.modules import export_tla

        steps = export_tla(trace, out, spec)
        output.result(f"{out}: {steps} steps; run TLC there on Run.tla, or 'paxsim check --with tlc {trace}'")
        return OK
    if spec is not None:
        raise click.UsageError("'--spec' is for '--format tla': write both.")
    from simulator.export.formats import export as write

    count = write(trace, form, out, begin_ms=begin, end_ms=end)
    output.result(f"{out}: {count} line{'s' if count != 1 else ''}")
    return OK
