"""What the roles of one replica share: its place in the cluster, its clock, and the list of effects."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from paxos.ballot import NodeId
from paxos.effects import Effect, Note, Persist, Send, SendNow, SetTimer, Timer
from paxos.eras import NO_LOSS, Eras
from paxos.messages import AnyMessage
from paxos.quorum import Quorums
from paxos.records import JournalRecord

LOOK_MS = 1_000
"""The longest interval at which a node looks at what it waits for, in milliseconds."""
LEAP_MS = 2 * LOOK_MS
"""A clock that moves so far between two events has jumped: a timer should have fired in between."""


class ProtocolError(Exception):
    """No correct peer sends this and no correct disk holds it. The node that meets it must stop."""


LimitNumber = Annotated[int, Meta(ge=1, le=1 << 30)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much a replica puts in one message. Any number from 1 on is safe.

    `slots_a_message` are the most slots of one ACCEPT: with large batches such a message is a few megabytes.
    `requests_a_message` are the most requests of one FORWARD, `catchup_slots` the most slots that one CATCHUP asks for.
    """

    slots_a_message: LimitNumber = 64
    requests_a_message: LimitNumber = 512
    catchup_slots: LimitNumber = 512


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """One replica's place in the cluster, and its limits. Times in milliseconds.

    `heartbeat_ms` is the leader's interval; `election_ms` the least election timeout (measured round trips raise it);
    `no_majority_ms` and `give_up_ms` are how long a client's request waits while too few nodes are heard, and at all.
    `prepare_quorum` and `accept_quorum` are sizes, 0 for a majority: see `Quorums`.
    """

    node: NodeId
    nodes: tuple[NodeId, ...]
    ops_per_block: int = 1
    window: int = 256
    heartbeat_ms: int = 50
    election_ms: int = 200
    no_majority_ms: int = 6_000
    give_up_ms: int = 30_000
    prepare_quorum: int = 0
    accept_quorum: int = 0
    limits: Limits = Limits()


class Core:
    """Invariants: `now` never goes back, however the driver's clock jumps; `effects` are in order of emission.

    `amnesia` says why this node must not vote, or is empty; `eras` are the eras of all nodes that it knows (rule 17).
    It is `unsure` while its chain waits to be compared with the word of others (`chain_proof`).
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self.me = config.node
        self.nodes = config.nodes
        self.others = tuple(node for node in config.nodes if node != config.node)
        self.quorums = Quorums(len(config.nodes), config.prepare_quorum, config.accept_quorum)
        self.now = 0
        self.leapt_at_ms = 0
        self.leap_ms = 0
        self.effects: list[Effect] = []
        self.heard_ms: dict[NodeId, int] = {}
        self.amnesia = ""
        self.unsure = False
        self.eras: Eras = NO_LOSS
        self.clock_ms: int | None = None  # What the driver's clock showed last.

    def see_clock(self, clock_ms: int) -> None:
        """Advance `now` by as much as the driver's clock advanced; a clock that jumps back advances nothing.

        `leap_ms` is the size of the last jump forward, which ended at `leapt_at_ms`: the clock was set, or this node
        was suspended.
        """
        if self.clock_ms is not None and clock_ms > self.clock_ms:
            moved = clock_ms - self.clock_ms
            self.now += moved
            if moved >= LEAP_MS:
                self.leapt_at_ms, self.leap_ms = self.now, moved
        self.clock_ms = clock_ms

    def heard_within(self, ms: int) -> tuple[NodeId, ...]:
        """The other nodes from which a message came during the last `ms` milliseconds, ascending."""
        heard_ms, oldest = self.heard_ms, self.now - ms
        return tuple([node for node in sorted(heard_ms) if heard_ms[node] > oldest])

    @property
    def votes(self) -> bool:
        """True unless this node has amnesia, or waits for the word of others on its chain."""
        return not (self.amnesia or self.unsure)

    def take_effects(self) -> list[Effect]:
        """All effects gathered since the last call."""
        effects = self.effects
        self.effects = []
        return effects

    def persist(self, record: JournalRecord) -> None:
        """See `Persist`."""
        self.effects.append(Persist(record))

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `Send`: after the sync."""
        self.effects.append(Send(to, message))

    def send_now(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """See `SendNow`: at once."""
        self.effects.append(SendNow(to, message))

    def set_timer(self, timer: Timer, min_ms: int, max_ms: int) -> None:
        """See `SetTimer`."""
        self.effects.append(SetTimer(timer, min_ms, max_ms))

    def note(self, kind: str, text: str) -> None:
        """See `Note`."""
        self.effects.append(Note(kind, text))
