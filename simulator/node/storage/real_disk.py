"""The real disk: a folder of files, kept open, each batch appended with one write and synced with one call."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from simulator.node.storage.disk import Place, check_home, gone
from simulator.settings import SyncMode

_sync_data = getattr(os, "fdatasync", os.fsync)  # Times of the last change need no disk: fdatasync leaves them out.


_forget_pages = getattr(os, "posix_fadvise", None)  # Drops what is clean; a dirty page is not lost.


class RealDisk:
    """A `Disk` over `directory`, which is made if missing. Not for threads; one process alone may hold it (`lock`).

    With `sync_mode` "flush" nothing waits for the device: what was written survives the process, not a power loss.

    Invariant: after a failed write or sync of a file, every later write or sync of it fails too. The kernel reports a
    lost page once and may then call the file clean (Rebello et al., *Can Applications Recover from fsync Failures?*,
    USENIX ATC 2020), so a second try could succeed without the data. For the same reason the next start must `distrust`
    what the kernel still has of the files, and read them from the device.

    `home` is the data directory whose lock our lab holds. A directory of another one is not opened, and one that is
    moved later is followed: another lab may have a directory of this name by now.
    """

    def __init__(
        self,
        directory: Path | str,
        sync_mode: SyncMode = "fsync",
        *,
        distrust: bool = False,
        home: Place | None = None,
    ) -> None:
        self.directory = Path(directory)
        self._folder = str(self.directory)
        self._directory_fd = _opened(self.directory, home)
        self._durable = sync_mode == "fsync"
        self._distrust = distrust
        self._open: dict[str, int] = {}
        self._unlisted: set[str] = set()  # Made here, and their folder not synced since.
        self._failed: set[str] = set()

    def exists(self, name: str) -> bool:
        """See `Disk`."""
        try:
            os.stat(name, dir_fd=self._directory_fd)
        except FileNotFoundError:
            return False
        return True

    def size(self, name: str) -> int:
        """See `Disk`."""
        return os.fstat(self._file(name)).st_size

    def read(self, name: str) -> bytes:
        """See `Disk`."""
        return self.read_at(name, 0, self.size(name))

    def read_at(self, name: str, offset: int, length: int) -> bytes:
        """See `Disk`."""
        fd = self._file(name)
        data = os.pread(fd, length, offset)
        while len(data) < length:
            more = os.pread(fd, length - len(data), offset + len(data))
            if not more:
                break
            data += more
        return data

    def append(self, name: str, data: bytes) -> None:
        """See `Disk`. One write, unless the kernel takes only a part."""
        fd = self._file(name, make=True)
        self._refuse_after_failure(name)
        try:
            written = os.write(fd, data)
            while written < len(data):
                written += os.write(fd, memoryview(data)[written:])
        except OSError:
            self._failed.add(name)
            raise

    def sync(self, name: str) -> None:
        """See `Disk`."""
        self._refuse_after_failure(name)
        self._check(name)
        if not self._durable:
            return
        try:
            _sync_data(self._file(name))
            if name in self._unlisted:
                self._sync_directory()
                self._unlisted.discard(name)
        except OSError:
            self._failed.add(name)
            raise

    def check_present(self) -> None:
        """See `Disk`."""
        for name in self._open:
            self._check(name)

    def truncate(self, name: str, size: int) -> None:
        """See `Disk`."""
        os.ftruncate(self._file(name), size)

    def replace(self, name: str, data: bytes) -> None:
        """See `Disk`. The new text is synced before it takes the name, and the name before this returns."""
        self._refuse_after_failure(name)
        fresh, folder = f"{name}.new", self._directory_fd
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        fd = os.open(fresh, flags, 0o666, dir_fd=folder)
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(fd, view) :]
            if self._durable:
                os.fsync(fd)
        finally:
            os.close(fd)
        os.replace(fresh, name, src_dir_fd=folder, dst_dir_fd=folder)
        stale = self._open.pop(name, None)  # It still refers to the replaced file.
        if stale is not None:
            os.close(stale)
        if self._durable:
            self._sync_directory()
        self._unlisted.discard(name)

    def stream(self, name: str, chunk: int) -> Iterator[bytes]:
        """See `Disk`."""
        fd = self._file(name)
        offset = 0
        while data := os.pread(fd, chunk, offset):
            offset += len(data)
            yield data

    def close(self) -> None:
        """Close all files without a sync. Idempotent."""
        for fd in self._open.values():
            os.close(fd)
        self._open.clear()
        if self._directory_fd >= 0:
            os.close(self._directory_fd)
            self._directory_fd = -1

    def _file(self, name: str, *, make: bool = False) -> int:
        fd = self._open.get(name)
        if fd is None:
            flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK  # No link, no pipe.
            try:
                fd = os.open(name, flags, dir_fd=self._directory_fd)
            except FileNotFoundError:
                if not make:
                    raise
                fd = os.open(name, flags | os.O_CREAT, 0o666, dir_fd=self._directory_fd)
                self._unlisted.add(name)
            self._open[name] = fd
            if self._distrust and _forget_pages is not None:
                _forget_pages(fd, 0, 0, os.POSIX_FADV_DONTNEED)
        return fd

    def _check(self, name: str) -> None:
        """Refuse a file that has lost its name: what is written to it would be gone with the next start."""
        try:
            named = os.stat(f"{self._folder}/{name}")  # noqa: PTH116  At each sync; a Path takes longer than the call.
        except FileNotFoundError:
            named = None
        opened = os.fstat(self._file(name))
        if named is None or (named.st_ino, named.st_dev) != (opened.st_ino, opened.st_dev):
            self._failed.add(name)
            raise gone(name)

    def _refuse_after_failure(self, name: str) -> None:
        if name in self._failed:
            raise OSError(errno.EIO, "an earlier write or sync failed, so nothing that follows it counts", name)

    def _sync_directory(self) -> None:
        os.fsync(self._directory_fd)


def _opened(directory: Path, home: Place | None) -> int:
    """A descriptor of the directory, which is made if missing. It must be in the directory `home`, if that is given.

    Raises:
        OSError: it is not, or the directory cannot be made.
    """
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
    if home is None:
        directory.mkdir(parents=True, exist_ok=True)
        return os.open(directory, flags)
    parent = os.open(directory.parent, flags)
    try:
        check_home(parent, home, str(directory.parent))
        with suppress(FileExistsError):
            os.mkdir(directory.name, dir_fd=parent)
        return os.open(directory.name, flags, dir_fd=parent)
    finally:
        os.close(parent)
