"""Older copies of nodes' files, for `disk N rollback`, in unnamed temporary files that end with this process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from simulator.errors import InputError
from simulator.faults.faults import ALL_FILES, DiskFault
from simulator.worlds.processes.faulty_disk import node_files

MOST_COPIED = 16 << 20
"""The most bytes of one folder that are copied at each start."""


class _Copy:
    """The files of one node, one after the other in one file; `lengths` are theirs by name."""

    def __init__(self, files: list[Path]) -> None:
        self.file: IO[bytes] = tempfile.TemporaryFile(prefix="paxsim-copy-")  # noqa: SIM115  Closed with the copy.
        self.lengths: dict[str, int] = {}
        for path in files:
            begin = self.file.tell()
            with path.open("rb") as source:
                shutil.copyfileobj(source, self.file)
            self.lengths[path.name] = self.file.tell() - begin
        self.file.flush()


class OlderCopies:
    """Copies of nodes' files as they were at their last start. Large folders are not copied."""

    def __init__(self, directory: Callable[[int], Path]) -> None:
        self._directory = directory
        self._copies: dict[int, _Copy | str] = {}  # A text says why there is none.

    def keep(self, node: int) -> None:
        """Copy the files of a node that is about to start."""
        files = node_files(self._directory(node))
        before = self._copies.pop(node, None)
        if isinstance(before, _Copy):
            before.file.close()
        if sum(file.stat().st_size for file in files) > MOST_COPIED:
            self._copies[node] = "they were too large at its last start"
            return
        try:
            self._copies[node] = _Copy(files)
        except OSError as error:
            self._copies[node] = f"at its last start they could not be copied: {error.strerror or error}"

    def roll_back(self, fault: DiskFault, *, up: bool) -> None:
        """Put the copy of the folder, or of one file, in place of the present one.

        Raises:
            InputError: the node is alive, or there is no copy.
        """
        if up:
            raise InputError(f"Node {fault.node} is alive: crash it before its files are replaced by older ones.")
        copy = self._copies.get(fault.node, "it has not started")
        if isinstance(copy, str):
            raise InputError(f"Node {fault.node} has no older copy of its files: {copy}.")
        directory = self._directory(fault.node)
        one = fault.file not in {"", ALL_FILES}
        if not one:
            for file in node_files(directory):
                file.unlink()
        copy.file.seek(0)
        for name, length in copy.lengths.items():
            data = copy.file.read(length)
            if not one or name == fault.file:
                (directory / name).write_bytes(data)

    def close(self) -> None:
        """Free the disk space."""
        for copy in self._copies.values():
            if isinstance(copy, _Copy):
                copy.file.close()
        self._copies.clear()
