"""`paxsim report`: reads a trace and writes its page."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from simulator.analysis.run import load_run
from simulator.errors import InputError
from simulator.files.bounded_lines import opened_lines
from simulator.files.places import REPLACING, Places
from simulator.report.history_data import JudgedHistory, histories_data
from simulator.report.html import HISTORY_SCRIPTS, TRACE_SCRIPTS, page
from simulator.report.trace_data import trace_data

_FIRST = b"<!doctype html>"
_TITLE = b"<title>paxsim report</title>"


def report_trace(
    trace: str,
    out: str,
    *,
    places: Places = REPLACING,
    time_limit_s: float | None = None,
    progress: Callable[[str], None] = lambda _text: None,
) -> dict[str, Any]:
    """Write the page of a trace to `out`; returns the data that is in it.

    Raises:
        InputError: the trace cannot be read, or the page cannot be written.
    """
    progress(f"{trace}: reading")
    run = load_run(trace)
    progress(f"{trace}: checking {len(run.events):,} events")
    data = trace_data(run, time_limit_s=time_limit_s)
    write_page(out, data, places)
    return data


def report_histories(judged: list[JudgedHistory], out: str) -> None:
    """Write the page of judged histories to `out`. See `report_trace`."""
    write_page(out, histories_data(judged))


def write_page(out: str, data: dict[str, Any], places: Places = REPLACING) -> None:
    """Write a page. See `report_trace`."""
    made = page(data, HISTORY_SCRIPTS if data["page"] == "history" else TRACE_SCRIPTS)
    with places.written(out, "a report", _is_report) as file:
        file.write(made)


def _is_report(path: Path) -> bool:
    """True for a page of ours, which may be replaced."""
    try:
        with opened_lines(path) as lines:
            first = [line for line, _ in zip(lines, range(8), strict=False)]
    except InputError:
        return False
    return first[:1] == [_FIRST] and _TITLE in first
