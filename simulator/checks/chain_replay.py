"""The chain replayed once: every other chain, every answer and every view is held against this one.

Blocks are judged when a node applies them: right height, right link, the hash and the nonce hold, and T is exactly the
value that was chosen for the slot. The first node to reach a height extends the replay; the others must show the same
block. The blog is kept with the height at which each entry came, so that it can be compared as it was at any height.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from blog.answers import kind_of
from blog.blog import Blog, Outcome
from blog.operations import Operation, Post
from chain.block import GENESIS_HASH, Block, hash_of
from chain.mining import passes
from simulator.checks.learner_rules import LearnerRules
from simulator.checks.oracle import KEPT_SLOTS, NodeFacts, Oracle, SlotFacts
from simulator.node.codec import MalformedText, operations_text, parse_operations
from simulator.node.storage.storage import Recovered

Name = tuple[str, int]
"""A request's client and seq."""


class Effect:
    """What became of a request: its outcome, and the block that decided it."""

    __slots__ = ("height", "outcome")

    def __init__(self, outcome: Outcome, height: int) -> None:
        self.outcome = outcome
        self.height = height


class _Rows:
    """Rows of a view and the heights at which they came, ascending."""

    __slots__ = ("heights", "rows")

    def __init__(self) -> None:
        self.rows: list[list[str]] = []
        self.heights: list[int] = []

    def add(self, height: int, row: list[str]) -> None:
        self.rows.append(row)
        self.heights.append(height)

    def at(self, height: int) -> list[list[str]]:
        return self.rows[: self.count(height)]

    def count(self, height: int) -> int:
        return bisect_right(self.heights, height)


