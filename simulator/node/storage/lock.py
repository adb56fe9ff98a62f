"""An exclusive lock on a data directory, which the kernel releases when its holder ends in any way."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import stat
from pathlib import Path
from types import TracebackType
from typing import Self

from simulator.errors import DirectoryHeld, InputError

LOCK_NAME = "lock"
_OURS = re.compile(rb"[0-9]{0,20}\n?")


class DirectoryLock:
    """Holds `directory` (made if missing) from its making until `release`; a context manager too.

    The lock is `flock` on a file of its own, so a file left behind locks nothing. The holder's process id stands in it.

    Raises:
        DirectoryHeld: another lab, of this process or another, holds the directory.
        InputError: something else has the name of the lock. It is neither followed nor changed.
        OSError: the directory cannot be made or written.
    """

    def __init__(self, directory: Path | str) -> None:
        self.directory = Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)
        self._fd = _opened(self.directory / LOCK_NAME)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._fd, 20, 0).decode("ascii", "replace").strip()
            self.release()
            who = f" (process {holder})" if holder.isdigit() else ""
            raise DirectoryHeld(
                f"{str(directory)!r} is held by another running lab{who}: end it, or choose another with --data."
            ) from None
        if not _OURS.fullmatch(os.pread(self._fd, 30, 0)):
            self.release()
            raise _no_lock(self.directory / LOCK_NAME)
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, b"%d\n" % os.getpid(), 0)

    def holds(self) -> bool:
        """False when the directory, or the lock in it, was removed or replaced: another lab may be there by now."""
        try:
            there = (self.directory / LOCK_NAME).lstat()
            ours = os.fstat(self._fd)
        except OSError:
            return False
        return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)

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


def _opened(path: Path) -> int:
    """The lock file, made if missing. A link is not followed; a pipe is not waited for."""
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY
    try:
        fd = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno in {errno.ELOOP, errno.EISDIR, errno.ENXIO, errno.EMLINK}:
            raise _no_lock(path) from None
        raise
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise _no_lock(path)
    return fd


def _no_lock(path: Path) -> InputError:
    return InputError(
        f"{str(path)!r} is no lock of a lab, and it was left as it is: move it away, or choose another --data."
    )
