"""Candidates and leaders judged: how a ballot begins, what it may propose, and what may be called decided.

The condition P2c of Lamport 2001, §2.2, is checked on each proposal as it leaves: among the promises that reached the
leader there must be a quorum none of which had voted there, or whose highest vote is for this very value. A node that
says "decided up to n" must be right, on the true journals.
"""

from __future__ import annotations

from typing import Protocol

from paxos.ballot import NodeId, Slot
from paxos.messages import Accept, CatchupReply, Heartbeat, Prepare, Promise, ReadAt, StepDown, Value
from simulator.checks.oracle import Bid, NodeTruth, SlotTruth, Truth


class TellsDecided(Protocol):
    """A message that names its sender's decided prefix."""

    @property
    def decided(self) -> Slot:
        """Slots up to this one are decided."""
        ...


class Leading:
    """What nodes say as candidates, as leaders and as learners."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    # Phase 1

    def prepare_sent(self, at_ms: int, node: NodeId, message: Prepare) -> None:
        """PREPARE: the node's own ballot, on its disk, and opened in this very life."""
        truth, ballot = self._truth, message.ballot
        bid, life = truth.bid(ballot), truth.nodes[node].life
        if ballot.owner != node:
            why = f"node {node} bids with ballot {ballot}, which belongs to node {ballot.owner}"
            truth.violated("one-leader-per-ballot", why, at_ms, node, ballot.owner)
        elif bid.life != life:
            what = "in an earlier life" if bid.life else "nowhere on its disk"
            why = f"node {node} bids with ballot {ballot}, which it opened {what}"
            truth.violated("one-leader-per-ballot", why, at_ms, node)
        if not bid.first_slot:
            truth.sometimes["elections"] += 1
        bid.first_slot = max(bid.first_slot, message.first_slot)

    def prepare_delivered(self, source: NodeId, node: NodeId, message: Prepare) -> None:
        """Note how much this node has applied when it is asked: so much at least it must report."""
        asked = self._truth.nodes[node]
        bid = self._truth.bid(message.ballot)
        known = bid.heights.get(node)
        if known is None or known[0] != asked.life:
            bid.heights[node] = (asked.life, asked.height)

    def promise_delivered(self, source: NodeId, node: NodeId, message: Promise) -> None:
        """The candidate has heard a promise, and what it reports."""
        ballot = message.ballot
        if ballot.owner != node:
            return
        bid = self._truth.bid(ballot)
        bid.heard |= 1 << source
        for vote in message.accepted:
            report = bid.reports.setdefault(vote.slot, {})
            report[source] = max(vote.ballot, report.get(source, vote.ballot))

    # Phase 2

    def accept_sent(self, at_ms: int, node: NodeId, message: Accept) -> None:
        """ACCEPT: a quorum has promised this ballot to this node in this life, and P2c holds of each value."""
        truth, ballot, slots = self._truth, message.ballot, self._truth.slots
        bid = truth.bids.get(ballot) or truth.bid(ballot)
        leader = truth.nodes[node]
        if not bid.led or bid.life != leader.life or ballot.owner != node:
            self._begin_to_lead(at_ms, leader, bid)
        if message.decided > truth.chosen_prefix:
            self.tells_decided(at_ms, node, message)
        number = message.first_slot
        for value in message.values:
            slot = slots.get(number) or truth.slot(number)
            vote = truth.vote(slot, ballot, value, at_ms, node)
            if not vote.proposed:
                vote.proposed = True
                if len(slot.votes) > 1 or number in bid.reports:
                    self._judge(at_ms, leader, bid, slot, value)
            number += 1

    def _begin_to_lead(self, at_ms: int, leader: NodeTruth, bid: Bid) -> None:
        truth, node, ballot = self._truth, leader.node, bid.ballot
        if ballot.owner != node or bid.life != leader.life:
            why = f"node {node} proposes at ballot {ballot}, which it has not opened in this life"
            truth.violated("one-leader-per-ballot", why, at_ms, node)
        promised = bid.heard | (bid.safe & leader.bit)
        if promised.bit_count() < truth.prepare_quorum:
            why = (
                f"node {node} proposes at ballot {ballot} with the promises of {promised.bit_count()} nodes, "
                f"and {truth.prepare_quorum} are needed"
            )
            truth.violated("proposal", why, at_ms, node)
        if not bid.led:
            bid.led = True
            truth.sometimes["leaderships"] += 1
            truth.highest_led = max(truth.highest_led, ballot)

    def _judge(self, at_ms: int, leader: NodeTruth, bid: Bid, slot: SlotTruth, value: Value) -> None:
        """The first time that this ballot proposes for a slot in which others have voted."""
        truth, ballot, number = self._truth, bid.ballot, slot.number
        truth.sometimes["proposals recovered"] += 1
        if slot.chosen is not None and slot.chosen < ballot:
            if slot.value != value:
                why = f"ballot {ballot} proposes another value for slot {number} than the one chosen at {slot.chosen}"
                truth.violated("proposal", why, at_ms, leader.node, slot=number)
            return
        if number > truth.chosen_prefix and not self._is_safe(leader, bid, slot, value):
            why = (
                f"ballot {ballot} proposes for slot {number} a value that is not the one of the highest ballot that "
                "any quorum of its promises reported"
            )
            truth.violated("proposal", why, at_ms, leader.node, slot=number)

    def _is_safe(self, leader: NodeTruth, bid: Bid, slot: SlotTruth, value: Value) -> bool:
        """P2c: some quorum of the promises that reached the leader allows this value."""
        quorum = self._truth.prepare_quorum
        heard = bid.heard | leader.bit
        reports = {**bid.reports.get(slot.number, {})}
        own = slot.best_below(bid.ballot, leader.bit)
        if own is not None:
            reports[leader.node] = own
        silent = heard.bit_count() - len(reports)
        if silent >= quorum:
            return True
        for best in reports.values():
            vote = slot.votes.get(best)
            older = sum(other <= best for other in reports.values())
            if vote is not None and vote.value == value and silent + older >= quorum:
                return True
        return False

    def heartbeat_sent(self, at_ms: int, node: NodeId, message: Heartbeat) -> None:
        """HEARTBEAT: counts leaders that do not know yet that there is a newer one."""
        truth = self._truth
        if message.decided > truth.chosen_prefix:
            self.tells_decided(at_ms, node, message)
        if message.ballot < truth.highest_led:
            bid = truth.bid(message.ballot)
            if not bid.outlived:
                bid.outlived = True
                truth.sometimes["minority leaders"] += 1

    def step_down_sent(self, at_ms: int, node: NodeId, message: StepDown) -> None:
        """STEP-DOWN: counted."""
        self._truth.sometimes["step-downs"] += 1

    def leads(self, node: NodeId) -> bool:
        """True while no newer leader is known than this node, in this life of it."""
        bid = self._truth.bids.get(self._truth.highest_led)
        return bid is not None and bid.ballot.owner == node and bid.life == self._truth.nodes[node].life

    # What is said to be decided

    def tells_decided(self, at_ms: int, node: NodeId, message: TellsDecided) -> None:
        """Every slot up to the prefix that a message names is chosen."""
        self._reaches(at_ms, node, message.decided, type(message).__name__)

    def catchup_sent(self, at_ms: int, node: NodeId, message: CatchupReply) -> None:
        """Blocks that are handed on are chosen, too."""
        self._truth.sometimes["catch-ups"] += 1
        last = message.first_slot + len(message.blocks) - 1
        self._reaches(at_ms, node, max(last, message.decided), "CatchupReply")

    def read_at_sent(self, at_ms: int, node: NodeId, message: ReadAt) -> None:
        """A read may be served at a slot that is decided."""
        self._reaches(at_ms, node, message.slot, "ReadAt")

    def _reaches(self, at_ms: int, node: NodeId, upto: Slot, what: str) -> None:
        truth = self._truth
        if upto > truth.chosen_prefix:
            why = (
                f"node {node} says in a {what} that slots up to {upto} are decided, and slot "
                f"{truth.chosen_prefix + 1} has no majority of synced votes at one ballot"
            )
            truth.violated("decision", why, at_ms, node, slot=truth.chosen_prefix + 1)
