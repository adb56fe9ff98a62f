"""What the other worlds visit, `prove` has reached: the three worlds are about one protocol.

A state is what is judged of three nodes: their chains, and what is durable of their promises, ballots and votes. A
batch of a node counts as one step at its beginning, as a step of the search does: until it is over the node handles
nothing else. Which write is called the first does not matter to the protocol, so states are compared up to the names of
the writes: in the search only words about slots tell a node of a leader, so there the second write cannot come first by
way of a node that a heartbeat told. Nor do the rounds of ballots matter, only their order: in the search each ballot
has a higher round than those opened before, and two nodes that campaign at once in a real run open 1.1 and 1.2.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import permutations
from pathlib import Path
from typing import NamedTuple

import msgspec

from blog.operations import Post
from chain.block import Block
from paxos.ballot import NO_BALLOT, Ballot
from paxos.messages import Value
from paxos.records import AcceptedRecord, JournalRecord, OpenedRecord, PromiseRecord
from simulator.node.codec import parse_block, parse_operations
from simulator.settings import Settings
from simulator.trace.events import BlocksApplied, Event, JournalSynced, RecordsAppended, TurnBegan
from simulator.trace.reader import read_trace
from simulator.worlds.exhaustive.cluster_model import Budgets, ClusterModel, Numbers, Reductions
from simulator.worlds.exhaustive.node_facts import Facts
from simulator.worlds.open import open_cluster

Titles = tuple[str, ...]
"""What a slot holds, in short: the titles of the posts in it."""


class Seen(NamedTuple):
    """What is judged of one node."""

    chain: tuple[Titles, ...] = ()
    promised: Ballot = NO_BALLOT
    opened: Ballot = NO_BALLOT
    votes: tuple[tuple[int, Ballot, Titles], ...] = ()


def titles(text: str) -> Titles:
    """The titles of the posts in a block."""
    return tuple(operation.title for operation, _, _ in parse_operations(text))


def titles_of(value: Value) -> Titles:
    """The titles of the posts in a proposed value."""
    return titles(f"[{','.join(request.operation for request in value)}]")


def seen(facts: Facts) -> Seen:
    """A node of the search."""
    chain = tuple(titles(parse_block(line.encode()).operations_text) for line in facts.chain)
    votes = ((slot, vote.ballot, titles_of(vote.value)) for slot, vote in facts.votes.items() if slot > len(chain))
    return Seen(chain, facts.promised, facts.opened, tuple(sorted(votes)))


def reached(budgets: Budgets) -> set[tuple[Seen, ...]]:
    """All that the search reaches within these bounds."""
    model = ClusterModel(Settings(nodes=3, difficulty=0), budgets, reductions=Reductions(symmetry=False))
    states: set[Numbers] = set(model.first())
    frontier = list(states)
    while frontier:
        after = {new for state in frontier for _, new in model.steps(state)} - states
        states |= after
        frontier = list(after)
    nodes = [seen(facts) for facts in model.steps_of.facts]
    return {tuple(nodes[model.locals.known[local][0]] for local in state[:3]) for state in states}


def renamed(state: tuple[Seen, ...], writes: int) -> tuple[Seen, ...]:
    """The same state with the names of the writes exchanged so that it comes first in order."""
    names = [f"t{number}" for number in range(1, writes + 1)]
    return min(
        tuple(
            node._replace(
                chain=tuple(tuple(map(new.__getitem__, block)) for block in node.chain),
                votes=tuple((slot, ballot, tuple(map(new.__getitem__, what))) for slot, ballot, what in node.votes),
            )
            for node in state
        )
        for new in (dict(zip(names, order, strict=True)) for order in permutations(names))
    )


def in_order(states: Iterable[tuple[int, tuple[Seen, ...]]]) -> Iterator[tuple[int, tuple[Seen, ...]]]:
    """The same states with the rounds that the search would give: the places of the ballots among those known so far.

    One that is opened below another one is like one opened earlier, whose messages are late.
    """
    known: set[Ballot] = set()
    for line, state in states:
        known |= {node.promised for node in state} | {node.opened for node in state}
        known |= {ballot for node in state for _, ballot, _ in node.votes}
        new = {ballot: Ballot(at, ballot.owner) for at, ballot in enumerate(sorted(known - {NO_BALLOT}), 1)}
        new[NO_BALLOT] = NO_BALLOT
        yield (
            line,
            tuple(
                node._replace(
                    promised=new[node.promised],
                    opened=new[node.opened],
                    votes=tuple((slot, new[ballot], what) for slot, ballot, what in node.votes),
                )
                for node in state
            ),
        )


class Follower:
    """One node of a trace: what is durable of it."""

    def __init__(self) -> None:
        self.state = Seen()
        self._waiting: list[JournalRecord] = []

    def take(self, event: Event) -> None:
        """Something that the node did."""
        match event:
            case RecordsAppended(records=records):
                self._waiting += records
            case JournalSynced():
                for record in self._waiting:
                    self._keep(record)
                self._waiting.clear()
            case BlocksApplied(blocks=blocks):
                self._apply(blocks)
            case _:
                pass

    def _keep(self, record: JournalRecord) -> None:
        state = self.state
        match record:
            case AcceptedRecord(ballot=ballot, slot=slot, value=value):
                votes = {number: (at, what) for number, at, what in state.votes} | {slot: (ballot, titles_of(value))}
                kept = tuple(sorted((n, *vote) for n, vote in votes.items() if n > len(state.chain)))
                self.state = state._replace(promised=max(state.promised, ballot), votes=kept)
            case OpenedRecord(ballot=ballot):
                self.state = state._replace(promised=max(state.promised, ballot), opened=max(state.opened, ballot))
            case PromiseRecord(ballot=ballot):
                self.state = state._replace(promised=max(state.promised, ballot))
            case _:
                pass

    def _apply(self, blocks: Iterable[Block]) -> None:
        chain = (*self.state.chain, *(titles(block.operations_text) for block in blocks))
        self.state = self.state._replace(
            chain=chain, votes=tuple(vote for vote in self.state.votes if vote[0] > len(chain))
        )


def visited(trace: Path) -> Iterator[tuple[int, tuple[Seen, ...]]]:
    """The states after each batch of a run, with the line at which the batch began."""
    batches: list[tuple[int, int, list[Event]]] = []
    newest: dict[int, list[Event]] = {}
    for line, event in enumerate(read_trace(trace).lines(), 2):
        if isinstance(event, TurnBegan):
            newest[event.node] = []
            batches.append((line, event.node, newest[event.node]))
        elif event.node in newest:
            newest[event.node].append(event)
    nodes = {node: Follower() for node in (1, 2, 3)}
    for line, node, events in batches:
        for event in events:
            nodes[node].take(event)
        yield line, tuple(nodes[one].state for one in (1, 2, 3))


def run(world: str, trace: Path, seed: int, writes: int) -> None:
    """Three nodes, one election, and so many writes: the first at node 1, the second at node 2, at once."""
    settings = Settings(nodes=3, difficulty=0, seed=seed, data=str(trace.with_suffix("")))
    cluster = open_cluster(world, settings)
    try:
        cluster.keep_trace(str(trace))
        assert cluster.wait(lambda: any(cluster.status(node).role == "leader" for node in (1, 2, 3)), 10_000)
        tickets = [
            cluster.submit(1 + (seed + number) % 3, Post("alice", f"t{number}", "x")) for number in range(1, writes + 1)
        ]
        assert cluster.wait(lambda: all(ticket.done for ticket in tickets), 10_000)
        assert cluster.wait(lambda: all(cluster.status(node).height == writes for node in (1, 2, 3)), 10_000)
        trace.write_text("\n".join(cluster.trace_lines()) + "\n", encoding="utf-8")
    finally:
        cluster.close()


def check(world: str, folder: Path, seeds: Iterable[int], budgets: Budgets, enough: int) -> None:
    """Every state of so many runs within the bounds is one that the search reached."""
    known = {renamed(state, budgets.writes) for state in reached(budgets)}
    within = different = 0
    for seed in seeds:
        trace = folder / f"{seed}.jsonl"
        run(world, trace, seed, budgets.writes)
        as_visited = list(visited(trace))
        if len({node.opened for _, state in as_visited for node in state} - {NO_BALLOT}) > budgets.elections:
            continue  # More ballots were opened than the bounds allow.
        states = list(in_order(as_visited))
        within += 1
        different = max(different, len({state for _, state in states}))
        for line, state in states:
            assert renamed(state, budgets.writes) in known, (
                f"seed {seed}, line {line}: {msgspec.json.encode(state).decode()}"
            )
        if within == enough:
            break
    assert within == enough
    assert different >= 6  # An election and a write, node after node.


def test_virtual_runs_visit_only_what_the_search_reached(tmp_path: Path) -> None:
    """Other seeds, other orders of the same messages."""
    check("virtual", tmp_path, range(30), Budgets(writes=1, elections=1), enough=20)


def test_a_real_run_visits_only_what_the_search_reached(tmp_path: Path) -> None:
    """Three processes on real disks. On a busy machine more than two may open a ballot: then try again."""
    check("processes", tmp_path, range(10), Budgets(writes=1, elections=2), enough=1)


def test_runs_of_two_writes_visit_only_what_the_search_reached(tmp_path: Path) -> None:
    """Many states, and many runs."""
    check("virtual", tmp_path, range(60), Budgets(writes=2, elections=1), enough=40)


def test_two_nodes_that_campaign_at_once_are_reached_by_the_search() -> None:
    """Found in a real run on a busy machine: ballots 1.2 and 1.1, in this order, and a promise of the higher one."""
    known = reached(Budgets(writes=1, elections=2))
    one, other = (Seen(promised=Ballot(1, node), opened=Ballot(1, node)) for node in (1, 2))
    run_of_both = [(Seen(), other, Seen()), (one, other, Seen()), (one, other, Seen(promised=Ballot(1, 2)))]

    for _, state in in_order(enumerate(run_of_both)):
        assert state in known
    assert run_of_both[1] not in known
