"""The course of one request: its call, its way to the leader, proposals and votes, its block and its answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from paxos.ballot import Ballot
from paxos.messages import Accept, Accepted, Forward, RequestId
from paxos.records import AcceptedRecord
from simulator.analysis.event_text import event_text
from simulator.analysis.operations import ClientOperation
from simulator.analysis.run import NOWHERE, RecordedRun
from simulator.analysis.story import Line, because
from simulator.node.client_api import ClientWrite, NoteLine, ReadAnswer, WriteAnswer
from simulator.node.codec import MalformedText, parse_operation, parse_operations
from simulator.trace.events import (
    BlocksApplied,
    ClientCalled,
    MessageDelivered,
    MessageLost,
    MessageSent,
    NodeReported,
    RecordsAppended,
)

_LOSSES = 3
_LEADERSHIP = ("leader", "follows", "step-down", "election")


class RequestStory:
    """Tells the course of requests of one run."""

    def __init__(self, run: RecordedRun) -> None:
        self._run = run

    def course(self, operation: ClientOperation) -> Iterator[Line]:
        """How far a request came: its call, its way to the leader, its proposal, its block, its answer."""
        if operation.asked == NOWHERE:
            return
        end = self.end_of(operation)
        yield Line(operation.asked, f"node {operation.node} is asked: {operation.text}")
        yield from self._leader_known(operation.node, operation.asked)
        if operation.request:
            client, _, seq = operation.request.rpartition(":")
            yield from self._forwards((client, int(seq)), operation.asked, end)
            yield from self.proposals(lambda accept: _holds(accept, (client, int(seq))), operation.asked, end)
        if operation.effect != NOWHERE and operation.height >= 0 and not operation.local:
            late = ", after the answer" if operation.effect > end else ""
            node = self._run.events[operation.effect].node
            yield Line(operation.effect, f"node {node} applies block {operation.height}, which holds it{late}")
        answered = self.answered(operation)
        if answered != NOWHERE:
            yield Line(answered, f"node {operation.node} {event_text(self._run.events[answered])}")
        elif operation.returned != NOWHERE:
            yield Line(operation.returned, f"the client is told: {operation.outcome}")

    def refusal(self, operation: ClientOperation) -> Iterator[Line]:
        """The block that had the title before, and the block of the refused write."""
        yield from self.course(operation)
        call = self._run.events[operation.asked] if operation.asked != NOWHERE else None
        if not isinstance(call, ClientCalled) or not isinstance(call.call, ClientWrite):
            return
        wanted, _, _ = parse_operation(call.call.request.operation)
        for index, event in enumerate(self._run.events):
            for block in event.blocks if isinstance(event, BlocksApplied) else ():
                for other in _requests(block.operations_text):
                    if other[0] == "Post" and other[1] == wanted.title and other[2] != operation.request:
                        where = "before" if index <= operation.effect else "only after"
                        yield Line(index, f"block {block.height} has the post {wanted.title!r}, {where} this one")
                        return

    def _leader_known(self, node: int, before: int) -> Iterator[Line]:
        for index in range(before, -1, -1):
            event = self._run.events[index]
            if not isinstance(event, NodeReported) or event.node != node or not isinstance(event.report, NoteLine):
                continue
            if event.report.kind in _LEADERSHIP:
                yield Line(index, event.report.text)
                return

    def _forwards(self, name: RequestId, begin: int, end: int) -> Iterator[Line]:
        """The first way of the request to another node, and what became of it; losses up to a few."""
        shown = 0
        for index in range(begin, end + 1):
            event = self._run.events[index]
            if not isinstance(event, MessageLost | MessageDelivered) or not isinstance(event.message, Forward):
                continue
            if name not in {request.id for request in event.message.requests} or shown == _LOSSES:
                continue
            shown += 1
            if isinstance(event, MessageDelivered):
                yield Line(index, f"it reaches node {event.node}, passed on by node {event.source}")
                return
            yield Line(index, f"on its way from node {event.source} to node {event.node} it is lost{because(event)}")

    def proposals(self, holds: Callable[[Accept], bool], begin: int, end: int) -> Iterator[Line]:
        """Each first ACCEPT of a ballot that `holds` approves, and the votes that reached the leader until `end`."""
        known: set[tuple[object, ...]] = set()
        for index in range(begin, end + 1):
            event = self._run.events[index]
            if not isinstance(event, MessageSent) or not isinstance(event.message, Accept) or not holds(event.message):
                continue
            ballot, slot = event.message.ballot, event.message.first_slot
            if (ballot, slot) in known:
                continue
            known.add((ballot, slot))
            votes, losses = self._votes(index, ballot, slot, end)
            needed = self._run.header.accept_quorum or len(self._run.nodes) // 2 + 1
            who = f"of nodes {','.join(map(str, sorted(votes)))}" if votes else "of no node"
            yield Line(
                index,
                f"node {event.node} proposes it with ballot {ballot} in slot {slot}: "
                f"{len(votes)} votes arrived ({who}), {needed} are needed",
            )
            yield from losses

    def _votes(self, sent: int, ballot: Ballot, slot: int, end: int) -> tuple[set[int], list[Line]]:
        leader = self._run.events[sent].node
        votes: set[int] = set()
        losses: list[Line] = []
        lost_of: set[tuple[int, int]] = set()
        for index in range(sent, end + 1):
            match self._run.events[index]:
                case RecordsAppended(node=node, records=records) if node == leader:
                    own = [one for one in records if isinstance(one, AcceptedRecord) and one.ballot == ballot]
                    if any(one.slot == slot for one in own):
                        votes.add(leader)
                case MessageDelivered(source=source, message=Accepted() as vote) if vote.ballot == ballot:
                    if vote.first_slot <= slot <= vote.last_slot:
                        votes.add(source)
                case MessageLost(source=source, node=node, message=Accept() | Accepted() as lost) as event:
                    link = (source, node)
                    if lost.ballot == ballot and link not in lost_of and len(losses) < _LOSSES:
                        lost_of.add(link)
                        name = type(lost).__name__.upper()
                        losses.append(Line(index, f"{name} from node {source} to node {node} is lost{because(event)}"))
                case _:
                    pass
        return votes, losses

    def answered(self, operation: ClientOperation) -> int:
        """The event at which the node answered the operation's call."""
        call = self._run.events[operation.asked]
        assert isinstance(call, ClientCalled)
        for index in range(operation.asked, self.end_of(operation) + 1):
            event = self._run.events[index]
            if not isinstance(event, NodeReported) or event.node != operation.node:
                continue
            match event.report:
                case WriteAnswer(client, seq) if f"{client}:{seq}" == operation.request:
                    return index
                case ReadAnswer(number) if number == getattr(call.call, "number", None):
                    return index
                case _:
                    pass
        return NOWHERE

    def end_of(self, operation: ClientOperation) -> int:
        """The event of its return; the last one if it has none."""
        return operation.returned if operation.returned != NOWHERE else len(self._run.events) - 1


def _holds(accept: Accept, name: RequestId) -> bool:
    return any(request.id == name for value in accept.values for request in value)


def _requests(text: str) -> list[tuple[str, str, str]]:
    """The kind, the title and the name of each operation of a block."""
    try:
        return [
            (type(operation).__name__, operation.title, f"{client}:{seq}")
            for operation, client, seq in parse_operations(text)
        ]
    except MalformedText:
        return []
