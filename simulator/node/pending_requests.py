"""Answers to the clients of one node: at once when the answer is known, else when it comes or is given up.

Rules 13 and 14: a retry gets the first answer, also when that was a refusal. A request that ends without a result has
an unknown outcome, which is never reported as failed: it may still take effect. Which clients wait is in the register
(`paxos.waiting_requests`); the wording is the blog's (`blog.answers`). Each rule is a method, so that a mutant can
break one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from blog.answers import look, wording
from blog.blog import Outcome
from blog.operations import Operation
from paxos.ballot import NodeId
from paxos.messages import Request, RequestId
from paxos.waiting_requests import WaitingRequests
from simulator.node.client_api import ClientRead, ReadAnswer, WriteAnswer
from simulator.node.codec import parse_operation
from simulator.node.host import Host
from simulator.node.names import too_few_vote
from simulator.node.state_machine import Applied, StateMachine

_OK = Outcome.OK  # A member of an Enum is slow to look up.


class PendingRequests:
    """Reports an answer for each request in `waiting`, once."""

    def __init__(
        self, me: NodeId, majority: int, state_machine: StateMachine, host: Host, waiting: WaitingRequests
    ) -> None:
        self.me = me
        self.majority = majority
        self.state_machine = state_machine
        self.host = host
        self.waiting = waiting

    # Calls

    def take_write(self, request: Request) -> bool:
        """True when the write must be proposed. A retry of an applied write gets the first answer at once."""
        client, seq = request.client, request.seq
        known = self.state_machine.client_table.get(client, seq)
        if known is not None:
            operation, _, _ = parse_operation(request.operation)
            self.answer((client, seq), operation, *known)
            return False
        return not self.waiting.awaits(client, seq)

    # Answers with a result

    def answer_applied(self, applied: Iterable[Applied]) -> None:
        """Answer the clients of these requests, which were applied and written."""
        for done in applied:
            name = (done.client, done.seq)
            self.waiting.answer_write(name)
            self.answer(name, done.operation, done.outcome, done.height)

    def answer(self, name: RequestId, operation: Operation, outcome: Outcome, height: int) -> None:
        """Report the answer to a write that was applied in block `height`."""
        kind = "ok" if outcome is _OK else "refused"
        self.host.report(WriteAnswer(*name, kind, wording(operation, outcome), height))

    def answer_reads(self, numbers: Iterable[int]) -> None:
        """Answer these reads from the blog as it is now."""
        for number in numbers:
            waiting = self.waiting.answer_read(number)
            if waiting is not None and isinstance(waiting.question, ClientRead):
                self.show(waiting.question)

    def show(self, read: ClientRead) -> None:
        """Answer one read from the blog as it is now."""
        view = look(self.state_machine.blog, read.kind, read.name)
        self.host.report(ReadAnswer(read.number, "ok", view.text, view.result, view.shown, self.state_machine.height))

    # Answers without a result

    def give_up_writes(
        self, names: Iterable[RequestId], *, no_majority: bool, forgetful: Sequence[NodeId] = ()
    ) -> None:
        """Report a time-out for these writes."""
        kind, why = self.unknown(no_majority=no_majority, forgetful=forgetful)
        for name in names:
            if self.waiting.answer_write(name):
                text = f"TIMEOUT: {why}; the write may still take effect later"
                self.host.report(WriteAnswer(*name, kind, text, 0))

    def give_up_reads(self, numbers: Iterable[int], *, no_majority: bool, forgetful: Sequence[NodeId] = ()) -> None:
        """Report a time-out for these reads."""
        kind, why = self.unknown(no_majority=no_majority, forgetful=forgetful)
        for number in numbers:
            if self.waiting.answer_read(number) is not None:
                text = f"TIMEOUT: {why}; without --linearizable the node shows its own copy"
                self.host.report(ReadAnswer(number, kind, text, None, "", 0))

    def unknown(self, *, no_majority: bool, forgetful: Sequence[NodeId] = ()) -> tuple[str, str]:
        """The kind of a time-out and its reason. Neither kind states that nothing happened."""
        if forgetful:
            return "no-majority", f"no majority: {too_few_vote(forgetful)}"
        if no_majority:
            return "no-majority", f"no majority: node {self.me} hears too few nodes, and {self.majority} are needed"
        return "timeout", f"node {self.me} got no answer in time"
