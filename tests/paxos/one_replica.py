"""One replica on a table: what others would say is put to it by hand, and what it asks for is looked at.

`One` is the smallest driver there is: it sends nothing, keeps every effect in order, and lets the replica hear what it
sent to itself, as soon as it stands behind its records.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.core import Config, Core
from paxos.effects import Deliver, Effect, Install, Persist, Send, SendNow, SetTimer, Timer
from paxos.messages import (
    Accept,
    Acceptance,
    Accepted,
    AnyMessage,
    Heartbeat,
    HeartbeatAck,
    Prepare,
    PreVoteReply,
    Promise,
    Reject,
    Request,
    Value,
)
from paxos.records import JournalRecord
from paxos.replica import Replica
from paxos.waiting_requests import WaitingRequests

OfKind = TypeVar("OfKind")


def ballot(round_: int, owner: NodeId) -> Ballot:
    """Short for a test."""
    return Ballot(round_, owner)


def request(number: int, client: str = "c") -> Request:
    """The client's request of this number."""
    return Request(client, number, f"operation {number}")


def value(*numbers: int) -> Value:
    """A batch of requests of one client."""
    return tuple(map(request, numbers))


def core(node: NodeId = 1, nodes: int = 5, **limits: Any) -> Core:
    """What the roles of `node` share, at time 0."""
    shared = Core(Config(node=node, nodes=tuple(range(1, nodes + 1)), **limits))
    shared.see_clock(0)
    return shared


def messages(effects: Iterable[Effect], kind: type[OfKind]) -> list[OfKind]:
    """The messages of a class that these effects send, in order."""
    sent = [effect.message for effect in effects if isinstance(effect, Send | SendNow)]
    return [message for message in sent if isinstance(message, kind)]


def receivers(effects: Iterable[Effect], kind: type[Any]) -> list[NodeId]:
    """To whom messages of a class go, in order."""
    sends = [effect for effect in effects if isinstance(effect, Send | SendNow) and isinstance(effect.message, kind)]
    return [node for send in sends for node in send.to]


def records(effects: Iterable[Effect]) -> list[JournalRecord]:
    """What these effects write, in order."""
    return [effect.record for effect in effects if isinstance(effect, Persist)]


def delivered(effects: Iterable[Effect]) -> list[tuple[Slot, Value]]:
    """What these effects deliver, in order."""
    return [(effect.slot, effect.value) for effect in effects if isinstance(effect, Deliver)]


def alarms(effects: Iterable[Effect], timer: Timer) -> list[tuple[int, int]]:
    """The bounds to which these effects set an alarm, in order."""
    return [
        (effect.min_ms, effect.max_ms) for effect in effects if isinstance(effect, SetTimer) and effect.timer == timer
    ]


def of(effects: Iterable[Effect], kind: type[OfKind]) -> list[OfKind]:
    """The effects of a class, in order."""
    return [effect for effect in effects if isinstance(effect, kind)]


def proposals(effects: Iterable[Effect]) -> list[tuple[Slot, tuple[Value, ...]]]:
    """The first slot and the values of every ACCEPT."""
    return [(message.first_slot, message.values) for message in messages(effects, Accept)]


