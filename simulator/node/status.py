"""The status of one node at one moment, as plain data: views draw it, scenarios and checks compare it."""

from __future__ import annotations

from typing import Literal

import msgspec

Life = Literal["up", "paused", "down"]
Role = Literal["leader", "candidate", "follower"]


class EntryView(msgspec.Struct, frozen=True, kw_only=True):
    """One of the newest posts and comments of a blog."""

    kind: Literal["post", "comment"]
    username: str
    title: str
    content: str


class SlotView(msgspec.Struct, frozen=True, kw_only=True):
    """One slot of a node's log. `state` is how far it has come on this node; `value` lists operation texts."""

    slot: int
    ballot: tuple[int, int]
    state: Literal["accepted", "decided", "applied"]
    value: tuple[str, ...]


class NodeStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One node at one moment. Ballots are (round, owner), slots count from 1, hashes are hex.

    `queue` counts requests at this node that wait to be proposed or forwarded; `pending` those of its own clients that
    have no answer yet; `hashes` are the last blocks' hashes, the newest last; `heard` the nodes heard from lately.
    `log` is filled only on request (`detail`). `memory` says whether this incarnation found damaged
    files ("mended" once the chain has grown since), or promises are lost; `trouble` says what is wrong, in a sentence.
    """

    node: int
    life: Life = "down"
    role: Role = "follower"
    ballot: tuple[int, int] = (0, 0)
    promised: tuple[int, int] = (0, 0)
    leader: int = 0
    accepted: int = 0
    decided: int = 0
    applied: int = 0
    queue: int = 0
    pending: int = 0
    in_flight: int = 0
    height: int = 0
    hash: str = "0" * 64
    hashes: tuple[str, ...] = ()
    posts: int = 0
    comments: int = 0
    newest: tuple[EntryView, ...] = ()
    heard: tuple[int, ...] = ()
    round_trip_ms: int = 0
    elections: int = 0
    leaderships: int = 0
    messages_in: int = 0
    messages_out: int = 0
    syncs: int = 0
    log: tuple[SlotView, ...] = ()
    error: str = ""
    memory: Literal["", "damaged", "mended", "amnesiac", "recovering"] = ""
    trouble: str = ""


def after_death(status: NodeStatus) -> NodeStatus:
    """The last status of a node that is down: what is on its disk, without what was only in its memory.

    Counters of the incarnation are 0 again, as they will be when the node restarts.
    """
    return msgspec.structs.replace(
        status,
        role="follower",
        leader=0,
        queue=0,
        pending=0,
        in_flight=0,
        heard=(),
        elections=0,
        leaderships=0,
        messages_in=0,
        messages_out=0,
        syncs=0,
        log=(),
        memory="",
        trouble="",
    )
