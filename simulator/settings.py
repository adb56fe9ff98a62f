"""The settings of one cluster. They come from options, `PAXSIM_…` variables or the `set` command."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

MAX_NODES = 9
SyncMode = Literal["fsync", "flush"]


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The settings that all nodes of a cluster share.

    `window` is the maximum number of slots in flight. `sync` is "fsync" (writes survive a power loss) or "flush"
    (writes survive a process that dies). `break_rule` names a rule of the protocol to break on purpose (see
    `simulator/mutants/`).
    """

    nodes: Annotated[int, Meta(ge=1, le=MAX_NODES)] = 5
    data: str = "data"
    fresh: bool = False
    seed: int = 0
    difficulty: Annotated[int, Meta(ge=0, le=8)] = 2
    ops_per_block: Annotated[int, Meta(ge=1, le=4096)] = 1
    window: Annotated[int, Meta(ge=1, le=65536)] = 256
    sync: SyncMode = "fsync"
    break_rule: str | None = None

    @property
    def node_ids(self) -> tuple[int, ...]:
        """All node numbers, ascending from 1."""
        return tuple(range(1, self.nodes + 1))

    @property
    def majority(self) -> int:
        """How many nodes are a majority: 3 of 5."""
        return self.nodes // 2 + 1
