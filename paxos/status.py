"""What a replica shows of itself at one moment, for people and checks."""

from __future__ import annotations

from typing import Literal

import msgspec

from paxos.ballot import Ballot, NodeId, Slot

Role = Literal["leader", "candidate", "follower"]


class ReplicaStatus(msgspec.Struct, frozen=True, kw_only=True):
    """A replica at one moment (as etcd's `Status`).

    `ballot` is the own ballot of a leader or candidate, else the one that is followed; `promised` the highest promise;
    `leader` the believed leader (0: none). `accepted` is the highest slot with a vote of this node, `decided` the
    decided prefix. `queued` counts requests to be proposed or forwarded, `in_flight` slots proposed and not chosen.
    `amnesia` says why this node does not vote, or is empty; `remembering` are the nodes that have told it what they
    know. `heard` lists the nodes heard from within the election timeout; `round_trip_ms` is the slowest round trip
    within the fastest majority. `elections` counts ballots opened in this incarnation, `leaderships` ballots won.
    """

    role: Role
    ballot: Ballot
    promised: Ballot
    leader: NodeId
    accepted: Slot
    decided: Slot
    queued: int
    in_flight: int
    heard: tuple[NodeId, ...]
    round_trip_ms: int
    elections: int
    leaderships: int
    amnesia: str = ""
    remembering: tuple[NodeId, ...] = ()
