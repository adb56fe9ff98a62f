"""The invariants that show from outside: compares nodes' files with each other and with the answers that clients got.

Each check continues where the last one stopped, so a long run is checked in steps. A violation once found stays. The
other invariants (promises, one value per ballot) need the journals, which `paxsim verify` checks.

Linearizability is checked with the longest chain as witness order. Writes on it from before this run count as completed
before everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

from blog.blog import Blog, Outcome
from blog.operations import Operation
from chain.blockchain import Blockchain, ChainError
from paxos.messages import RequestId
from simulator.checks.decided_order import DecidedWrites
from simulator.checks.linearizability.judge import judge
from simulator.cluster.history import Event
from simulator.cluster.interface import AnswerKind, Query, Ticket
from simulator.node.codec import MalformedText, blog_line, parse_block, parse_operations
from simulator.node.storage.tail import Tail
from simulator.settings import Settings

LINEARIZABILITY = "linearizability"
INVARIANTS = ("agreement", "validity", "chain", "blog", "durability", "once")


class NodeFilesChecker:
    """Not thread-safe. The names of this run's clients begin with `run`; other requests are from earlier runs."""

    def __init__(self, settings: Settings, run: str) -> None:
        self._run = f"{run}-"
        self._log = _Log()
        self._nodes = [_NodeFiles(node, settings, self._log) for node in settings.node_ids]
        self._violations: dict[str, str] = {}
        self._seen = 0
        self._open: list[Ticket] = []
        self._asked: dict[RequestId, Operation] = {}
        self._checked_events = 0

    def verdicts(
        self,
        writes: Sequence[Ticket],
        history: Sequence[Event] = (),
        asked_by_now: Callable[[], Sequence[Ticket]] | None = None,
    ) -> dict[str, str]:
        """Each invariant: "ok", or what was violated. `writes` are all writes of this run; they grow from call to call.

        `history` is the clients' history up to the same moment; without it linearizability is not checked.
        `asked_by_now` returns the writes at a later moment: the files may already hold writes called meanwhile.
        """
        # Note answered writes before reading the files: a write is in a file before its answer.
        self._open += writes[self._seen :]
        for ticket in writes[self._seen :]:
            assert not isinstance(ticket.request, Query)
            self._asked[ticket.client, ticket.seq] = ticket.request
        self._seen = len(writes)
        answered = [ticket for ticket in self._open if ticket.done]
        self._open = [ticket for ticket in self._open if not ticket.done]
        for node in self._nodes:
            for invariant, what in node.read():
                self._violations.setdefault(invariant, what)
        self._check_requests(writes if asked_by_now is None else asked_by_now())
        for ticket in answered:
            self._check_answer(ticket)
        if history:
            self._check_history(history)
        names = (*INVARIANTS, LINEARIZABILITY) if history else INVARIANTS
        return {invariant: self._violations.get(invariant, "ok") for invariant in names}

    def order(self) -> list[RequestId]:
        """The requests in the order of the longest chain, each once."""
        return list(self._log.outcomes)

    def _check_history(self, history: Sequence[Event]) -> None:
        if LINEARIZABILITY in self._violations or len(history) == self._checked_events:
            return  # A longer history cannot repair a violation; an equal one has the same verdict.
        self._checked_events = len(history)
        decided = self._log.decided.by_request
        before = [write for name, write in decided.items() if not name[0].startswith(self._run)]
        ours = [write for name, write in decided.items() if name in self._asked]
        verdict = judge(history, "blog", init=before or None, witness=[*before, *ours])
        if verdict.verdict == "violation":
            self._violations[LINEARIZABILITY] = verdict.why

    def _check_requests(self, asked: Sequence[Ticket]) -> None:
        late = {(ticket.client, ticket.seq): ticket.request for ticket in asked[self._seen :]}
        for height, name, operation in self._log.entries:
            if name[0].startswith(self._run) and self._asked.get(name, late.get(name)) != operation:
                self._violations.setdefault(
                    "validity", f"block {height} holds request {name[0]}:{name[1]}, which no client asked for"
                )
        self._log.entries.clear()

    def _check_answer(self, ticket: Ticket) -> None:
        assert ticket.answer is not None
        name = f"{ticket.client}:{ticket.seq}"
        kind, found = ticket.answer.kind, self._log.outcomes.get((ticket.client, ticket.seq))
        if kind not in {AnswerKind.OK, AnswerKind.REFUSED}:
            return
        if found is None:
            self._violations.setdefault("durability", f"node {ticket.node} answered {name}, which is on no chain")
        elif (found is Outcome.OK) != (kind is AnswerKind.OK):
            self._violations.setdefault(
                "once", f"{name} was answered {kind.value!r}, and its effect is {found.value!r}"
            )


