"""Evaluates facts: each holds for the cluster now, or does not, and says why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple, Protocol, cast

from simulator.cluster.interface import Answer, AnswerKind, Query, Ticket
from simulator.cluster.verdicts import unknowns, violations
from simulator.scenario.language.commands import (
    ChainsFact,
    CheckFact,
    ElectionsFact,
    Expect,
    Fact,
    HeightFact,
    LastFact,
    LeaderFact,
    TitleFact,
    TitlesFact,
)
from simulator.scenario.session.node_selector import current_leader, nodes_up
from simulator.text.counted import counted

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

ASK_MS = 2_000
"""How long, in milliseconds, a node may take to show its blog to an expectation, unless the line names less."""


class NotFoundInTime(Exception):
    """The time of the line is over before it could be found whether the fact holds."""


class Finding(NamedTuple):
    """Whether a fact holds, and what was found: the end of a sentence that begins with the fact."""

    holds: bool
    found: str


class CountsElections(Protocol):
    """See `Session.elections`."""

    def __call__(self, *, since_fault: bool = False) -> int:
        """How many there were."""
        ...


class FactFinder:
    """Evaluates facts of one cluster.

    `pass_time(condition, ms)` lets time pass; `judge(ms)` returns the verdicts of all checks, None when the
    milliseconds (None: no limit) were not enough.
    """

    def __init__(
        self,
        cluster: Cluster,
        pass_time: Callable[[Callable[[], bool], int], bool],
        elections: CountsElections,
        judge: Callable[[int | None], dict[str, str] | None],
    ) -> None:
        self._cluster = cluster
        self._pass_time = pass_time
        self._elections = elections
        self._judge = judge
        self._left_ms: int | None = None

    def find(self, expect: Expect, on: Sequence[int], last: Ticket | None, left_ms: int | None) -> Finding:
        """Whether the expectation holds now. `on` are the nodes to ask; `last` is the newest request.

        `left_ms` is the time that is left for finding out, in milliseconds; None: whatever it takes.

        Raises:
            NotFoundInTime: it was not enough.
        """
        self._left_ms = left_ms
        finding = self._find(expect.fact, expect, on, last)
        return Finding(not finding.holds, finding.found) if expect.negated else finding

    def _find(self, fact: Fact, expect: Expect, on: Sequence[int], last: Ticket | None) -> Finding:
        match fact:
            case LeaderFact():
                return self._leader(fact, on if expect.on else ())
            case LastFact():
                return _last(fact, last)
            case HeightFact():
                heights = {node: self._cluster.status(node).height for node in on}
                return Finding(
                    all(height == fact.height for height in heights.values()),
                    ", ".join(f"node {node} has {height}" for node, height in heights.items()),
                )
            case ChainsFact():
                return self._chains(on if expect.on else nodes_up(self._cluster))
            case TitlesFact():
                return self._on_each(on, lambda node: self._titles(fact, node))
            case TitleFact():
                return self._on_each(on, lambda node: self._title(fact, node))
            case ElectionsFact():
                count = self._elections(since_fault=fact.since_fault)
                return Finding(count <= fact.most, f"there were {count}")
            case CheckFact():
                verdicts = self._judge(self._left_ms)
                if verdicts is None:
                    raise NotFoundInTime
                return _checked(verdicts, negated=expect.negated)

    def _leader(self, fact: LeaderFact, on: Sequence[int]) -> Finding:
        if on:
            named = {node: self._cluster.status(node).leader for node in on if self._cluster.status(node).life == "up"}
            wanted = fact.node if isinstance(fact.node, int) else None
            holds = len(named) == len(on) and all(leader == wanted if wanted else leader for leader in named.values())
            return Finding(
                holds,
                ", ".join(f"node {node} follows {leader or 'no one'}" for node, leader in named.items())
                or "none of them is up",
            )
        leader = current_leader(self._cluster)
        if leader is None:
            return Finding(holds=False, found="no one leads")
        return Finding(fact.node is None or leader == fact.node, f"node {leader} leads")

    def _chains(self, on: Sequence[int]) -> Finding:
        states = [self._cluster.status(node) for node in on]
        groups = Counter((state.height, state.hash) for state in states)
        found = ", ".join(
            f"node {state.node} has {counted(state.height, 'block')} ending in {state.hash[:8]}" for state in states
        )
        return Finding(len(groups) <= 1, found or "no node is up")

    def _on_each(self, on: Sequence[int], ask: Callable[[int], Finding]) -> Finding:
        findings = [(node, ask(node)) for node in on]
        wrong = [(node, finding) for node, finding in findings if not finding.holds]
        if not findings:
            return Finding(holds=False, found="no node is up")
        if not wrong:
            return Finding(holds=True, found=findings[0][1].found)
        return Finding(holds=False, found=", ".join(f"node {node} {finding.found}" for node, finding in wrong))

    def _ask(self, node: int, query: Query) -> Answer | None:
        if self._cluster.status(node).life != "up":
            return None
        ticket = self._cluster.read(node, query)
        self._pass_time(lambda: ticket.done, ASK_MS if self._left_ms is None else min(ASK_MS, self._left_ms))
        if self._left_ms is not None and ticket.answer is None:
            raise NotFoundInTime
        return ticket.answer if ticket.answer is not None and ticket.answer.kind is AnswerKind.OK else None

    def _titles(self, fact: TitlesFact, node: int) -> Finding:
        answer = self._ask(node, Query(kind="all"))
        if answer is None:
            return Finding(holds=False, found="shows no blog")
        rows = cast("Sequence[Sequence[str]]", answer.result or ())
        titles = [row[0] for row in rows]
        listed = ", ".join(repr(title) for title in titles) or "no post"
        return Finding(Counter(titles) == Counter(fact.titles), f"has {listed}")

    def _title(self, fact: TitleFact, node: int) -> Finding:
        answer = self._ask(node, Query(kind="title", name=fact.title))
        if answer is None:
            return Finding(holds=False, found="shows no blog")
        if isinstance(answer.result, str) or answer.result is None:
            return Finding(holds=False, found="has no such post")
        author, _, comments = cast("tuple[str, str, Sequence[object]]", answer.result)
        right = author == fact.user and fact.comments in {None, len(comments)}
        return Finding(right, f"has it by {author} with {counted(len(comments), 'comment')}")


def _checked(verdicts: dict[str, str], *, negated: bool) -> Finding:
    broken = violations(verdicts) or unknowns(verdicts)
    found = "; ".join(f"{name}: {why}" for name, why in broken.items()) or "all is well"
    if broken and not violations(verdicts):
        return Finding(negated, found)  # It is no evidence, neither for nor against: both expectations fail.
    return Finding(not broken, found)


def _last(fact: LastFact, last: Ticket | None) -> Finding:
    if last is None:
        return Finding(holds=False, found="nothing was asked yet")
    if last.answer is None:
        return Finding(holds=False, found="the newest request has no answer yet")
    return Finding(last.answer.kind.value == fact.answer, f"it was {last.answer.kind.value}: {last.answer.text}")
