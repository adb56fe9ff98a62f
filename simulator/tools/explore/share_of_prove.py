"""What share of the states that `prove` reaches within small bounds some seeds visit.

A state is what counts for safety and both worlds know: each node's promise, the ballot it has opened, its votes above
its chain, and its chain. States that differ only in the names of nodes are one, and ballots count by their order. A
seed is drawn for as many nodes, with no more than the bounded number of writes; it is followed until it leaves the
bounds: at a ballot too many, the first end of an incarnation, the healing, or the step-down of a leader that only lacks
a majority. `prove` has none: heartbeats are not part of its model.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import permutations

import msgspec

from paxos.ballot import NO_BALLOT, Ballot, NodeId
from paxos.messages import Acceptance, Request
from simulator.node.codec import parse_block, parse_operation, parse_operations
from simulator.node.node import Node
from simulator.settings import Settings
from simulator.tools.explore.batch import Search as SeedSearch
from simulator.tools.explore.command import check_search
from simulator.tools.explore.engine import local_executor
from simulator.tools.explore.schedule import Schedule, Write
from simulator.tools.explore.swarm import draw_schedule
from simulator.tools.explore.trial import run_trial
from simulator.trace.events import Event, IncarnationEnded, MessageDelivered
from simulator.trace.observer import Handler, Observer
from simulator.worlds.exhaustive.cluster_model import Budgets, ClusterModel, Numbers
from simulator.worlds.exhaustive.model import Property, always
from simulator.worlds.exhaustive.search import Search
from simulator.worlds.virtual.machine import Machine

BUDGETS = Budgets(writes=1, elections=2)
NODES = 3

SEEDS_A_PART = 20

Writes = tuple[int, ...]
"""The value of a slot: the numbers of its writes, in the order in which clients made them."""


class NodeView(msgspec.Struct, frozen=True, order=True):
    """What counts of one node. `votes` are (slot, ballot, value), those that its `chain` does not hold."""

    promised: Ballot
    opened: Ballot
    votes: tuple[tuple[int, Ballot, Writes], ...]
    chain: tuple[Writes, ...]


View = tuple[NodeView, ...]


class Share(msgspec.Struct, frozen=True, kw_only=True):
    """`reached` states are those of `prove`; `visited` of them were seen in `seeds` seeds, and `outside` others were.

    A state outside is one that the two worlds do not agree on.
    """

    seeds: int
    budgets: Budgets
    reached: int
    visited: int
    outside: int

    @property
    def percent(self) -> float:
        """The share in percent."""
        return 100 * self.visited / self.reached

    def document(self) -> dict[str, object]:
        """The document that `--json` prints."""
        return {
            "seeds": self.seeds,
            "nodes": NODES,
            "writes": self.budgets.writes,
            "elections": self.budgets.elections,
            "reached": self.reached,
            "visited": self.visited,
            "percent": round(self.percent, 2),
            "outside": self.outside,
        }

    def sentence(self) -> str:
        """The share, for people."""
        bounds = f"{NODES} nodes, {self.budgets.writes} writes, {self.budgets.elections} elections, no crash"
        return (
            f"{self.seeds} seeds visit {self.visited} of the {self.reached} states that prove reaches with {bounds}: "
            f"{self.percent:.1f} %; {self.outside} that it does not reach"
        )


def canonical(view: View) -> View:
    """The least of all states that differ from `view` in the names of nodes alone; ballots by rank."""
    ballots = {ballot for node in view for ballot in (node.promised, node.opened, *(vote[1] for vote in node.votes))}
    ranks = {ballot: rank for rank, ballot in enumerate(sorted(ballots - {NO_BALLOT}), 1)}
    return min(_renamed(view, order, ranks) for order in permutations(range(len(view))))


def _renamed(view: View, order: tuple[int, ...], ranks: Mapping[Ballot, int]) -> View:
    names = {old + 1: new for new, old in enumerate(order, 1)}
    ballots = {ballot: Ballot(rank, names[ballot.owner]) for ballot, rank in ranks.items()} | {NO_BALLOT: NO_BALLOT}
    return tuple(
        NodeView(
            ballots[node.promised],
            ballots[node.opened],
            tuple((slot, ballots[ballot], value) for slot, ballot, value in node.votes),
            node.chain,
        )
        for node in (view[old] for old in order)
    )


def _votes(
    accepted: Mapping[int, Acceptance], height: int, numbers: Mapping[str, int] | None = None
) -> tuple[tuple[int, Ballot, Writes], ...]:
    return tuple(
        (slot, vote.ballot, tuple(_number(request, numbers) for request in vote.value))
        for slot, vote in sorted(accepted.items())
        if slot > height
    )


def _number(request: Request, numbers: Mapping[str, int] | None) -> int:
    return request.seq if numbers is None else numbers[parse_operation(request.operation)[0].content]


def _values(line: str, numbers: Mapping[str, int] | None = None) -> Writes:
    """The writes of a line of blockchain.txt."""
    found = parse_operations(parse_block(line).operations_text)
    return tuple(seq if numbers is None else numbers[operation.content] for operation, _, seq in found)


# Of prove


class _Noting(ClusterModel):
    """Notes every state that is reached."""

    def __init__(self, settings: Settings, budgets: Budgets) -> None:
        super().__init__(settings, budgets)
        self.reached: set[View] = set()
        self._noted: set[Numbers] = set()

    def properties(self) -> list[Property[Numbers]]:
        """See `Model`: what must always hold is asked of every state, once."""
        return [*super().properties(), always("noted", self._note)]

    def _note(self, state: Numbers) -> bool:
        nodes = self.node_states(state)
        if nodes not in self._noted:
            self._noted.add(nodes)
            self.reached.add(canonical(tuple(self._view(node) for node in nodes)))
        return True

    def _view(self, node: int) -> NodeView:
        facts = self.steps_of.facts[node]
        chain = tuple(_values(line) for line in facts.chain)
        return NodeView(facts.promised, facts.opened, _votes(facts.votes, len(chain)), chain)


def reached_by_prove(budgets: Budgets = BUDGETS) -> set[View]:
    """All states that `prove` reaches within `budgets`. Crashes are left out: see the module."""
    model = _Noting(Settings(nodes=NODES, difficulty=0), budgets)
    Search(model).run()
    return model.reached


# Of seeds


class _Visits(Observer):
    """The states of one run, looked at whenever a batch of a node begins.

    A node that syncs is taken as it will be when it has: as after a step of `prove`, its messages are still to come.
    """

    def __init__(self, schedule: Schedule, budgets: Budgets) -> None:
        self.views: set[View] = set()
        self._machines: Mapping[NodeId, Machine] = {}
        self._budgets = budgets
        self._until_ms = schedule.heals_ms
        self._numbers = {call.content: place for place, call in enumerate(schedule.calls, 1) if isinstance(call, Write)}
        self._chains: dict[NodeId, tuple[Writes, ...]] = {}
        self._known = {node: NodeView(NO_BALLOT, NO_BALLOT, (), ()) for node in schedule.settings.node_ids}
        self._led: dict[NodeId, Ballot] = {}
        self._looked = (-1, 0)
        self._seen: set[View] = set()

    def meet(self, machines: Mapping[NodeId, Machine]) -> None:
        """The run begins, with these machines."""
        self._machines = machines

    def handlers(self) -> Mapping[type[Event], Handler]:
        """See `Observer`."""
        return {MessageDelivered: self._delivered, IncarnationEnded: self._ended}

    def _ended(self, event: IncarnationEnded) -> None:
        self._until_ms = -1

    def _delivered(self, event: MessageDelivered) -> None:
        now = (event.at_ms, event.node)
        if now == self._looked or event.at_ms >= self._until_ms:
            return
        self._looked = now
        opened = 0
        for name, machine in self._machines.items():
            node = machine.node
            if isinstance(node, Node):
                opened += node.replica.campaign.opened
                if self._gave_up(name, node):
                    opened = self._budgets.elections + 1
                    break
                self._known[name] = self._view(name, node)
        if opened > self._budgets.elections:
            self._until_ms = -1
            return
        view = tuple(self._known.values())
        if view not in self._seen:
            self._seen.add(view)
            self.views.add(canonical(view))

    def _gave_up(self, name: NodeId, node: Node) -> bool:
        """True when a node that led leads no longer, and has heard of no higher ballot than its own."""
        replica, led = node.replica, self._led.get(name)
        if replica.election.leading:
            again = led is not None and led < replica.campaign.ballot and self._known[name].promised == led
            self._led[name] = replica.campaign.ballot
            return again
        promised = replica.acceptor.promised
        return led is not None and (promised == led or (promised.owner == name and self._known[name].promised == led))

    def _view(self, name: NodeId, node: Node) -> NodeView:
        acceptor, height = node.replica.acceptor, node.state_machine.height
        chain = self._chains.get(name, ())
        if len(chain) < height:
            lines = node.storage.read_lines(1, height)
            chain = self._chains[name] = tuple(_values(line, self._numbers) for line in lines)
        return NodeView(acceptor.promised, acceptor.opened, _votes(acceptor.accepted, height, self._numbers), chain)


def small(seed: int, profile: str, budgets: Budgets) -> Schedule:
    """The schedule of `seed` for as many nodes, with its first writes only, in a cluster as `prove` has it."""
    drawn = draw_schedule(seed, profile, nodes=NODES)
    writes = [call for call in drawn.calls if isinstance(call, Write)]
    return msgspec.structs.replace(
        drawn,
        settings=Settings(nodes=NODES, data="", seed=seed, difficulty=0),
        calls=tuple(writes[: budgets.writes]),
        asks=(),
    )


def visited_by(seeds: Iterable[int], profile: str = "swarm", budgets: Budgets = BUDGETS) -> set[View]:
    """All states within the bounds that these seeds visit. It can be imported by name, for a pool."""
    views: set[View] = set()
    for seed in seeds:
        schedule = small(seed, profile, budgets)
        visits = _Visits(schedule, budgets)
        run_trial(schedule, observers=[visits], meet=visits.meet)
        views |= visits.views
    return views


def measure(seeds: range, profile: str, workers: int) -> Share:
    """Search every schedule on this core, while the seeds run on the others; both ends are waited for."""
    check_search(SeedSearch(profile=profile))
    parts = [seeds[first : first + SEEDS_A_PART] for first in range(0, len(seeds), SEEDS_A_PART)]
    with local_executor(workers) as executor:
        try:
            running = [executor.submit(visited_by, part, profile) for part in parts]
            reached = reached_by_prove()
            views = set[View]().union(*(one.result() for one in running))
        except BaseException:
            executor.shutdown(wait=False, cancel_futures=True)
            raise
    return share_of(len(seeds), reached, views)


def share_of(seeds: int, reached: set[View], views: set[View], budgets: Budgets = BUDGETS) -> Share:
    """The share that `views`, seen in so many seeds, are of `reached`."""
    return Share(
        seeds=seeds, budgets=budgets, reached=len(reached), visited=len(views & reached), outside=len(views - reached)
    )
