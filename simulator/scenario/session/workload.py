"""Load: many clients, each with one request at a time, keep to a common rate in cluster time.

A load issues requests for its time and no longer: what no client was free to send by then is dropped, and counted.
A client stays with its node until that node fails it. The seed alone decides what clients post and read.
"""

from __future__ import annotations

from array import array
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Literal

from blog.operations import Comment, Operation, Post
from simulator.cluster.interface import AnswerKind, Query, Ticket
from simulator.cluster.meter import LoadProgress
from simulator.scenario.language.commands import Load
from simulator.scenario.session.node_selector import nodes_up
from simulator.text.counted import counted

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

SMALL_BLOG = 200
"""A client reads the whole blog only while it has at most this many posts: later that would be most of the work.

For the same reason it reads all that it wrote only while the clients have so many posts on average.
"""

STATUS_INTERVAL_MS = 100
"""How often, in milliseconds, the clients learn which nodes are up."""

_FIRST_PROCESS = 1_000_000


class LoadRun:
    """One running `load`. `turn` does what is due; `next_turn_ms` says when the next request is due."""

    def __init__(self, cluster: Cluster, load: Load, *, number: int, seed: int) -> None:
        self._cluster = cluster
        self._load = load
        self._number = number
        self._dice = Random(f"{seed} load {number}")  # Text seeds are hashed equally on every machine.
        self._start_ms = cluster.now_ms()
        self._end_ms = self._start_ms + load.for_ms
        self._total = max(1, load.rate * load.for_ms // 1000)
        self._asked = 0
        self._free = list(range(load.clients))
        self._under_way: dict[int, Ticket] = {}
        self._node = {client: 1 + client % cluster.settings.nodes for client in self._free}
        self._posted = array("I")  # The numbers of the posts that are answered: see `_title`.
        self._posting: dict[int, int] = {}
        self._latencies: Counter[int] = Counter()  # How often an answer took so many milliseconds.
        self._living: frozenset[int] = frozenset()
        self._look_ms = self._start_ms
        self.answers: Counter[AnswerKind] = Counter()

    @property
    def done(self) -> bool:
        """True once no request is to be sent any more and every one that was sent is answered or given up."""
        return self._is_over() and not self._under_way

    @property
    def dropped(self) -> int:
        """How many requests were due and could not be sent in time, as every client waited for an answer."""
        return self._total - self._asked if self._is_over() else 0

    def next_turn_ms(self) -> int:
        """Milliseconds until the next request is due, if no answer comes before."""
        if self._is_over() or not self._free:
            return 60_000
        return max(0, self._due_ms() - self._cluster.now_ms())

    def waits_for_turn(self) -> bool:
        """True when an answer has come or a request is due."""
        return any(ticket.done for ticket in self._under_way.values()) or (
            not self._is_over() and bool(self._free) and self._cluster.now_ms() >= self._due_ms()
        )

    def turn(self) -> None:
        """Take in answers, and send what is due."""
        for client, ticket in list(self._under_way.items()):
            if ticket.done:
                self._answered(client, ticket)
        while self._free and not self._is_over() and self._cluster.now_ms() >= self._due_ms():
            client = self._free.pop(0)
            self._asked += 1
            self._under_way[client] = self._ask(client)

    @property
    def progress(self) -> LoadProgress:
        """How far it has come. Any thread may ask."""
        return LoadProgress(
            number=self._number,
            passed_ms=self._cluster.now_ms() - self._start_ms,
            for_ms=self._load.for_ms,
            sent=self._asked,
            answered=self._asked - len(self._under_way),
            total=self._total,
        )

    def summary(self) -> str:
        """The result in one line."""
        kinds = self.answers
        numbers_shown = ", ".join(f"{kinds[kind]} {kind.value}" for kind in AnswerKind if kinds[kind]) or "none"
        seconds = max(1, self._cluster.now_ms() - self._start_ms) / 1000
        text = (
            f"load: {counted(self._asked, 'request')} by {counted(self._load.clients, 'client')} in {seconds:.1f} s: "
        )
        text += numbers_shown
        if self._latencies:
            usual, late = _quantile(self._latencies, 50), _quantile(self._latencies, 99)
            text += f"; answered in {usual} ms (median), {late} ms (99 in 100)"
        if self.dropped:
            text += f"; {self.dropped} dropped: no client was free to send them in time"
        return text

    def _is_over(self) -> bool:
        return self._asked >= self._total or self._cluster.now_ms() >= self._end_ms

    def _due_ms(self) -> int:
        return self._start_ms + self._asked * 1000 // self._load.rate

    def _answered(self, client: int, ticket: Ticket) -> None:
        del self._under_way[client]
        self._free.append(client)
        assert ticket.answer is not None
        self.answers[ticket.answer.kind] += 1
        post = self._posting.pop(client, None)
        if ticket.answer.kind is AnswerKind.OK:
            if post is not None:
                self._posted.append(post)
            if ticket.answered_ms is not None:
                self._latencies[ticket.answered_ms - ticket.asked_ms] += 1
        elif ticket.answer.kind is not AnswerKind.REFUSED:
            self._node[client] = 1 + self._node[client] % self._cluster.settings.nodes

    def _ask(self, client: int) -> Ticket:
        node = self._live_node(client)
        process = _FIRST_PROCESS * self._number + client
        kind = self._draw()
        if kind == "view" or (kind == "comment" and not self._posted):
            return self._cluster.read(node, self._query(client), process=process)
        operation: Operation
        user = f"client-{client + 1}"
        if kind == "post":
            self._posting[client] = self._asked
            operation = Post(username=user, title=self._title(self._asked), content=f"post {self._asked}")
        else:
            operation = Comment(username=user, title=self._any_title(), content=f"comment {self._asked}")
        return self._cluster.submit(node, operation, process=process)

    def _draw(self) -> Literal["post", "comment", "view"]:
        kinds = [kind for kind, _ in self._load.mix]
        return self._dice.choices(kinds, weights=[weight for _, weight in self._load.mix])[0]

    def _query(self, client: int) -> Query:
        linearizable = self._dice.random() < 0.5
        choice = self._dice.random()
        if choice < 0.15 and len(self._posted) <= SMALL_BLOG:
            return Query(kind="all", linearizable=linearizable)
        if (choice < 0.4 and len(self._posted) <= SMALL_BLOG * self._load.clients) or not self._posted:
            return Query(kind="user", name=f"client-{client + 1}", linearizable=linearizable)
        return Query(kind="title", name=self._any_title(), linearizable=linearizable)

    def _title(self, post: int) -> str:
        return f"load-{self._number}-{post}"

    def _any_title(self) -> str:
        return self._title(self._dice.choice(self._posted))

    def _live_node(self, client: int) -> int:
        """The client's node, or the next one that is up; its own again when none is."""
        now_ms = self._cluster.now_ms()
        if now_ms >= self._look_ms:  # Asking a node for its status costs as much as a write.
            self._look_ms = now_ms + STATUS_INTERVAL_MS
            self._living = frozenset(nodes_up(self._cluster))
        first = self._node[client]
        for step in range(self._cluster.settings.nodes):
            node = 1 + (first - 1 + step) % self._cluster.settings.nodes
            if node in self._living:
                self._node[client] = node
                return node
        return first


def _quantile(counts: Counter[int], percent: int) -> int:
    """The value that so many in a hundred do not exceed."""
    left = counts.total() * percent // 100
    for value in sorted(counts):
        left -= counts[value]
        if left < 0:
            return value
    return max(counts)
