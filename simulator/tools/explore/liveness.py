"""Checks liveness after the faults have ended: progress, convergence, then a stable leader.

Some faults may be permanent: a minority that is down or cut off, links that are gone, slow or lossy. Liveness is
demanded for the nodes that are *served*: those that are up and have a way there and back, perhaps through others, to a
node that reaches a majority directly and both ways (`protocol.md`, rule 7 and Progress). There the requests from before
the healing must have an answer or a reason by then, too. Clients of other nodes must get one within their node's own
limit, and it must not be wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

from blog.operations import Post
from paxos.ballot import NodeId
from simulator.checks.violation import Violation
from simulator.cluster.client_sessions import CLIENT_TIMEOUT_MS
from simulator.cluster.interface import AnswerKind, Query, Ticket
from simulator.tools.explore.permanent_faults import reached
from simulator.worlds.virtual.cluster import VirtualCluster

LOOK_EVERY_MS = 10
"""How often the run looks whether it is over, in milliseconds."""
GRACE_MS = 800
"""How long afterwards rivals may still campaign: four election timeouts."""
STEADY_MS = 1_000
"""How long a leader must then stay: five election timeouts more."""
NO_MAJORITY_MS, GIVE_UP_MS = 6_000, 30_000
"""A node gives up a request after the first, or four round trips, while it hears too few nodes; after the second and
ten round trips in any case (`paxos/timeouts.py`)."""
LONGEST_WAIT_MS = CLIENT_TIMEOUT_MS - 1_000
"""Later a client ends its request itself, which says nothing of its node."""


def served(cluster: VirtualCluster) -> tuple[NodeId, ...]:
    """The nodes for which progress is demanded, ascending; none when no node reaches a majority."""
    return reached(cluster.links, [node for node, machine in cluster.machines.items() if machine.life == "up"])


class LivenessCheck:
    """The last part of a run. `tickets` are its requests; `took_ms` is the time until the cluster had recovered.

    `waiting` are the requests from before that have no answer yet, `round_trip_ms` is the longest round trip that a
    node can have measured.
    """

    def __init__(
        self,
        cluster: VirtualCluster,
        allowed_ms: int,
        *,
        steady: bool,
        waiting: Sequence[Ticket] = (),
        round_trip_ms: int = 0,
    ) -> None:
        self.tickets: list[Ticket] = []
        self.took_ms = 0
        self._cluster = cluster
        self._waiting = waiting
        self._round_trip_ms = round_trip_ms
        self._allowed_ms = allowed_ms
        self._steady = steady
        self._served = served(cluster)

    def demand(self) -> None:
        """Write at every node, wait until all are answered and all chains are equal, then watch for stability."""
        cluster, nodes = self._cluster, self._served
        if not nodes:
            self._declare("progress", f"nobody can be served: {self._down()}", *self._nodes_down())
            return
        began = cluster.now_ms()
        older = [ticket for ticket in self._waiting if ticket.node in nodes]
        living = [node for node in cluster.settings.node_ids if cluster.machines[node].life == "up"]
        probes = {node: self._probe(node) for node in living}
        reading: list[Ticket] = []
        while cluster.now_ms() - began < self._allowed_ms:
            cluster.run(cluster.now_ms() + LOOK_EVERY_MS)
            if cluster.checker.violations:
                return
            probes.update((node, self._probe(node)) for node in nodes if _in_vain(probes[node]))
            if not all(probes[node].done for node in nodes):
                continue
            if not reading:
                reading = [cluster.read(node, Query(kind="all", linearizable=True)) for node in nodes]
                self.tickets += reading
            elif any(map(_in_vain, reading)):
                reading = []
            elif all(ticket.done for ticket in (*reading, *older)) and self._converged():
                break
        self.took_ms = cluster.now_ms() - began
        self._expect_answers([probes[node] for node in nodes], "write")
        self._expect_answers(reading, "linearizable read")
        self._expect_ends(older, self._allowed_ms)
        if not self._converged():
            heights = ", ".join(str(cluster.status(node).height) for node in nodes)
            down = f"; {self._down()}" if self._nodes_down(*nodes) else ""
            self._declare("convergence", f"{self._allowed()} the heights are {heights}{down}")
        else:
            self._count_ways_around()
            if self._steady:
                self._expect_steadiness()
        others = [ticket for ticket in (*self._waiting, *probes.values()) if ticket.node not in nodes]
        if others and not cluster.checker.violations:
            cluster.wait(lambda: all(ticket.done for ticket in others), began + LONGEST_WAIT_MS - cluster.now_ms())
            within_ms = cluster.now_ms() - began
            self._expect_ends([one for one in others if self._gives_up_ms(one.node) <= within_ms], within_ms)

    def _gives_up_ms(self, node: NodeId) -> int:
        """How long after the healing a node that is not served may keep a request."""
        links = self._cluster.links
        heard = [other for other, machine in self._cluster.machines.items() if machine.life == "up"]
        heard = [other for other in heard if other == node or not links.is_cut((other, node))]
        if len(heard) > len(links.nodes) // 2:
            return GIVE_UP_MS + 10 * self._round_trip_ms + self._allowed_ms
        return max(NO_MAJORITY_MS, 4 * self._round_trip_ms) + self._allowed_ms

    def _probe(self, node: NodeId) -> Ticket:
        ticket = self._cluster.submit(node, Post(username="nobody", title=f"peace {node}", content="again"))
        self.tickets.append(ticket)
        return ticket

    def _converged(self) -> bool:
        states = [self._cluster.status(node) for node in self._served]
        first = states[0]
        return all(
            state.life == "up" and state.hash == first.hash and state.decided == state.applied == first.height
            for state in states
        )

    def _expect_answers(self, tickets: list[Ticket], what: str) -> None:
        for ticket in tickets:
            if not ticket.done or _in_vain(ticket):
                why = f"{self._allowed()} a {what} at node {ticket.node} has no answer"
                self._declare("progress", why, ticket.node)

    def _expect_ends(self, tickets: list[Ticket], within_ms: int) -> None:
        """Each request has an answer, or a reason why it has none."""
        for ticket in tickets:
            if not ticket.done:
                why = (
                    f"request {ticket.number}, asked at {ticket.asked_ms / 1000:g} s, has no answer and no reason "
                    f"from node {ticket.node} {within_ms / 1000:g} s after the healing"
                )
                self._declare("progress", why, ticket.node)

    def _nodes_down(self, *among: NodeId) -> list[NodeId]:
        """The nodes (of all, or of these) that are not up."""
        machines = self._cluster.machines
        return [node for node in among or machines if machines[node].life != "up"]

    def _down(self) -> str:
        """Which nodes are down, and the reasons that they gave."""
        states = [self._cluster.status(node) for node in self._nodes_down()]
        reasons = [
            f"node {state.node} is {state.life}" + (f" ({state.error.rstrip('.')})" * bool(state.error))
            for state in states
        ]
        return ", ".join(reasons) or "no node reaches a majority both ways"

    def _count_ways_around(self) -> None:
        """Count the nodes that were served though a link between them and the leader is cut one way or both."""
        links = self._cluster.links
        for leader, _ in self._leaders():
            for node in self._served:
                if links.is_cut((node, leader)) or links.is_cut((leader, node)):
                    one_way = links.is_cut((node, leader)) != links.is_cut((leader, node))
                    how = "one way" if one_way else "both ways"
                    self._cluster.checker.sometimes[f"served though cut off {how}"] += 1

    def _expect_steadiness(self) -> None:
        """Let campaigns that have begun end; after them one node must lead without a change."""
        cluster = self._cluster
        cluster.run(cluster.now_ms() + GRACE_MS)
        before = self._leaders()
        cluster.run(cluster.now_ms() + STEADY_MS)
        after = self._leaders()
        if len(before) != 1 or before != after:
            why = (
                f"with all well and nothing changing for {GRACE_MS / 1000:g} s, the leaders are "
                f"{_named(before)}, and {STEADY_MS / 1000:g} s later {_named(after)}"
            )
            self._declare("steadiness", why, *sorted(node for node, _ in (*before, *after)))

    def _leaders(self) -> list[tuple[NodeId, tuple[int, int]]]:
        states = [self._cluster.status(node) for node in self._served]
        return [(state.node, state.ballot) for state in states if state.role == "leader"]

    def _allowed(self) -> str:
        return f"{self._allowed_ms / 1000:g} s after the healing"

    def _declare(self, invariant: str, why: str, *nodes: int) -> None:
        at_ms = self._cluster.now_ms()
        self._cluster.checker.declare(Violation(invariant=invariant, why=why, at_ms=at_ms, nodes=nodes))


def _in_vain(ticket: Ticket) -> bool:
    """True when a request ended without a result. A client asks again until the cluster has recovered."""
    return ticket.answer is not None and ticket.answer.kind not in {AnswerKind.OK, AnswerKind.REFUSED}


def _named(leaders: list[tuple[NodeId, tuple[int, int]]]) -> str:
    """The leaders with their ballots, as text."""
    return " and ".join(f"node {node} with ballot {round_}.{owner}" for node, (round_, owner) in leaders) or "none"
