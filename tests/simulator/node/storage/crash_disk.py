"""A disk in memory that can lose power and then keeps a chosen part of what was not synced."""

from __future__ import annotations

from collections.abc import Iterator


class CrashDisk:
    """A `Disk`. `files` is what the process sees; `safe` is the synced length of each file."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.safe: dict[str, int] = {}
        self.syncs = 0

    def crash(self, keep: float = 0.0) -> None:
        """Lose power: the fraction `keep` (0 to 1) of the unsynced bytes of each file survives."""
        for name, data in self.files.items():
            safe = min(self.safe.get(name, 0), len(data))
            self.files[name] = data[: safe + int((len(data) - safe) * keep)]
            self.safe[name] = len(self.files[name])

    def exists(self, name: str) -> bool:
        """True when the file exists."""
        return name in self.files

    def size(self, name: str) -> int:
        """Length in bytes."""
        return len(self.read(name))

    def read(self, name: str) -> bytes:
        """The whole file."""
        if name not in self.files:
            raise FileNotFoundError(2, "no such file", name)
        return self.files[name]

    def read_at(self, name: str, offset: int, length: int) -> bytes:
        """A part of the file."""
        return self.read(name)[offset : offset + length]

    def append(self, name: str, data: bytes) -> None:
        """Volatile until synced."""
        self.files[name] = self.files.get(name, b"") + data

    def sync(self, name: str) -> None:
        """Make the file durable."""
        self.syncs += 1
        self.safe[name] = len(self.read(name))

    def check_present(self) -> None:
        """Files never vanish here."""

    def truncate(self, name: str, size: int) -> None:
        """Cut the file, durably."""
        self.files[name] = self.read(name)[:size]

    def replace(self, name: str, data: bytes) -> None:
        """Replace the file, durably."""
        self.files[name] = data
        self.safe[name] = len(data)

    def stream(self, name: str, chunk: int) -> Iterator[bytes]:
        """The file in chunks."""
        data = self.read(name)
        for offset in range(0, len(data), chunk):
            yield data[offset : offset + chunk]
