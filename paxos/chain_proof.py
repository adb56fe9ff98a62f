"""What the others say of the chain that this node has read from its disk (rule 16).

A chain and a journal that were forged together agree with each other, so the files alone cannot tell. The others can:
a decided slot has the votes of a majority, and each of these nodes still holds its vote, or the block. With the answers
to its first question a node counts who holds each of its blocks and who does not. It is the argument of phase 1: what a
majority may have chosen stands; what so many deny that no majority is left was never chosen.

Everything that a running node learns is proved by votes or comes from such a node. So a false block can come from a
disk alone, and a start is the one place where it must be stopped.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from paxos.ballot import NodeId, Slot
from paxos.core import Core
from paxos.messages import Memory, Value
from paxos.rules import rule

ELECTIONS_IN_DOUBT = 10
"""How many election timeouts a node waits for silent others before it hands over a block that somebody denies."""
MOST_VOTES = 512
"""How many votes one answer names at most."""


class Chain(Protocol):
    """The decided slots of this node as its driver stores them; Paxos does not read them."""

    @property
    def height(self) -> Slot:
        """The last slot that is stored."""
        ...

    def block(self, slot: Slot) -> str:
        """What names the block of `slot` and all before it: its hash."""
        ...

    def value(self, slot: Slot) -> str:
        """The digest of the value in `slot`."""
        ...

    def digest(self, value: Value) -> str:
        """The digest of a value."""
        ...


class NoChain:
    """A chain that is stored nowhere."""

    height = 0

    def block(self, slot: Slot) -> str:
        """See `Chain`."""
        return ""

    def value(self, slot: Slot) -> str:
        """See `Chain`."""
        return ""

    def digest(self, value: Value) -> str:
        """See `Chain`."""
        return ""


class Word:
    """What one node says of the blocks: it holds those up to `base` and the votes in `held`.

    It denies all others, but it knows nothing of those up to `unknown`.
    """

    def __init__(self, base: Slot, held: Collection[Slot], unknown: Slot) -> None:
        self.base = base
        self.held = held
        self.unknown = unknown

    def holds(self, slot: Slot) -> bool:
        """True when the node has this block, or voted for its value."""
        return slot <= self.base or slot in self.held

    def denies(self, slot: Slot) -> bool:
        """True when the node has no such block, and never voted for it."""
        return slot > self.unknown and not self.holds(slot)


class ChainProof:
    """The blocks up to `height` were read from the disk, and `words` are those of the others on them.

    Invariant: once `settled`, every block is held by a majority, or all others have spoken. While `unsure` this node
    neither votes nor leads; until `believed` it hands over no block.
    """

    def __init__(self, core: Core, chain: Chain, height: Slot, *, new: bool) -> None:
        self.core = core
        self.chain = chain
        self.height = height
        self.words: dict[NodeId, Word] = {}
        self.settled = self.believed = new or not height or not core.others
        self.since_ms = core.now
        core.unsure = not self.settled

    @rule("16")
    def take(self, message: Memory) -> Slot:
        """Take the word of a peer. Returns the first block that was never decided, or 0."""
        if self.settled:
            return 0
        self.words[message.sender] = self._word(message)
        points = self._points()
        false = next((slot for slot in points if self.is_false(slot)), 0)
        if false:
            return false
        if all(self.is_proved(slot) for slot in points):
            self.settled = self.believed = True
            self.core.unsure = False
        elif len(self.words) == len(self.core.others):
            self.settled = True
            self._believe()
        elif not self.core.unsure:
            self._believe()
        return 0

    def stop_waiting(self) -> None:
        """Others are silent: go on with what this node has read, as long as nobody shows it to be false."""
        if not self.settled:
            self._believe()

    @rule("16")
    def is_false(self, slot: Slot) -> bool:
        """True when so many deny a block that the others are too few to have chosen it, and fewer hold it.

        Half of an even cluster may deny what the other half holds: then nobody can tell who is right.
        """
        denying, quorums = len(self.deniers(slot)), self.core.quorums
        return quorums.size - denying < quorums.accept and denying > self._holding(slot)

    @rule("16")
    def is_proved(self, slot: Slot) -> bool:
        """True when a majority, this node included, holds the block or votes for it."""
        return self.core.quorums.completes_accept(self._holding(slot))

    def _holding(self, slot: Slot) -> int:
        return 1 + sum(word.holds(slot) for word in self.words.values())

    def deniers(self, slot: Slot) -> list[NodeId]:
        """The nodes that deny a block."""
        return sorted(node for node, word in self.words.items() if word.denies(slot))

    def _believe(self) -> None:
        """Vote from now on; hand over blocks once a majority, this node included, has spoken.

        If one of them denies a block, others get more time: they may just be starting. A node with amnesia has no vote
        that would speak for its chain, so it waits until others do.
        """
        core = self.core
        core.unsure = False
        doubted = any(word.denies(slot) for word in self.words.values() for slot in self._points())
        longest_ms = ELECTIONS_IN_DOUBT * core.config.election_ms
        waited = self.settled or not doubted or core.now - self.since_ms >= longest_ms
        spoken = core.quorums.is_majority(1 + len(self.words))
        self.believed = spoken and waited and (self.settled or not core.amnesia)

    def _word(self, message: Memory) -> Word:
        slot, name = message.block
        if slot > self.height:
            return Word(0, (), self.height)
        if slot and self.chain.block(slot) != name:
            return Word(0, (), 0)  # Another chain: nobody knows from where on.
        held = [
            voted for voted, value in message.votes if slot < voted <= self.height and self.chain.value(voted) == value
        ]
        whole = message.whole and len(message.votes) < MOST_VOTES
        return Word(slot, frozenset(held), message.known if whole else self.height)

    def _points(self) -> list[Slot]:
        """The blocks at which some word changes, and the last one: what holds there holds in between."""
        points = {1, self.height}
        for word in self.words.values():
            points |= {word.base + 1, word.unknown + 1}
            points.update(word.held)
            points.update(slot + 1 for slot in word.held)
        return sorted(slot for slot in points if 0 < slot <= self.height)
