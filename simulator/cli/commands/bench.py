"""`paxsim bench`: measures this machine, each figure beside the machine's own limit."""

from __future__ import annotations

from pathlib import Path

import click

from simulator.cli.failures import CHECK_FAILED, INTERRUPTED, OK
from simulator.cli.group import LabCommand, LabOption
from simulator.cli.options import common_options, json_option
from simulator.cli.output import Output

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command(
    "bench",
    cls=LabCommand,
    short_help="Measures this machine: latency, throughput, fail-over, both worlds, growth.",
    examples=[
        ("paxsim bench --only lone-write --only failover", "two families of figures, and the limits beside them"),
        ("paxsim bench --json > today.json", "everything, for a script; takes hours: --only and --quick shorten it"),
        ("paxsim bench --only throughput --compare yesterday.json", "what has changed since"),
    ],
)
@click.option(
    "--only",
    metavar="NAME",
    multiple=True,
    cls=LabOption,
    help="Measure the benchmark of this name, or all whose names begin with it. May be repeated.",
)
@click.option("--list", "listed", is_flag=True, cls=LabOption, help="List the benchmarks and measure nothing.")
@click.option("--quick", is_flag=True, cls=LabOption, help="Few and short repeats: for trying, not for figures.")
@click.option(
    "--compare",
    metavar="FILE",
    type=_FILE,
    cls=LabOption,
    help="Show ratios to an earlier run's --json document.",
)
@click.option("--plot", metavar="OUT", type=_FILE, cls=LabOption, help="Draw how figures grow into this SVG file.")
@json_option
@common_options
@click.pass_obj
def bench(
    output: Output,
    *,
    only: tuple[str, ...],
    listed: bool,
    quick: bool,
    compare: Path | None,
    plot: Path | None,
    json: bool,
) -> int:
    """Measure, and print median, least and greatest of at least five repeats.

    A figure of ours stands beside a limit that was measured in turns with it: a bare pattern of the same messages, a
    bare loop. Ctrl-C keeps what was measured until then. The exit status is 1 when one could not be measured.
    """
    from simulator.tools.bench.catalogue import CASES
    from simulator.tools.bench.command import run_bench
    from simulator.tools.bench.report import change_rows, list_rows, machine_line, rows
    from simulator.tools.bench.run import choose

    if listed:
        cases = choose(CASES, only)
        if json:
            output.json([{"name": case.name, "unit": case.unit, "story": case.story} for case in cases])
        else:
            output.table(list_rows(cases))
        return OK
    report = run_bench(only, quick=quick, earlier=compare, chart=plot, tell=output.progress)
    if json:
        output.json(report.document())
    else:
        output.result(machine_line(report.machine))
        output.table(rows(report.figures))
        if report.changes:
            output.result("")
            output.table(change_rows(report.changes))
    if report.interrupted:
        output.fail("interrupted: the figures are those measured until then.")
        return INTERRUPTED
    if report.failed:
        output.fail(f"these went wrong and have no figure: {', '.join(report.failed)}.")
        return CHECK_FAILED
    return OK
