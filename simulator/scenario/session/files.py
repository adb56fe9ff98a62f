"""Files of a session: scenarios, traces, and the audit of the nodes' files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from gzip import GzipFile
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from simulator.errors import InputError
from simulator.scenario.language.commands import Line

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster
    from simulator.scenario.session.session import Session


def write_lines(name: str, lines: Iterable[str]) -> int:
    """Write lines into the file `name`, replacing it; returns how many. A name in .gz is compressed.

    Raises:
        InputError: the file cannot be written.
    """
    count = 0
    try:
        path = Path(name).expanduser()
        with _packed(path) if path.suffix == ".gz" else path.open("w", encoding="utf-8", newline="\n") as file:
            for line in lines:
                file.write(line + "\n")
                count += 1
    except OSError as error:
        raise InputError(f"{name!r} cannot be written: {error.strerror or error}.") from None
    except ValueError:  # A NUL in the name.
        raise InputError(f"{name!r} is no name that a file can have.") from None
    return count


@contextmanager
def _packed(path: Path) -> Iterator[TextIO]:
    # Neither the name nor the time goes into the file: the same run gives the same bytes.
    with (
        path.open("wb") as raw,
        GzipFile(filename="", mode="wb", fileobj=raw, mtime=0) as packed,
        TextIOWrapper(packed, encoding="utf-8", newline="\n") as file,
    ):
        yield file


def trace_to(cluster: Cluster, name: str) -> int:
    """Write every event so far as a trace, its header first; returns how many lines there are."""
    return write_lines(name, cluster.trace_lines())


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
