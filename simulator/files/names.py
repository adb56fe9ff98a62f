"""Names of files as people type them, and the sentence for a file that cannot be used."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

from simulator.errors import InputError


def expanded(name: str | Path) -> Path:
    """The path of a name that a person typed, `~` expanded.

    Raises:
        InputError: there is no such user, or no file can have this name.
    """
    if "\0" in str(name):
        raise InputError(f"{str(name)!r} is no name that a file can have.")
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise InputError(f"{str(name)!r} names the home of a user that does not exist: write a path.") from None


def unusable(name: str | Path, done: str, error: Exception) -> InputError:
    """The error for a file that cannot be read or written (`done`), as one sentence."""
    why = getattr(error, "strerror", None) or error
    if isinstance(error, OSError) and error.errno == errno.ENXIO:
        why = "nothing reads from it"
    return InputError(f"{str(name)!r} cannot be {done}: {why}.")


def kind_of_file(mode: int) -> str:
    """What a mode of `stat` says the file is, in words."""
    if stat.S_ISREG(mode):
        return "a regular file"
    if stat.S_ISDIR(mode):
        return "a directory"
    if stat.S_ISLNK(mode):
        return "a symbolic link"
    return "a pipe" if stat.S_ISFIFO(mode) else "a device or socket"
