"""What one line of a trace holds: a header, and then one event a line (`docs/trace.md`).

Each kind of event is one frozen class, tagged by name, and says the same as one call of `Observer`. Messages stand in
full where they are sent and are named by number where they arrive; a block stands in full the first time, and as its
height after that. `clock` is a Lamport stamp (*Time, Clocks, and the Ordering of Events*, 1978): it grows along every
cause; vector clocks follow from the order of lines and the message numbers.
"""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from chain.block import Block
from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage
from simulator.cluster.history import Event as HistoryEvent
from simulator.faults.faults import Fault
from simulator.node.client_api import ClientCall, NodeReport
from simulator.node.storage.storage import Recovered
from simulator.settings import Settings
from simulator.trace.journal_records import Entry

VERSION = 1


def _fields_of_messages() -> dict[str, str]:
    """For each message's number: its name and its fields, in the order in which they stand in the array."""
    found = {}
    for kind in get_args(AnyMessage):
        found[str(kind.__struct_config__.tag)] = " ".join([kind.__name__, *kind.__struct_fields__])
    return found


class Header(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The first line. `settings` has no paths; `messages` says how messages are written, for whoever reads by hand.

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
            msgspec.ValidationError: they are none.
        """
        return msgspec.convert({"seed": self.seed, **self.settings}, Settings)


def header_for(settings: Settings, world: str, command: str = "") -> Header:
    """The header of a run. Paths are left out: the same run gives the same bytes wherever it is written."""
    chosen = {
        name: value
        for name, value in msgspec.structs.asdict(settings).items()
        if name not in {"data", "fresh", "seed"} and value is not None
    }
    return Header(
        trace=VERSION,
        world=world,
        seed=settings.seed,
        settings=chosen,
        messages=_fields_of_messages(),
        command=command,
    )


class Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="event"):
    """What all events have: when (milliseconds of cluster time), where (0: the cluster itself), and the stamp."""

    at_ms: int
    node: NodeId = 0
    clock: int = 0


class Asked(Line, frozen=True, kw_only=True, omit_defaults=True, tag="asked"):
    """A client's call reached a node."""

    call: ClientCall


class Told(Line, frozen=True, kw_only=True, omit_defaults=True, tag="told"):
    """A node answered a client, noted something, showed its state, or failed."""

    report: NodeReport


class Sent(Line, frozen=True, kw_only=True, omit_defaults=True, tag="sent"):
    """A node handed a message to the network."""

    to: tuple[NodeId, ...]
    number: int
    message: AnyMessage


class Delivered(Line, frozen=True, kw_only=True, omit_defaults=True, tag="delivered"):
    """The message of this number, from `source`, reached the node. `message` is filled in by the reader."""

    source: NodeId
    number: int
    message: AnyMessage | None = None


class Lost(Line, frozen=True, kw_only=True, omit_defaults=True, tag="lost"):
    """The message of this number, or a copy, will never reach the node. `message` as in `Delivered`."""

    source: NodeId
    number: int
    message: AnyMessage | None = None


class Woken(Line, frozen=True, kw_only=True, omit_defaults=True, tag="woken"):
    """An alarm of the node rang."""

    timer: Timer


class RecoveredLine(Line, frozen=True, kw_only=True, omit_defaults=True, tag="recovered"):
    """A life of the node began with what its files told."""

    found: Recovered


class Recorded(Line, frozen=True, kw_only=True, omit_defaults=True, tag="recorded"):
    """The node appended these records to its journal."""

    records: tuple[Entry, ...]


class Synced(Line, frozen=True, kw_only=True, omit_defaults=True, tag="synced"):
    """Everything the node recorded so far is safe."""


class Applied(Line, frozen=True, kw_only=True, omit_defaults=True, tag="applied"):
    """The node applied these blocks; a number stands for the block of that height that stood here before."""

    blocks: tuple[Block | int, ...]


class Ended(Line, frozen=True, kw_only=True, omit_defaults=True, tag="ended"):
    """A life of the node is over."""

    how: str


class Struck(Line, frozen=True, kw_only=True, omit_defaults=True, tag="struck"):
    """A fault was carried out."""

    fault: Fault


class History(Line, frozen=True, kw_only=True, omit_defaults=True, tag="history"):
    """One line of the clients' history, in Jepsen's convention (`interface.md`)."""

    entry: HistoryEvent


class Cut(Line, frozen=True, kw_only=True, omit_defaults=True, tag="cut"):
    """Recording stopped here, for the reason in `why`; the run went on."""

    why: str


AnyLine = (
    Asked
    | Told
    | Sent
    | Delivered
    | Lost
    | Woken
    | RecoveredLine
    | Recorded
    | Synced
    | Applied
    | Ended
    | Struck
    | History
    | Cut
)
"""Every event that a line can hold."""
