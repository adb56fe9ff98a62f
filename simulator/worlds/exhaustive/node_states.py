"""The states of nodes by number, and nodes in these states.

A state is known by a digest of what the node still acts upon and of what is durable. The node itself is kept beside
it. Where a search is taken up in another process, it comes to this state again by the step that first led there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from hashlib import blake2b

import msgspec

from paxos.ballot import Ballot, NodeId
from simulator.errors import InputError
from simulator.node.node import Node
from simulator.node.storage.journal import JOURNAL
from simulator.worlds.exhaustive.driven_node import DrivenHost, disk_of, set_host
from simulator.worlds.exhaustive.memory_disk import DERIVED
from simulator.worlds.exhaustive.node_facts import Facts, FactsOfNodes
from simulator.worlds.exhaustive.snapshots import Snapshot, Snapshots

MARK = re.compile(rb'"chain":\[([0-9]+),')
"""A height that the journal names. A node that restarts believes blocks that are not synced up to there."""
DIGEST_BYTES = 16
"""Two different states have the same digest with a chance of 2**-128."""


class StateRow(msgspec.Struct, frozen=True, array_like=True):
    """All that is known of a state but the node itself.

    `known` and `durable` are the digests of what the node acts upon and of its files; `serves` that of what it serves
    to others; `opened` are the ballots for which it may have sent PREPARE, the one that it knows of last.
    """

    owner: NodeId
    known: bytes
    durable: bytes
    serves: bytes
    opened: tuple[Ballot, ...]
    facts: Facts


class NodeStates:
    """`rebuild` takes the step again that first led to a state: `kept` is told of the node after it."""

    def __init__(self, difficulty: int, rebuild: Callable[[int], None]) -> None:
        self._rebuild = rebuild
        self._facts_of = FactsOfNodes(difficulty)
        self._encoder = msgspec.msgpack.Encoder(order="deterministic", enc_hook=repr)
        self._numbers: dict[bytes, int] = {}
        self.rows: list[StateRow] = []
        self.owners: list[NodeId] = []
        self.facts: list[Facts] = []
        self._first_with: dict[bytes, int] = {}
        self._servers: list[int] = []
        self._settled: list[int] = []
        self._idle = DrivenHost()  # The host of all nodes between two steps.
        self._in: dict[Node, int] = {}  # The state in which a node is now.
        self._snapshots: Snapshots[Node] = Snapshots()
        self._frozen: list[Snapshot[Node] | None] = []

    def __len__(self) -> int:
        return len(self.rows)

    def node_in(self, state: int) -> Node:
        """A node in this state. It leaves it, unless `kept` says what it has come to.

        Raises:
            InputError: the nodes of this program do not come to a state that is known from a search of before.
        """
        snapshot = self._snapshot(state)
        node = snapshot.node
        if self._in.get(node) != state:
            self._snapshots.restore(snapshot)
        self._in[node] = -1
        return node

    def make_sure_of(self, state: int) -> None:
        """Have a node for this state at hand, so that `node_in` does not lead other nodes elsewhere."""
        self._snapshot(state)

    def _snapshot(self, state: int) -> Snapshot[Node]:
        if self._frozen[state] is None:
            self._rebuild(state)
        snapshot = self._frozen[state]
        if snapshot is None:
            raise InputError(
                "the nodes of this program do something else than those of the search that was kept: begin it anew."
            )
        return snapshot

    def kept(self, node: Node, ballots: Iterable[Ballot] = ()) -> int:
        """The number of the state of this node, which forgets all hints.

        `ballots`: it may have sent PREPARE for them.
        """
        node.replica.forget_hints()
        facts = self._facts_of(node)
        known, durable = self._seen(node, facts, ballots)
        key = self._digest(known), self._digest(durable)
        number = self._numbers.get(key[0] + key[1])
        if number is None:
            number = len(self.rows)
            votes = tuple(sorted(node.replica.acceptor.accepted.items()))
            serves = "serves", node.me, node.replica.learner.stated, facts.chain, votes
            opened = *known[3], node.replica.acceptor.opened
            self.add(StateRow(node.me, *key, self._digest(serves), opened, facts))
        if self._frozen[number] is None:
            set_host(node, self._idle)
            self._frozen[number] = self._snapshots.take(node)
            self._in[node] = number
        elif node in self._in:  # One that has just started is not kept.
            self._in[node] = number
        return number

    def add(self, row: StateRow) -> None:
        """Add a state."""
        number = self._numbers[row.known + row.durable] = len(self.rows)
        self.rows.append(row)
        self.owners.append(row.owner)
        self.facts.append(row.facts)
        self._servers.append(self._first_with.setdefault(row.serves, number))
        self._settled.append(self._first_with.setdefault(row.known, number))
        self._frozen.append(None)

    def take_up(self, rows: Iterable[StateRow]) -> None:
        """Have these states instead of all others."""
        for each in (self._numbers, self.rows, self.owners, self.facts, self._first_with, self._servers):
            each.clear()
        for more in (self._settled, self._in, self._frozen):
            more.clear()
        shared: dict[bytes, Facts] = {}  # By what is durable and on the chain: equal ones are one.
        for row in rows:
            self.add(
                msgspec.structs.replace(
                    row, facts=shared.setdefault(msgspec.msgpack.encode((row.owner, row.facts)), row.facts)
                )
            )

    def _digest(self, what: object) -> bytes:
        try:
            data = self._encoder.encode(what)
        except TypeError:  # A dictionary whose keys are no words.
            data = repr(what).encode()
        return blake2b(data, digest_size=DIGEST_BYTES).digest()

    @staticmethod
    def _seen(
        node: Node, facts: Facts, ballots: Iterable[Ballot]
    ) -> tuple[tuple[NodeId, object, tuple[str, ...], tuple[Ballot, ...]], tuple[object, ...]]:
        """What the node acts upon, and what is durable. A state holds no more."""
        forgotten = tuple(sorted(ballot for ballot in ballots if ballot > node.replica.acceptor.opened))
        journal, synced = disk_of(node).files.get(JOURNAL, (b"", 0))
        marks = tuple(sorted({*MARK.findall(journal[:synced])}))
        durable = facts.height, facts.promised, facts.opened, tuple(facts.votes.items()), marks
        files = disk_of(node).files.items()
        unsynced = tuple((name, data[synced:]) for name, (data, synced) in sorted(files) if name not in DERIVED)
        return (node.me, node.replica.essence(), facts.chain, forgotten), (durable, unsynced)

    # About states

    def writes_alike(self, one: int, other: int) -> bool:
        """True when the files are the same in both states."""
        return self.rows[one].durable == self.rows[other].durable

    def server(self, state: int) -> int:
        """The first state in which this node had the same chain and votes, and stated as much of it to others.

        What it serves to them is the same. After a restart a node serves nothing until others have confirmed its chain.
        """
        return self._servers[state]

    def forgotten(self, state: int) -> bool:
        """True when this node has sent PREPARE for a ballot that it no longer knows to have opened."""
        return len(self.rows[state].opened) > 1

    def settled(self, state: int) -> int:
        """The first state that differs from this one in nothing but what a crash would leave of it."""
        return self._settled[state]

    def difference(self, one: int, other: int) -> str:
        """Where two states of nodes differ first, in words."""
        seen = []
        for state in (one, other):
            node = self.node_in(state)
            seen.append(self._seen(node, self.facts[state], self.rows[state].opened))
            self._in[node] = state
        return _difference(*seen) or "nothing"


def _difference(one: object, other: object) -> str:
    if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
        return next((found for pair in zip(one, other, strict=True) if (found := _difference(*pair))), "")
    return "" if one == other else f"{one!r:.200}, and {other!r:.200}"
