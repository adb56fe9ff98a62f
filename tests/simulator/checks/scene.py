"""A run written by hand for an `InvariantChecker`, one call a step: open a ballot, promise, vote, apply and so on."""

from __future__ import annotations

from blog.operations import Operation, Post
from chain.block import Block
from chain.blockchain import Blockchain
from paxos.ballot import NO_BALLOT, Ballot, NodeId, Slot
from paxos.messages import (
    Accept,
    Acceptance,
    Accepted,
    AnyMessage,
    CatchupReply,
    Decide,
    Prepare,
    Promise,
    Request,
    Value,
)
from paxos.records import AcceptedRecord, JournalRecord, OpenedRecord, PromiseRecord
from simulator.checks.invariants import InvariantChecker
from simulator.node.client_api import ClientRead, ClientWrite, ReadAnswer, WriteAnswer
from simulator.node.codec import block_line, operation_text, operations_text
from simulator.node.storage.storage import Recovered
from simulator.settings import Settings
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    IncarnationEnded,
    JournalSynced,
    MessageDelivered,
    MessageSent,
    NodeRecovered,
    NodeReported,
    RecordsAppended,
)

B1, B2, B3 = Ballot(1, 1), Ballot(2, 2), Ballot(3, 3)


def value(title: str, seq: int = 1, operation: Operation | None = None) -> Value:
    """A batch of one request, by client `title`: the same arguments give the same value."""
    operation = operation or Post("alice", title, "text")
    return (Request(title, seq, operation_text(operation, title, seq)),)


X, Y = value("X"), value("Y")


