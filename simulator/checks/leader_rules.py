"""Candidates and leaders judged: how a ballot begins, what it may propose, and what may be called decided.

The condition P2c of Lamport 2001, §2.2, is checked on each proposal as it leaves: among the promises that reached the
leader there must be a quorum none of which had voted there, or whose highest vote is for this very value. A node that
says "decided up to n" must be right, on the true journals.
"""

from __future__ import annotations

from typing import Protocol

from paxos.ballot import NodeId, Slot
from paxos.messages import Accept, CatchupReply, Heartbeat, Prepare, Promise, ReadAt, StepDown, Value
from simulator.checks.oracle import Campaign, NodeFacts, Oracle, SlotFacts


class TellsDecided(Protocol):
    """A message that names its sender's decided prefix."""

    @property
    def decided(self) -> Slot:
        """Slots up to this one are decided."""
        ...


class LeaderRules:
    """What nodes say as candidates, as leaders and as learners."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle

    # Phase 1

    def prepare_sent(self, at_ms: int, node: NodeId, message: Prepare) -> None:
        """PREPARE: the node's own ballot, on its disk, and opened in this very life."""
        oracle, ballot = self._oracle, message.ballot
        campaign, life = oracle.campaign(ballot), oracle.nodes[node].life
        if ballot.owner != node:
            why = f"node {node} bids with ballot {ballot}, which belongs to node {ballot.owner}"
            oracle.violated("one-leader-per-ballot", why, at_ms, node, ballot.owner)
        elif campaign.life != life:
            what = "in an earlier life" if campaign.life else "nowhere on its disk"
            why = f"node {node} bids with ballot {ballot}, which it opened {what}"
            oracle.violated("one-leader-per-ballot", why, at_ms, node)
        if not campaign.first_slot:
            oracle.sometimes["elections"] += 1
        campaign.first_slot = max(campaign.first_slot, message.first_slot)

    def prepare_delivered(self, source: NodeId, node: NodeId, message: Prepare) -> None:
        """Note how much this node has applied when it is asked: so much at least it must report."""
        asked = self._oracle.nodes[node]
        campaign = self._oracle.campaign(message.ballot)
        known = campaign.heights.get(node)
        if known is None or known[0] != asked.life:
            campaign.heights[node] = (asked.life, asked.height)

    def promise_delivered(self, source: NodeId, node: NodeId, message: Promise) -> None:
        """The candidate has heard a promise, and what it reports."""
        ballot = message.ballot
        if ballot.owner != node:
            return
        campaign = self._oracle.campaign(ballot)
        campaign.heard |= 1 << source
        for vote in message.accepted:
            report = campaign.reports.setdefault(vote.slot, {})
            report[source] = max(vote.ballot, report.get(source, vote.ballot))

    # Phase 2

    def accept_sent(self, at_ms: int, node: NodeId, message: Accept) -> None:
        """ACCEPT: a quorum has promised this ballot to this node in this life, and P2c holds of each value."""
        oracle, ballot, slots = self._oracle, message.ballot, self._oracle.slots
        campaign = oracle.campaigns.get(ballot) or oracle.campaign(ballot)
        leader = oracle.nodes[node]
        if not campaign.led or campaign.life != leader.life or ballot.owner != node:
            self._begin_to_lead(at_ms, leader, campaign)
        if message.decided > oracle.chosen_prefix:
            self.prefix_sent(at_ms, node, message)
        number = message.first_slot
        for value in message.values:
            slot = slots.get(number) or oracle.slot(number)
            vote = oracle.vote(slot, ballot, value, at_ms, node)
            if not vote.proposed:
                vote.proposed = True
                if len(slot.votes) > 1 or number in campaign.reports:
                    self._judge(at_ms, leader, campaign, slot, value)
            number += 1

    def _begin_to_lead(self, at_ms: int, leader: NodeFacts, campaign: Campaign) -> None:
        oracle, node, ballot = self._oracle, leader.node, campaign.ballot
        if ballot.owner != node or campaign.life != leader.life:
            why = f"node {node} proposes at ballot {ballot}, which it has not opened in this life"
            oracle.violated("one-leader-per-ballot", why, at_ms, node)
        promised = campaign.heard | (campaign.safe & leader.bit)
        if promised.bit_count() < oracle.prepare_quorum:
            why = (
                f"node {node} proposes at ballot {ballot} with the promises of {promised.bit_count()} nodes, "
                f"and {oracle.prepare_quorum} are needed"
            )
            oracle.violated("proposal", why, at_ms, node)
        if not campaign.led:
            campaign.led = True
            oracle.sometimes["leaderships"] += 1
            oracle.highest_led = max(oracle.highest_led, ballot)

    def _judge(self, at_ms: int, leader: NodeFacts, campaign: Campaign, slot: SlotFacts, value: Value) -> None:
        """The first time that this ballot proposes for a slot in which others have voted."""
        oracle, ballot, number = self._oracle, campaign.ballot, slot.number
        oracle.sometimes["proposals recovered"] += 1
        if slot.chosen is not None and slot.chosen < ballot:
            if slot.value != value:
                why = f"ballot {ballot} proposes another value for slot {number} than the one chosen at {slot.chosen}"
                oracle.violated("proposal", why, at_ms, leader.node, slot=number)
            return
        if number > oracle.chosen_prefix and not self._is_safe(leader, campaign, slot, value):
            why = (
                f"ballot {ballot} proposes for slot {number} a value that is not the one of the highest ballot that "
                "any quorum of its promises reported"
            )
            oracle.violated("proposal", why, at_ms, leader.node, slot=number)

    def _is_safe(self, leader: NodeFacts, campaign: Campaign, slot: SlotFacts, value: Value) -> bool:
        """P2c: some quorum of the promises that reached the leader allows this value."""
        quorum = self._oracle.prepare_quorum
        heard = campaign.heard | leader.bit
        reports = {**campaign.reports.get(slot.number, {})}
        own = slot.best_below(campaign.ballot, leader.bit)
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
        oracle = self._oracle
        if message.decided > oracle.chosen_prefix:
            self.prefix_sent(at_ms, node, message)
        if message.ballot < oracle.highest_led:
            campaign = oracle.campaign(message.ballot)
            if not campaign.outlived:
                campaign.outlived = True
                oracle.sometimes["minority leaders"] += 1

    def step_down_sent(self, at_ms: int, node: NodeId, message: StepDown) -> None:
        """STEP-DOWN: counted."""
        self._oracle.sometimes["step-downs"] += 1

    def leads(self, node: NodeId) -> bool:
        """True while no newer leader is known than this node, in this life of it."""
        campaign = self._oracle.campaigns.get(self._oracle.highest_led)
        return campaign is not None and campaign.ballot.owner == node and campaign.life == self._oracle.nodes[node].life

    # What is said to be decided

    def prefix_sent(self, at_ms: int, node: NodeId, message: TellsDecided) -> None:
        """Every slot up to the prefix that a message names is chosen."""
        self._reaches(at_ms, node, message.decided, type(message).__name__)

    def catchup_sent(self, at_ms: int, node: NodeId, message: CatchupReply) -> None:
        """Blocks that are handed on are chosen, too."""
        self._oracle.sometimes["catch-ups"] += 1
        last = message.first_slot + len(message.blocks) - 1
        self._reaches(at_ms, node, max(last, message.decided), "CatchupReply")

    def read_at_sent(self, at_ms: int, node: NodeId, message: ReadAt) -> None:
        """A read may be served at a slot that is decided."""
        self._reaches(at_ms, node, message.slot, "ReadAt")

    def _reaches(self, at_ms: int, node: NodeId, upto: Slot, what: str) -> None:
        oracle = self._oracle
        if upto > oracle.chosen_prefix:
            why = (
                f"node {node} says in a {what} that slots up to {upto} are decided, and slot "
                f"{oracle.chosen_prefix + 1} has no majority of synced votes at one ballot"
            )
            oracle.violated("decision", why, at_ms, node, slot=oracle.chosen_prefix + 1)
