"""`paxsim run` and `paxsim scenarios`: carry out scenarios and judge them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from simulator.cli.failures import OK
from simulator.cli.group import LabCommand, LabOption
from simulator.cli.options import cluster_options, common_options, json_option
from simulator.cli.output import Output
from simulator.settings import Settings

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster
    from simulator.scenario.session.output import Tone
    from simulator.screens.dashboard.watch import Watch
    from simulator.views.sheet import View

DATA_HELP = "Where nodes keep their files.  [default: a temporary directory]"


@click.command(
    "run",
    cls=LabCommand,
    short_help="Runs scenarios, from files or built in, in either world.",
    examples=[
        ("paxsim run leader-dies-before-a-write", "a built-in scenario, on five real processes"),
        ("paxsim run story.paxsim --world virtual --seed 7 --json", "a file, in virtual time, for a script"),
        ("paxsim run --world maelstrom --bin './raft.py' -o history.jsonl", "your own node program, under our faults"),
    ],
)
@click.argument("files", metavar="FILE...", nargs=-1)
@click.option(
    "--world",
    type=click.Choice(["processes", "virtual", "maelstrom"]),
    cls=LabOption,
    help="Real processes, virtual time, or programs of --bin.  [default: what the file sets, or processes]",
)
@click.option(
    "--bin", "command", metavar="COMMAND", cls=LabOption, help="With --world maelstrom: the node program to try."
)
@click.option("-o", "--out", metavar="OUT", cls=LabOption, help="With --world maelstrom: keep the history.")
@click.option("--watch", is_flag=True, cls=LabOption, help="Show the nodes while it runs.")
@click.option("--trace", metavar="OUT", cls=LabOption, help="Write every event to this file, JSON lines.")
@click.option("--break", "break_rule", metavar="RULE", cls=LabOption, help="Leave out one rule of the protocol.")
@json_option
@cluster_options(data_help=DATA_HELP, data=None)
@common_options
@click.pass_obj
def run(
    output: Output,
    *,
    files: tuple[str, ...],
    world: str | None,
    command: str | None,
    out: str | None,
    watch: bool,
    trace: str | None,
    break_rule: str | None,
    json: bool,
    settings: Settings,
) -> int:
    """Carry out each FILE (or the built-in scenario of that name) on a cluster of its own.

    The exit status is 0 when every expectation and every check held, 1 when one did not. Files are all read before the
    first one runs. With --world maelstrom the nodes are programs of --bin, which speak the Maelstrom protocol, and no
    FILE means faults drawn by the seed (docs/maelstrom.md).
    """
    if world == "maelstrom":
        return _try_program(output, files, command, out, settings, json=json, unused=(watch, trace, break_rule))
    for option, value in (("--bin", command), ("-o", out)):
        if value is not None:
            raise click.UsageError(f"{option} belongs to --world maelstrom.")
    if not files:
        raise click.UsageError("Missing argument 'FILE...'.")
    from simulator.scenario.session.run_scenarios import run_files

    return run_files(
        files,
        settings=settings,
        world=world,
        json=json,
        quiet=output.quiet,
        trace=trace,
        break_rule=break_rule,
        watcher=Screen() if watch else None,
    )


def _try_program(
    output: Output,
    files: tuple[str, ...],
    command: str | None,
    out: str | None,
    settings: Settings,
    *,
    json: bool,
    unused: tuple[object, ...],
) -> int:
    if command is None:
        raise click.UsageError("--world maelstrom needs a node program: write --bin COMMAND.")
    for option, value in zip(("--watch", "--trace", "--break"), unused, strict=True):
        if value:
            raise click.UsageError(f"{option} is for our own nodes, and --world maelstrom runs programs.")
    from simulator.maelstrom.command import try_program

    return try_program(command, files, settings=settings, out=out, json=json, progress=output.progress)


@click.command(
    "scenarios",
    cls=LabCommand,
    short_help="Lists the built-in scenarios and what each teaches.",
    examples=[
        ("paxsim scenarios", "a line each, in the order of docs/course.md"),
        ("paxsim scenarios --json", "the same for a script"),
    ],
)
@json_option
@common_options
@click.pass_obj
def scenarios(output: Output, *, json: bool) -> int:
    """List the built-in scenarios in the order of the course, each with the one line that says what it teaches."""
    from simulator.scenario.session.run_scenarios import list_scenarios

    rows = list_scenarios()
    if json:
        output.json([{"name": name, "teaches": lesson} for name, lesson in rows])
    else:
        output.table(rows)
    return OK


class Screen:
    """`--watch`: the lab's views, drawn in place on stderr while a scenario runs. See `scenario.run.Watcher`."""

    def __init__(self) -> None:
        self._cluster: Cluster | None = None
        self._watch: Watch | None = None

    def start(self, cluster: Cluster) -> None:
        """Begin to draw this cluster."""
        from simulator.screens.dashboard.watch import Watch

        self._cluster = cluster
        self._watch = Watch()
        self._watch.__enter__()

    def write(self, text: str, tone: Tone = "plain") -> None:
        """Write below the drawing."""
        if self._watch is not None:
            self._watch.write(text, tone)

    def show(self, view: View) -> None:
        """Show nothing: the drawing shows the cluster already."""

    def document(self, value: object) -> None:
        """Show nothing."""

    def rest(self) -> None:
        """Give a person time to read."""
        if self._watch is not None and self._cluster is not None:
            self._watch.rest(self._cluster)

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        """Let time pass, and draw."""
        from simulator.screens.dashboard.watch import watch_wait

        assert self._cluster is not None
        assert self._watch is not None
        return watch_wait(self._cluster, self._watch, condition, within_ms)

    def stop(self) -> None:
        """Leave the last drawing on the screen."""
        if self._watch is not None and self._cluster is not None:
            self._watch.draw(self._cluster, self._cluster.check(), now=True)
            self._watch.__exit__(None, None, None)
            self._watch = None
