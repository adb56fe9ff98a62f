"""The lines of a trace: a header, then one event a line (`docs/trace.md`).

Most lines are an event (`events`) with its `clock`. A message is written in full where it is sent, and by its number
where it arrives. A block is written in full the first time, and then by its height. `clock` is a Lamport timestamp
(*Time, Clocks, and the Ordering of Events*, 1978): it grows along every chain of causes.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from chain.block import Block
from paxos.ballot import NodeId
from paxos.messages import AnyMessage
from simulator.cluster.history import Event as HistoryEvent
from simulator.settings import Settings
from simulator.trace.events import (
    ClientCalled,
    Event,
    FaultInjected,
    IncarnationEnded,
    JournalSynced,
    Loss,
    MessageDuplicated,
    MessageHeld,
    MessageSent,
    NodeRecovered,
    NodeReported,
    RecordsAppended,
    TimerFired,
    TurnBegan,
)

VERSION = 4
"""The version of traces that are written. In version 1 the messages PRE-VOTE and PRE-VOTE-REPLY had other names.

Version 3 tells why a message was lost, and has the events `held` and `duplicated`. Version 4 has `turn`, so that a run
can be replayed on real nodes.
"""
READABLE = (1, 2, 3, 4)
"""The versions that are read."""


def _fields_of_messages() -> dict[str, str]:
    """For each message's number: its name and its fields, in the order of the array."""
    found = {}
    for kind in get_args(AnyMessage):
        found[str(kind.__struct_config__.tag)] = " ".join([kind.__name__, *kind.__struct_fields__])
    return found


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first line. `settings` has no paths and no usual limits; `messages` tells readers how messages are written.

    `command` replays the run, where one does; quorums of 0 are majorities.
    """

    trace: int
    world: str
    seed: int
    settings: dict[str, Any]
    messages: dict[str, str] = {}
    command: str = ""
    prepare_quorum: int = 0
    accept_quorum: int = 0

    def to_settings(self) -> Settings:
        """The settings of the run, without its data directory.

        Raises:
            msgspec.ValidationError: these are not valid settings.
        """
        return msgspec.convert({"seed": self.seed, **self.settings}, Settings)


def header_for(settings: Settings, world: str, command: str = "") -> Header:
    """The header of a run. It leaves paths out, so that equal runs give equal bytes wherever they are written."""
    chosen = {
        name: value
        for name, value in msgspec.structs.asdict(settings).items()
        if name not in {"data", "fresh", "seed", "limits"} and value is not None
    }
    if limits := settings.limits.drawn():
        chosen["limits"] = limits
    return Header(
        trace=VERSION,
        world=world,
        seed=settings.seed,
        settings=chosen,
        messages=_fields_of_messages(),
        command=command,
    )


class DeliveredLine(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="delivered"):
    """A `MessageDelivered` with the message's number instead of the message."""

    source: NodeId
    number: int


class LostLine(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="lost"):
    """A `MessageLost` with the message's number instead of the message."""

    source: NodeId
    number: int
    why: Loss = ""


class AppliedLine(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="applied"):
    """A `BlocksApplied`; a number stands for the block of that height in an earlier line."""

    blocks: tuple[Block | int, ...]


class History(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="history"):
    """An entry of the clients' history, in Jepsen's format."""

    entry: HistoryEvent


class Cut(Event, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag="cut"):
    """Recording stopped here, for the reason in `why`, and the run continued."""

    why: str


AnyLine = (
    ClientCalled
    | NodeReported
    | MessageSent
    | DeliveredLine
    | LostLine
    | MessageHeld
    | MessageDuplicated
    | TurnBegan
    | TimerFired
    | NodeRecovered
    | RecordsAppended
    | JournalSynced
    | AppliedLine
    | IncarnationEnded
    | FaultInjected
    | History
    | Cut
)
"""Every line but the header."""
