"""`paxsim explore`: many seeds of hostile schedules in the virtual world, every one checked, failures made small."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

import click

from simulator.cli.failures import CHECK_FAILED, INTERRUPTED, OK
from simulator.cli.group import LabCommand, LabOption
from simulator.cli.options import WholeNumber, common_options, json_option
from simulator.cli.output import Output
from simulator.errors import InputError

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from simulator.tools.explore.batch import Failure, Search
    from simulator.tools.explore.command import Report
    from simulator.tools.explore.seeds import Shard


class ShardPart(click.ParamType["Shard"]):
    """K/N: part K of N."""

    name = "shard"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Shard:
        """Return the shard; anything else is refused with what would be right."""
        from simulator.tools.explore.seeds import Shard, parse_shard

        if isinstance(value, Shard):
            return value
        try:
            return parse_shard(str(value))
        except InputError as error:
            self.fail(str(error), param, ctx)


@click.command(
    "explore",
    cls=LabCommand,
    short_help="Runs many seeds of hostile schedules, checks every one, shrinks a failure.",
    examples=[
        ("paxsim explore --seeds 2000", "two thousand hostile runs on all cores"),
        ("paxsim explore --break small-accept-quorum --seeds 500", "leave out a rule, and see it caught"),
    ],
)
@click.option(
    "--seeds", type=WholeNumber(1), default=1000, show_default=True, metavar="N", cls=LabOption, help="How many seeds."
)
@click.option(
    "--start", type=WholeNumber(0), default=0, show_default=True, metavar="K", cls=LabOption, help="The first seed."
)
@click.option("--workers", type=WholeNumber(1), metavar="W", cls=LabOption, help="Processes.  [default: all cores]")
@click.option(
    "--shard",
    type=ShardPart(),
    metavar="K/N",
    default="1/1",
    cls=LabOption,
    help="Run only part K of N: other machines run the others.",
)
@click.option("--dask", metavar="ADDRESS", cls=LabOption, help="Run on the Dask cluster whose scheduler is there.")
@click.option(
    "--profile", metavar="NAME", default="swarm", show_default=True, cls=LabOption, help="How schedules are drawn."
)
@click.option("--break", "break_rule", metavar="RULE", cls=LabOption, help="Leave out one rule of the protocol.")
@click.option(
    "--results",
    type=click.Path(dir_okay=False),
    metavar="FILE",
    cls=LabOption,
    help="Append a JSON line a batch; an interrupted run goes on from there.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False),
    default="paxsim-failures",
    show_default=True,
    metavar="DIR",
    cls=LabOption,
    help="Where failures are written down.",
)
@click.option(
    "--enough",
    type=WholeNumber(1),
    default=10,
    show_default=True,
    metavar="N",
    cls=LabOption,
    help="Stop after so many failing seeds.",
)
@click.option(
    "--tell",
    "shown",
    type=WholeNumber(0),
    metavar="SEED",
    cls=LabOption,
    help="Run one seed and tell its fate, one line an event.",
)
@click.option(
    "--share",
    is_flag=True,
    cls=LabOption,
    help="Say what share of the states that 'paxsim prove' reaches within small bounds the seeds visit.",
)
@json_option
@common_options
@click.pass_obj
def explore(
    output: Output,
    *,
    seeds: int,
    start: int,
    workers: int | None,
    shard: Shard,
    dask: str | None,
    profile: str,
    break_rule: str | None,
    results: str | None,
    out: str,
    enough: int,
    shown: int | None,
    share: bool,
    json: bool,
) -> int:
    """Draw a hostile schedule from each seed, run it in virtual time, and check every invariant.

    A failing seed is shrunk and written into --out, as a scenario that 'paxsim run' carries out and as a trace. The
    exit status is 0 when every seed passed, 1 when one did not.
    """
    from simulator.tools.explore.batch import Search
    from simulator.tools.explore.command import Wishes, check_search, run_search
    from simulator.tools.explore.engine import cores

    search = Search(profile=profile, break_rule=break_rule)
    check_search(search)
    if share:
        if break_rule or dask or results or shown is not None or shard.parts > 1:
            raise InputError("'--share' goes with --seeds, --start, --workers, --profile and --json alone.")
        return _share(output, range(start, start + seeds), profile, min(workers or cores(), seeds), json=json)
    if shown is not None:
        return _tell(output, shown, search)
    wishes = Wishes(
        search=search,
        seeds=seeds,
        start=start,
        workers=min(workers or cores(), seeds),
        shard=shard,
        dask=dask,
        results=results,
        folder=out,
        enough=enough,
    )
    with _Bar(output) as bar:
        report = run_search(wishes, bar)
    if json:
        output.json(report.document(search))
    else:
        _write_report(output, report, search)
    if report.interrupted:
        return INTERRUPTED
    return CHECK_FAILED if report.failures else OK


def _share(output: Output, seeds: range, profile: str, workers: int, *, json: bool) -> int:
    """A state that only seeds visit is one on which the two worlds do not agree: a check has failed."""
    from simulator.tools.explore.share_of_prove import measure

    try:
        found = measure(seeds, profile, workers)
    except KeyboardInterrupt:
        return INTERRUPTED
    if json:
        output.json(found.document())
    else:
        output.result(found.sentence())
    return CHECK_FAILED if found.outside else OK


def _tell(output: Output, seed: int, search: Search) -> int:
    from simulator.tools.explore.narrate import narrate_seed

    outcome = narrate_seed(seed, search, output.result)
    return CHECK_FAILED if outcome.violations else OK


def _write_report(output: Output, report: Report, search: Search) -> None:
    failing = len({failure.seed for failure in report.failures})
    found = {(one.seed, one.invariant): one for one in report.findings}
    for failure in report.failures:
        output.result(f"seed {failure.seed} breaks {failure.invariant}: {failure.why}")
        one = found.get((failure.seed, failure.invariant))
        if one is not None:
            output.result(f"  shrunk to {one.faults} faults, {one.operations} operations: {one.scenario}")
            output.result(f"  trace: {one.shrunk_trace}")
        output.result(f"  replay: {one.replay if one else search.command(failure.seed)}")
    ended = "interrupted after" if report.interrupted else "ran"
    output.result(
        f"{ended} {report.seeds} seeds in {report.seconds:.1f} s ({report.runs_per_second:.1f} a second): "
        + (f"{failing} failed" if failing else "all passed")
    )


class _Bar:
    """A progress bar on stderr, where a person can see it; a line now and then where not."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._written_s = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def begin(self, total: int, done: int) -> None:
        """See `Listener`."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        console = Console(stderr=True)
        if self._output.quiet or not console.is_terminal:
            return
        columns = (
            TextColumn("seeds"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]} a second, {task.fields[failed]} failed"),
            TimeRemainingColumn(),
        )
        self._progress = Progress(*columns, console=console, transient=True)
        self._task = self._progress.add_task("", total=total, completed=done, rate="0", failed=0)
        self._progress.start()

    def came(self, report: Report) -> None:
        """See `Listener`."""
        failed = len({failure.seed for failure in report.failures})
        rate = f"{report.runs_per_second:.0f}"
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=report.seeds, rate=rate, failed=failed)
        elif report.seconds - self._written_s >= 10:
            self._written_s = report.seconds
            self._output.progress(f"{report.seeds} seeds, {rate} a second, {failed} failed")

    def shrinking(self, failure: Failure) -> None:
        """See `Listener`."""
        self._output.progress(f"making seed {failure.seed} small: it breaks {failure.invariant}")
