"""The running log of a cluster for people, and messages held back."""

from __future__ import annotations

import msgspec


class ClusterEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the running log: at `at_ms` of cluster time, at `node` (0: the cluster itself).

    A message has the kind "sent", and its targets in `to`.
    """

    at_ms: int
    node: int
    kind: str
    text: str
    to: tuple[int, ...] = ()


class HeldMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that waits for a person. `number` identifies it until it is delivered."""

    number: int
    source: int
    target: int
    text: str
