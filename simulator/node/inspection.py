"""The status of one node, made from its state, and the log lines of its start and its end.

Reading the status changes nothing and costs the same however long the log is. The newest slots of the log are read from
the chain file when `detail` is asked for.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Literal

import msgspec

from blog.answers import kind_of
from blog.blog import Blog
from paxos.ballot import Ballot, NodeId, Slot
from paxos.messages import Acceptance, Value
from paxos.replica import Replica
from paxos.status import ReplicaStatus
from simulator.node.client_api import NoteLine
from simulator.node.state_machine import StateMachine
from simulator.node.status import EntryView, NodeStatus, SlotView
from simulator.node.storage.storage import Recovered, Storage

NEWEST_ENTRIES = 8
ENTRY_CHARACTERS = 400
"""How many characters of an entry's content a status holds: more than any panel shows."""
LOG_SLOTS = 64
"""How many applied slots a log shows at most."""
LOG_BYTES = 1 << 18
"""How much text of applied slots a log shows at most: a status crosses a process border."""

_texts = msgspec.json.Decoder(list[msgspec.Raw]).decode


class Counters(msgspec.Struct):
    """What a node counts in one incarnation."""

    messages_in: int = 0
    messages_out: int = 0
    syncs: int = 0


def node_status(
    replica: Replica,
    state_machine: StateMachine,
    counters: Counters,
    *,
    pending: int,
    error: str = "",
    damaged: tuple[str, ...] = (),
    grown: bool = False,
    log: tuple[SlotView, ...] = (),
) -> NodeStatus:
    """The status. `pending` counts the node's own clients without an answer; `log` as `log_of` gives it.

    `damaged` are the sentences of this start on damaged files; `grown` says that the chain has grown since.
    """
    blog, status = state_machine.blog, replica.status()
    return NodeStatus(
        node=replica.core.me,
        life="up",
        role=status.role,
        ballot=_pair(status.ballot),
        promised=_pair(status.promised),
        leader=status.leader,
        accepted=status.accepted,
        decided=status.decided,
        applied=state_machine.height,
        queue=status.queued,
        pending=pending,
        in_flight=status.in_flight,
        height=state_machine.height,
        hash=state_machine.chain.tip,
        hashes=tuple(state_machine.hashes),
        posts=blog.posts,
        comments=blog.comments,
        newest=_newest(blog),
        heard=status.heard,
        round_trip_ms=status.round_trip_ms,
        elections=status.elections,
        leaderships=status.leaderships,
        messages_in=counters.messages_in,
        messages_out=counters.messages_out,
        syncs=counters.syncs,
        log=log,
        error=error,
        memory=_memory(status, damaged=bool(damaged), grown=grown),
        trouble=status.amnesia or "; ".join(damaged),
    )


def _memory(
    status: ReplicaStatus, *, damaged: bool, grown: bool
) -> Literal["", "damaged", "mended", "amnesiac", "recovering"]:
    if status.amnesia:
        return "recovering" if status.remembering else "amnesiac"
    if damaged:
        return "mended" if grown else "damaged"
    return ""


def log_of(replica: Replica, height: int, storage: Storage) -> tuple[SlotView, ...]:
    """The newest applied slots and everything beyond them, in slot order.

    The ballot is that of this node's own vote; (0, 0) when it has none, or none any more.

    Raises:
        StorageDamage: the chain file has been changed since it was read or written.
        OSError: the disk fails.
    """
    votes = replica.votes()
    views = _applied(votes, height, storage)
    chosen = {slot: value for slot, value in replica.learner.chosen.items() if slot > height}
    for slot in sorted({*chosen, *(slot for slot in votes if slot > height)}):
        value = chosen.get(slot)
        if value is None:
            vote = votes[slot]
            views.append(
                SlotView(slot=slot, ballot=_pair(vote.ballot), state="accepted", value=_operations(vote.value))
            )
        else:
            views.append(SlotView(slot=slot, ballot=_voted(votes, slot), state="decided", value=_operations(value)))
    return tuple(views)


def start_notes(node: NodeId, recovered: Recovered) -> list[NoteLine]:
    """The log lines of the start of an incarnation."""
    if recovered.fresh:
        text = f"node {node} starts with empty files"
    else:
        votes = len(recovered.accepted)
        text = (
            f"node {node} is back: block {recovered.height}, promise {recovered.promised}, "
            f"{votes} {'vote' if votes == 1 else 'votes'} beyond"
        )
    return [
        NoteLine("start", text),
        *(NoteLine("mended", f"node {node}: {note}") for note in recovered.notes),
        *(NoteLine("damaged", f"node {node}: {sentence}") for sentence in recovered.damaged),
    ]


def stop_reason(node: NodeId, error: Exception) -> str:
    """Why a node stopped, in one sentence."""
    if isinstance(error, OSError):
        where = f" on {PurePath(error.filename).name}" if isinstance(error.filename, str) else ""
        return f"node {node} stopped: its disk failed{where}: {error.strerror or error}"
    return f"node {node} stopped: {error}"


def _applied(votes: Mapping[Slot, Acceptance], height: int, storage: Storage) -> list[SlotView]:
    views: list[SlotView] = []
    room = LOG_BYTES
    for block in reversed(storage.read_blocks(height - LOG_SLOTS + 1, height)):
        room -= len(block.operations_text)
        if room < 0 and views:
            break
        value = tuple(bytes(raw).decode() for raw in _texts(block.operations_text))
        views.append(SlotView(slot=block.height, ballot=_voted(votes, block.height), state="applied", value=value))
    views.reverse()
    return views


def _voted(votes: Mapping[Slot, Acceptance], slot: Slot) -> tuple[int, int]:
    vote = votes.get(slot)
    return _pair(vote.ballot) if vote is not None else (0, 0)


def _operations(value: Value) -> tuple[str, ...]:
    return tuple(request.operation for request in value)


def _pair(ballot: Ballot) -> tuple[int, int]:
    return ballot.round, ballot.owner


def _newest(blog: Blog) -> tuple[EntryView, ...]:
    return tuple(
        EntryView(
            kind=kind_of(entry), username=entry.username, title=entry.title, content=entry.content[:ENTRY_CHARACTERS]
        )
        for entry in blog.newest(NEWEST_ENTRIES)
    )
