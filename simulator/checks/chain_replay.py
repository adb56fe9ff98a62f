"""One replay of the chain, with which every other chain, every answer and every view is compared.

A block is checked when a node applies it: its height, its link, its hash and nonce, and that its operations are
exactly the value chosen for the slot. The first node to reach a height extends the replay; other nodes must have the
same block. Each entry of the blog is stored with the height that added it, so that any earlier blog can be compared.
"""

from __future__ import annotations

from bisect import bisect_right

from blog.answers import kind_of
from blog.blog import Blog, Outcome
from blog.operations import Operation, Post
from chain.block import GENESIS_HASH, Block, hash_of
from chain.blockchain import Blockchain
from chain.mining import passes
from paxos.ballot import NodeId
from paxos.messages import CatchupReply, RequestId
from simulator.checks.first_wrong import WORDS, StepKind
from simulator.checks.learner_rules import LearnerRules
from simulator.checks.oracle import KEPT_SLOTS, NodeFacts, Oracle, SlotFacts
from simulator.node.codec import MalformedText, operations_text, parse_operations
from simulator.node.storage.storage import Recovered
from simulator.trace.events import BlocksApplied

MOST_TRIES = 1 << 20
"""Blocks of which only the votes are known are mined within so many hashes, on average; beyond, any hash is taken."""


MOST_AHEAD = 1_000
"""How many later slots are searched for the value of a block that is none of its own slot's."""


class Effect:
    """The outcome of a request, and the block that decided it."""

    __slots__ = ("height", "outcome")

    def __init__(self, outcome: Outcome, height: int) -> None:
        self.outcome = outcome
        self.height = height


