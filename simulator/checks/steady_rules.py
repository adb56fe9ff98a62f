"""The rules of steadiness: a leader that works is not unseated by anybody's campaign (rule 2).

A leader works while a majority, itself included, acknowledges its heartbeats and it hears them do so. Four steps could
cost it its place, and each is judged when it is taken:

- a node that has just acknowledged a leader promises another's ballot, or says that it would (pre-vote);
- a node opens a ballot without the leave of a majority, while a leader works;
- a leader that works steps down, though it has heard of no higher ballot.

**Excuses.** Delays, pauses, losses and slow disks need none of their own: what they hold up is no acknowledgement, and
only one from the last tenth of a second is held against a node. The election timeout is twice that at least, on the
node's own clock; so a clock that was set or runs at another rate within the last seconds is an excuse. So is a higher
ballot that leads already, a step-down that has arrived, and, for a leader, decided slots that it could not fetch yet.

Real machines stall without a record of it. So these rules are judged where time is simulated.
"""

from __future__ import annotations

from paxos.ballot import NO_BALLOT, Ballot, NodeId
from paxos.messages import Heartbeat, HeartbeatAck, Prepare, PreVote, PreVoteReply, Promise, Reject, StepDown
from simulator.checks.oracle import Oracle
from simulator.faults.faults import ClockFault
from simulator.trace.events import MessageDelivered, MessageSent

STEADINESS = "steadiness"
LATELY_MS = 100
"""An acknowledgement this young shows that its sender follows the leader: half of the least election timeout."""
JUST_MS = 10
"""A node may have decided what it sends now before it handled a message that arrived so short a time ago."""
CLOCK_MS = 3_000
"""For so long a changed clock is an excuse."""


class _Place:
    """One node: the leader that it follows or is, and what it heard about its own campaigns.

    It acknowledged a heartbeat at ballot `follows` at `follows_ms`, or sent one. `left` are the ballots at which
    leaders stepped down, as this node has heard. `leads` is the ballot at which it sends heartbeats, `acked_ms` when
    the last two acknowledgements of each follower arrived, `outbid` whether a refusal named a higher promise. `granted`
    and `refused` tell when nodes last answered its pre-vote since it opened `ballot`.
    """

    __slots__ = (
        "acked_ms", "ballot", "clock_ms", "follows", "follows_ms", "granted", "leads", "left", "outbid", "refused",
        "true_clock",
    )  # fmt: skip

    def __init__(self) -> None:
        self.clock_ms = -CLOCK_MS
        self.true_clock = True
        self.begin()

    def begin(self) -> None:
        """An incarnation begins."""
        self.follows = NO_BALLOT
        self.follows_ms = 0
        self.ballot = NO_BALLOT
        self.granted: dict[NodeId, int] = {}
        self.refused: dict[NodeId, int] = {}
        self.left: dict[NodeId, Ballot] = {}
        self.leave()

    def leave(self) -> None:
        """It leads no longer."""
        self.leads = NO_BALLOT
        self.outbid = False
        self.acked_ms: dict[NodeId, tuple[int, int]] = {}

    def leave_at(self, at_ms: int) -> int:
        """How many others have granted its pre-vote. A refusal that has just come may have come too late."""
        return sum(
            not granted_ms <= self.refused.get(node, granted_ms - 1) < at_ms - JUST_MS
            for node, granted_ms in self.granted.items()
        )

    def forget(self, leader: NodeId, ballot: Ballot) -> None:
        """The node `leader` has said that it leads no longer, at `ballot` and below."""
        self.left[leader] = max(ballot, self.left.get(leader, ballot))
        if self.follows.owner == leader:
            self.follows = NO_BALLOT


