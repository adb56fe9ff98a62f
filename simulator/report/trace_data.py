"""What the page of a trace is told, as one JSON document; the scripts in `page/` draw it."""

from __future__ import annotations

from typing import Any

from simulator.analysis.evidence import Judgement, event_sentence, judge_run
from simulator.analysis.operations import ClientOperation, operations_of
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.analysis.timeline import Timeline
from simulator.checks.command import check_files
from simulator.cluster.message_text import KINDS as MESSAGES
from simulator.cluster.message_text import ROUTINE
from simulator.report.columns import KINDS, columns_of, shown

_FAMILIES = {
    "election": ("PRE-VOTE", "PRE-VOTE-REPLY", "PREPARE", "PROMISE", "REJECT", "STEP-DOWN", "ASK-MEMORY", "MEMORY"),
    "replication": ("ACCEPT", "ACCEPTED", "DECIDE"),
    "client": ("FORWARD", "FORWARD-REPLY", "ASK-READ", "READ-AT"),
}


def trace_data(run: RecordedRun, *, time_limit_s: float | None = None) -> dict[str, Any]:
    """The data of a run's page. `time_limit_s` bounds the check of linearizability, in seconds."""
    judgement = judge_run(run)
    history = check_files([run.name], time_limit_s=time_limit_s)[0]
    timeline, operations = Timeline(run), operations_of(run)
    header = run.header
    columns = columns_of(run)
    verdict, why = str(history["verdict"]), str(history["why"])
    return {
        "page": "trace",
        "title": f"{header.world} world, seed {header.seed}",
        "facts": _facts(run, timeline, operations),
        "nodes": list(run.nodes),
        "end": run.end_ms,
        "cut": shown(run.cut),
        "kinds": list(KINDS),
        "families": _families(),
        "events": {
            name: getattr(columns, name) for name in ("times", "nodes", "kinds", "clocks", "about", "texts", "numbers")
        },
        "words": columns.words,
        "spans": [[span.kind, span.node, span.begin, span.end, shown(span.text)] for span in timeline.spans],
        "elections": timeline.elections,
        "faults": timeline.faults,
        "slots": [[slot, index] for slot, index in sorted(timeline.first_applied.items())],
        "heights": {str(node): steps for node, steps in timeline.heights.items()},
        "operations": [_operation(operation) for operation in operations],
        "checks": _checks(judgement, verdict, why),
        "occasions": judgement.occasions,
        "violations": _violations(run, judgement),
    }


def _facts(run: RecordedRun, timeline: Timeline, operations: list[ClientOperation]) -> list[list[str]]:
    header = run.header
    facts = {
        "World": "virtual time" if header.world == "virtual" else "real processes",
        "Seed": str(header.seed),
        "Nodes": str(len(run.nodes)),
        "Duration": f"{run.end_ms / 1000:g} s",
        "Events": f"{len(run.events):,}",
        "Slots applied": str(len(timeline.first_applied)),
        "Leaders elected": str(len(timeline.elections)),
        "Faults": str(len(timeline.faults)),
        "Client operations": str(len(operations)),
        "Settings": ", ".join(f"{name} {value}" for name, value in header.settings.items() if name != "nodes"),
        "Made again by": header.command,
    }
    return [[name, shown(value)] for name, value in facts.items() if value]


def _families() -> dict[str, str]:
    families = {word: family for family, words in _FAMILIES.items() for word in words}
    routine = {kind.__name__ for kind in ROUTINE}
    for word, kind in MESSAGES.items():
        families.setdefault(word.upper(), "routine" if kind.__name__ in routine else "catch-up")
    return families


def _operation(operation: ClientOperation) -> list[Any]:
    return [
        operation.process,
        operation.f,
        shown(operation.text),
        operation.outcome,
        shown(operation.answer),
        operation.invoked,
        operation.returned,
        operation.effect if operation.effect != NOWHERE else -1,
        operation.height,
        1 if operation.local else 0,
        1 if operation.late else 0,
        operation.node,
    ]


def _checks(judgement: Judgement, verdict: str, why: str) -> list[list[str]]:
    rows = [[name, "ok" if found == "ok" else "violated", "" if found == "ok" else shown(found)]
            for name, found in judgement.verdicts.items()]  # fmt: skip
    rows.append(["linearizability", "violated" if verdict == "violation" else verdict, shown(why)])
    return rows


def _violations(run: RecordedRun, judgement: Judgement) -> list[dict[str, Any]]:
    return [
        {
            "name": proven.violation.invariant,
            "why": shown(proven.violation.sentence()),
            "at": proven.at,
            "first": first.event if (first := proven.violation.first) is not None else -1,
            "rule": shown(f"{first.what}: against {first.rule_words}") if first is not None else "",
            "events": list(proven.events),
            "told": [shown(event_sentence(run, index)) for index in proven.events],
        }
        for proven in judgement.violations
    ]
