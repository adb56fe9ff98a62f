"""A node whose replicated state machine is the store of `lin-kv` in place of the blog. All else is the node's own.

The log, the chain, the journal and the client table are those of every node. What differs is how a T is read, what an
operation does, and what is answered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from chain.block import Block
from chain.blockchain import Miner
from chain.mining import mine
from paxos.messages import Request, RequestId, Value
from simulator.errors import InputError
from simulator.maelstrom.store import Store, StoreOperation, StoreOutcome
from simulator.maelstrom.store_codec import NamedOperation, parse_many, parse_store_operations, store_line
from simulator.mutants.registry import find, node_type
from simulator.node.client_api import ClientRead, ReadAnswer, WriteAnswer
from simulator.node.codec import parse_block
from simulator.node.node import Node
from simulator.node.pending_requests import PendingRequests
from simulator.node.state_machine import Applied, StateMachine


class StoreMachine(StateMachine):
    """The state machine with a `store`; the blog that it inherits stays empty."""

    def __init__(
        self, difficulty: int, *, miner: Miner = mine, awaits: Callable[[str, int], bool] = lambda _client, _seq: False
    ) -> None:
        super().__init__(difficulty, miner=miner, awaits=awaits)
        self.client_table = self.client_table_type(tuple(StoreOutcome))
        self.store = Store()

    def replay(self, first_height: int, texts: Sequence[bytes]) -> bytes:
        """See `StateMachine`."""
        lines = []
        for height, named in enumerate(parse_many(texts), first_height):
            for operation, client, seq in named:
                if self.client_table.claim(client, seq, height):
                    outcome = self._take_effect(operation, client, seq)
                    lines += [store_line(height, operation)] if outcome is StoreOutcome.OK else []
        return b"".join(lines)

    def extend(self, values: Sequence[Value]) -> None:
        """See `StateMachine`."""
        for value in values:
            text = self.text_of(value)
            named = parse_store_operations(text)
            self._apply_named(self.chain.extend(text, self._hints.pop(self.chain.height + 1, None)), named)

    def adopt(self, line: str) -> None:
        """See `StateMachine`."""
        block = parse_block(line)
        if block.height > self.chain.height:
            named = parse_store_operations(block.operations_text)
            self.chain.append(block)
            self._hints.pop(block.height, None)
            self._apply_named(block, named)

    def _apply_named(self, block: Block, named: Iterable[NamedOperation]) -> None:
        height = block.height
        for operation, client, seq in named:
            if self.client_table.claim(client, seq, height):
                outcome = self._take_effect(operation, client, seq)
                if outcome is StoreOutcome.OK:
                    self._lines.append(store_line(height, operation))
                if self._awaits(client, seq):
                    self._applied.append(Applied(client, seq, operation, outcome, height))
        self._blocks.append(block)
        self.hashes.append(block.hash)

    def _take_effect(self, operation: StoreOperation, client: str, seq: int) -> StoreOutcome:
        outcome = self.store.apply(operation)
        if outcome is not StoreOutcome.OK:
            self.note_refusal(client, seq, outcome)
        return outcome


class StoreRequests(PendingRequests):
    """Answers with the outcomes of the store. A read's `result` is the value's text, or None without such a key."""

    state_machine: StoreMachine

    def take_write(self, request: Request) -> bool:
        """See `PendingRequests`."""
        name = request.id
        known = self.state_machine.client_table.get(*name)
        if known is not None:
            self._answer_write(name, *known)
            return False
        return not self.waiting.awaits(*name)

    def answer_applied(self, applied: Iterable[Applied]) -> None:
        """See `PendingRequests`."""
        for done in applied:
            self.waiting.answer_write((done.client, done.seq))
            self._answer_write((done.client, done.seq), done.outcome, done.height)

    def show(self, read: ClientRead) -> None:
        """See `PendingRequests`."""
        value = self.state_machine.store.read(read.name)
        self.host.report(ReadAnswer(read.number, "ok", "", value, "", self.state_machine.height))

    def _answer_write(self, name: RequestId, outcome: StoreOutcome, height: int) -> None:
        kind = "ok" if outcome is StoreOutcome.OK else "refused"
        self.host.report(WriteAnswer(*name, kind, outcome.value, height))


class StoreNode(Node):
    """A node that replicates a store."""

    state_machine_type = StoreMachine
    pending_requests_type = StoreRequests


def store_node_type(rule: str | None) -> type[Node]:
    """The node of a store, with `rule` broken if it names one.

    Raises:
        InputError: there is no such rule, or it is about what a store replaces.
    """
    if rule is None:
        return StoreNode
    if any(issubclass(part, StateMachine | PendingRequests | Node) for part in find(rule).parts):
        raise InputError(f"the rule {rule!r} is broken in the blog's own state machine: choose one of a role of Paxos.")
    taken = {"state_machine_type": StoreMachine, "pending_requests_type": StoreRequests}
    made: type[Node] = type("StoreNode", (node_type(rule),), taken)
    return made
