"""The rules of candidates and leaders: how a ballot is opened, what it may propose, which slots are stated as decided.

Property P2c (Lamport 2001, §2.2) is checked for each proposal when it is sent. The promises that reached the leader
must contain a quorum that reported no vote for the slot, or whose highest vote has the proposed value. A message that
states "decided up to n" must be right on the synced journals.
"""

from __future__ import annotations

from typing import Protocol

from paxos.ballot import NO_BALLOT, NodeId, Slot
from paxos.messages import (
    Accept,
    Acceptance,
    CatchupReply,
    Heartbeat,
    LinkStates,
    Prepare,
    Promise,
    ReadAt,
    StepDown,
    Value,
)
from simulator.checks.first_wrong import KEPT, WORDS
from simulator.checks.oracle import Campaign, NodeFacts, Oracle, SlotFacts


class StatesDecided(Protocol):
    """A message that states its sender's decided prefix."""

    @property
    def decided(self) -> Slot:
        """Slots up to this one are decided."""
        ...


class LeaderRules:
    """Checks what nodes send as candidates and leaders, and every decided prefix that they state."""

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle

    # Phase 1

    def prepare_sent(self, at_ms: int, node: NodeId, message: Prepare) -> None:
        """PREPARE was sent: the ballot is the node's own, synced, and opened in this incarnation."""
        oracle, ballot = self._oracle, message.ballot
        campaign, incarnation = oracle.campaign(ballot), oracle.nodes[node].incarnation
        if ballot.owner != node:
            why = f"node {node} bids with ballot {ballot}, which belongs to node {ballot.owner}"
            oracle.violated(
                "one-leader-per-ballot", why, at_ms, node, ballot.owner, ballot=ballot, step="ballot", rule=WORDS
            )
        elif campaign.incarnation != incarnation:
            what = "in an earlier life" if campaign.incarnation else "nowhere on its disk"
            why = f"node {node} bids with ballot {ballot}, which it opened {what}"
            oracle.violated("one-leader-per-ballot", why, at_ms, node, ballot=ballot, step="ballot", rule=KEPT)
        if not campaign.first_slot:
            oracle.sometimes["elections"] += 1
        campaign.first_slot = max(campaign.first_slot, message.first_slot)

    def prepare_delivered(self, source: NodeId, node: NodeId, message: Prepare) -> None:
        """Note the node's height at PREPARE: its PROMISE must report at least these slots as decided."""
        asked = self._oracle.nodes[node]
        campaign = self._oracle.campaign(message.ballot)
        known = campaign.asked_heights.get(node)
        if known is None or known[0] != asked.incarnation:
            campaign.asked_heights[node] = (asked.incarnation, asked.height)

    def promise_delivered(self, source: NodeId, node: NodeId, message: Promise) -> None:
        """Note a promise that reached the candidate, with the votes that it reports."""
        ballot = message.ballot
        if ballot.owner != node:
            return
        campaign = self._oracle.campaign(ballot)
        campaign.promised_by |= 1 << source
        campaign.decided = max(campaign.decided, message.decided)
        for vote in message.accepted:
            report = campaign.reported_votes.setdefault(vote.slot, {})
            known = report.get(source)
            if known is None or known.ballot < vote.ballot:
                report[source] = vote

    # Phase 2

    def accept_sent(self, at_ms: int, node: NodeId, message: Accept) -> None:
        """ACCEPT was sent: a quorum has promised its ballot to this incarnation, and P2c holds for each value."""
        oracle, ballot, slots = self._oracle, message.ballot, self._oracle.slots
        campaign = oracle.campaigns.get(ballot) or oracle.campaign(ballot)
        leader = oracle.nodes[node]
        if not campaign.led or campaign.incarnation != leader.incarnation or ballot.owner != node:
            self._check_leadership(at_ms, leader, campaign)
        if message.decided > oracle.chosen_prefix:
            self.prefix_sent(at_ms, node, message)
        number = message.first_slot
        for value in message.values:
            slot = slots.get(number) or oracle.slot(number)
            vote = oracle.vote(slot, ballot, value, at_ms, node)
            if not vote.proposed:
                vote.proposed = True
                if len(slot.votes) > 1 or number in campaign.reported_votes:
                    self._check_proposal(at_ms, leader, campaign, slot, value)
            number += 1

    def _check_leadership(self, at_ms: int, leader: NodeFacts, campaign: Campaign) -> None:
        oracle, node, ballot = self._oracle, leader.node, campaign.ballot
        if ballot.owner != node or campaign.incarnation != leader.incarnation:
            why = f"node {node} proposes at ballot {ballot}, which it has not opened in this life"
            oracle.violated("one-leader-per-ballot", why, at_ms, node, ballot=ballot, step="ballot", rule=KEPT)
        promised = campaign.promised_by | (campaign.safe & leader.bit)
        if promised.bit_count() < oracle.prepare_quorum:
            why = (
                f"node {node} proposes at ballot {ballot} with the promises of {promised.bit_count()} nodes, "
                f"and {oracle.prepare_quorum} are needed"
            )
            oracle.violated("proposal", why, at_ms, node, ballot=ballot, step="proposal", rule="4")
        if not campaign.led:
            campaign.led = True
            oracle.sometimes["leaderships"] += 1
            oracle.highest_led = max(oracle.highest_led, ballot)

    def _check_proposal(self, at_ms: int, leader: NodeFacts, campaign: Campaign, slot: SlotFacts, value: Value) -> None:
        """Check the first proposal of a ballot for a slot in which other ballots have votes."""
        oracle, ballot, number = self._oracle, campaign.ballot, slot.number
        oracle.sometimes["proposals recovered"] += 1
        if slot.chosen is not None and slot.chosen < ballot:
            if slot.value != value:
                why = f"ballot {ballot} proposes another value for slot {number} than the one chosen at {slot.chosen}"
                oracle.violated(
                    "proposal", why, at_ms, leader.node, slot=number, ballot=ballot, step="proposal", rule="4"
                )
            return
        if number > oracle.chosen_prefix and not self._is_safe(leader, campaign, slot, value):
            why = (
                f"ballot {ballot} proposes for slot {number} a value that is not the one of the highest ballot that "
                "any quorum of its promises reported"
            )
            oracle.violated("proposal", why, at_ms, leader.node, slot=number, ballot=ballot, step="proposal", rule="4")

    def _is_safe(self, leader: NodeFacts, campaign: Campaign, slot: SlotFacts, value: Value) -> bool:
        """P2c: the value is that of a ballot at least as high as every one that some quorum of the promises reported.

        The leader may know this ballot from elsewhere, as from a promise for an earlier ballot of its own. Had another
        value been chosen above it, that quorum would have reported a higher ballot; had it been chosen below, this
        ballot would have proposed it.
        """
        quorum, number, node = self._oracle.prepare_quorum, slot.number, leader.node
        reported = {**campaign.reported_votes.get(number, {})}
        own = slot.best_below(campaign.ballot, leader.bit)
        if own is not None:
            reported[node] = Acceptance(number, own, slot.votes[own].value)
        torn = leader.torn.get(number)
        if torn is not None and (own is None or own <= torn.ballot):
            reported[node] = torn
        silent = (campaign.promised_by | leader.bit).bit_count() - len(reported)
        if silent >= quorum:
            return True
        carrying = [ballot for ballot, vote in slot.votes.items() if ballot < campaign.ballot and vote.value == value]
        carrying += [vote.ballot for vote in reported.values() if vote.value == value]
        highest = max(carrying, default=NO_BALLOT)
        return bool(carrying) and silent + sum(vote.ballot <= highest for vote in reported.values()) >= quorum

    def heartbeat_sent(self, at_ms: int, node: NodeId, message: Heartbeat) -> None:
        """HEARTBEAT was sent: count leaders that do not know of a newer leader."""
        oracle = self._oracle
        if message.decided > oracle.chosen_prefix:
            self.prefix_sent(at_ms, node, message)
        if message.ballot < oracle.highest_led:
            campaign = oracle.campaign(message.ballot)
            if not campaign.superseded:
                campaign.superseded = True
                oracle.sometimes["minority leaders"] += 1

    def step_down_sent(self, at_ms: int, node: NodeId, message: StepDown) -> None:
        """STEP-DOWN was sent: count it."""
        self._oracle.sometimes["step-downs"] += 1

    def leads(self, node: NodeId) -> bool:
        """True when this incarnation of the node owns the highest ballot that ever led."""
        campaign = self._oracle.campaigns.get(self._oracle.highest_led)
        return (
            campaign is not None
            and campaign.ballot.owner == node
            and campaign.incarnation == self._oracle.nodes[node].incarnation
        )

    # What is said to be decided

    def prefix_sent(self, at_ms: int, node: NodeId, message: StatesDecided) -> None:
        """Every slot of the prefix that a message states must be chosen."""
        self._check_chosen(at_ms, node, message.decided, type(message).__name__)

    def catchup_sent(self, at_ms: int, node: NodeId, message: CatchupReply) -> None:
        """CATCHUP-REPLY was sent: its blocks must be chosen."""
        self._oracle.sometimes["catch-ups"] += 1
        last = message.first_slot + len(message.blocks) - 1
        self._check_chosen(at_ms, node, max(last, message.decided), "CatchupReply", rule="12")

    def read_at_sent(self, at_ms: int, node: NodeId, message: ReadAt) -> None:
        """READ-AT was sent: its slot must be chosen."""
        self._check_chosen(at_ms, node, message.slot, "ReadAt")

    def link_states_sent(self, at_ms: int, node: NodeId, message: LinkStates) -> None:
        """LINK-STATES was sent: the sender's own decided prefix must be chosen."""
        for state in message.states:
            if state.node == node:
                self._check_chosen(at_ms, node, state.decided, "LinkStates")

    def _check_chosen(self, at_ms: int, node: NodeId, upto: Slot, what: str, rule: str = "") -> None:
        oracle = self._oracle
        if upto > oracle.chosen_prefix:
            why = (
                f"node {node} says in a {what} that slots up to {upto} are decided, and slot "
                f"{oracle.chosen_prefix + 1} has no majority of synced votes at one ballot"
            )
            slot = oracle.chosen_prefix + 1
            oracle.violated(
                "decision",
                why,
                at_ms,
                node,
                slot=slot,
                step="decision",
                upto=upto,
                rule=rule or oracle.rule_of(node, slot),
            )