class SteadyRules:
    """Follows which acknowledgements have arrived lately. `simulated` is false for real time."""

    def __init__(self, oracle: Oracle, *, simulated: bool) -> None:
        self._oracle = oracle
        self._simulated = simulated
        self._places = {node: _Place() for node in oracle.nodes}
        self._highest = NO_BALLOT  # The highest ballot that has sent a heartbeat.

    def ended(self, node: NodeId) -> None:
        """An incarnation ended."""
        self._places[node].begin()

    def clock_changed(self, at_ms: int, fault: ClockFault) -> None:
        """A clock was set, or runs at another rate from now on."""
        place = self._places[fault.node]
        place.clock_ms, place.true_clock = at_ms, fault.rate_percent == 100

    # What is sent

    def heartbeat_sent(self, at_ms: int, node: NodeId, message: Heartbeat) -> None:
        """A leader follows itself."""
        place, ballot = self._places[node], message.ballot
        if place.leads != ballot:
            place.leave()
            place.leads = ballot
            self._highest = max(self._highest, ballot)
        place.follows, place.follows_ms = ballot, at_ms

    def ack_sent(self, at_ms: int, node: NodeId, message: HeartbeatAck) -> None:
        """The node follows this ballot. What else it handled in that moment, it may have handled afterwards."""
        place, ballot = self._places[node], message.ballot
        if ballot > place.left.get(ballot.owner, NO_BALLOT):
            place.follows, place.follows_ms = ballot, at_ms

    def promise_sent(self, at_ms: int, node: NodeId, message: Promise) -> None:
        """A node that follows a leader does not promise another's ballot."""
        ballot, follows = message.ballot, self._places[node].follows
        if ballot.owner != follows.owner and ballot > follows and self._hears_leader(at_ms, node):
            why = (
                f"node {node} promises ballot {ballot}, and has acknowledged the leader of {follows} within the last "
                f"{LATELY_MS} ms"
            )
            self._oracle.violated(STEADINESS, why, at_ms, node, ballot.owner, step="promise", rule="2")

    def reply_sent(self, event: MessageSent, message: PreVoteReply) -> None:
        """Nor does it say that it would."""
        at_ms, node, follows = event.at_ms, event.node, self._places[event.node].follows
        if message.would_grant and event.to != (follows.owner,) and self._hears_leader(at_ms, node):
            why = (
                f"node {node} would promise node {event.to[0]} a ballot, and has acknowledged the leader of {follows} "
                f"within the last {LATELY_MS} ms"
            )
            self._oracle.violated(STEADINESS, why, at_ms, node, *event.to, step="promise", rule="2")

    def pre_vote_sent(self, at_ms: int, node: NodeId, message: PreVote) -> None:
        """A leader never asks for one: it has stepped down."""
        self._leaves(at_ms, node)

    def step_down_sent(self, at_ms: int, node: NodeId, message: StepDown) -> None:
        """The node leads no longer."""
        self._leaves(at_ms, node)

    def prepare_sent(self, at_ms: int, node: NodeId, message: Prepare) -> None:
        """A campaign needs the leave of a majority while another leader works."""
        place, ballot, oracle = self._places[node], message.ballot, self._oracle
        if ballot == place.ballot:
            return
        leave = place.leave_at(at_ms) + 1
        leader = self._highest.owner
        if self._simulated and leave < oracle.prepare_quorum and leader != node and self._works(at_ms, leader):
            why = (
                f"node {node} bids with ballot {ballot} with the leave of {leave} nodes, itself included, and "
                f"{oracle.prepare_quorum} are needed: a majority follows node {leader} at {self._highest}"
            )
            oracle.violated(STEADINESS, why, at_ms, node, leader, step="promise", rule="2")
        lately = {other: heard_ms for other, heard_ms in place.granted.items() if at_ms - heard_ms <= JUST_MS}
        place.begin()
        place.ballot, place.granted = ballot, lately  # They may have come after it was opened, and count for the next.

    # What arrives

    def ack_delivered(self, event: MessageDelivered) -> None:
        """The leader hears a follower."""
        place, message = self._places[event.node], event.message
        assert isinstance(message, HeartbeatAck)
        if not message.votes:
            place.acked_ms.pop(event.source, None)  # It has lost its memory: no quorum counts it.
        elif message.ballot == place.leads:
            _, last = place.acked_ms.get(event.source, (0, 0))
            place.acked_ms[event.source] = (last, event.at_ms)

    def reply_delivered(self, event: MessageDelivered) -> None:
        """A pre-vote was granted or refused."""
        place, message = self._places[event.node], event.message
        assert isinstance(message, PreVoteReply)
        (place.granted if message.would_grant else place.refused)[event.source] = event.at_ms

    def reject_delivered(self, source: NodeId, node: NodeId, message: Reject) -> None:
        """A leader hears that a higher ballot was promised."""
        place = self._places[node]
        if message.ballot == place.leads and message.promised > message.ballot:
            place.outbid = True

    def step_down_delivered(self, source: NodeId, node: NodeId, message: StepDown | PreVote | Prepare) -> None:
        """The sender leads no longer: a leader sends none of these. It may lead with the ballot of a PREPARE."""
        match message:
            case StepDown(ballot=ballot) | PreVote(promised=ballot):
                self._places[node].forget(source, ballot)
            case Prepare(ballot=ballot):
                self._places[node].forget(source, Ballot(ballot.round - 1, source))

    # Helpers

    def _hears_leader(self, at_ms: int, node: NodeId) -> bool:
        """True when the node follows the newest leader and has heard it just now, by a clock that it can trust."""
        place = self._places[node]
        newest = place.follows == self._highest != NO_BALLOT
        return (
            self._simulated and newest and at_ms - place.follows_ms <= LATELY_MS and self._has_true_clock(at_ms, node)
        )

    def _has_true_clock(self, at_ms: int, node: NodeId) -> bool:
        place = self._places[node]
        return place.true_clock and at_ms - place.clock_ms >= CLOCK_MS

    def _works(self, at_ms: int, node: NodeId) -> bool:
        """True when the node leads with the highest ballot, and a majority has acknowledged it just now."""
        place = self._places.get(node)
        if place is None or place.leads != self._highest:
            return False
        lately = sum(
            any(JUST_MS <= at_ms - heard_ms <= LATELY_MS for heard_ms in heard) for heard in place.acked_ms.values()
        )
        return lately + 1 >= self._oracle.accept_quorum

    def _leaves(self, at_ms: int, node: NodeId) -> None:
        place, oracle = self._places[node], self._oracle
        ballot = place.leads
        if ballot == NO_BALLOT:
            return
        campaign = oracle.campaign(ballot)
        fetched = oracle.nodes[node].height >= campaign.decided
        unasked = fetched and not place.outbid and self._has_true_clock(at_ms, node)
        if self._simulated and unasked and self._works(at_ms, node):
            why = (
                f"node {node} gives up its place as the leader of {ballot}, though a majority has acknowledged it in "
                f"the last {LATELY_MS} ms and no higher ballot refused it"
            )
            oracle.violated(STEADINESS, why, at_ms, node, step="promise", rule="2")
        place.leave()
        place.follows = NO_BALLOT
