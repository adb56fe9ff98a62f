"""The invariants that show from outside: compares nodes' files with each other and with the answers that clients got.

Each check continues where the last one stopped, so a long run is checked in steps. A violation once found stays. The
other invariants (promises, one value per ballot) need the journals, which `paxsim verify` checks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from hashlib import blake2b
from pathlib import Path

from blog.blog import Blog, Outcome
from blog.operations import Operation
from chain.blockchain import Blockchain, ChainError
from paxos.messages import RequestId
from simulator.checks.decided_order import DecidedWrites, Write, write_of
from simulator.checks.linearizability.judge import Verdict, judge
from simulator.cluster.history import Event
from simulator.node.codec import MalformedText, blog_line, parse_block, parse_operations
from simulator.node.storage.tail import Tail
from simulator.settings import Settings

INVARIANTS = ("agreement", "validity", "chain", "blog", "durability", "once")


class NodeFilesChecker:
    """Not thread-safe. The names of this run's clients begin with `run`; other requests are from earlier runs.

    Tell it what clients call and what they are answered, then `read` the files: a write is in a file before its answer.
    `on_write` gets each new write on the longest chain, in order, and whether it took effect.
    """

    def __init__(
        self, settings: Settings, run: str, on_write: Callable[[RequestId, Write, bool], None] | None = None
    ) -> None:
        self._run = f"{run}-"
        self._log = _Log(on_write)
        self._nodes = {node: _NodeFiles(node, settings, self._log) for node in settings.node_ids}
        self._violations: dict[str, str] = {}
        self._asked: dict[RequestId, Write] = {}  # Called, and on no chain that was read.
        self._answers: list[tuple[RequestId, bool]] = []
        self._missing: list[tuple[RequestId, bool]] = []  # Answered before the last `read`, and not found by it.

    def called(self, name: RequestId, write: Write) -> None:
        """A client of this run called a write."""
        self._asked[name] = write

    def answered(self, name: RequestId, *, took_effect: bool) -> None:
        """A write was answered: done, or refused."""
        self._answers.append((name, took_effect))

    def read(self, without: Collection[int] = ()) -> None:
        """Read what is new in the files of all nodes but those in `without`."""
        for number, node in self._nodes.items():
            if number not in without:
                for invariant, what in node.read():
                    self._violations.setdefault(invariant, what)
        self._check_answers()
        self._check_requests()

    def verdicts(self, *, knows_calls: bool = True) -> dict[str, str]:
        """Each invariant: "ok", or what was violated. Call `read` before, and tell the calls up to now in between.

        With `knows_calls` false some calls are not known, so nothing can be said of requests without one.
        """
        for (client, seq), _ in self._missing:
            self._violations.setdefault("durability", f"{client}:{seq} was answered, and is on no chain")
        self._check_requests()
        for height, (client, seq), _ in self._log.entries if knows_calls else ():
            self._violations.setdefault(
                "validity", f"block {height} holds request {client}:{seq}, which no client asked for"
            )
        self._log.entries.clear()
        return {invariant: self._violations.get(invariant, "ok") for invariant in INVARIANTS}

    def order(self) -> list[RequestId]:
        """The requests in the order of the longest chain, each once."""
        return list(self._log.outcomes)

    def judge_history(self, history: Sequence[Event]) -> Verdict:
        """Check a history up to a moment before the last `read`, with the longest chain as witness order.

        Writes on it from before this run count as completed before everything else.
        """
        decided = self._log.decided.by_request
        before = [write for name, write in decided.items() if not name[0].startswith(self._run)]
        ours = [write for name, write in decided.items() if name[0].startswith(self._run)]
        return judge(history, "blog", init=before or None, witness=[*before, *ours])

    def _check_requests(self) -> None:
        """Forget the new entries that clients asked for; of the others the call may not have been told yet."""
        unknown = []
        for entry in self._log.entries:
            _, name, write = entry
            if name[0].startswith(self._run) and self._asked.get(name) != write:
                unknown.append(entry)
            else:
                self._asked.pop(name, None)
        self._log.entries = unknown

    def _check_answers(self) -> None:
        answers, self._answers, self._missing = [*self._missing, *self._answers], [], []
        for answer in answers:
            (client, seq), took_effect = answer
            found = self._log.outcomes.get((client, seq))
            if found is None:
                self._missing.append(answer)
            elif (found is Outcome.OK) != took_effect:
                kind = "ok" if took_effect else "refused"
                self._violations.setdefault(
                    "once", f"{client}:{seq} was answered {kind!r}, and its effect is {found.value!r}"
                )


class _Log:
    """The longest chain so far, replayed once: every other chain is compared with it.

    `entries` are new requests, and repeated ones that differ from the first: (height, name, write).
    """

    def __init__(self, on_write: Callable[[RequestId, Write, bool], None] | None) -> None:
        self.hashes: list[bytes] = []
        self.entries: list[tuple[int, RequestId, Write]] = []
        self.outcomes: dict[RequestId, Outcome] = {}
        self.blog_lines: list[bytes] = []
        self.decided = DecidedWrites()
        self.first_node = bytearray()
        self._blog = Blog()
        self._on_write = on_write

    def extend(self, node: int, block_hash: str, operations: Sequence[tuple[Operation, str, int]]) -> None:
        """Add one block, first seen on `node`."""
        self.hashes.append(bytes.fromhex(block_hash))
        self.first_node.append(node)
        height = len(self.hashes)
        known = self.decided.by_request
        for operation, client, seq in operations:
            first, write = known.get((client, seq)), write_of(operation)
            if first != write:
                self.entries.append((height, (client, seq), write))
        for name, operation in self.decided.add(operations):
            outcome = self.outcomes[name] = self._blog.apply(operation)
            if outcome is Outcome.OK:
                self.blog_lines.append(_digest(blog_line(height, operation)))
            if self._on_write is not None:
                self._on_write(name, known[name], outcome is Outcome.OK)


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
