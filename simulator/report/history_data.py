"""What the page of judged histories is told: operations, the longest linearizable prefix, and what cannot be placed."""

from __future__ import annotations

from typing import Any

import msgspec

from simulator.analysis.event_text import value_text
from simulator.checks.linearizability.judge import Verdict
from simulator.checks.linearizability.points import LIMIT_S, Point, linearization
from simulator.cluster.history import Event, Recording
from simulator.report.columns import shown


class JudgedHistory(msgspec.Struct, frozen=True):
    """A history and the verdict on its linearizable operations, by which model and from which first value."""

    recording: Recording
    verdict: Verdict
    model: str
    consistency: str
    init: Any


def histories_data(judged: list[JudgedHistory]) -> dict[str, Any]:
    """The data of the page of these histories."""
    return {"page": "history", "histories": [_history(one) for one in judged]}


def _history(judged: JudgedHistory) -> dict[str, Any]:
    events, verdict = judged.recording.events, judged.verdict
    return {
        "file": shown(str(judged.recording.path)),
        "model": judged.model,
        "consistency": judged.consistency,
        "verdict": verdict.verdict,
        "why": shown(verdict.why),
        "events": len(events),
        "lines": judged.recording.lines,
        "times": [event.time for event in events],
        "prefix": verdict.prefix if verdict.verdict != "unknown" else len(events),
        "misfit": -1 if verdict.misfit is None else verdict.misfit,
        "conflict": list(verdict.conflict),
        "operations": _operations(events),
        "points": _points(judged),
    }


def _operations(events: list[Event]) -> list[list[Any]]:
    """[client, text, outcome, answer, position of the call, position of the return (-1), 1 for a local read]."""
    found: list[list[Any]] = []
    open_of: dict[int, list[Any]] = {}
    for position, event in enumerate(events):
        if event.type == "invoke":
            text = f"{event.f} {value_text(event.value)}".rstrip()
            row = [event.process, shown(text), "open", "", position, -1, 1 if event.read == "local" else 0]
            found.append(row)
            open_of[event.process] = row
        elif (row_of := open_of.pop(event.process, None)) is not None:
            row_of[2], row_of[3], row_of[5] = event.type, shown(value_text(event.value)), position
    return found


def _points(judged: JudgedHistory) -> list[Point] | None:
    """An order of the longest linearizable prefix, if one was found in time."""
    verdict = judged.verdict
    if judged.consistency != "linearizable" or verdict.verdict == "unknown":
        return None
    return linearization(judged.recording.events[: verdict.prefix], judged.model, judged.init, limit_s=LIMIT_S)
