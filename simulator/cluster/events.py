"""The running log of a cluster for people, and messages held back."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

FateWord = Literal["", "cut", "lost", "down", "held", "delayed"]
"""What became of a message when it was sent: "" for a message that went its way at once."""


class Fate(msgspec.Struct, frozen=True):
    """What became of the copies of a message to these nodes."""

    what: FateWord
    to: tuple[int, ...]


class ClusterEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the running log: at `at_ms` of cluster time, at `node` (0: the cluster itself).

    A message has the kind "sent", its targets in `to`, and in `fates` what kept copies of it from going their way.
    """

    at_ms: int
    node: int
    kind: str
    text: str
    to: tuple[int, ...] = ()
    fates: tuple[Fate, ...] = ()


class HeldMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that waits for a person. `number` identifies it until it is delivered."""

    number: int
    source: int
    target: int
    text: str


def fates_of(copies: Iterable[tuple[int, FateWord]]) -> tuple[Fate, ...]:
    """The fates of the copies of one message, each given by its target; those that went their way are left out."""
    by_word: dict[FateWord, list[int]] = {}
    for target, what in copies:
        if what:
            by_word.setdefault(what, []).append(target)
    return tuple(Fate(what, tuple(to)) for what, to in by_word.items())
