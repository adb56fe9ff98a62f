"""An exclusive lock on a data directory, which the kernel releases when its holder ends in any way."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.errors import DirectoryHeld

LOCK_NAME = "lock"


class DirectoryLock:
    """Holds `directory` (made if missing) from its making until `release`; a context manager too.

    The lock is `flock` on a file of its own, so a file left behind locks nothing. The holder's process id stands in it.

    Raises:
        DirectoryHeld: another lab, of this process or another, holds the directory.
        OSError: the directory cannot be made or written.
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._fd = os.open(self.directory / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip()
            self.release()
            who = f" (process {holder})" if holder.isdigit() else ""
            raise DirectoryHeld(
                f"{str(directory)!r} is held by another running lab{who}: end it, or choose another with --data."
            ) from None
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)

    def release(self) -> None:
        """Release the lock. Idempotent. The file stays: otherwise two processes could lock two different files."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()
