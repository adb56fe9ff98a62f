"""The settings of one cluster. They come from options, `PAXSIM_…` variables or the `set` command."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from paxos.core import LimitNumber
from paxos.core import Limits as MessageLimits

MAX_NODES = 9
SyncMode = Literal["fsync", "flush"]


class Limits(MessageLimits, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The limits of one node; the explorer draws small ones, so that what is rare in real clusters happens often.

    `reply_bytes`: a catch-up reply ends with the block that takes it beyond this size, in characters. `compact_bytes`:
    a shorter journal is never rewritten; a longer one is when its size has doubled. Batches have a cost in requests,
    plus `group_commit.BLOCK_COST` a slot: from `defer_cost` on the votes of a leader for its own batch may be deferred,
    and after `part_cost` the applied part of a batch is written and answered.
    """

    reply_bytes: LimitNumber = 1 << 18
    compact_bytes: LimitNumber = 8 << 20
    defer_cost: LimitNumber = 200
    part_cost: LimitNumber = 540

    def drawn(self) -> dict[str, int]:
        """The limits that are not the usual ones, by name."""
        usual = Limits()
        found = {name: getattr(self, name) for name in self.__struct_fields__}
        return {name: value for name, value in found.items() if value != getattr(usual, name)}

    def set_lines(self) -> list[str]:
        """The lines of a scenario that set them."""
        return [f"set {name.replace('_', '-')} {value}" for name, value in self.drawn().items()]


LIMITS = Limits.__struct_fields__
"""The names of all limits."""


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
    limits: Limits = Limits()

    def changed(self, name: str, value: int | str) -> Settings:
        """These settings with one of them, or one limit, changed."""
        if name in LIMITS:
            return msgspec.structs.replace(self, limits=msgspec.structs.replace(self.limits, **{name: value}))
        return msgspec.structs.replace(self, **{name: value})

    def value_of(self, name: str) -> object:
        """The value of one setting or limit."""
        return getattr(self.limits if name in LIMITS else self, name)

    @property
    def node_ids(self) -> tuple[int, ...]:
        """All node numbers, ascending from 1."""
        return tuple(range(1, self.nodes + 1))

    @property
    def majority(self) -> int:
        """How many nodes are a majority: 3 of 5."""
        return self.nodes // 2 + 1
