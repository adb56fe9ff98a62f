"""The invariants that can be seen from outside: the nodes' files, held against each other and against their clients.

It reads on where it stopped, so that a long run is judged in steps; what was once found violated stays so. The rest of
the invariants (promises, one value a ballot) stands in the journals, which `paxsim verify` judges.

Linearizability is judged with the longest chain as witness. What stood on it before this run began counts as written
before all else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

from blog.blog import Blog, Outcome
from blog.operations import Operation, Post
from chain.blockchain import Blockchain, ChainError
from simulator.checks.linearizability.judge import judge
from simulator.cluster.history import Event
from simulator.cluster.interface import AnswerKind, Query, Ticket
from simulator.node.codec import MalformedText, blog_line, parse_block, parse_operations
from simulator.node.storage.tail import Tail
from simulator.settings import Settings

LINEARIZABILITY = "linearizability"
INVARIANTS = ("agreement", "validity", "chain", "blog", "durability", "once")

Name = tuple[str, int]
"""A request's client and seq."""


class NodeFilesChecker:
    """Not safe for threads. `run` begins the names of this run's clients; others' requests come from earlier runs."""

    def __init__(self, settings: Settings, run: str) -> None:
        self._run = f"{run}-"
        self._log = _Log()
        self._nodes = [_NodeFiles(node, settings, self._log) for node in settings.node_ids]
        self._violations: dict[str, str] = {}
        self._seen = 0
        self._open: list[Ticket] = []
        self._asked: dict[Name, Operation] = {}
        self._judged = 0

    def verdicts(
        self,
        writes: Sequence[Ticket],
        history: Sequence[Event] = (),
        asked_by_now: Callable[[], Sequence[Ticket]] | None = None,
    ) -> dict[str, str]:
        """Each invariant: "ok", or what was violated. `writes` are all of this run's, more from call to call.

        `history` is what clients saw until the same moment; without one nothing is said of linearizability.
        `asked_by_now` gives what `writes` have become: what is asked for meanwhile may be in the files already.
        """
        # Which writes are answered is noted before the files are read: an answer follows its line.
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
        self._judge_names(writes if asked_by_now is None else asked_by_now())
        for ticket in answered:
            self._judge_answer(ticket)
        if history:
            self._judge_history(history)
        judged = (*INVARIANTS, LINEARIZABILITY) if history else INVARIANTS
        return {invariant: self._violations.get(invariant, "ok") for invariant in judged}

    def order(self) -> list[Name]:
        """The requests in the order in which they stand on the longest chain, each once."""
        return list(self._log.outcomes)

    def _judge_history(self, history: Sequence[Event]) -> None:
        if LINEARIZABILITY in self._violations or len(history) == self._judged:
            return  # No longer history mends it; of the same one the same is to be said.
        self._judged = len(history)
        before = [write for name, write in self._log.decided() if not name[0].startswith(self._run)]
        ours = [write for name, write in self._log.decided() if name in self._asked]
        verdict = judge(history, "blog", init=before or None, witness=[*before, *ours])
        if verdict.verdict == "violation":
            self._violations[LINEARIZABILITY] = verdict.why

    def _judge_names(self, asked: Sequence[Ticket]) -> None:
        late = {(ticket.client, ticket.seq): ticket.request for ticket in asked[self._seen :]}
        for height, name, operation in self._log.entries:
            if name[0].startswith(self._run) and self._asked.get(name, late.get(name)) != operation:
                self._violations.setdefault(
                    "validity", f"block {height} holds request {name[0]}:{name[1]}, which no client asked for"
                )
        self._log.entries.clear()

    def _judge_answer(self, ticket: Ticket) -> None:
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
    """The longest chain so far, replayed once: every other chain is held against it. `entries` are new requests."""

    def __init__(self) -> None:
        self.hashes: list[bytes] = []
        self.entries: list[tuple[int, Name, Operation]] = []
        self.outcomes: dict[Name, Outcome] = {}
        self.blog_lines: list[bytes] = []
        self._writes: list[tuple[str, str, str, str]] = []  # Of the same requests, in the same order, as `outcomes`.
        self.first_node: list[int] = []
        self._blog = Blog()

    def decided(self) -> Iterable[tuple[Name, tuple[str, str, str, str]]]:
        """Every request once, in the order of the chain, and the write that it is."""
        return zip(self.outcomes, self._writes, strict=True)

    def extend(self, node: int, block_hash: str, operations: Iterable[tuple[Operation, str, int]]) -> None:
        """One more block, first seen on `node`."""
        self.hashes.append(bytes.fromhex(block_hash))
        self.first_node.append(node)
        height = len(self.hashes)
        for operation, client, seq in operations:
            name = (client, seq)
            self.entries.append((height, name, operation))
            if name not in self.outcomes:
                outcome = self.outcomes[name] = self._blog.apply(operation)
                f = "post" if isinstance(operation, Post) else "comment"
                self._writes.append((f, operation.username, operation.title, operation.content))
                if outcome is Outcome.OK:
                    self.blog_lines.append(_digest(blog_line(height, operation)))


class _NodeFiles:
    """One node's chain and blog, read on."""

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
        """What is new in the files; yields violations as (invariant, sentence)."""
        blog = self._blog_file.read()  # Before the chain, because a node writes it after the chain.
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
