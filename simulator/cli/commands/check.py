"""`paxsim check`: judges recorded histories and traces."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
import msgspec

from simulator.cli.failures import CHECK_FAILED, OK
from simulator.cli.group import LabCommand, LabOption
from simulator.cli.options import TimeMs, common_options, json_option
from simulator.cli.output import Output

if TYPE_CHECKING:
    from simulator.checks.linearizability.judge import Verdict
    from simulator.cluster.history import Recording

MODELS = (
    "blog",
    "register",
    "cas-register",
    "kv",
    "mutex",
    "set",
    "fifo-queue",
    "stack",
    "priority-queue",
    "counter",
    "append-list",
    "multi-register",
)


@click.command(
    "check",
    cls=LabCommand,
    short_help="Judges recorded histories or traces: are they linearizable?",
    examples=[
        ("paxsim check history.jsonl", "is this history of a blog linearizable?"),
        (
            "paxsim check --model cas-register --init 0 --time-limit 10s *.jsonl.gz",
            "a register that starts at 0, ten seconds a file",
        ),
        ("paxsim check --model register --consistency 'stale 1' history.edn", "does a weaker promise hold?"),
        ("paxsim check history.jsonl --report history.html", "the operations as bars, and what cannot be placed"),
    ],
)
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path())
@click.option(
    "--model",
    type=click.Choice(MODELS),
    default="blog",
    show_default=True,
    cls=LabOption,
    help="The sequential object that the history is about.",
)
@click.option(
    "--consistency",
    metavar="PROMISE",
    default="linearizable",
    show_default=True,
    cls=LabOption,
    help="linearizable, sequential, regular, or 'stale N': a read may miss the last N writes.",
)
@click.option(
    "--init", metavar="VALUE", default="null", show_default=True, cls=LabOption, help="First value of a register, JSON."
)
@click.option(
    "--time-limit", type=TimeMs(), metavar="TIME", cls=LabOption, help="Give up on a file after this: verdict unknown."
)
@click.option(
    "--with",
    "judge_name",
    type=click.Choice(["tlc"]),
    cls=LabOption,
    help="Let TLC judge the votes of traces; needs Java.",
)
@click.option(
    "--spec",
    metavar="DIR",
    type=click.Path(file_okay=False),
    cls=LabOption,
    help="With --with tlc: judge by the Voting.tla in DIR, Lamport's own, in place of ours.",
)
@click.option("--report", metavar="OUT.html", cls=LabOption, help="Draw the histories and verdicts on one page.")
@json_option
@common_options
@click.pass_obj
def check(
    output: Output,
    *,
    files: tuple[str, ...],
    model: str,
    consistency: str,
    init: str,
    time_limit: int | None,
    report: str | None,
    judge_name: str | None,
    spec: str | None,
    json: bool,
) -> int:
    """Judge each FILE: a trace, or a history as JSON lines, Jepsen's EDN, or a text log of Knossos or Porcupine.

    The content tells which; .gz is unpacked.

    A violation prints the shortest prefix that fails and why. Of a trace the invariants of the protocol are judged
    too, and real nodes are fed the same in virtual time: they must do the same. The exit status is 0 when all is well,
    1 when something is not, or could not be judged within its bounds.
    """
    if judge_name is not None:
        return _judge_with_tlc(output, files, spec, json=json)
    if spec is not None:
        raise click.UsageError("'--spec' is for '--with tlc': write both.")
    first = _json_value(init)
    from simulator.checks.command import check_files

    limit_s = None if time_limit is None else time_limit / 1000
    judged: list[tuple[Recording, Verdict]] = []
    traces = _Traces()
    progress = output.progress if len(files) > 1 else output.detail
    verdicts = check_files(
        files,
        model=model,
        consistency=consistency,
        init=first,
        time_limit_s=limit_s,
        progress=progress,
        invariants=traces.judge,
        judged_one=lambda recording, verdict: judged.append((recording, verdict)) if report else None,
    )
    for verdict in verdicts:
        verdict.update(traces.documents.get(str(verdict["file"]), {}))
    if report:
        _draw(report, judged, model, consistency, first)
    if json:
        output.json(verdicts[0] if len(verdicts) == 1 else verdicts)
    else:
        for verdict in verdicts:
            output.result(f"{verdict['file']}: {verdict['verdict']} ({verdict['operations']} operations)")
            if verdict["why"]:
                output.result(str(verdict["why"]))
            if "replay" in verdict:
                output.result(str(verdict["replay"]["why"]))
    return OK if all(verdict["verdict"] == "ok" for verdict in verdicts) else CHECK_FAILED


def _judge_with_tlc(output: Output, files: tuple[str, ...], spec: str | None, *, json: bool) -> int:
    from simulator.export.tla.tlc import judge_with_tlc

    verdicts = judge_with_tlc(files, spec)
    if json:
        documents = [
            {"file": one.file, "judge": "tlc", "steps": one.steps, "verdict": one.verdict, "why": one.why}
            for one in verdicts
        ]
        output.json(documents[0] if len(documents) == 1 else documents)
    else:
        for one in verdicts:
            output.result(f"{one.file}: {one.verdict} (TLC: {one.slots} slots, {one.steps} steps)")
            if one.why:
                output.result(f"{one.why}.")
    return CHECK_FAILED if any(one.why for one in verdicts) else OK


def _draw(out: str, judged: list[tuple[Recording, Verdict]], model: str, consistency: str, init: Any) -> None:
    from simulator.report.command import report_histories
    from simulator.report.history_data import JudgedHistory

    report_histories([JudgedHistory(*one, model, consistency, init) for one in judged], out)


class _Traces:
    """Judges what a trace holds beside its history. `documents` has what JSON tells of each file besides."""

    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}

    def judge(self, name: str, until: float | None) -> str:
        """The invariants that are violated, a sentence each, and what real nodes do else; "unknown …", or ""."""
        from simulator.checks.trace_check import check_trace
        from simulator.tools.rerun.rerun import rerun

        checker, document = check_trace(name, until), self.documents.setdefault(name, {})
        found = [f"{one.invariant}: {one.sentence(checker.replay)}." for one in checker.violations.values()]
        first = checker.oracle.first_wrong()
        if first is not None:
            document["first_wrong"] = first.document()
        again = rerun(name, until)
        document["replay"] = again.document()
        if again.different:
            found.append(f"replay: {again.different}.")
        return " ".join(found) or checker.unknown


def _json_value(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        sentence = f'{text!r} is not JSON: write 0, null or "text" in quotes.'
        raise click.BadParameter(sentence, param_hint="'--init'") from error
