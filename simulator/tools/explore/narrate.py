"""The fate of one seed as prose: one line an event, in the order in which it happened.

Signs of life and alarms are left out, since they come all the time; what is lost, written, synced, applied, answered
and broken is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chain.block import Block
from paxos.ballot import NodeId
from paxos.effects import Timer
from paxos.messages import AnyMessage
from paxos.records import AcceptedRecord, JournalRecord, OpenedRecord
from simulator.cluster.message_text import ROUTINE, describe
from simulator.faults.faults import Fault
from simulator.node.client_api import (
    ClientCall,
    ClientRead,
    ClientWrite,
    NodeFailed,
    NodeReport,
    NoteLine,
    ReadAnswer,
    WriteAnswer,
)
from simulator.node.storage.storage import Recovered
from simulator.tools.explore.batch import Search
from simulator.tools.explore.swarm import draw_plan
from simulator.tools.explore.trial import Outcome, run_plan

Say = Callable[[str], None]


class Teller:
    """An `Observer` that says in a sentence each what it sees."""

    def __init__(self, say: Say) -> None:
        self._say = say

    def _line(self, at_ms: int, node: NodeId, text: str) -> None:
        who = f"node {node}" if node else "      "
        self._say(f"{at_ms / 1000:9.3f} s  {who}  {text}")

    def asked(self, at_ms: int, node: NodeId, call: ClientCall) -> None:
        """See `Observer`."""
        match call:
            case ClientWrite(request):
                self._line(at_ms, node, f"is asked to write {request.client}:{request.seq} {request.operation}")
            case ClientRead(number, kind, name, linearizable):
                how = "linearizable " if linearizable else ""
                self._line(at_ms, node, f"is asked for a {how}view {number}: {kind} {name}".rstrip())
            case _:
                pass

    def told(self, at_ms: int, node: NodeId, report: NodeReport) -> None:
        """See `Observer`."""
        match report:
            case WriteAnswer(client, seq, kind, text, height):
                self._line(at_ms, node, f"answers {client}:{seq} with {kind}: {text} (block {height})")
            case ReadAnswer(number, kind, text):
                self._line(at_ms, node, f"answers view {number} with {kind}: {text}")
            case NoteLine(kind, text):
                self._line(at_ms, node, f"{kind}: {text}")
            case NodeFailed(text):
                self._line(at_ms, node, f"fails: {text}")
            case _:
                pass

    def sent(self, at_ms: int, node: NodeId, to: tuple[NodeId, ...], message: AnyMessage, number: int) -> None:
        """See `Observer`."""
        if not isinstance(message, ROUTINE):
            self._line(at_ms, node, f"sends to {','.join(map(str, to))}: {describe(message)} (#{number})")

    def delivered(self, at_ms: int, source: NodeId, node: NodeId, message: AnyMessage, number: int) -> None:
        """See `Observer`."""
        if not isinstance(message, ROUTINE):
            self._line(at_ms, node, f"hears from {source}: {describe(message)} (#{number})")

    def lost(self, at_ms: int, source: NodeId, node: NodeId, message: AnyMessage, number: int) -> None:
        """See `Observer`."""
        if not isinstance(message, ROUTINE):
            self._line(at_ms, node, f"will never hear from {source}: {describe(message)} (#{number})")

    def woken(self, at_ms: int, node: NodeId, timer: Timer) -> None:
        """See `Observer`."""

    def recovered(self, at_ms: int, node: NodeId, recovered: Recovered) -> None:
        """See `Observer`."""
        beyond = f"votes for slots {sorted(recovered.accepted)}" if recovered.accepted else "no votes beyond"
        mended = f"; {'; '.join(recovered.notes)}" if recovered.notes else ""
        text = f"begins a life with block {recovered.height}, promise {recovered.promised} and {beyond}{mended}"
        self._line(at_ms, node, text)

    def recorded(self, at_ms: int, node: NodeId, records: Sequence[JournalRecord]) -> None:
        """See `Observer`."""
        self._line(at_ms, node, f"writes {', '.join(map(_record, records))}")

    def synced(self, at_ms: int, node: NodeId) -> None:
        """See `Observer`."""
        self._line(at_ms, node, "has it safely on disk")

    def applied(self, at_ms: int, node: NodeId, blocks: Sequence[Block]) -> None:
        """See `Observer`."""
        for block in blocks:
            self._line(at_ms, node, f"applies block {block.height}: {block.operations_text}")

    def ended(self, at_ms: int, node: NodeId, how: str) -> None:
        """See `Observer`."""
        self._line(at_ms, node, f"is down: {how}")

    def struck(self, at_ms: int, fault: Fault) -> None:
        """See `Observer`."""
        self._line(at_ms, 0, f"* {fault.line()}")


def tell_seed(seed: int, search: Search, say: Say) -> Outcome:
    """Run one seed and say what happens, a line an event, and at the end what was broken."""
    plan = draw_plan(seed, search.profile, break_rule=search.break_rule)
    settings = plan.settings
    say(
        f"Seed {seed}, drawn as {plan.profile!r}: {settings.nodes} nodes, at most {settings.ops_per_block} operations "
        f"a block, {settings.window} slots in flight, difficulty {settings.difficulty}; faults until "
        f"{plan.heals_ms / 1000:g} s" + (f"; broken on purpose: {settings.break_rule}" if settings.break_rule else "")
    )
    outcome = run_plan(plan, observers=[Teller(say)], replay=search.command(seed))
    for violation in outcome.violations:
        say(f"VIOLATED {violation.invariant}: {violation.sentence()}")
    if not outcome.violations:
        took = f"all was well again {outcome.peace_ms / 1000:g} s after the healing"
        say(f"Nothing was violated; {took}, and {outcome.bound_ms / 1000:g} s are allowed.")
    return outcome


def _record(record: JournalRecord) -> str:
    if isinstance(record, AcceptedRecord):
        return f"accepted slot {record.slot} at {record.ballot} ({len(record.value)} requests)"
    return f"{'opened' if isinstance(record, OpenedRecord) else 'promise'} {record.ballot}"