class One:
    """Node `node` of `nodes`. Every call returns the effects that came of it, in order; `now` is its clock."""

    def __init__(
        self,
        node: NodeId = 1,
        nodes: int = 5,
        *,
        promised: Ballot = NO_BALLOT,
        opened: Ballot = NO_BALLOT,
        accepted: Mapping[Slot, Acceptance] | None = None,
        decided: Slot = 0,
        **limits: Any,
    ) -> None:
        self.now = 0
        self.me = node
        self.where: dict[tuple[str, int], Slot] = {}
        self.log: list[Value] = [()] * decided
        self.replica = Replica(
            Config(node=node, nodes=tuple(range(1, nodes + 1)), **limits),
            promised=promised,
            opened=opened,
            accepted=accepted or {},
            decided=decided,
            applied=lambda client, seq: self.where.get((client, seq), 0),
            waiting=WaitingRequests(),
        )
        self.replica.start(self.now)
        self._settle()

    def hear(self, *arrived: AnyMessage) -> list[Effect]:
        """These messages arrive in one batch."""
        for message in arrived:
            self.replica.receive(message, self.now)
        return self._settle()

    def wake(self, timer: Timer, after_ms: int = 0) -> list[Effect]:
        """An alarm rings after so many milliseconds more."""
        self.now += after_ms
        self.replica.wake(timer, self.now)
        return self._settle()

    def submit(self, *requests: Request) -> list[Effect]:
        """Clients' writes, in one batch."""
        for one in requests:
            self.replica.submit(one, self.now)
        return self._settle()

    def read(self, number: int) -> list[Effect]:
        """A client's linearizable read."""
        self.replica.read(number, self.now)
        return self._settle()

    def take_over(self, *promises: Promise) -> list[Effect]:
        """Make this node the leader, with these promises of the ballot that it opens, or else empty ones of a majority.

        The ballot in `promises` is filled in.
        """
        self.wake(Timer.ELECTION)
        peers = self.replica.core.others[: self.replica.core.quorums.prepare - 1]
        self.hear(*(grants(node) for node in peers))
        campaign = self.replica.campaign.ballot
        given = promises or tuple(promise(node, campaign) for node in peers)
        effects = self.hear(*(promise(one.sender, campaign, one.accepted, one.decided) for one in given))
        assert self.replica.election.leading
        return effects

    def role(self) -> str:
        """Leader, candidate or follower."""
        return self.replica.status().role

    def _settle(self) -> list[Effect]:
        done: list[Effect] = []
        while True:
            self.replica.flush(self.now)
            effects = self.replica.take_effects()
            if not effects:
                return done
            done += effects
            for effect in effects:
                if isinstance(effect, Deliver):
                    self._apply(effect.slot, effect.value)
                elif isinstance(effect, Install):
                    for slot in range(effect.first_slot, effect.first_slot + len(effect.blocks)):
                        self._apply(slot, ())
                    self.replica.installed(len(self.log))
                elif isinstance(effect, Send) and self.me in effect.to:
                    self.replica.receive(effect.message, self.now)

    def _apply(self, slot: Slot, batch: Value) -> None:
        if slot == len(self.log) + 1:
            self.log.append(batch)
            for one in batch:
                self.where.setdefault(one.id, slot)


def grants(node: NodeId, *, stamp: int = 0, decided: Slot = 0, promised: Ballot = NO_BALLOT) -> PreVoteReply:
    """`node` would promise."""
    return PreVoteReply(
        sender=node, stamp=stamp, would_grant=True, leader=0, hops=0, promised=promised, decided=decided
    )


def refuses(node: NodeId, leader: NodeId, *, stamp: int = 0, hops: int = 1) -> PreVoteReply:
    """`node` hears `leader` and would not promise."""
    return PreVoteReply(
        sender=node, stamp=stamp, would_grant=False, leader=leader, hops=hops, promised=NO_BALLOT, decided=0
    )


def promise(node: NodeId, campaign: Ballot, accepted: Sequence[Acceptance] = (), decided: Slot = 0) -> Promise:
    """The promise of `node`, with its votes."""
    return Promise(sender=node, ballot=campaign, accepted=tuple(accepted), decided=decided, stamp=0)


def heartbeat(
    node: NodeId, campaign: Ballot, *, decided: Slot = 0, round_: int = 1, round_trip_ms: int = 0
) -> Heartbeat:
    """The heartbeats of a leader that hears everybody."""
    return Heartbeat(
        sender=node,
        ballot=campaign,
        decided=decided,
        round=round_,
        stamp=0,
        heard=tuple(range(1, 8)),
        round_trip_ms=round_trip_ms,
    )


def prepare(round_: int, node: int, first_slot: int = 1) -> Prepare:
    """The campaign of `node`."""
    return Prepare(sender=node, ballot=ballot(round_, node), first_slot=first_slot, stamp=0)


def reject(node: int, one: One, *, promised: int = 0, leader: int = 0) -> Reject:
    """A refusal of the ballot of `one`: `node` has promised a ballot of that round to node 5."""
    campaign = one.replica.campaign.ballot
    return Reject(sender=node, ballot=campaign, promised=ballot(promised, 5), leader=leader, decided=0)


def accepted(node: int, one: One, first_slot: Slot, last_slot: Slot = 0) -> Accepted:
    """The votes of `node` at the ballot with which `one` leads."""
    return Accepted(
        sender=node,
        ballot=one.replica.campaign.ballot,
        first_slot=first_slot,
        last_slot=last_slot or first_slot,
    )


def acknowledged(node: int, one: One, round_: int = 1) -> HeartbeatAck:
    """`node` heard a heartbeat of `one`."""
    return HeartbeatAck(
        sender=node, ballot=one.replica.campaign.ballot, round=round_, stamp=one.replica.core.now, decided=0
    )


def leading(**limits: Any) -> One:
    """Node 1 of five, which leads an empty log."""
    one = One(**limits)
    one.take_over()
    return one
