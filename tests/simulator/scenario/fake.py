"""A cluster without nodes, for tests of the language: one blog for all, instant agreement, virtual time.

It answers a write after `DELAY_MS` when its node is up and on a majority's side, with NO_MAJORITY after
`CLIENT_TIMEOUT_MS` on a minority's side, and with TIMEOUT at once when the node is down. Chains are counted, not mined.
"""

# ruff: noqa: D102  # The face that this plays documents its methods.

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Literal

from blog.answers import look, wording
from blog.blog import Blog, Outcome
from blog.operations import Operation, Post
from simulator.cluster.events import ClusterEvent, HeldMessage
from simulator.cluster.history import Event
from simulator.cluster.interface import Answer, AnswerKind, LogMark, Query, Ticket
from simulator.cluster.log_filter import EVERYTHING, LogFilter
from simulator.cluster.meter import Figures
from simulator.errors import InputError
from simulator.faults import faults
from simulator.faults.faults import Fault
from simulator.faults.links import Link, Links
from simulator.node.status import Life, NodeStatus
from simulator.scenario.session.node_selector import sides
from simulator.settings import Settings

DELAY_MS = 4
LAG_MS = 3
CLIENT_TIMEOUT_MS = 6_000
LEADER_MS = 150


class FakeCluster:
    """See the module. Node 1 leads while it can, then the lowest node of the majority's side."""

    world: Literal["processes", "virtual"] = "virtual"

    def __init__(self, settings: Settings | None = None) -> None:
        self.settings = settings or Settings()
        self.links = Links(self.settings.node_ids)
        self.life: dict[int, Life] = dict.fromkeys(self.settings.node_ids, "up")
        self.applied: list[Fault] = []
        self.tickets: list[Ticket] = []
        self.violations: dict[str, str] = {"agreement": "ok", "linearizability": "ok"}
        self.held_messages: list[HeldMessage] = []
        self.log = [ClusterEvent(at_ms=0, node=0, kind="start", text="the cluster starts")]
        self.trouble: list[str] = []
        self.closed = False
        self._now_ms = 0
        self._serials = count()
        self._heap: list[tuple[int, int, Callable[[], object]]] = []
        self._decided: list[Operation] = []
        self._blogs = {node: Blog() for node in self.settings.node_ids}
        self._heights = dict.fromkeys(self.settings.node_ids, 0)
        self._leader = 0
        self._leaderships = dict.fromkeys(self.settings.node_ids, 0)
        self._elect()

    def now_ms(self) -> int:
        return self._now_ms

    def submit(self, node: int, operation: Operation, *, process: int | None = None, session: int = 0) -> Ticket:
        ticket = self._ticket(node, operation)
        if self.life[node] == "down":
            ticket.answer = Answer(kind=AnswerKind.TIMEOUT, text="TIMEOUT: the node is down", sent=False)
        elif node not in self._majority():
            no_majority = Answer(kind=AnswerKind.NO_MAJORITY, text="TIMEOUT: no majority")
            self._later(CLIENT_TIMEOUT_MS, lambda: self._answer(ticket, no_majority))
        else:
            self._later(DELAY_MS, lambda: self._decide(ticket, operation))
        return ticket

    def read(self, node: int, query: Query, *, process: int | None = None) -> Ticket:
        ticket = self._ticket(node, query)

        def answer() -> None:
            view = look(self._blogs[node], query.kind, query.name)
            self._answer(ticket, Answer(kind=AnswerKind.OK, text=view.text, result=view.result, shown=view.shown))

        self._later(1, answer)
        return ticket

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        until = self._now_ms + within_ms
        while not condition():
            if not self._heap or self._heap[0][0] > until:
                self._now_ms = until
                return condition()
            self._now_ms, _, happen = heapq.heappop(self._heap)
            happen()
        return True

    def attend(self, condition: Callable[[], bool], within_ms: int) -> bool:
        return condition()

    def apply(self, fault: Fault) -> None:  # noqa: C901  # A flat list of what each fault does.
        self.applied.append(fault)
        match fault:
            case faults.Crash(node=node):
                if self.life[node] == "down":
                    raise InputError(f"node {node} is down already.")
                self.life[node] = "down"
                self._leaderships[node] = 0
            case faults.Restart(node=node):
                self.life[node] = "up"
                self._later(LAG_MS, partial(self._catch_up, node))
            case faults.Pause(node=node):
                self.life[node] = "paused"
            case faults.Resume(node=node):
                self.life[node] = "up"
                self._later(LAG_MS, partial(self._catch_up, node))
            case faults.Partition(groups=groups):
                self.links.partition(groups)
            case faults.Heal():
                self.links.heal()
                for other in self.settings.node_ids:
                    self._later(LAG_MS, partial(self._catch_up, other))
            case faults.LinkConditions(rule=rule, links=links):
                every = [(a, b) for a in self.links.nodes for b in self.links.nodes if a != b]
                self.links.set_rule(links or every, rule)
            case faults.CutLink(source=a, target=b):
                self.links.cut_links([(a, b)])
            case faults.Hold():
                self.links.hold(on=True)
            case faults.Release():
                self.links.hold(on=False)
            case _:
                pass
        self._elect()

    def status(self, node: int, *, detail: bool = False) -> NodeStatus:
        height = self._heights[node]
        digest = sha256(str(height).encode()).hexdigest() if height else "0" * 64
        leads = node == self._leader and self.life[node] == "up"
        return NodeStatus(
            node=node,
            life=self.life[node],
            role="leader" if leads else "follower",
            ballot=(1, self._leader),
            leader=self._leader,
            height=height,
            hash=digest,
            decided=height,
            applied=height,
            leaderships=self._leaderships[node],
        )

    def chain_lines(self, node: int, first: int, last: int) -> list[str]:
        return [f'{{"height":{height}}}' for height in range(max(1, first), min(last, self._heights[node]) + 1)]

    def warnings(self, *, after: int = 0) -> list[str]:
        return self.trouble[after:]

    def held(self, *, after: int = 0) -> list[HeldMessage]:
        return [message for message in self.held_messages if message.number > after]

    def held_message(self, number: int | None = None) -> HeldMessage | None:
        return next((one for one in self.held_messages if number in {None, one.number}), None)

    def in_flight(self) -> int:
        return len(self._heap)

    def events(self, last: int, of: LogFilter = EVERYTHING) -> Sequence[ClusterEvent]:
        return [event for event in self.log if of.takes(event)][-last:]

    def news(self, after: LogMark, of: LogFilter = EVERYTHING) -> tuple[LogMark, Sequence[ClusterEvent]]:
        return (len(self.log), 0, 0), [event for event in self.log[after[0] :] if of.takes(event)]

    def figures(self) -> Figures:
        return Figures(waiting=sum(not ticket.done for ticket in self.tickets))

    def history(self) -> Sequence[Event]:
        return []

    def check(self) -> dict[str, str]:
        return dict(self.violations)

    def link_counts(self) -> dict[Link, tuple[int, int]]:
        """See `Cluster`."""
        return {}

    def watch_messages(self, on: bool) -> None:
        """See `Cluster`."""

    def trace_lines(self) -> Iterator[str]:
        """See `Cluster`."""
        raise InputError("This cluster keeps no record of its run.")

    def keep_trace(self, name: str) -> None:
        """See `Cluster`."""

    @contextmanager
    def files(self) -> Iterator[Path]:
        """See `Cluster`."""
        yield Path(self.settings.data)

    @property
    def rewindable(self) -> None:
        """See `Cluster`."""

    @property
    def simulated(self) -> None:
        """See `Cluster`."""
        return

    def close(self) -> None:
        self.closed = True

    def _ticket(self, node: int, request: Operation | Query) -> Ticket:
        number = len(self.tickets) + 1
        ticket = Ticket(number=number, node=node, request=request, client="t", seq=number, asked_ms=self._now_ms)
        self.tickets.append(ticket)
        return ticket

    def _later(self, delay_ms: int, happen: Callable[[], object]) -> None:
        heapq.heappush(self._heap, (self._now_ms + delay_ms, next(self._serials), happen))

    def _majority(self) -> tuple[int, ...]:
        for side in sides(self.links):
            alive = tuple(node for node in side if self.life[node] == "up")
            if len(alive) >= self.settings.majority:
                return alive
        return ()

    def _elect(self) -> None:
        majority = self._majority()
        if self._leader not in majority:
            self._leader = 0
        if majority and not self._leader:
            self._later(LEADER_MS, self._lead)

    def _lead(self) -> None:
        majority = self._majority()
        if majority and not self._leader:
            self._leader = majority[0]
            self._leaderships[self._leader] += 1

    def _decide(self, ticket: Ticket, operation: Operation) -> None:
        self._decided.append(operation)
        outcome = self._catch_up(ticket.node)
        for node in self._majority():
            self._later(LAG_MS, partial(self._catch_up, node))
        kind = AnswerKind.OK if outcome is Outcome.OK else AnswerKind.REFUSED
        self._answer(ticket, Answer(kind=kind, text=wording(operation, outcome), height=len(self._decided)))

    def _catch_up(self, node: int) -> Outcome:
        outcome = Outcome.OK
        if self.life[node] == "up":
            for operation in self._decided[self._heights[node] :]:
                outcome = self._blogs[node].apply(operation)
                self._heights[node] += 1
        return outcome

    def _answer(self, ticket: Ticket, answer: Answer) -> None:
        ticket.answer = answer
        ticket.answered_ms = self._now_ms


def titles(cluster: FakeCluster) -> list[str]:
    """The titles that were asked to be posted, in order."""
    return [ticket.request.title for ticket in cluster.tickets if isinstance(ticket.request, Post)]
