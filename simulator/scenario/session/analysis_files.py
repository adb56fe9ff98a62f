"""What a session shows of its own recording: an explanation, and the page of the run so far."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from simulator.files.places import Places
from simulator.scenario.session.files import trace_to

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster


def explain(cluster: Cluster, what: Literal["last", "slot", "node", "request"], number: int = 0) -> list[str]:
    """The lines of an explanation of the run so far.

    Raises:
        InputError: there is nothing of the kind, or the cluster keeps no record of its run.
    """
    from simulator.analysis.explanation import explain_in  # noqa: PLC0415  Few sessions need it.
    from simulator.analysis.run import load_run  # noqa: PLC0415

    with TemporaryDirectory(prefix="paxsim-why-") as folder:
        trace = Path(folder) / "trace"
        trace_to(cluster, str(trace))
        return explain_in(load_run(trace), what, number)


def report_to(cluster: Cluster, name: str, places: Places) -> int:
    """Write the page of the run so far; returns how many events it has.

    Raises:
        ForeignFile: the file exists and is no page of ours.
        InputError: it cannot be written, is out of reach, or the cluster keeps no record of its run.
    """
    from simulator.report.command import report_trace  # noqa: PLC0415

    with TemporaryDirectory(prefix="paxsim-report-") as folder:
        trace = Path(folder) / "trace"
        trace_to(cluster, str(trace))
        return len(report_trace(str(trace), name, places=places)["events"]["kinds"])