class Scene:
    """All nodes start with empty files, unless `start` is false. Time is a counter of calls, in milliseconds."""

    def __init__(
        self,
        nodes: int = 3,
        *,
        start: bool = True,
        prepare_quorum: int = 0,
        accept_quorum: int = 0,
        simulated: bool = False,
    ) -> None:
        self.settings = Settings(nodes=nodes, difficulty=0)
        self.checker = InvariantChecker(
            self.settings, prepare_quorum=prepare_quorum, accept_quorum=accept_quorum, simulated=simulated
        )
        self.chains = {node: Blockchain(0) for node in self.settings.node_ids}
        self.blocks: dict[NodeId, list[Block]] = {node: [] for node in self.settings.node_ids}
        self.now = 0
        self.number = 0
        for request in (*X, *Y):
            self.checker.observe(ClientCalled(at_ms=0, node=1, call=ClientWrite(request)))
        if start:
            for node in self.settings.node_ids:
                self.recovers(node)

    @property
    def broken(self) -> dict[str, str]:
        """Each violated invariant, with its sentence."""
        return {name: violation.why for name, violation in self.checker.violations.items()}

    def _tick(self) -> int:
        self.now += 1
        return self.now

    # Disks

    def recovers(
        self,
        node: NodeId,
        *,
        promised: Ballot = NO_BALLOT,
        opened: Ballot = NO_BALLOT,
        votes: dict[Slot, tuple[Ballot, Value]] | None = None,
        height: int = 0,
        notes: tuple[str, ...] = (),
    ) -> None:
        """An incarnation begins."""
        accepted = {slot: Acceptance(slot, ballot, what) for slot, (ballot, what) in (votes or {}).items()}
        tip = self.blocks[node][height - 1].hash if height else "0" * 64
        self.chains[node] = Blockchain(0, height=height, tip=tip)
        del self.blocks[node][height:]
        found = Recovered(
            promised=promised, opened=opened, accepted=accepted, height=height, tip=tip, fresh=not height, notes=notes
        )
        self.checker.observe(NodeRecovered(at_ms=self._tick(), node=node, found=found))

    def records(self, node: NodeId, *records: JournalRecord, sync: bool = True) -> None:
        """Append records, and sync them unless `synced` is false."""
        self.checker.observe(RecordsAppended(at_ms=self._tick(), node=node, records=tuple(records)))
        if sync:
            self.checker.observe(JournalSynced(at_ms=self._tick(), node=node))

    def crashes(self, node: NodeId) -> None:
        """An incarnation ends."""
        self.checker.observe(IncarnationEnded(at_ms=self._tick(), node=node, how="killed"))

    # Messages

    def sends(self, node: NodeId, to: tuple[NodeId, ...], message: AnyMessage, *, arrives: bool = True) -> None:
        """Send a message, which reaches all its targets at once."""
        self.number += 1
        self.checker.observe(MessageSent(at_ms=self._tick(), node=node, to=to, message=message, number=self.number))
        if arrives:
            for target in to:
                self.checker.observe(
                    MessageDelivered(at_ms=self._tick(), node=target, source=node, message=message, number=self.number)
                )

    def others(self, node: NodeId) -> tuple[NodeId, ...]:
        """All nodes but one."""
        return tuple(other for other in self.settings.node_ids if other != node)

    def opens(self, ballot: Ballot, *, first_slot: Slot = 1) -> None:
        """The owner opens the ballot: a durable record, then PREPARE to all."""
        self.records(ballot.owner, OpenedRecord(ballot))
        self.prepares(ballot, first_slot=first_slot)

    def prepares(self, ballot: Ballot, *, first_slot: Slot = 1) -> None:
        """Send PREPARE."""
        node = ballot.owner
        self.sends(node, self.others(node), Prepare(sender=node, ballot=ballot, first_slot=first_slot, stamp=0))

    def promises(
        self, node: NodeId, ballot: Ballot, *, votes: dict[Slot, tuple[Ballot, Value]] | None = None, decided: Slot = 0
    ) -> None:
        """Make a promise durable and send it with these votes."""
        self.records(node, PromiseRecord(ballot))
        self.sends_promise(node, ballot, votes=votes, decided=decided)

    def sends_promise(
        self, node: NodeId, ballot: Ballot, *, votes: dict[Slot, tuple[Ballot, Value]] | None = None, decided: Slot = 0
    ) -> None:
        """Send PROMISE."""
        accepted = tuple(Acceptance(slot, at, what) for slot, (at, what) in sorted((votes or {}).items()))
        promise = Promise(sender=node, ballot=ballot, accepted=accepted, decided=decided, stamp=0)
        self.sends(node, (ballot.owner,), promise)

    def leads(self, ballot: Ballot, *voters: NodeId) -> None:
        """A campaign whose promises report no votes."""
        self.opens(ballot)
        for voter in voters:
            self.promises(voter, ballot)

    def proposes(
        self, ballot: Ballot, slot: Slot, *values: Value, to: tuple[NodeId, ...] | None = None, decided: Slot = 0
    ) -> None:
        """Send ACCEPT to `to`, by default to all others."""
        node = ballot.owner
        message = Accept(sender=node, ballot=ballot, first_slot=slot, values=values, decided=decided)
        self.sends(node, self.others(node) if to is None else to, message)

    def votes(self, node: NodeId, ballot: Ballot, slot: Slot, what: Value, *, answers: bool = True) -> None:
        """Make a vote durable, and send it unless it is the owner's own."""
        self.records(node, AcceptedRecord(ballot, slot, what))
        if answers and node != ballot.owner:
            self.sends_accepted(node, ballot, slot)

    def sends_accepted(self, node: NodeId, ballot: Ballot, first: Slot, last: Slot | None = None) -> None:
        """Send ACCEPTED."""
        message = Accepted(sender=node, ballot=ballot, first_slot=first, last_slot=first if last is None else last)
        self.sends(node, (ballot.owner,), message)

    def chooses(self, ballot: Ballot, slot: Slot, what: Value, *voters: NodeId) -> None:
        """The owner proposes; it and `voters` vote."""
        self.proposes(ballot, slot, what)
        self.votes(ballot.owner, ballot, slot, what)
        for voter in voters:
            self.votes(voter, ballot, slot, what)

    def decides(self, ballot: Ballot, upto: Slot) -> None:
        """Send DECIDE to all."""
        node = ballot.owner
        self.sends(node, self.others(node), Decide(sender=node, ballot=ballot, decided=upto))

    def catches_up(self, node: NodeId, source: NodeId, first: Slot, last: Slot) -> None:
        """Decided blocks reach a node."""
        lines = tuple(block_line(block) for block in self.blocks[source][first - 1 : last])
        reply = CatchupReply(sender=source, first_slot=first, blocks=lines or ("{}",), decided=last)
        self.sends(source, (node,), reply)

    # Chains and clients

    def applies(self, node: NodeId, *values: Value) -> None:
        """A node appends blocks with these values."""
        blocks = [self.chains[node].extend(operations_text(what)) for what in values]
        self.appends(node, *blocks)

    def appends(self, node: NodeId, *blocks: Block) -> None:
        """A node appends exactly these blocks."""
        self.blocks[node] += blocks
        self.checker.observe(BlocksApplied(at_ms=self._tick(), node=node, blocks=tuple(blocks)))

    def asks(self, node: NodeId, what: Value) -> None:
        """Clients call the writes in `what`."""
        for request in what:
            self.checker.observe(ClientCalled(at_ms=self._tick(), node=node, call=ClientWrite(request)))

    def answers(
        self, node: NodeId, what: Value, kind: str = "ok", text: str = "done", height: int | None = None
    ) -> None:
        """The node answers the writes, by default with the height of its own block that holds them."""
        for request in what:
            if height is None:
                holding = [block for block in self.blocks[node] if request.operation in block.operations_text]
                height = holding[0].height if holding else 0
            self.checker.observe(
                NodeReported(
                    at_ms=self._tick(), node=node, report=WriteAnswer(request.client, request.seq, kind, text, height)
                )
            )

    def asks_view(self, number: int, *, linearizable: bool = False, kind: str = "all", name: str = "") -> None:
        """A client calls a view."""
        self.checker.observe(
            ClientCalled(at_ms=self._tick(), node=1, call=ClientRead(number, kind, name, linearizable))
        )

    def shows(self, node: NodeId, number: int, result: object, height: int, shown: str = "view_all") -> None:
        """A node answers a view."""
        self.checker.observe(
            NodeReported(at_ms=self._tick(), node=node, report=ReadAnswer(number, "ok", "", result, shown, height))
        )

    def correct_start(self) -> None:
        """A correct start: node 1 leads with ballot 1.1, X is chosen in slot 1 and applied by all nodes."""
        self.leads(B1, 2, 3)
        self.chooses(B1, 1, X, 2)
        self.applies(1, X)
        self.answers(1, X)
        self.decides(B1, 1)
        self.applies(2, X)
        self.catches_up(3, 1, 1, 1)
        self.applies(3, X)
