"""The newest items of an endless row, each known by its place."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Generic, TypeVar

T = TypeVar("T")


class Newest(Generic[T]):
    """Keeps the last `most` items. `count` is how many there ever were."""

    def __init__(self, most: int) -> None:
        self.count = 0
        self._kept: deque[T] = deque(maxlen=most)

    def append(self, item: T) -> None:
        """Add an item; the oldest one is forgotten when there are too many."""
        self._kept.append(item)
        self.count += 1

    def after(self, count: int) -> list[T]:
        """The items behind the first `count`, as far as they are kept, oldest first."""
        return list(islice(self._kept, max(0, len(self._kept) - (self.count - max(0, count))), None))
