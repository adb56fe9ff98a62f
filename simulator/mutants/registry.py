"""Mutants by name, and the node or replica that has one (`--break RULE`, `Settings.break_rule`).

It knows no world: a world asks `node_type` for the class of its nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Literal, TypeVar

import msgspec

from paxos.acceptor import Acceptor
from paxos.campaign import Campaign
from paxos.election import Election
from paxos.heartbeats import Heartbeats
from paxos.leader_view import LeaderView
from paxos.learner import Learner
from paxos.link_gossip import LinkGossip
from paxos.pre_vote import PreVoteRound
from paxos.proposer import Proposer
from paxos.reads import Reads
from paxos.recovery import Recovery
from paxos.replica import Replica
from paxos.request_forwarder import RequestForwarder
from paxos.routes import Routes
from paxos.timeouts import Timeouts
from simulator.errors import InputError
from simulator.node.catchup import BlockTransfer
from simulator.node.group_commit import GroupCommit
from simulator.node.node import Node
from simulator.node.pending_requests import PendingRequests
from simulator.node.state_machine import StateMachine
from simulator.text.suggest import did_you_mean

Kind = Literal["S", "D", "E", "R", "L"]
"""Agreement or safety, durability, exactly once, stale or wrong read, progress."""

ROLES: dict[type, str] = {
    Acceptor: "acceptor_role",
    Learner: "learner_role",
    LeaderView: "leader_view_role",
    PreVoteRound: "pre_vote_role",
    Campaign: "campaign_role",
    Election: "election_role",
    LinkGossip: "link_gossip_role",
    Heartbeats: "heartbeats_role",
    Reads: "reads_role",
    Proposer: "proposer_role",
    RequestForwarder: "forwarder_role",
    Routes: "routes_role",
    Timeouts: "timeouts_role",
    Recovery: "recovery_role",
}
NODE_PARTS: dict[type, str] = {
    StateMachine: "state_machine_type",
    PendingRequests: "pending_requests_type",
    GroupCommit: "group_commit_type",
    BlockTransfer: "block_transfer_type",
}
FILES = ("core", "log", "reads", "incarnations", "elections", "memory", "ways", "statements", "controls")

Part = TypeVar("Part", bound=type)


class Mutant(msgspec.Struct, frozen=True, kw_only=True):
    """One broken rule.

    `wrong` says what is done instead, `forbidden_by` which rule or invariant forbids it, `expects` the invariants of
    which at least one must be found violated. `parts` are the classes that replace those they derive from. A `control`
    only looks wrong. `nodes` is the cluster size that it needs (0: any), `quorums` the sizes of its quorums of phase 1
    and 2 (0: majorities), for the checks.
    """

    name: str
    kinds: tuple[Kind, ...]
    wrong: str
    forbidden_by: str
    expects: tuple[str, ...]
    parts: tuple[type, ...]
    control: bool = False
    nodes: int = 0
    quorums: tuple[int, int] = (0, 0)


_known: dict[str, Mutant] = {}


def mutant(
    name: str,
    kinds: str,
    *,
    wrong: str,
    forbidden_by: str,
    expects: str,
    also: tuple[type, ...] = (),
) -> Callable[[Part], Part]:
    """Register the decorated class, and those in `also`, as the mutant `name`. Lists are words separated by blanks."""

    def register(part: Part) -> Part:
        _add(
            Mutant(
                name=name,
                kinds=msgspec.convert(kinds.split(), tuple[Kind, ...]),
                wrong=wrong,
                forbidden_by=forbidden_by,
                expects=tuple(expects.split()),
                parts=(part, *also),
            )
        )
        return part

    return register


def control(
    name: str,
    *,
    wrong: str,
    right: str,
    also: tuple[type, ...] = (),
    nodes: int = 0,
    quorums: tuple[int, int] = (0, 0),
) -> Callable[[Part], Part]:
    """Register the decorated class as something that only looks wrong; `right` says why it is correct."""

    def register(part: Part) -> Part:
        _add(
            Mutant(
                name=name,
                kinds=(),
                wrong=wrong,
                forbidden_by=right,
                expects=(),
                parts=(part, *also),
                control=True,
                nodes=nodes,
                quorums=quorums,
            )
        )
        return part

    return register


def _add(new: Mutant) -> None:
    if new.name in _known:
        raise ValueError(f"two mutants are called {new.name!r}")
    _known[new.name] = new


def mutants() -> dict[str, Mutant]:
    """All mutants by name, controls included, in the order of the list."""
    for file in FILES:
        import_module(f"simulator.mutants.{file}")
    return _known


def find(name: str) -> Mutant:
    """The mutant called `name`.

    Raises:
        InputError: there is none.
    """
    known = mutants()
    if name not in known:
        raise InputError(
            f"there is no rule {name!r} to break{did_you_mean(name, known)} docs/mutants.md lists all {len(known)}."
        )
    return known[name]


@cache
def replica_type(name: str | None) -> type[Replica]:
    """The replica with the rule `name` broken; None: the unmodified one.

    Raises:
        InputError: there is no such mutant.
    """
    if name is None:
        return Replica
    parts = find(name).parts
    base = next((part for part in parts if issubclass(part, Replica)), Replica)
    return _with_parts(base, parts, ROLES)


@cache
def node_type(name: str | None) -> type[Node]:
    """The node with the rule `name` broken; None: the unmodified one.

    Raises:
        InputError: there is no such mutant.
    """
    if name is None:
        return Node
    parts = find(name).parts
    base = next((part for part in parts if issubclass(part, Node)), Node)
    broken = _with_parts(base, parts, NODE_PARTS)
    broken.replica_type = replica_type(name)
    return broken


def quorums(name: str | None) -> tuple[int, int]:
    """The quorum sizes of phase 1 and 2 of this mutant, for the checks; 0: a majority."""
    return (0, 0) if name is None else find(name).quorums


Base = TypeVar("Base")


def _with_parts(base: type[Base], parts: tuple[type, ...], places: dict[type, str]) -> type[Base]:
    taken = {place: part for part in parts for role, place in places.items() if issubclass(part, role)}
    made: type[Base] = type(base.__name__, (base,), taken)
    return made
