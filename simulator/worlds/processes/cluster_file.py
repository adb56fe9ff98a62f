"""cluster.txt: the name of the cluster, and how far the journal of each node had come.

A journal grows only. So a folder that was wiped, or replaced by an older copy, is noticed at the next start of its
node, also when all its files are sound (rule 17). The record is exact for a node that went down under this supervisor,
and some seconds old when the supervisor was killed with its nodes.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import msgspec

from simulator.node.storage.disk import Place, place_of
from simulator.node.storage.identity import Identity, Past, later
from simulator.node.storage.journal import JOURNAL, first_line

CLUSTER = "cluster.txt"
VERSION = 2
LOOK_EVERY_S = 2.0
"""The time between two looks at the journals of nodes that run. What a look sees is recorded by the next one."""
_PIECE = 1 << 16


class Origin(msgspec.Struct, frozen=True):
    """What a node process is told of its files: whose they are, and how far they had come."""

    identity: Identity
    past: Past
    distrust: bool = False
    """The disk failed in the last incarnation: what the kernel still has of the files may not be on it."""
    home: Place | None = None
    """The data directory as it was when its lock was taken; None: nobody holds it."""


class _Content(msgspec.Struct, frozen=True):
    cluster: str
    version: int
    journals: dict[str, tuple[int, int]]


class _Heading(msgspec.Struct, frozen=True):
    """The first line of a journal: what it says, its length, and that of the whole file."""

    cluster: str
    written: int
    length: int
    size: int


class ClusterFile:
    """The record of one data directory. A failure to write it is no failure of the cluster: it is tried again."""

    def __init__(self, data: Path | str, nodes: Iterable[int], *, look_only: bool = False) -> None:
        self._path = Path(data) / CLUSTER
        self._home = None if look_only else place_of(data)
        self._folders = {node: Path(data) / f"node-{node}" for node in nodes}
        self._pasts: dict[int, Past] = {}
        self._seen: dict[int, tuple[int, int]] = {}
        self._failed: set[int] = set()
        self._look_at = 0.0
        found = {node: _heading(folder / JOURNAL) for node, folder in self._folders.items()}
        names = Counter(heading.cluster for heading in found.values() if heading is not None and heading.cluster)
        known = self._read()
        self.cluster = (
            known.cluster if known else max(names, key=lambda name: names[name], default=secrets.token_hex(8))
        )
        has_past = any(heading is not None and heading.size > heading.length for heading in found.values())
        for node in self._folders:
            listed = known.journals.get(str(node)) if known else None
            if listed is not None:
                self._pasts[node] = Past(True, *listed)
            elif has_past:
                self._pasts[node] = Past(began=True)  # The others have one: a journal that is gone is lost.
        if not look_only:
            self._write()

    def origin(self, node: int) -> Origin:
        """What the next incarnation of `node` is told."""
        return Origin(Identity(self.cluster, node), self._pasts.get(node, Past()), node in self._failed, self._home)

    def began(self, node: int) -> None:
        """A node has read its files, or made them: from now on a folder without them has lost them."""
        self._failed.discard(node)
        if not self._pasts.get(node, Past()).began:
            self._pasts[node] = Past(began=True)
            self.remember(node)

    def remember(self, node: int) -> None:
        """Note how far the journal of a node has come: its files are about to change, or it has gone down."""
        self._note(node, _reached(self._folders[node] / JOURNAL))
        self._seen.pop(node, None)
        self._write()

    def ended(self, node: int, *, failed: bool) -> None:
        """A node has gone down, perhaps because its disk `failed`."""
        if failed:
            self._failed.add(node)
        self.remember(node)

    def is_due(self, now_s: float) -> bool:
        """True when it is time for the next look."""
        return now_s >= self._look_at

    def look(self, now_s: float) -> None:
        """Note how far the journals had come at the last look: what was written by then is whole."""
        self._look_at = now_s + LOOK_EVERY_S
        before, self._seen = self._seen, {}
        changed = False
        for node, folder in self._folders.items():
            if node in before:
                changed = self._note(node, before[node]) or changed
            found = _reached(folder / JOURNAL)
            if found is not None:
                self._seen[node] = found
        if changed:
            self._write()

    def _note(self, node: int, found: tuple[int, int] | None) -> bool:
        past = self._pasts.get(node, Past())
        self._pasts[node] = later(past, found)
        return self._pasts[node] != past

    def _read(self) -> _Content | None:
        try:
            content = msgspec.json.decode(_piece(self._path, 0), type=_Content)
        except (OSError, ValueError, RecursionError):
            return None
        return content if content.cluster.isalnum() and len(content.cluster) <= 64 else None

    def _write(self) -> None:
        journals = {str(node): (past.written, past.size) for node, past in self._pasts.items() if past.began}
        text = msgspec.json.encode(_Content(self.cluster, VERSION, journals)) + b"\n"
        fresh = self._path.with_name(f"{CLUSTER}.new")
        with suppress(OSError):
            fresh.write_bytes(text)
            fresh.replace(self._path)


def _piece(path: Path, offset: int) -> bytes:
    """At most `_PIECE` bytes of a regular file from `offset` on; links are not followed, and pipes not waited for.

    Raises:
        OSError: there is none.
    """
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        return os.pread(fd, _PIECE, offset)
    finally:
        os.close(fd)


def _heading(path: Path) -> _Heading | None:
    """The heading of a journal; None if there is none, or none that can be read."""
    try:
        data, size = _piece(path, 0), path.stat().st_size
    except OSError:
        return None
    length = data.find(b"\n") + 1
    first = first_line(data[:length])
    return None if first is None else _Heading(*first, length, size)


def _reached(path: Path) -> tuple[int, int] | None:
    """How often a journal was written anew, and the length of its whole lines."""
    heading = _heading(path)
    if heading is None:
        return None
    end = heading.size
    with suppress(OSError):
        while end > 0:
            begin = max(0, end - _PIECE)
            newline = _piece(path, begin)[: end - begin].rfind(b"\n")
            if newline >= 0:
                return heading.written, begin + newline + 1
            end = begin
    return None
