"""A search kept in a folder, so that it goes on where it was after an interrupt, a bound, or the end of its process.

`search.json` says what is searched and names the files that hold the search, with how much of each counts and its
checksum. The other files are only ever appended to, and `search.json` takes the place of the one before it in one step:
whatever happens, the last checkpoint is whole. Nothing in these files is more than numbers, words and bytes, and
nothing is unpickled. The numbers of a state mean something to its model only: see `Model.numbering`.
"""

from __future__ import annotations

import os
import time
import zlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from simulator import __version__
from simulator.errors import DirectoryHeld, InputError
from simulator.node.storage.lock import LOCK_NAME, DirectoryLock
from simulator.worlds.exhaustive.model import Model
from simulator.worlds.exhaustive.number_log import AppendedFile

FORM = 1
"""Changes when the files do."""
HEADER = "search.json"
KEEP_EVERY_S = 60.0
SHARE = 20
"""So many times as long as a checkpoint takes the search goes on before the next one."""
MOST_HEADER_BYTES = 1 << 20
OURS = ("parents", "fingerprints", "layer-", "numbering-", f"{HEADER}.new")
"""How the names of the files begin."""

Purpose = Mapping[str, str | int | bool]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A file, how many bytes of it count, their checksum, and how many states these are."""

    name: str
    size: int
    checksum: int
    states: int = 0

    @classmethod
    def of(cls, file: AppendedFile, states: int = 0) -> Part:
        """Of a file as it is now."""
        assert file.path is not None
        return cls(file.path.name, file.size, file.checksum, states)


class Checkpoint(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A search between two states; see the fields of `Search`. `found` are numbers of states."""

    depth: int
    first_number: int
    done: int
    states: int
    transitions: int
    seconds: float
    found: dict[str, int]
    unseen: tuple[str, ...]
    parents: Part
    fingerprints: Part
    now: Part
    next: Part
    numbering: Part