class ChainReplay:
    """The longest chain so far. `issued` are all requests that clients made, by name, as operation texts.

    `base` blocks were there before the run was watched: what they did to the blog is not known here (`whole` is False),
    and then nothing is said of outcomes and views.
    """

    def __init__(self, oracle: Oracle, learners: LearnerRules, difficulty: int) -> None:
        self._oracle = oracle
        self._learners = learners
        self._zeros = difficulty
        self.base = 0
        self.issued: dict[Name, str] = {}
        self.effects: dict[Name, Effect] = {}
        self.hashes: dict[int, str] = {0: GENESIS_HASH}
        self.height = 0
        self._blocks: dict[int, Block] = {}  # Those that some node has not applied yet, and some more.
        self._most_blocks = KEPT_SLOTS
        self._blog = Blog()
        self._posts = _Rows()
        self._users: dict[str, _Rows] = {}
        self._comments: dict[str, _Rows] = {}
        self._heads: dict[str, tuple[int, str, str]] = {}
        self._lines: list[int] = []  # The height of each write that took effect.

    @property
    def whole(self) -> bool:
        """True when the chain was watched from its first block on."""
        return not self.base

    def inherit(self, recovered: Recovered) -> None:
        """Votes that a node brings from before the run was watched hold requests of clients of that time."""
        for vote in recovered.accepted.values():
            for request in vote.value:
                self.issued.setdefault(request.id, request.operation)

    def recovered(self, at_ms: int, node: NodeFacts, height: int, tip: str) -> None:
        """A node's chain after a restart."""
        known = self.hashes.get(height)
        if known is None:
            self.hashes[height] = tip
        elif known != tip:
            self._oracle.violated(
                "chain", f"node {node.node} comes back with another chain", at_ms, node.node, slot=height
            )
        if height > self.height and node.life == 1:
            self.base = max(self.base, height)
            self.height = height
        node.height, node.tip = height, tip
        self._oracle.reach(height)

    def applied(self, at_ms: int, node: NodeFacts, blocks: Sequence[Block]) -> None:
        """A node appended these blocks and carried out what they hold."""
        for block in blocks:
            if block.height != node.height + 1 or block.prev_hash != node.tip:
                why = f"node {node.node} appends block {block.height} to {node.height} blocks that it does not continue"
                self._oracle.violated("chain", why, at_ms, node.node, slot=block.height)
            node.height, node.tip = block.height, block.hash
            if not self._learners.may_know(node, block.height):
                why = (
                    f"node {node.node} applies slot {block.height}, and nothing that reached it says that it is chosen"
                )
                self._oracle.violated("decision", why, at_ms, node.node, slot=block.height)
            first = self._blocks.get(block.height)
            if first is None:
                self._judge(at_ms, node, block)
            elif first is not block and first != block:
                self._differs(at_ms, node, block, first.operations_text)
        if len(self._blocks) > self._most_blocks:
            self._let_go()

    def _judge(self, at_ms: int, node: NodeFacts, block: Block) -> None:
        """The first sight of a block: its own hash, its decision, its requests."""
        oracle, height = self._oracle, block.height
        known = self.hashes.get(height)
        if known is not None and known != block.hash:
            self._differs(at_ms, node, block, None)
            return
        if block.hash != hash_of(block.prev_hash, block.operations_text, block.nonce) or not passes(
            block.hash, self._zeros
        ):
            why = f"the hash or the nonce of block {height} does not hold"
            oracle.violated("chain", why, at_ms, node.node, slot=height)
        self._blocks[height] = block
        self.hashes[height] = block.hash
        slot = oracle.slots.get(height)
        if slot is None or slot.chosen is None:
            if height > oracle.chosen_prefix:
                why = f"node {node.node} applies slot {height}, and no majority has synced a vote for it at one ballot"
                oracle.violated("decision", why, at_ms, node.node, slot=height)
        elif operations_text(slot.value) != block.operations_text:
            why = f"node {node.node} applies another value in slot {height} than the one chosen there"
            oracle.violated("agreement", why, at_ms, node.node, slot=height)
        if height == self.height + 1:
            self.height = height
            self._extend(at_ms, node, block, slot)

    def _differs(self, at_ms: int, node: NodeFacts, block: Block, text: str | None) -> None:
        name = "chain" if text == block.operations_text else "agreement"
        why = f"block {block.height} of node {node.node} differs from that of another node"
        self._oracle.violated(name, why, at_ms, node.node, slot=block.height)

    def _extend(self, at_ms: int, node: NodeFacts, block: Block, slot: SlotFacts | None) -> None:
        oracle, height = self._oracle, block.height
        try:
            requests = parse_operations(block.operations_text)
        except MalformedText as error:
            oracle.violated("chain", f"T of block {height}: {error}", at_ms, node.node, slot=height)
            return
        if not requests:
            oracle.sometimes["no-ops decided"] += 1
        texts = {request.id: request.operation for request in slot.value} if slot is not None else {}
        for operation, client, seq in requests:
            name = (client, seq)
            issued = self.issued.get(name)
            if issued is None or issued != texts.get(name, issued):
                why = f"block {height} holds a request that no client made"
                oracle.violated("validity", why, at_ms, node.node, slot=height, request=name)
            if name in self.effects:
                oracle.sometimes["requests decided twice"] += 1
                continue
            outcome = self._blog.apply(operation)
            self.effects[name] = Effect(outcome, height)
            if outcome is Outcome.OK:
                self._show(height, operation)
            else:
                oracle.sometimes["writes refused"] += 1

    def _show(self, height: int, operation: Operation) -> None:
        title, user = operation.title, operation.username
        self._lines.append(height)
        if isinstance(operation, Post):
            self._posts.add(height, [title, user])
            self._heads[title] = (height, user, operation.content)
            self._comments[title] = _Rows()
        else:
            self._comments[title].add(height, [user, operation.content])
        entries = self._users.get(user)
        if entries is None:
            entries = self._users[user] = _Rows()
        entries.add(height, [kind_of(operation), title, operation.content])

    def _let_go(self) -> None:
        floor = min(node.height for node in self._oracle.nodes.values())
        for height in [height for height in self._blocks if height <= floor]:
            del self._blocks[height]
        self._most_blocks = KEPT_SLOTS + 2 * len(self._blocks)  # A node that is down must not make this quadratic.
        self._oracle.let_old_slots_go()

    # The blog as it was

    def counts(self, height: int) -> tuple[int, int]:
        """How many posts and how many comments there were after block `height`."""
        posts = self._posts.count(height)
        return posts, bisect_right(self._lines, height) - posts

    def view(self, shown: str, name: str, height: int) -> object:
        """What `view_all`, `view_user` or `view_title` gave after block `height` (see `blog.answers`)."""
        if shown == "view_all":
            return self._posts.at(height)
        if shown == "view_user":
            entries = self._users.get(name)
            return [] if entries is None else entries.at(height)
        head = self._heads.get(name)
        if head is None or head[0] > height:
            return "not found"
        return [head[1], head[2], self._comments[name].at(height)]

    def whole_view(self, height: int) -> list[list[object]]:
        """Every post with its content and comments after block `height` (see `blog.answers.whole_result`)."""
        rows: list[list[object]] = []
        for title, user in self._posts.at(height):
            rows.append([title, user, self._heads[title][2], self._comments[title].at(height)])
        return rows
