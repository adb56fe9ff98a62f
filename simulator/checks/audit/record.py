"""What is known of the folders from outside of them: cluster.txt, and the owner that meta.txt names.

cluster.txt says how far each journal had come when its node went down. A journal that is not as far has lost records,
although every line of it may be sound.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from simulator.checks.audit.folder import JOURNAL, Findings
from simulator.checks.audit.journal import Word

META = "meta.txt"
_MOST_BYTES = 1 << 20

T = TypeVar("T")
_Number = Annotated[int, Meta(ge=0)]


class Record(msgspec.Struct, frozen=True):
    """The content of cluster.txt: `journals` are, by node, how often the journal was written anew, and its length."""

    cluster: str = ""
    version: int = 0
    journals: dict[str, tuple[_Number, _Number]] = {}


class _Owner(msgspec.Struct, frozen=True):
    cluster: str
    node: int
    version: int


def read_record(directory: Path) -> Record:
    """The record of a data directory; an empty one if there is none that can be read."""
    return _decoded(directory / "cluster.txt", Record) or Record()


def check_past(findings: Findings, node: int, word: Word, record: Record) -> None:
    """Compare a journal with what was known of it when its node went down."""
    known = record.journals.get(str(node))
    if known is None:
        return
    if word.missing:
        word.lost = "it is missing"
    elif word.whole and not word.lost and (word.written, word.size) < known:
        word.lost = "it is older"
        what = f"it is older, or shorter, than the node left it: {word.size} bytes of {known[1]}"
        findings.problem(JOURNAL, 0, what)


def check_owner(findings: Findings, folder: Path, node: int, record: Record) -> None:
    """Check that meta.txt names this node, and the cluster of the record."""
    owner = _decoded(folder / META, _Owner)
    if owner is None or not owner.cluster:
        return
    if record.cluster and owner.cluster != record.cluster:
        what = f"this is a folder of cluster {owner.cluster}, and this node is of cluster {record.cluster}"
        findings.problem(META, 1, what)
    elif node and owner.node != node:
        what = f"this is a folder of node {owner.node}, and this is node {node}: perhaps two folders were swapped"
        findings.problem(META, 1, what)


def _decoded(path: Path, kind: type[T]) -> T | None:
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, ValueError, RecursionError):
        return None