class Header(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `search.json`. `notes` belong to whoever keeps the search."""

    form: int
    version: str
    purpose: dict[str, str | int | bool]
    notes: list[dict[str, str | int]] = []
    checkpoint: Checkpoint | None = None


class SearchFolder:
    """The folder of one search, held until `close`.

    Raises:
        InputError: another process uses it, it keeps another search, it holds other files, or it is damaged.
        OSError: it cannot be made or written.
    """

    def __init__(self, folder: Path, purpose: Purpose) -> None:
        self.folder = folder
        self._refuse_others()
        try:
            self._lock = DirectoryLock(folder)
        except DirectoryHeld as error:
            raise InputError(f"{self._name} is used by another search: wait for its end, or choose another.") from error
        except (FileExistsError, NotADirectoryError):
            raise InputError(f"{self._name} is no folder: name a new one, or that of a search of before.") from None
        try:
            header = self._read(dict(purpose))
            self._header = header or Header(FORM, __version__, dict(purpose))
            if header is None:
                self._write(self._header)
            self._tidy()
        except BaseException:
            self._lock.release()
            raise
        self._kept_at = time.monotonic()
        self._pause_s = KEEP_EVERY_S

    @property
    def checkpoint(self) -> Checkpoint | None:
        """Where the search was; None: at its beginning."""
        return self._header.checkpoint

    @property
    def notes(self) -> list[dict[str, str | int]]:
        """What was noted at `begin_anew`."""
        return self._header.notes

    def begin_anew(self, notes: Sequence[Mapping[str, str | int]]) -> None:
        """Forget the search, and note why."""
        header = msgspec.structs.replace(self._header, notes=[dict(one) for one in notes], checkpoint=None)
        self._write(header)
        self._tidy()

    def path(self, name: str) -> Path:
        """The path of a file of the search."""
        return self.folder / name

    def due(self) -> bool:
        """True when it is time for a checkpoint."""
        return time.monotonic() - self._kept_at >= self._pause_s

    def write_numbering(self, numbering: bytes) -> Part:
        """Write it beside the one that counts until the next checkpoint."""
        last = self.checkpoint
        turn = 1 if last is not None and last.numbering.name == "numbering-0" else 0
        file = AppendedFile(self.path(f"numbering-{turn}"))
        try:
            file.append(numbering)
            file.sync()
            return Part.of(file)
        finally:
            file.close()

    def read(self, part: Part) -> bytes:
        """The whole of a small file."""
        file = AppendedFile(self.path(part.name))
        try:
            return b"".join(file.take_up(part.size, part.checksum))
        finally:
            file.close()

    def keep(self, checkpoint: Checkpoint, files: Sequence[AppendedFile]) -> None:
        """Make these files and then the checkpoint durable. After an OSError the last one is as it was."""
        began = time.monotonic()
        for file in files:
            file.sync()
        self._write(msgspec.structs.replace(self._header, checkpoint=checkpoint))
        self._tidy()
        self._kept_at = time.monotonic()
        self._pause_s = max(KEEP_EVERY_S, SHARE * (self._kept_at - began))

    def close(self) -> None:
        """Let others use it. Idempotent."""
        self._lock.release()

    @property
    def _name(self) -> str:
        return repr(str(self.folder))

    def _tidy(self) -> None:
        """Remove files of ours that do not count."""
        last = self.checkpoint
        used = {HEADER, LOCK_NAME}
        if last is not None:
            parts = (last.parents, last.fingerprints, last.now, last.next, last.numbering)
            used |= {part.name for part in parts}
        for path in self.folder.iterdir():
            if path.name not in used and path.name.startswith(OURS):
                path.unlink()

    def _write(self, header: Header) -> None:
        raw = msgspec.json.encode(header)
        new = self.path(f"{HEADER}.new")
        try:
            with new.open("wb") as file:
                file.write(b"%b\n%08x\n" % (raw, zlib.crc32(raw)))
                file.flush()
                os.fsync(file.fileno())
            new.replace(self.path(HEADER))
        except OSError:
            with suppress(OSError):
                new.unlink()
            raise
        folder = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
        self._header = header

    def _refuse_others(self) -> None:
        """A folder in which others have put files is left as it is, without a lock."""
        if self.folder.is_dir() and not self.path(HEADER).exists():
            others = sorted({path.name for path in self.folder.iterdir()} - {LOCK_NAME, f"{HEADER}.new"})
            if others:
                raise InputError(f"{self._name} holds other files ({others[0]!r}): choose a new or empty folder.")

    def _read(self, purpose: dict[str, str | int | bool]) -> Header | None:
        try:
            with self.path(HEADER).open("rb") as file:
                raw = file.read(MOST_HEADER_BYTES)
        except FileNotFoundError:
            return None
        text, _, checksum = raw.rstrip(b"\n").rpartition(b"\n")
        if checksum != b"%08x" % zlib.crc32(text):
            raise InputError(f"{str(self.path(HEADER))!r} is damaged, or of no kept search: choose another folder.")
        try:
            found: dict[str, Any] = msgspec.json.decode(text, type=dict)
            made = found.get("form"), found.get("version")
            if made != (FORM, __version__):
                raise InputError(f"{self._name} was kept by another version ({made[1]}): choose another folder.")
            header = msgspec.convert(found, Header)
        except msgspec.MsgspecError as error:
            raise InputError(
                f"{str(self.path(HEADER))!r} is of no kept search ({error}): choose another folder."
            ) from None
        for name in sorted(purpose.keys() | header.purpose.keys()):
            there, here = header.purpose.get(name), purpose.get(name)
            if there != here:
                raise InputError(
                    f"{self._name} keeps another search, with {name} {_worded(there)} and not {_worded(here)}: give "
                    "the same bounds and rules as then, or choose another folder."
                )
        return header


def _worded(value: str | int | bool | None) -> str:
    if isinstance(value, bool):
        return "on" if value else "off"
    return f"{value}" if value not in {None, ""} else "not given"


def take_up_numbering(model: Model[Any, Any], folder: SearchFolder, kept: Checkpoint) -> None:
    """Have a model take up the numbering of a search.

    Raises:
        InputError: it is damaged, or not of this model.
    """
    numbering = folder.read(kept.numbering)
    try:
        model.resume(numbering)
    except ValueError as error:
        path = str(folder.path(kept.numbering.name))
        raise InputError(f"{path!r} is of no such search ({error}): choose another folder.") from None
