"""What is judged of one node: its chain, what is durable, and what the node alone can do wrong in a step."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from paxos.ballot import Ballot, NodeId
from paxos.messages import Acceptance, Accepted, AnyMessage, Promise
from simulator.node.node import Node
from simulator.node.state_machine import StateMachine
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.identity import Identity
from simulator.node.storage.storage import Storage
from simulator.worlds.exhaustive.driven_node import DIRECTORY, disk_of
from simulator.worlds.exhaustive.memory_disk import Files, MemoryDisk


class Facts(msgspec.Struct, frozen=True):
    """What is judged of one node: its chain as text, and what is durable of its chain, votes and promises."""

    chain: tuple[str, ...]
    height: int
    promised: Ballot
    opened: Ballot
    votes: dict[int, Acceptance]

    def open(self) -> Facts:
        """The same with the votes alone for slots beyond the chain: the others matter only to what a crash leaves."""
        votes = {slot: vote for slot, vote in self.votes.items() if slot > len(self.chain)}
        return self if len(votes) == len(self.votes) else msgspec.structs.replace(self, votes=votes)


class FactsOfNodes:
    """Reads what is durable from a node's files, once for each contents of them."""

    def __init__(self, difficulty: int) -> None:
        self._difficulty = difficulty
        self._known: dict[object, Facts] = {}  # By files, with what is not durable, and blocks that are not written.
        self._durable: dict[object, Facts] = {}

    def __call__(self, node: Node) -> Facts:
        """What would be found if the power failed now and left no more than it must."""
        files = disk_of(node).files
        written = files[CHAIN][0].count(b"\n") if CHAIN in files else 0
        held = tuple(node.storage.read_lines(written + 1, node.state_machine.height))
        key = node.me, held, *files.items()
        facts = self._known.get(key)
        if facts is None:
            lines = files[CHAIN][0].decode().splitlines() if CHAIN in files else []
            facts = self._known[key] = self._read(node.me, (*lines, *held), files)
        return facts

    def _read(self, me: NodeId, chain: tuple[str, ...], files: Files) -> Facts:
        durable = {name: (data[:synced], synced) for name, (data, synced) in files.items()}
        key = (me, chain, tuple(sorted(durable.items())))
        facts = self._durable.get(key)
        if facts is None:
            found = Storage(MemoryDisk(durable), self._difficulty, Identity(DIRECTORY, me)).load(
                StateMachine(self._difficulty).replay
            )
            votes = {slot: vote for slot, vote in sorted(found.accepted.items()) if slot > found.height}
            facts = Facts(chain, found.height, found.promised, found.opened, votes)
            self._durable[key] = facts
        return facts


def wrong_alone(before: Facts, after: Facts, sent: Iterable[tuple[NodeId, AnyMessage]]) -> str:
    """What is wrong with a step of a node, whatever the others do; empty: nothing."""
    if after.promised < before.promised:
        return f"promise: it falls from {before.promised} to {after.promised}"
    for slot, vote in after.votes.items():
        if vote.ballot < before.promised and before.votes.get(slot) != vote:
            return f"promise: it accepts slot {slot} at {vote.ballot}, below its promise {before.promised}"
    for slot, vote in before.votes.items():
        if slot > len(after.chain) and (slot not in after.votes or after.votes[slot].ballot < vote.ballot):
            return f"durability: its vote for slot {slot} at {vote.ballot} is gone"
    for _, message in sent:
        if isinstance(message, Promise) and after.promised < message.ballot:
            return f"promise: it promises {message.ballot}, and only {after.promised} is durable"
        if isinstance(message, Accepted):
            for slot in range(message.first_slot, message.last_slot + 1):
                known = after.votes.get(slot)
                if slot > len(after.chain) and (known is None or known.ballot < message.ballot):
                    return f"durability: it acknowledges slot {slot} at {message.ballot}, and has no durable vote"
    return ""
