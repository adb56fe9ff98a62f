"""What these algorithms return: a contradiction between a few operations, or that they cannot decide."""

from __future__ import annotations

from typing import NamedTuple


class Conflict(NamedTuple):
    """Why no order exists. `text` has {0}, {1}, ... where the description of `operations[0]`, ... belongs.

    A negative number stands for what the object held at first.
    """

    text: str
    operations: tuple[int, ...]


class Ambiguous(Exception):
    """A value was written twice, or an operation of unknown fate leaves a choice: only a search can decide."""
