"""What all replicas of a bench have ever written, applied and answered, and the first contradiction among it.

The invariants at the end of the protocol that concern Paxos alone: agreement, validity, promise, one value a ballot
and slot, one leader a ballot, durability, exactly once, and reads that see what was answered or shown before them.
Every check is one look-up at the moment of the event, so that it is always on.
"""

from __future__ import annotations

from collections import defaultdict

from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.messages import Value
from paxos.records import AcceptedRecord, BallotRecord, JournalRecord, OpenedRecord

RequestId = tuple[str, int]


class Oracle:
    """Every method raises AssertionError when what it is told contradicts what it was told before.

    The quorums are the sizes for phase 1 and phase 2.
    """

    def __init__(self, prepare_quorum: int, accept_quorum: int) -> None:
        self._prepare_quorum = prepare_quorum
        self._accept_quorum = accept_quorum
        self._promisers: defaultdict[Ballot, set[NodeId]] = defaultdict(set)
        self._voters: defaultdict[tuple[Ballot, Slot], set[NodeId]] = defaultdict(set)
        self._chosen: dict[Slot, Value] = {}
        self.issued: set[RequestId] = set()
        self.decided: dict[Slot, Value] = {}
        self.took_effect: dict[RequestId, Slot] = {}
        self.answers: dict[RequestId, Slot] = {}
        self.leaders: dict[Ballot, NodeId] = {}
        self._promised: dict[NodeId, Ballot] = {}
        self._opened: set[Ballot] = set()
        self._proposed: dict[tuple[Ballot, Slot], Value] = {}
        self._shown: Slot = 0
        self._read_floor: dict[int, Slot] = {}

    def recorded(self, node: NodeId, record: JournalRecord) -> None:
        """`record` is safe on the disk of `node`."""
        assert isinstance(record, BallotRecord), f"nobody loses a memory here: {record}"
        promised = self._promised.get(node, NO_BALLOT)
        assert record.ballot >= promised, f"node {node} went below its promise {promised}: {record}"
        self._promised[node] = record.ballot
        if isinstance(record, AcceptedRecord):
            self._voted(node, record)
            return
        self._promisers[record.ballot].add(node)
        if isinstance(record, OpenedRecord):
            assert record.ballot.owner == node, f"node {node} opened a ballot of another: {record}"
            assert record.ballot not in self._opened, f"ballot {record.ballot} was opened twice"
            self._opened.add(record.ballot)

    def _voted(self, node: NodeId, record: AcceptedRecord) -> None:
        ballot, slot, value = record.ballot, record.slot, record.value
        known = self._proposed.setdefault((ballot, slot), value)
        assert known == value, f"two values at ballot {ballot} for slot {slot}"
        voters = self._voters[ballot, slot]
        voters.add(node)
        if len(voters) >= self._accept_quorum:
            chosen = self._chosen.setdefault(slot, value)
            assert chosen == value, f"two values are chosen for slot {slot}: {chosen}, and at ballot {ballot} {value}"

    def started(self, node: NodeId, promised: Ballot) -> None:
        """`node` begins an incarnation with this promise."""
        assert promised == self._promised.get(node, NO_BALLOT), f"node {node} came back with another promise"

    def leads(self, node: NodeId, ballot: Ballot) -> None:
        """`node` leads with `ballot`."""
        assert self.leaders.setdefault(ballot, node) == node == ballot.owner, f"two leaders of ballot {ballot}"
        promises = len(self._promisers[ballot])
        assert promises >= self._prepare_quorum, f"node {node} leads with {promises} promises of ballot {ballot}"

    def applied(self, node: NodeId, slot: Slot, value: Value) -> None:
        """`node` applied `value` in `slot`."""
        assert slot in self._chosen, f"node {node} decided slot {slot}, for which no quorum has voted"
        known = self.decided.setdefault(slot, self._chosen[slot])
        assert known == value, f"node {node} decided another value for slot {slot}: {value}, not {known}"
        for request in value:
            assert request.id in self.issued, f"nobody issued {request.id}"
            self.took_effect.setdefault(request.id, slot)

    def answered(self, name: RequestId, slot: Slot) -> None:
        """A client was told that its write took effect in `slot`."""
        assert self.took_effect.get(name) == slot, f"{name} was answered with slot {slot}"
        assert self.answers.setdefault(name, slot) == slot, f"{name} was answered twice, differently"
        self._shown = max(self._shown, slot)

    def asked(self, number: int) -> None:
        """A linearizable read begins."""
        self._read_floor[number] = self._shown

    def shown(self, number: int, height: Slot) -> None:
        """The read was served from a log of this height."""
        floor = self._read_floor[number]
        assert height >= floor, f"read {number} saw slot {height}, but slot {floor} was answered before it began"
        self._shown = max(self._shown, height)
