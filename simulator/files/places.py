"""Where a session reads and writes files.

A scenario may come from a stranger. Its lines reach below the current directory only, through no symbolic link, and
they expand nothing. A person at a console may name any place. Nobody replaces a foreign file by mistake.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from simulator.errors import InputError
from simulator.files.names import expanded, kind_of_file, unusable

_FLAGS = os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY  # Without O_NONBLOCK, a FIFO without a reader would hold us.


class ForeignFile(InputError):
    """The file exists, and its content is not what the command writes. A person may confirm that it is replaced."""


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines of a session may reach: those of a file (`from_file`), or those of a person at a console.

    `confirmed`: the person has agreed to replace a foreign file.
    """

    from_file: bool = False
    confirmed: bool = False

    def path(self, name: str) -> Path:
        """The place that a line names.

        Raises:
            InputError: a line of a file names a place outside of the current directory.
        """
        if self.from_file:
            return _path_below(name)
        return expanded(name)

    @contextmanager
    def written(self, name: str, what: str, is_ours: Callable[[Path], bool]) -> Iterator[IO[bytes]]:
        """The file to write, empty. `what` is what the command writes, and `is_ours` recognises it by its content.

        Raises:
            ForeignFile: there is something else.
            InputError: see `path`; or the file cannot be written. What was made for it is removed again.
        """
        path = self.path(name)
        try:
            there = path.lstat() if self.from_file else path.stat()
        except FileNotFoundError:
            there = None
        except (OSError, ValueError) as error:
            raise unusable(name, "written", error) from None
        if there is not None:
            self._check_replaceable(path, name, there.st_mode, what, is_ours)
        flags = os.O_WRONLY | _FLAGS | (os.O_NOFOLLOW if self.from_file else 0)
        flags |= os.O_CREAT | os.O_EXCL if there is None and self.from_file else os.O_CREAT
        try:
            with os.fdopen(os.open(path, flags, 0o666), "wb") as file:
                if stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                    file.truncate(0)
                os.set_blocking(file.fileno(), True)
                yield file
        except BaseException as error:
            if there is None:
                with suppress(OSError):
                    path.unlink()
            if isinstance(error, OSError):
                raise unusable(name, "written", error) from None
            raise

    def _check_replaceable(self, path: Path, name: str, mode: int, what: str, is_ours: Callable[[Path], bool]) -> None:
        if not stat.S_ISREG(mode):
            if self.from_file or stat.S_ISDIR(mode):
                raise InputError(
                    f"{name!r} is no regular file, but {kind_of_file(mode)}: name another file to write {what}."
                )
            return
        if self.confirmed:
            return
        try:
            ours = is_ours(path)
        except InputError:
            ours = False
        if not ours:
            sentence = f"{name!r} exists and is not {what}: it was left as it is. Name another file."
            raise InputError(sentence) if self.from_file else ForeignFile(sentence)


ANYWHERE = Places()
REPLACING = Places(confirmed=True)


def _path_below(name: str) -> Path:
    """The path of a name in a scenario file, below the current directory and through no symbolic link."""
    what = f"a line of a scenario file names {name!r}"
    right = "write a plain name, such as story.paxsim or results/story.paxsim"
    path = Path(name)
    if "\0" in name or path.is_absolute() or not path.parts:
        raise InputError(f"{what}, and only what is below the current directory is in its reach: {right}.")
    if any(part.startswith((".", "~")) for part in path.parts):
        raise InputError(f"{what}: '..', '~' and hidden files are out of its reach: {right}.")
    place = Path()
    for part in path.parts:
        place /= part
        if place.is_symlink():
            raise InputError(f"{what}, and {str(place)!r} is a symbolic link, which may lead anywhere: {right}.")
    return path
