"""The true state of a cluster's journals: what each acceptor has on its disk, and so what is chosen.

A slot is chosen when a majority has *synced* an acceptance of one value at one ballot (Lamport 2001, §2.1), whether
anybody knows it or not. This is what checks compare with, in place of what any node believes. A vote that was recorded
below the acceptor's promise is kept apart: an acceptor may store it, and it counts for nothing.

Slots that every node has applied long ago are let go; their blocks' hashes stay (`simulator/checks/chain_replay.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from chain.block import GENESIS_HASH
from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.messages import NO_OP, Value
from simulator.checks.violation import Violation

KEPT_SLOTS = 8_192
"""How many applied slots are kept at least, for late votes and for chains that lost their end in a crash."""

Found = Callable[[Violation], None]


class Vote:
    """One value at one ballot in one slot. Bit n of `voters`: node n's acceptance is synced; of `late`: see above.

    `proposed` tells that an ACCEPT has left with it, and was judged; `reached` has the nodes that such an ACCEPT
    reached, `acknowledged` those whose ACCEPTED reached the ballot's owner.
    """

    __slots__ = ("acknowledged", "late", "proposed", "reached", "value", "voters")

    def __init__(self, value: Value) -> None:
        self.value = value
        self.voters = 0
        self.late = 0
        self.proposed = False
        self.reached = 0
        self.acknowledged = 0


class SlotFacts:
    """Everything that was ever proposed or accepted for one slot, by ballot, and what was chosen at which ballot."""

    __slots__ = ("chosen", "number", "value", "votes")

    def __init__(self, number: Slot) -> None:
        self.number = number
        self.votes: dict[Ballot, Vote] = {}
        self.chosen: Ballot | None = None
        self.value: Value = NO_OP

    def best_below(self, ballot: Ballot, bit: int) -> Ballot | None:
        """The highest ballot below `ballot` at which the acceptor of `bit` has a synced vote."""
        return max((b for b, vote in self.votes.items() if vote.voters & bit and b < ballot), default=None)


class Campaign:
    """One ballot's bid. Bit n of `safe`: node n has a synced record of exactly this ballot, and so may answer it.

    `life` is the life of its owner in which it was opened (0: not yet; -1: in one that we did not see); `heard` are the
    nodes whose PROMISE reached the owner, `reports` what those said of each slot; `first_slot` is what PREPARE asked.
    """

    __slots__ = ("ballot", "first_slot", "heard", "heights", "led", "life", "outlived", "reports", "safe")

    def __init__(self, ballot: Ballot) -> None:
        self.ballot = ballot
        self.safe = 0
        self.life = 0
        self.heard = 0
        self.led = False
        self.outlived = False
        self.first_slot: Slot = 0
        self.reports: dict[Slot, dict[NodeId, Ballot]] = {}
        self.heights: dict[NodeId, tuple[int, Slot]] = {}  # Life and chain height of who was asked, when it was asked.


class NodeFacts:
    """One node. `promised` counts what is recorded, `safe` what is synced; `height` blocks are applied, the last `tip`.

    `top` is the highest slot with a vote, `read_height` the highest at which a local read was answered, in any life.
    `claims` are the decided prefixes that were said to it, by ballot, and `fetched` how far fetched blocks reach.
    """

    __slots__ = (
        "bit", "claims", "damaged", "fetched", "height", "life", "node", "opened", "pending", "pending_campaigns",
        "promised", "read_height", "safe", "tip", "top",
    )  # fmt: skip

    def __init__(self, node: NodeId) -> None:
        self.node = node
        self.bit = 1 << node
        self.life = 0
        self.promised = NO_BALLOT
        self.safe = NO_BALLOT
        self.opened = NO_BALLOT  # The highest own bid that is synced.
        self.pending: list[tuple[SlotFacts, Ballot, Vote]] = []
        self.pending_campaigns: list[tuple[Ballot, bool]] = []  # A promise, and whether it is a bid of its own.
        self.top: Slot = 0
        self.height: Slot = 0
        self.read_height: Slot = 0
        self.tip = GENESIS_HASH
        self.claims: dict[Ballot, Slot] = {}
        self.fetched: Slot = 0
        self.damaged = False


class Oracle:
    """What all checks share. `found` is told each violation; `sometimes` counts what happened."""

    def __init__(self, nodes: tuple[NodeId, ...], prepare_quorum: int, accept_quorum: int, found: Found) -> None:
        majority = len(nodes) // 2 + 1
        self.nodes = {node: NodeFacts(node) for node in nodes}
        self.prepare_quorum = prepare_quorum or majority
        self.accept_quorum = accept_quorum or majority
        self.found = found
        self.sometimes: Counter[str] = Counter()
        self.slots: dict[Slot, SlotFacts] = {}
        self.campaigns: dict[Ballot, Campaign] = {}
        self.chosen_prefix: Slot = 0
        self.let_go: Slot = 0
        self.highest_led = NO_BALLOT

    def violated(
        self,
        invariant: str,
        why: str,
        at_ms: int,
        *nodes: NodeId,
        slot: Slot = 0,
        request: tuple[str, int] | None = None,
    ) -> None:
        """Tell of a violation."""
        name = "" if request is None else f"{request[0]}:{request[1]}"
        self.found(Violation(invariant=invariant, why=why, at_ms=at_ms, nodes=nodes, slot=slot, request=name))

    def slot(self, number: Slot) -> SlotFacts:
        """The slot, new if need be."""
        slot = self.slots.get(number)
        if slot is None:
            slot = self.slots[number] = SlotFacts(number)
        return slot

    def campaign(self, ballot: Ballot) -> Campaign:
        """The ballot, new if need be."""
        campaign = self.campaigns.get(ballot)
        if campaign is None:
            campaign = self.campaigns[ballot] = Campaign(ballot)
        return campaign

    def vote(self, slot: SlotFacts, ballot: Ballot, value: Value, at_ms: int, node: NodeId) -> Vote:
        """The vote for `value` at `ballot`; a second value there is a violation."""
        vote = slot.votes.get(ballot)
        if vote is None:
            vote = slot.votes[ballot] = Vote(value)
        elif vote.value is not value and vote.value != value:
            why = f"ballot {ballot} carries two values for slot {slot.number}"
            self.violated("one-value-per-ballot", why, at_ms, node, slot=slot.number)
        return vote

    def is_chosen(self, number: Slot) -> bool:
        """A majority has synced one value at one ballot there, now or at any earlier time."""
        if number <= self.chosen_prefix:
            return True
        slot = self.slots.get(number)
        return slot is not None and slot.chosen is not None

    def choose(self, slot: SlotFacts, ballot: Ballot, vote: Vote, at_ms: int) -> None:
        """`vote`, at `ballot`, has its majority."""
        number = slot.number
        if slot.chosen is None:
            slot.chosen, slot.value = ballot, vote.value
            for other, rival in slot.votes.items():
                if other > ballot and rival.value != vote.value:
                    why = f"ballot {other} has another value for slot {number} than the one chosen at {ballot}"
                    self.violated("proposal", why, at_ms, other.owner, slot=number)
            if number == self.chosen_prefix + 1:
                self.reach(number)
        elif slot.value != vote.value:
            voters = [node for node in self.nodes if vote.voters >> node & 1]
            why = f"two values are chosen for slot {number}: one at ballot {slot.chosen}, another at {ballot}"
            self.violated("agreement", why, at_ms, *voters, slot=number)

    def reach(self, number: Slot) -> None:
        """Every slot up to `number` is chosen."""
        slots = self.slots
        while (slot := slots.get(number + 1)) is not None and slot.chosen is not None:
            number += 1
        self.chosen_prefix = max(self.chosen_prefix, number)

    def let_old_slots_go(self) -> None:
        """Forget slots far below what every node has applied."""
        floor = min(node.height for node in self.nodes.values()) - KEPT_SLOTS
        if floor - self.let_go > KEPT_SLOTS:
            for number in range(self.let_go + 1, floor + 1):
                self.slots.pop(number, None)
            self.let_go = floor
