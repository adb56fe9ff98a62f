"""The `paxsim check` command: read all files, report every malformed line, then check file after file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from simulator.checks.linearizability.judge import Verdict, judge
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.operations import misplaced
from simulator.checks.linearizability.shapes import misshapen
from simulator.cluster.history import Recording, read_recording
from simulator.errors import InputError

MOST_FAULTS = 20
"""At most this many mistakes of one file are named."""

_KEPT_EVENTS = 1_000_000
"""Files that together hold at most this many events stay in memory; the others are read twice."""


def check_files(
    files: Sequence[str],
    *,
    model: str = "blog",
    init: Any = None,
    time_limit_s: float | None = None,
    progress: Callable[[str], None] | None = None,
    invariants: Callable[[str], str] | None = None,
) -> list[dict[str, Any]]:
    """Check each file, a history or a trace: {"file", "model", "operations", "verdict", "why"}, in order.

    `init` is the first value of the model. `time_limit_s` limits the time for each file, in seconds. `progress`
    receives the name of the file being checked. `invariants` checks everything else in a trace, given its name, and
    returns "" or what is violated.

    Raises:
        InputError: a file cannot be read or is not a history of this model, or the model has no such first value.
            The text names every mistake in every file.
    """
    judged = MODELS[model]()
    judged.initial(judged.narrow(init, None))
    kept = _read_all(files, model)
    verdicts: list[dict[str, Any]] = []
    for number, name in enumerate(files, 1):
        if progress is not None:
            progress(f"{name}: judging ({number} of {len(files)})")
        recording = kept.pop(name, None) or read_recording(name)
        verdict = _judge(recording, model, init, time_limit_s)
        violated = invariants(name) if recording.is_trace and invariants is not None else ""
        if violated:
            why = f"{violated} {verdict.why}" if verdict.verdict == "violation" else violated
            verdict = Verdict("violation", why, verdict.operations)
        verdicts.append({"file": name, "model": model, "operations": verdict.operations})
        verdicts[-1].update(verdict=verdict.verdict, why=verdict.why)
    return verdicts


def _judge(recording: Recording, model: str, init: Any, time_limit_s: float | None) -> Verdict:
    if not recording.before or model != "blog" or init is not None:
        return judge(recording.events, model, init, limit_s=time_limit_s)
    why = f"the run began with a chain of {recording.before} blocks, and the trace does not tell what stood on it."
    return Verdict("unknown", why, sum(event.type == "invoke" for event in recording.events))


def _read_all(files: Sequence[str], model: str) -> dict[str, Recording]:
    """Read every file before the first is checked; keep what was read as far as memory allows."""
    kept: dict[str, Recording] = {}
    events, faulty = 0, []
    for name in dict.fromkeys(files):
        try:
            recording = read_recording(name)
        except InputError as error:
            faulty.append(str(error))
            continue
        faults = sorted(_faults(recording, model))
        if faults:
            faulty.append(_sentence(name, faults))
        elif events + len(recording.events) <= _KEPT_EVENTS:
            events += len(recording.events)
            kept[name] = recording
    if faulty:
        raise InputError("\n".join(faulty))
    return kept


def _faults(recording: Recording, model: str) -> Iterator[tuple[int, str]]:
    yield from recording.faults
    for event, line in zip(recording.events, recording.lines, strict=True):
        wrong = misshapen(event, model)
        if wrong:
            yield line, wrong
    if not recording.faults:  # A line that could not be read may be the call or the return that seems to be missing.
        for position, wrong in misplaced(recording.events, recording.lines):
            yield recording.lines[position], wrong


def _sentence(name: str, faults: list[tuple[int, str]]) -> str:
    """All mistakes of one file in one sentence; the same mistake on several lines is named once."""
    lines: dict[str, list[int]] = {}
    for line, wrong in faults:
        lines.setdefault(wrong, []).append(line)
    described = [f"{_name_lines(found)}: {wrong}" for wrong, found in lines.items()]
    more = f"; and {len(described) - MOST_FAULTS} more faults" if len(described) > MOST_FAULTS else ""
    return f"{name}, {'; '.join(described[:MOST_FAULTS])}{more}."


def _name_lines(lines: list[int]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]}"
    more = f" and {len(lines) - MOST_FAULTS} more" if len(lines) > MOST_FAULTS else ""
    return f"lines {', '.join(map(str, lines[:MOST_FAULTS]))}{more}"
