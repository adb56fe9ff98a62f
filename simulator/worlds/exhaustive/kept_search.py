"""A search kept in a file, so that it goes on where it was after an interrupt or a bound.

The numbers of a state mean something to its model only; so a model that numbers things says what they stand for
(`Model.memory`). A file takes the place of the one before it in one step: whatever happens while it is written, one of
the two is there.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Hashable
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from simulator.errors import InputError
from simulator.worlds.exhaustive.search import Search

S = TypeVar("S", bound=Hashable)
A = TypeVar("A")

NAME = "search.paxsim"
FORM = 2
"""Changes when the file does."""
MAKERS = ("array.array", "array._array_reconstructor", "msgspec._core.rebuild")
"""What is needed to make arrays and structs again."""


def keep(search: Search[S, A], folder: Path, purpose: str, how: object = None) -> None:
    """Write a search into `folder`. `purpose` says what is searched; `how` is what `kept_how` returns.

    Raises:
        OSError: the folder cannot be written, or is full. What was kept before is still there.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, new = folder / NAME, folder / f"{NAME}.new"
    try:
        with new.open("wb") as file:
            for part in ((FORM, purpose, how), (search.__getstate__(), search.model.memory())):
                pickle.dump(part, file, pickle.HIGHEST_PROTOCOL)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
    except OSError:
        new.unlink(missing_ok=True)
        raise


def kept_how(folder: Path, purpose: str) -> object:
    """How the search that is kept in `folder` was made: what was given to `keep`. None when none is there.

    Raises:
        InputError: it is one of something else, of another version, or damaged.
        OSError: the file cannot be read.
    """
    with suppress(FileNotFoundError), (folder / NAME).open("rb") as file:
        return _header(file, purpose)
    return None


def take_up(search: Search[S, A], folder: Path, purpose: str) -> bool:
    """Have a new search go on where the one in `folder` was. False when none is there; errors as above."""
    path = folder / NAME
    try:
        with path.open("rb") as file:
            _header(file, purpose)
            state, memory = _read(file, search.model)
    except FileNotFoundError:
        return False
    search.model.recall(memory)
    search.__setstate__(state)
    return True


def _header(file: BinaryIO, purpose: str) -> object:
    form, known, how = _read(file)
    if form != FORM:
        raise InputError(f"{file.name!r} was kept by another version: choose another folder.")
    if known != purpose:
        raise InputError(f"{file.name!r} keeps a search for something else ({known}): choose another folder.")
    return how


def _read(file: BinaryIO, model: object = None) -> tuple[Any, ...]:
    try:
        found = _Plain(file, model).load()
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, ImportError, IndexError) as error:
        raise InputError(f"{file.name!r} is damaged, or no kept search: {type(error).__name__}.") from None
    if not isinstance(found, tuple):
        raise InputError(f"{file.name!r} is no kept search.")
    return found


class _Plain(pickle.Unpickler):
    """Reads no classes but those of states and messages, and makes nothing else: a file from elsewhere runs nothing."""

    def __init__(self, file: BinaryIO, model: object = None) -> None:
        super().__init__(file)
        self._rooms = ("paxos.", "simulator.worlds.", f"{type(model).__module__}")

    def find_class(self, module: str, name: str) -> object:
        if f"{module}.{name}" in MAKERS:
            return super().find_class(module, name)
        found = super().find_class(module, name) if module.startswith(self._rooms) else None
        if not isinstance(found, type):
            raise pickle.UnpicklingError(f"it names {module}.{name}")
        return found
