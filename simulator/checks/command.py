"""The `paxsim check` command: read all files, report every malformed line, then check file after file."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from simulator.checks.linearizability.judge import Verdict, judge
from simulator.checks.linearizability.models import MODELS
from simulator.checks.linearizability.operations import misplaced
from simulator.checks.linearizability.shapes import all_misshapen
from simulator.checks.linearizability.weaker import judge_weaker
from simulator.cluster.history import Recording, read_recording
from simulator.cluster.verdicts import is_unknown
from simulator.errors import InputError
from simulator.files.bounded_lines import ReadingTimedOut

MOST_FAULTS = 20
"""At most this many mistakes of one file are named."""

_MOST_LETTERS = 400
"""A mistake may quote a word of the file, which may be long."""

_KEPT_EVENTS = 1_000_000
"""Files that together hold at most this many events stay in memory; the others are read twice."""


def check_files(
    files: Sequence[str],
    *,
    model: str = "blog",
    consistency: str = "linearizable",
    init: Any = None,
    time_limit_s: float | None = None,
    progress: Callable[[str], None] | None = None,
    invariants: Callable[[str, float | None], str] | None = None,
    judged_one: Callable[[Recording, Verdict], None] = lambda _recording, _verdict: None,
) -> list[dict[str, Any]]:
    """Check each file, a history or a trace: {"file", "model", "operations", "verdict", "why"}, in order.

    `consistency` is "linearizable" or what `judge_weaker` understands; a weaker one is named in the result. `init` is
    the first value of the model. `time_limit_s` limits the time for each file, reading included, in seconds. `progress`
    receives the name of the file being checked. `invariants` checks everything else in a trace, given its name and the
    moment of `time.monotonic` at which to give up, and returns "", what is violated, or "unknown …". `judged_one`
    gets each history with its verdict, for pictures.

    Raises:
        InputError: a file cannot be read or is not a history of this model, or the model has no such first value.
            The text names every mistake in every file.
    """
    judged = MODELS[model]()
    judged.initial(judged.narrow(init, None))
    if consistency != "linearizable":
        judge_weaker((), model, consistency, init)  # Refuses a wrong name before any file is read.
    limits = {name: _TimeLimit(time_limit_s) for name in files}
    kept = _read_all(limits, model)
    verdicts: list[dict[str, Any]] = []

    def judge_history(recording: Recording, limit_s: float | None) -> Verdict:
        if consistency != "linearizable":
            verdict = judge_weaker(recording.events, model, consistency, init, limit_s)
        else:
            verdict = _judge(recording, model, init, limit_s)
        judged_one(recording, verdict)
        return verdict

    for number, name in enumerate(files, 1):
        if progress is not None:
            progress(f"{name}: judging ({number} of {len(files)})")
        verdict = _judge_file(name, kept.pop(name, None), limits[name], judge_history, invariants)
        verdicts.append({"file": name, "model": model, "operations": verdict.operations})
        if consistency != "linearizable":
            verdicts[-1]["consistency"] = consistency
        verdicts[-1].update(verdict=verdict.verdict, why=verdict.why)
    return verdicts


class _TimeLimit:
    """The time for one file. Other files may be read between its reading and its check."""

    def __init__(self, limit_s: float | None) -> None:
        self.limit_s = limit_s
        self.left_s = limit_s

    @contextmanager
    def running(self) -> Iterator[float | None]:
        """The moment of `time.monotonic` at which the time is over; what passes inside is taken from what is left."""
        began = time.monotonic()
        try:
            yield None if self.left_s is None else began + self.left_s
        finally:
            if self.left_s is not None:
                self.left_s = max(0.0, self.left_s - (time.monotonic() - began))

    def unknown(self, operations: int = 0) -> Verdict:
        """The verdict when the time is over."""
        return Verdict("unknown", f"not settled within {self.limit_s:g} s.", operations)


def _judge_file(
    name: str,
    recording: Recording | None,
    limit: _TimeLimit,
    judge_history: Callable[[Recording, float | None], Verdict],
    invariants: Callable[[str, float | None], str] | None,
) -> Verdict:
    """`recording` is None when the file has to be read again, or when its reading took all the time."""
    with limit.running() as until:
        try:
            recording = recording or read_recording(name, until)
        except ReadingTimedOut:
            return limit.unknown()
        left_s = None if until is None else max(0.0, until - time.monotonic())
        verdict = judge_history(recording, left_s)
        reached = f"not settled within {left_s or 0:g} s."
        if left_s is not None and verdict.verdict == "unknown" and verdict.why.startswith(reached):
            # The limit that was asked for, reading included.
            whole = limit.unknown(verdict.operations)
            verdict = whole._replace(why=whole.why + verdict.why.removeprefix(reached))
        if not recording.is_trace or invariants is None:
            return verdict
        try:
            violated = invariants(name, until)
        except ReadingTimedOut:
            return verdict if verdict.verdict == "violation" else limit.unknown(verdict.operations)
    if not violated or (is_unknown(violated) and not verdict.ok):
        return verdict
    if is_unknown(violated):
        return Verdict("unknown", f"{violated}.", verdict.operations)
    why = f"{violated} {verdict.why}" if verdict.verdict == "violation" else violated
    return Verdict("violation", why, verdict.operations)


def _judge(recording: Recording, model: str, init: Any, time_limit_s: float | None) -> Verdict:
    if not recording.before or model != "blog" or init is not None:
        return judge(recording.events, model, init, limit_s=time_limit_s)
    why = f"the run began with a chain of {recording.before} blocks, and the trace does not tell what stood on it."
    return Verdict("unknown", why, sum(event.type == "invoke" for event in recording.events))


def _read_all(limits: Mapping[str, _TimeLimit], model: str) -> dict[str, Recording]:
    """Read every file before the first is checked; keep what was read as far as memory allows."""
    kept: dict[str, Recording] = {}
    events, faulty = 0, []
    for name, limit in limits.items():
        try:
            with limit.running() as until:
                recording = read_recording(name, until)
                faults = sorted(_faults(recording, model))
        except InputError as error:
            faulty.append(str(error))
            continue
        except ReadingTimedOut:
            continue
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
    for position, wrong in all_misshapen(recording.events, model):
        yield recording.lines[position], wrong
    if not recording.faults:  # A line that could not be read may be the call or the return that seems to be missing.
        for position, wrong in misplaced(recording.events, recording.lines):
            yield recording.lines[position], wrong


def _sentence(name: str, faults: list[tuple[int, str]]) -> str:
    """All mistakes of one file in one sentence; the same mistake on several lines is named once."""
    lines: dict[str, list[int]] = {}
    for line, wrong in faults:
        short = wrong if len(wrong) <= _MOST_LETTERS else f"{wrong[:_MOST_LETTERS]}..."
        lines.setdefault(short, []).append(line)
    described = [f"{_name_lines(found)}: {wrong}" for wrong, found in lines.items()]
    more = f"; and {len(described) - MOST_FAULTS} more faults" if len(described) > MOST_FAULTS else ""
    return f"{name}, {'; '.join(described[:MOST_FAULTS])}{more}."


def _name_lines(lines: list[int]) -> str:
    if len(lines) == 1:
        return f"line {lines[0]}"
    more = f" and {len(lines) - MOST_FAULTS} more" if len(lines) > MOST_FAULTS else ""
    return f"lines {', '.join(map(str, lines[:MOST_FAULTS]))}{more}"