class _Log:
    """The longest chain so far, replayed once: every other chain is compared with it. `entries` are new requests."""

    def __init__(self) -> None:
        self.hashes: list[bytes] = []
        self.entries: list[tuple[int, RequestId, Operation]] = []
        self.outcomes: dict[RequestId, Outcome] = {}
        self.blog_lines: list[bytes] = []
        self.decided = DecidedWrites()
        self.first_node: list[int] = []
        self._blog = Blog()

    def extend(self, node: int, block_hash: str, operations: Sequence[tuple[Operation, str, int]]) -> None:
        """Add one block, first seen on `node`."""
        self.hashes.append(bytes.fromhex(block_hash))
        self.first_node.append(node)
        height = len(self.hashes)
        self.entries += [(height, (client, seq), operation) for operation, client, seq in operations]
        for name, operation in self.decided.add(operations):
            outcome = self.outcomes[name] = self._blog.apply(operation)
            if outcome is Outcome.OK:
                self.blog_lines.append(_digest(blog_line(height, operation)))


class _NodeFiles:
    """One node's chain and blog, read incrementally."""

    def __init__(self, node: int, settings: Settings, log: _Log) -> None:
        directory = Path(settings.data) / f"node-{node}"
        self._node = node
        self._difficulty = settings.difficulty
        self._log = log
        self._chain_file = Tail(directory / "blockchain.txt")
        self._blog_file = Tail(directory / "blog.txt")
        self._chain = Blockchain(settings.difficulty)
        self._blog_at = 0
        self._broken = False

    def read(self) -> Iterable[tuple[str, str]]:
        """Read what is new in the files; yields violations as (invariant, sentence)."""
        blog = self._blog_file.read()  # Before the chain, which a node writes first.
        lines = self._chain_file.read()
        if self._chain_file.restarted:
            self._chain, self._broken = Blockchain(self._difficulty), False
        if self._blog_file.restarted:
            self._blog_at = 0
        for line in lines:
            if self._broken:
                break
            yield from self._block(line)
        for number, line in enumerate(blog, self._blog_at):
            if number >= len(self._log.blog_lines) or self._log.blog_lines[number] != _digest(line + b"\n"):
                yield "blog", f"node {self._node}: line {number + 1} of blog.txt is not what the chain's replay gives"
                break
        self._blog_at += len(blog)

    def _block(self, line: bytes) -> Iterable[tuple[str, str]]:
        try:
            block = parse_block(line)
            self._chain.append(block)
            height, hashes = block.height, self._log.hashes
            if height > len(hashes):
                self._log.extend(self._node, block.hash, parse_operations(block.operations_text))
            elif hashes[height - 1] != bytes.fromhex(block.hash):
                self._broken = True
                first = self._log.first_node[height - 1]
                yield "agreement", f"block {height} of node {self._node} differs from that of node {first}"
        except (MalformedText, ChainError) as error:
            self._broken = True
            yield "chain", f"node {self._node}: {error}"


def _digest(line: bytes) -> bytes:
    return blake2b(line, digest_size=8).digest()
