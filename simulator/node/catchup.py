"""Catch-up between nodes: which blocks a reply holds, and how a node checks the blocks of a peer (rule 12).

The learner decides when to ask and whom (`paxos.learner`). This module does not send, and does not write files.
"""

from __future__ import annotations

from chain.blockchain import ChainError
from paxos.ballot import NodeId, Slot
from paxos.messages import CatchupReply
from paxos.replica import Replica
from paxos.rules import rule
from simulator.node.codec import MalformedText
from simulator.node.state_machine import StateMachine
from simulator.node.storage.storage import Storage

LINES_AT_ONCE = 64
"""How many lines are read from the chain file at once."""


class BlockTransfer:
    """Builds catch-up replies from the chain file, and applies the blocks of a peer's reply."""

    def __init__(
        self, me: NodeId, replica: Replica, state_machine: StateMachine, storage: Storage, reply_bytes: int
    ) -> None:
        self.me = me
        self.replica = replica
        self.state_machine = state_machine
        self.storage = storage
        self.reply_bytes = reply_bytes

    def reply(self, first_slot: Slot, last_slot: Slot) -> CatchupReply | None:
        """A reply with the blocks from `first_slot` on, as many as fit; None when none of them is applied here.

        Raises:
            StorageDamage: the chain file has changed since it was read or written.
            OSError: the disk fails.
        """
        lines: list[str] = []
        size = 0
        last_slot = min(last_slot, self.state_machine.height)
        while size < self.reply_bytes and first_slot + len(lines) <= last_slot:
            begin = first_slot + len(lines)
            for line in self.lines_to_serve(begin, min(last_slot, begin + LINES_AT_ONCE - 1)):
                lines.append(line)
                size += len(line)
                if size >= self.reply_bytes:
                    break
        if not lines:
            return None
        return CatchupReply(
            sender=self.me, first_slot=first_slot, blocks=tuple(lines), decided=self.state_machine.height
        )

    def lines_to_serve(self, first: Slot, last: Slot) -> list[str]:
        """Rule 12: serve decided blocks from the chain file, and never a value that is only accepted."""
        return self.storage.read_lines(first, last)

    @rule("12")
    def install(self, first_slot: Slot, blocks: tuple[str, ...]) -> ChainError | MalformedText | None:
        """Rule 12: check each block's link, hash and nonce before applying it. Blocks applied already are skipped.

        Returns why a block was refused; it and all later ones are then not applied. None: all blocks are good.
        """
        for slot, line in enumerate(blocks, first_slot):
            if slot > self.state_machine.height:
                try:
                    self.state_machine.adopt(line)
                except (ChainError, MalformedText) as error:
                    return error
        return None
