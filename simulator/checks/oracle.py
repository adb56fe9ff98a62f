"""The state of all journals of a cluster: what each acceptor has synced, and so which values are chosen.

A slot is chosen when a majority has *synced* a vote for one value at one ballot (Lamport 2001, §2.1), even if no node
knows it. The rules compare what nodes send and apply with this state, not with what any node believes. A vote recorded
below its acceptor's promise is kept apart: an acceptor may store such a vote, and it does not count. A node that has
lost its memory has begun a new era (`paxos/eras.py`): a majority holds only if none of its nodes knew, when it voted,
that another one's vote is of an era that is over.

The state of a slot is dropped long after every node has applied it; `chain_replay` keeps the hashes of the blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import combinations

from chain.block import GENESIS_HASH
from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.eras import NO_LOSS, Eras, era_of
from paxos.messages import NO_OP, Acceptance, Value
from simulator.checks.first_wrong import KEPT, StepKind, WrongStep, WrongSteps
from simulator.checks.violation import Violation

KEPT_SLOTS = 8_192
"""How many applied slots are kept at least: late votes, and chains whose unsynced end a crash cut off, need them."""

VOTES_REPLACED = "votes replaced by another value"

Report = Callable[[Violation], None]


class Vote:
    """A value at one ballot in one slot, with sets of nodes as bits (bit n is node n).

    `voters` have synced a vote for it, and `late` have stored one below their promise. `reached` have received an
    ACCEPT with the value. ACCEPTED of the nodes in `acknowledged` has reached the ballot's owner. `proposed` is True
    once an ACCEPT with the value was sent and checked. `eras` are those that each voter knew, if it knew of any;
    `forgotten` are votes of nodes that have lost their memory since, with the eras that they knew.
    """

    __slots__ = ("acknowledged", "eras", "forgotten", "late", "proposed", "reached", "value", "voters")

    def __init__(self, value: Value) -> None:
        self.value = value
        self.voters = 0
        self.late = 0
        self.proposed = False
        self.reached = 0
        self.acknowledged = 0
        self.eras: dict[NodeId, Eras] = {}
        self.forgotten: list[tuple[NodeId, Eras]] = []

    def has_quorum(self, quorum: int, nodes: Collection[NodeId]) -> bool:
        """True when so many nodes have voted for it, in eras that none of them knows to be over."""
        if not self.forgotten:
            return self.voters.bit_count() >= quorum
        votes = [(node, self.eras.get(node, NO_LOSS)) for node in nodes if self.voters >> node & 1] + self.forgotten
        return any(
            len({node for node, _ in some}) == quorum
            and all(era_of(known, node) <= era_of(own, node) for _, known in some for node, own in some)
            for some in combinations(votes, quorum)
        )


class SlotFacts:
    """All values proposed or accepted for one slot, by ballot; the chosen value and the ballot that chose it."""

    __slots__ = ("chosen", "number", "value", "votes")

    def __init__(self, number: Slot) -> None:
        self.number = number
        self.votes: dict[Ballot, Vote] = {}
        self.chosen: Ballot | None = None
        self.value: Value = NO_OP

    def best_below(self, ballot: Ballot, bit: int) -> Ballot | None:
        """The highest ballot below `ballot` at which the acceptor of `bit` has a synced vote, if any."""
        return max((b for b, vote in self.votes.items() if vote.voters & bit and b < ballot), default=None)

    def replaces(self, new: Vote, bit: int) -> bool:
        """True when the acceptor of `bit` has a synced vote for another value than that of `new`."""
        return any(vote.voters & bit and vote.value != new.value for vote in self.votes.values())


class Campaign:
    """The campaign of one ballot, with sets of nodes as bits (bit n is node n).

    The nodes of `safe` have synced a record of exactly this ballot, so they may answer it. PROMISE of the nodes of
    `promised_by` has reached the owner, with the votes in `reported_votes` and a decided prefix of at most `decided`.
    `first_slot` is the one that PREPARE named.
    `incarnation` is that of the owner that opened the ballot: 0 if none did yet, -1 if it ran before the first event.
    """

    __slots__ = (
        "asked_heights", "ballot", "decided", "first_slot", "incarnation", "led", "promised_by", "reported_votes",
        "safe", "superseded",
    )  # fmt: skip

    def __init__(self, ballot: Ballot) -> None:
        self.ballot = ballot
        self.safe = 0
        self.incarnation = 0
        self.promised_by = 0
        self.led = False
        self.superseded = False
        self.decided: Slot = 0
        self.first_slot: Slot = 0
        self.reported_votes: dict[Slot, dict[NodeId, Acceptance]] = {}  # The highest vote of each node.
        self.asked_heights: dict[NodeId, tuple[int, Slot]] = {}  # Node -> its incarnation and height at PREPARE.


class NodeFacts:
    """One node: `promised` covers its appended records, `safe` its synced ones; `tip` is the hash of block `height`.

    `highest_vote` is the highest slot in which it voted; `read_height` the highest block at which it answered a local
    read, over all incarnations. `stated_prefixes` are the decided prefixes that messages stated to it, by ballot;
    `fetched` is the last slot of the blocks that it fetched. Records in `pending` and `pending_ballots` are not synced.
    `torn` holds votes whose record a crash tore (see `vote_rules`). `amnesia` is true while the node must not vote;
    `eras` are those of its appended records, `safe_eras` those of the synced ones. `doubtful` are votes that were
    wrong only if somebody relies on them: one stored below the promise, and one that a restart found and nobody synced.
    """

    __slots__ = (
        "amnesia", "bit", "damaged", "doubtful", "eras", "fetched", "height", "highest_vote", "incarnation", "node",
        "opened", "pending", "pending_ballots", "promised", "read_height", "refuses", "safe", "safe_eras",
        "stated_prefixes", "tip", "torn",
    )  # fmt: skip

    def __init__(self, node: NodeId) -> None:
        self.node = node
        self.bit = 1 << node
        self.incarnation = 0
        self.promised = NO_BALLOT
        self.safe = NO_BALLOT
        self.opened = NO_BALLOT  # The highest own ballot that is synced.
        self.pending: list[tuple[SlotFacts, Ballot, Vote, Eras]] = []
        self.pending_ballots: list[tuple[Ballot, bool]] = []  # A ballot, and whether the node opened it.
        self.highest_vote: Slot = 0
        self.height: Slot = 0
        self.read_height: Slot = 0
        self.tip = GENESIS_HASH
        self.stated_prefixes: dict[Ballot, Slot] = {}
        self.fetched: Slot = 0
        self.damaged = False  # A file of it was damaged or removed, and it has not recovered since.
        self.refuses = False  # Its disk refuses writes or syncs.
        self.torn: dict[Slot, Acceptance] = {}
        self.doubtful: dict[tuple[Slot, Ballot], WrongStep] = {}
        self.amnesia = False
        self.eras = NO_LOSS
        self.safe_eras = NO_LOSS


class Oracle:
    """The state that all rules share. `report` receives each violation; `sometimes` counts what happened.

    `choices` counts the slots in which a value was chosen.
    """

    def __init__(self, nodes: tuple[NodeId, ...], prepare_quorum: int, accept_quorum: int, report: Report) -> None:
        majority = len(nodes) // 2 + 1
        self.nodes = {node: NodeFacts(node) for node in nodes}
        self.prepare_quorum = prepare_quorum or majority
        self.accept_quorum = accept_quorum or majority
        self.report = report
        self.wrong = WrongSteps()
        self.position = -1  # The index of the event being judged; whoever replays a trace sets it.
        self.sometimes: Counter[str] = Counter()
        self.slots: dict[Slot, SlotFacts] = {}
        self.campaigns: dict[Ballot, Campaign] = {}
        self.choices = 0
        self.remembered: dict[tuple[NodeId, int], int] = {}  # Node and era -> who has synced that it began.
        self.chosen_prefix: Slot = 0
        self.forgotten: Slot = 0
        self.highest_led = NO_BALLOT

    def violated(
        self,
        invariant: str,
        why: str,
        at_ms: int,
        *nodes: NodeId,
        step: StepKind,
        rule: str,
        slot: Slot = 0,
        upto: Slot = 0,
        ballot: Ballot = NO_BALLOT,
        request: tuple[str, int] | None = None,
        earlier: WrongStep | None = None,
    ) -> None:
        """Report a violation, at a step of this kind against this rule, or at an `earlier` one that shows only now.

        What is said of `slot` may be as wrong of those after it, `upto` one.
        """
        name = "" if request is None else f"{request[0]}:{request[1]}"
        own = WrongStep(
            at_ms=at_ms, node=nodes[0] if nodes else 0, kind=step, what=why, rule=rule,
            slot=slot, last_slot=upto, ballot=ballot, event=self.position,
        )  # fmt: skip
        self.wrong.add(earlier or own)
        first = own if rule == "2" else self.first_wrong(slot) or own
        self.report(
            Violation(invariant=invariant, why=why, at_ms=at_ms, nodes=nodes, slot=slot, request=name, first=first)
        )

    def step(
        self, kind: StepKind, what: str, at_ms: int, node: NodeId, *, rule: str, slot: Slot = 0, ballot: Ballot
    ) -> WrongStep:
        """The event being judged as a step that a rule forbids."""
        return WrongStep(
            at_ms=at_ms, node=node, kind=kind, what=what, rule=rule, slot=slot, ballot=ballot, event=self.position
        )

    def first_wrong(self, slot: Slot = 0) -> WrongStep | None:
        """The earliest step that can have led to what is wrong in this slot; 0: in any."""
        known = self.slots.get(slot)
        return self.wrong.first_for(slot, () if known is None else known.votes)

    def slot(self, number: Slot) -> SlotFacts:
        """The facts of a slot, created at first use."""
        slot = self.slots.get(number)
        if slot is None:
            slot = self.slots[number] = SlotFacts(number)
        return slot

    def known_slots(self, first: Slot, last: Slot) -> Sequence[Slot]:
        """Ascending numbers from `first` to `last`, at least of the slots with facts: a false number costs no time."""
        if last - first < len(self.slots):
            return range(first, last + 1)
        return sorted(number for number in self.slots if first <= number <= last)

    def campaign(self, ballot: Ballot) -> Campaign:
        """The campaign of a ballot, created at first use."""
        campaign = self.campaigns.get(ballot)
        if campaign is None:
            campaign = self.campaigns[ballot] = Campaign(ballot)
        return campaign

    def vote(self, slot: SlotFacts, ballot: Ballot, value: Value, at_ms: int, node: NodeId) -> Vote:
        """The vote for `value` at `ballot`, created at first use. A second value at one ballot is a violation."""
        vote = slot.votes.get(ballot)
        if vote is None:
            vote = slot.votes[ballot] = Vote(value)
        elif vote.value is not value and vote.value != value:
            why = f"ballot {ballot} carries two values for slot {slot.number}"
            self.violated(
                "one-value-per-ballot", why, at_ms, node, slot=slot.number, ballot=ballot,
                step="proposal", rule="One value per ballot and slot",
            )  # fmt: skip
        return vote

    def rule_of(self, node: NodeId, number: Slot) -> str:
        """The rule that a node breaks when it takes a slot for decided that is not chosen: a leader, or whoever learns.

        A leader that lacks no vote but its own, which is written and not synced, counts itself too early. Who was told
        a prefix that covers the slot has believed it too far.
        """
        slot, facts = self.slots.get(number), self.nodes[node]
        own = [] if slot is None else [vote for ballot, vote in slot.votes.items() if ballot.owner == node]
        if any(waiting in own for _, _, waiting, _ in facts.pending) and any(
            (vote.acknowledged | facts.bit).bit_count() >= self.accept_quorum for vote in own
        ):
            return KEPT
        covered = any(upto >= number and ballot.owner != node for ballot, upto in facts.stated_prefixes.items())
        return "10" if any(vote.proposed for vote in own) and not covered else "12"

    def is_chosen(self, number: Slot) -> bool:
        """True when a majority has synced votes for one value at one ballot in this slot."""
        if number <= self.chosen_prefix:
            return True
        slot = self.slots.get(number)
        return slot is not None and slot.chosen is not None

    def remember(self, by: NodeFacts) -> None:
        """The eras that `by` has noted are synced."""
        for node in self.nodes:
            era = era_of(by.eras, node)
            if node != by.node and era > era_of(by.safe_eras, node):
                self.remembered[node, era] = self.remembered.get((node, era), 0) | by.bit
        by.safe_eras = by.eras

    def forget(self, node: NodeFacts) -> None:
        """The node has lost its memory: it need not know any more what it promised and voted, and must not vote."""
        node.amnesia = True
        node.pending.clear()
        node.pending_ballots.clear()
        node.promised = node.safe = node.opened = NO_BALLOT
        for slot in self.slots.values():
            for vote in slot.votes.values():
                vote.late &= ~node.bit
                if vote.voters & node.bit:
                    vote.voters &= ~node.bit
                    vote.forgotten.append((node.node, vote.eras.pop(node.node, NO_LOSS)))
        for campaign in self.campaigns.values():
            campaign.safe &= ~node.bit
            if campaign.ballot.owner == node.node and not campaign.led:
                campaign.incarnation = campaign.promised_by = 0  # It may open this ballot again: it never led.
        self.sometimes["memories lost"] += 1

    def choose(self, slot: SlotFacts, ballot: Ballot, vote: Vote, at_ms: int) -> None:
        """Note that `vote`, at `ballot`, has a majority. Two chosen values in one slot are a violation."""
        number = slot.number
        if slot.chosen is None:
            self.choices += 1
            slot.chosen, slot.value = ballot, vote.value
            for other, rival in slot.votes.items():
                if other > ballot and rival.value != vote.value:
                    why = f"ballot {other} has another value for slot {number} than the one chosen at {ballot}"
                    self.violated(
                        "proposal", why, at_ms, other.owner, slot=number, ballot=other, step="proposal", rule="4"
                    )
            if number == self.chosen_prefix + 1:
                self.extend_chosen_prefix(number)
        elif slot.value != vote.value:
            voters = [node for node in self.nodes if vote.voters >> node & 1]
            why = f"two values are chosen for slot {number}: one at ballot {slot.chosen}, another at {ballot}"
            self.violated(
                "agreement", why, at_ms, *voters, slot=number, ballot=ballot, step="decision", rule="Agreement"
            )

    def extend_chosen_prefix(self, number: Slot) -> None:
        """Note that every slot up to `number` is chosen, and extend the prefix by the chosen slots that follow."""
        slots = self.slots
        while (slot := slots.get(number + 1)) is not None and slot.chosen is not None:
            number += 1
        self.chosen_prefix = max(self.chosen_prefix, number)

    def forget_old_slots(self) -> None:
        """Drop the slots that every node has applied, except the last `KEPT_SLOTS`."""
        floor = min(node.height for node in self.nodes.values()) - KEPT_SLOTS
        if floor - self.forgotten > KEPT_SLOTS:
            for number in self.known_slots(self.forgotten + 1, floor):
                self.slots.pop(number, None)
            self.forgotten = floor