class _Rows:
    """The rows of a view, and the height that added each, ascending."""

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
    """The longest chain so far. `issued` are all requests of clients, by name, as operation texts.

    The effect of `base` blocks that nodes start with is unknown. If there are any, `whole` is False, and outcomes and
    views are not checked.
    """

    def __init__(self, oracle: Oracle, learners: LearnerRules, difficulty: int, *, simulated: bool = True) -> None:
        self._oracle = oracle
        self._learners = learners
        self._zeros = difficulty
        self._simulated = simulated
        self._claimed: set[int] = set()  # Hashes that come from the disk of one node, and that nobody has applied.
        self.base = 0
        self.issued: dict[RequestId, str] = {}
        self.effects: dict[RequestId, Effect] = {}
        self.hashes: dict[int, str] = {0: GENESIS_HASH}
        self.height = 0
        self._blocks: dict[int, Block] = {}  # At least those that some node has not applied yet.
        self._most_blocks = KEPT_SLOTS
        self._blog = Blog()
        self._posts = _Rows()
        self._users: dict[str, _Rows] = {}
        self._comments: dict[str, _Rows] = {}
        self._heads: dict[str, tuple[int, str, str]] = {}
        self._lines: list[int] = []  # The height of each write that took effect.

    @property
    def whole(self) -> bool:
        """True when the replay began with the first block."""
        return not self.base

    def adopt_requests(self, recovered: Recovered) -> None:
        """Accept the requests of votes from before the first event: their clients' calls were not seen."""
        for vote in recovered.accepted.values():
            for request in vote.value:
                self.issued.setdefault(request.id, request.operation)

    def recovered(self, at_ms: int, node: NodeFacts, found: Recovered, *, harmed: bool = False) -> None:
        """A node recovered its chain. Blocks that no node was seen to apply must be those that the votes prove.

        A node may end after it has written blocks and before it tells of them, as when its disk refuses the rest.
        A node whose files were perhaps `harmed` may come back with another chain: it is judged by what it does then.
        """
        height, tip = found.height, found.tip
        if harmed and not self._is_known(height, tip) and (node.incarnation > 1 or height <= self.height):
            node.height, node.tip = height, tip
            return
        if node.incarnation == 1:
            if not self._simulated and height not in self.hashes:
                self._claimed.add(height)
            if height > self.height:
                self.base = max(self.base, height)
                self.height = height
            self.hashes.setdefault(height, tip)
            self._oracle.extend_chosen_prefix(height)
        elif height > self.height:
            self._extend_by_votes(at_ms, node, height)
        if self.hashes.get(height, tip) != tip:
            why = f"node {node.node} comes back with another chain"
            self._oracle.violated("chain", why, at_ms, node.node, slot=height, step="restart", rule="15")
        node.height, node.tip = height, tip

    def retracted(self, node: NodeFacts) -> None:
        """A node starts over: the chain that it came back with was never decided, and nobody else has it."""
        others = [other for other in self._oracle.nodes.values() if other != node]
        alone = all(other.height < node.height or other.tip != node.tip for other in others)
        if alone and node.height == self.base and self.hashes.get(node.height) == node.tip:
            del self.hashes[node.height]
            self._claimed.discard(node.height)
            self.base = self.height = max(other.height for other in others)
            self._oracle.chosen_prefix = min(self._oracle.chosen_prefix, self.height)
        node.height, node.tip = 0, GENESIS_HASH

    def _is_known(self, height: int, tip: str) -> bool:
        """True for a beginning of the chain, and for one that the votes seen so far can extend it to."""
        if height <= self.height:
            return self.hashes.get(height, tip) == tip
        slots = self._oracle.slots
        return all(
            (slot := slots.get(number)) is not None and slot.chosen is not None
            for number in range(self.height + 1, height + 1)
        )

    def _extend_by_votes(self, at_ms: int, node: NodeFacts, upto: int) -> None:
        """Extend the replay by the chosen values up to block `upto`, which `node` has on its disk."""
        costly = (upto - self.height) << 4 * self._zeros > MOST_TRIES or self.height not in self.hashes
        chain = None if costly else Blockchain(self._zeros, height=self.height, tip=self.hashes[self.height])
        while self.height < upto:
            height = self.height + 1
            slot = self._oracle.slots.get(height)
            if slot is None or slot.chosen is None:
                why = (
                    f"node {node.node} comes back with block {height}, and no majority has synced a vote for its slot "
                    "at one ballot"
                )
                self._oracle.violated(
                    "decision",
                    why,
                    at_ms,
                    node.node,
                    slot=height,
                    step="decision",
                    rule=self._oracle.rule_of(node.node, height),
                )
                return
            text = operations_text(slot.value)
            if chain is not None:
                block = self._blocks[height] = chain.extend(text)
                self.hashes[height] = block.hash
            self.height = height
            self._extend(at_ms, node, text, slot)

    def applied(self, event: BlocksApplied) -> None:
        """A node appended blocks and applied their operations."""
        at_ms, node = event.at_ms, self._oracle.nodes[event.node]
        for block in event.blocks:
            if block.height != node.height + 1 or block.prev_hash != node.tip:
                why = f"node {node.node} appends block {block.height} to {node.height} blocks that it does not continue"
                self._oracle.violated("chain", why, at_ms, node.node, slot=block.height, step="block", rule="11")
            node.height, node.tip = block.height, block.hash
            if not self._learners.may_apply(node, block.height):
                why = (
                    f"node {node.node} applies slot {block.height}, and nothing that reached it says that it is chosen"
                )
                self._undecided(at_ms, node, block, why)
            first = self._blocks.get(block.height)
            if first is None:
                self._check_block(at_ms, node, block)
            elif first is not block and first != block:
                self._report_difference(at_ms, node, block, first.operations_text)
        if len(self._blocks) > self._most_blocks:
            self._forget_old_blocks()

    def served(self, at_ms: int, node: NodeId, message: CatchupReply) -> None:
        """A node hands over blocks to a peer: they are those of the chain."""
        for height, line in enumerate(message.blocks, message.first_slot):
            known = self.hashes.get(height)
            if known is not None and line[-66:-2] != known:  # A line ends with its hash, a quote and a brace.
                why = f"node {node} hands over another block {height} than that of the chain"
                self._oracle.violated("true-word", why, at_ms, node, slot=height, step="block", rule="12")
                return

    def _check_block(self, at_ms: int, node: NodeFacts, block: Block) -> None:
        """Check a block that no node has applied before: its hash, its decision, its requests."""
        oracle, height = self._oracle, block.height
        known = self.hashes.get(height)
        if height in self._claimed:
            self._claimed.discard(height)
            known = None  # The file was perhaps forged: who claimed another block is judged by what it does.
        if known is not None and known != block.hash:
            self._report_difference(at_ms, node, block, None)
            return
        if block.hash != hash_of(block.prev_hash, block.operations_text, block.nonce) or not passes(
            block.hash, self._zeros
        ):
            why = f"the hash or the nonce of block {height} does not hold"
            oracle.violated("chain", why, at_ms, node.node, slot=height, step="block", rule=WORDS)
        self._blocks[height] = block
        self.hashes[height] = block.hash
        slot = oracle.slots.get(height)
        if slot is None or slot.chosen is None:
            if height > oracle.chosen_prefix:
                why = f"node {node.node} applies slot {height}, and no majority has synced a vote for it at one ballot"
                self._undecided(at_ms, node, block, why)
        elif operations_text(slot.value) != block.operations_text:
            why = f"node {node.node} applies another value in slot {height} than the one chosen there"
            self._another(at_ms, node, block, why)
        if height == self.height + 1:
            self.height = height
            self._extend(at_ms, node, block.operations_text, slot)

    def _report_difference(self, at_ms: int, node: NodeFacts, block: Block, text: str | None) -> None:
        why = f"block {block.height} of node {node.node} differs from that of another node"
        if text == block.operations_text:
            self._oracle.violated("chain", why, at_ms, node.node, slot=block.height, step="block", rule=WORDS)
        else:
            self._another(at_ms, node, block, why)

    def _undecided(self, at_ms: int, node: NodeFacts, block: Block, why: str) -> None:
        """A node applied what nobody has decided, or what nothing told it: rule 10, 12, or the order of rule 11."""
        rule = "11" if self._slot_of(block) else self._oracle.rule_of(node.node, block.height)
        step: StepKind = "block" if rule == "11" else "decision"
        self._oracle.violated("decision", why, at_ms, node.node, slot=block.height, step=step, rule=rule)

    def _another(self, at_ms: int, node: NodeFacts, block: Block, why: str) -> None:
        """A node applied another value than the others: that of a later slot, of a vote, or one that it made itself."""
        known, text = self._oracle.slots.get(block.height), block.operations_text
        rule, voted = WORDS, False
        if self._slot_of(block):
            rule = "11"
        elif known is not None and any(operations_text(vote.value) == text for vote in known.votes.values()):
            rule, voted = "Agreement", True
            if known.chosen is not None and operations_text(known.value) != text:
                rule = self._oracle.rule_of(node.node, block.height)  # It took a vote that was not chosen for decided.
        kind: StepKind = "decision" if voted else "block"
        self._oracle.violated("agreement", why, at_ms, node.node, slot=block.height, step=kind, rule=rule)

    def _slot_of(self, block: Block) -> int:
        """The later slot whose value this block holds, if it is no value of its own slot; 0: there is none."""
        known, text = self._oracle.slots.get(block.height), block.operations_text
        if known is not None and any(operations_text(vote.value) == text for vote in known.votes.values()):
            return 0
        later = self._oracle.known_slots(block.height + 1, block.height + MOST_AHEAD)
        found = (self._oracle.slots.get(number) for number in later)
        return next(
            (
                slot.number
                for slot in found
                if slot and any(operations_text(v.value) == text for v in slot.votes.values())
            ),
            0,
        )

    def _extend(self, at_ms: int, node: NodeFacts, text: str, slot: SlotFacts | None) -> None:
        """Apply the operations of the block that `height` now names."""
        oracle, height = self._oracle, self.height
        try:
            requests = parse_operations(text)
        except MalformedText as error:
            why = f"T of block {height}: {error}"
            oracle.violated("chain", why, at_ms, node.node, slot=height, step="block", rule=WORDS)
            return
        if not requests:
            oracle.sometimes["no-ops decided"] += 1
        texts = {request.id: request.operation for request in slot.value} if slot is not None else {}
        for operation, client, seq in requests:
            name = (client, seq)
            issued = self.issued.get(name)
            if issued is None or issued != texts.get(name, issued):
                why = f"block {height} holds a request that no client made"
                oracle.violated(
                    "validity", why, at_ms, node.node, slot=height, request=name, step="block", rule="Validity"
                )
            if name in self.effects:
                oracle.sometimes["requests decided twice"] += 1
                continue
            outcome = self._blog.apply(operation)
            self.effects[name] = Effect(outcome, height)
            if outcome is Outcome.OK:
                self._add_to_views(height, operation)
            else:
                oracle.sometimes["writes refused"] += 1

    def _add_to_views(self, height: int, operation: Operation) -> None:
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

    def _forget_old_blocks(self) -> None:
        floor = min(node.height for node in self._oracle.nodes.values())
        for height in [height for height in self._blocks if height <= floor]:
            del self._blocks[height]
        self._most_blocks = KEPT_SLOTS + 2 * len(self._blocks)  # Else a node that is down makes this quadratic.
        self._oracle.forget_old_slots()

    # The blog as it was

    def counts(self, height: int) -> tuple[int, int]:
        """The numbers of posts and of comments after block `height`."""
        posts = self._posts.count(height)
        return posts, bisect_right(self._lines, height) - posts

    def view(self, shown: str, name: str, height: int) -> object:
        """The result of `view_all`, `view_user` or `view_title` after block `height` (see `blog.answers`)."""
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
