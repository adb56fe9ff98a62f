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
from simulator.checks.audit.journal import NEWEST, Word

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


def check_owner(findings: Findings, folder: Path, node: int, word: Word, record: Record) -> None:
    """Check that meta.txt names this node, and the cluster of the record. A journal that does is right about it."""
    owner = _decoded(folder / META, _Owner)
    if owner is None:
        return
    cluster = record.cluster or findings.cluster
    if not 1 <= owner.version <= NEWEST:
        what = f"it is of version {owner.version}, and this program reads versions 1 to {NEWEST}"
    elif owner.cluster and cluster and owner.cluster != cluster:
        what = f"this is a folder of cluster {owner.cluster}, and this node is of cluster {cluster}"
    elif owner.cluster and node and owner.node != node:
        what = f"this is a folder of node {owner.node}, and this is node {node}: perhaps two folders were swapped"
    else:
        return
    if word.owned and findings.cluster == cluster:
        findings.warning(META, 1, f"{what}; {JOURNAL} is its own, so the node writes this file anew when it starts")
    else:
        findings.problem(META, 1, what)


def _decoded(path: Path, kind: type[T]) -> T | None:
    try:
        if not path.is_file() or path.stat().st_size > _MOST_BYTES:
            return None
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except (OSError, ValueError, RecursionError):
        return None
