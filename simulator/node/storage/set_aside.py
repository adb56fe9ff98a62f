"""Sets a damaged file aside: a person may look at it, and the node goes on without it."""

from __future__ import annotations

from simulator.node.storage.disk import Disk
from simulator.node.storage.line_reader import CHUNK


def set_aside(disk: Disk, name: str) -> str:
    """Copy the file to `<name>.damaged-<n>`, durably, with the first free n, and return that name.

    The file itself stays, so that a crash in between loses nothing: the caller cuts or replaces it next.

    Raises:
        OSError: the disk fails.
    """
    number = 1
    while disk.exists(f"{name}.damaged-{number}"):
        number += 1
    copy = f"{name}.damaged-{number}"
    disk.append(copy, b"")
    for piece in disk.stream(name, CHUNK):
        disk.append(copy, piece)
    disk.sync(copy)
    return copy
