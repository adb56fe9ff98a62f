"""Files of a session: scenarios, traces, and the audit of the nodes' files."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from simulator.cluster.history import is_trace
from simulator.files.bounded_lines import opened_lines
from simulator.files.gzipped import write_lines_to
from simulator.files.places import REPLACING, Places
from simulator.scenario.language.commands import Line
from simulator.scenario.session.saving import setting_lines

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster
    from simulator.scenario.session.session import Session


_SAVED = re.compile(rb"set world (processes|virtual)\nset nodes [1-9]\nset seed \d+")
"""How every saved session begins (`setting_lines`)."""


def save_to(cluster: Cluster, lines: Iterable[str], name: str, places: Places) -> None:
    """Write a session's lines as a scenario.

    Raises:
        ForeignFile: the file exists and is no saved session.
        InputError: it cannot be written, or is out of reach.
    """
    with places.written(name, "a saved session", _is_saved) as file:
        write_lines_to(file, name, [*setting_lines(cluster), *lines])


def trace_to(cluster: Cluster, name: str, places: Places = REPLACING) -> int:
    """Write every event so far as a trace, its header first; returns how many lines there are. See `save_to`."""
    with places.written(name, "a trace", _begins_a_trace) as file:
        return write_lines_to(file, name, cluster.trace_lines())


def write_lines(name: str, lines: Iterable[str]) -> int:
    """Write lines into the file `name`, replacing it; returns how many. A name in .gz is compressed.

    Raises:
        InputError: the file cannot be written.
    """
    with REPLACING.written(name, "a file of lines", _begins_a_trace) as file:
        return write_lines_to(file, name, lines)


def _is_saved(path: Path) -> bool:
    with opened_lines(path) as lines:
        return _SAVED.fullmatch(b"\n".join(islice(lines, 3))) is not None


def _begins_a_trace(path: Path) -> bool:
    with opened_lines(path) as lines:
        return is_trace(next(lines, b""))


def verify_files(session: Session, line: Line) -> None:
    """Audit the nodes' files and write a line for each node; a problem is a failure of the line."""
    from simulator.checks.audit import verify_directory  # noqa: PLC0415  # Few sessions need it.

    settings = session.cluster.settings
    with session.cluster.files() as directory:
        report = verify_directory(directory, settings.difficulty)
    session.output.write("\n".join(report.lines()), "plain" if report.ok else "bad")
    for node in report.nodes:
        for problem in node.problems:
            session.fail(line, f"node {node.node}: {problem}")
