"""All formats by the names that `paxsim export --format` knows, and the writing of a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from simulator.analysis.run import RecordedRun, load_run
from simulator.errors import InputError
from simulator.export.cast import cast
from simulator.export.jepsen import jepsen
from simulator.export.mermaid import mermaid
from simulator.export.otlp import otlp
from simulator.export.perfetto import perfetto
from simulator.export.shiviz import shiviz
from simulator.files.places import REPLACING

FORMATS: dict[str, Callable[[RecordedRun], Iterator[str]]] = {
    "shiviz": shiviz,
    "perfetto": perfetto,
    "mermaid": mermaid,
    "jepsen": jepsen,
    "otlp": otlp,
    "cast": cast,
}


def export(trace: str, form: str, out: str, *, begin_ms: int = 0, end_ms: int | None = None) -> int:
    """Write the run in a trace to `out` in a format, and return how many lines that are. The window is Mermaid's alone.

    Raises:
        InputError: the trace cannot be read, the file cannot be written, or the window is none.
    """
    if end_ms is not None and end_ms < begin_ms:
        raise InputError(f"the window ends at {end_ms} ms, before it begins at {begin_ms} ms.")
    if form != "mermaid" and (begin_ms or end_ms is not None):
        raise InputError(f"the format {form!r} has no window: '--from' and '--to' are for mermaid.")
    run = load_run(trace)
    lines = mermaid(run, begin_ms, end_ms) if form == "mermaid" else FORMATS[form](run)
    count = 0
    with REPLACING.written(out, "an export", lambda _path: True) as file:
        for line in lines:
            file.write(line.encode() + b"\n")
            count += 1
    return count
