"""The commands `wait` and `expect`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import assert_never

from simulator.errors import InputError
from simulator.scenario.language import commands
from simulator.scenario.language.commands import Expect, HeightFact, Line, TitleFact, TitlesFact
from simulator.scenario.session.assertions import FactFinder, Finding, NotFoundInTime
from simulator.scenario.session.node_selector import NodeSelector, current_leader, majority_side, nodes_up
from simulator.scenario.session.session import Session
from simulator.text.units import format_ms

DEFAULT_WITHIN_MS = 1_000
"""How long, in milliseconds, a fact about several nodes is retried when its line names no time: nodes learn of a
decision or a leader at slightly different moments.
"""

ASK_AGAIN_MS = 250
"""How long, in milliseconds, an expectation waits for a change before it is evaluated again."""


NOT_IN_TIME = "nothing could be found out in this time"


class WaitAndExpect:
    """Carries out `wait` and `expect` on a session. A condition that does not come true is a failure of its line."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self._facts = FactFinder(session.cluster, session.pass_time, session.elections, self._judge)

    def _judge(self, within_ms: int | None) -> dict[str, str] | None:
        return self.session.checks() if within_ms is None else self.session.checks_within(within_ms)

    def wait(self, command: commands.WaitFor, line: Line, selector: NodeSelector) -> None:
        """Wait until the condition holds, as long as the command allows."""
        session = self.session
        condition = self._condition(command, line, selector)
        if session.wait_until(condition, command.within_ms):
            return
        why = f"{_awaited(command)} did not come within {format_ms(command.within_ms)}"
        session.fail(line, why)
        session.output.write(f"FAILED line {line.number}: {line.text}: {why}", "bad")

    def _condition(self, command: commands.WaitFor, line: Line, selector: NodeSelector) -> Callable[[], bool]:
        cluster = self.session.cluster
        match command.what:
            case "leader":
                return lambda: self._leads(in_majority=command.in_majority, steady=command.steady)
            case "converged":
                return self._converged
            case "idle":
                return self._idle
            case "height":
                fixed = (
                    selector.many(command.nodes) if command.nodes else (selector.one(line.node),) if line.node else ()
                )
                return lambda: self._heights_reach(command.height, fixed)
            case "held":
                if not cluster.links.holding:
                    raise InputError("no message is held: 'hold' makes messages wait for you.")
                newest = max((message.number for message in cluster.held()), default=0)
                return lambda: bool(cluster.held(after=newest) if newest else cluster.held_message())
            case "down":
                nodes = selector.many(command.nodes)
                return lambda: all(cluster.status(node).life == "down" for node in nodes)
            case _:
                assert_never(command.what)

    def _leads(self, *, in_majority: bool, steady: bool) -> bool:
        cluster = self.session.cluster
        leader, side = current_leader(cluster), majority_side(cluster)
        if leader is None or ((in_majority or steady) and leader not in side):
            return False
        others = [cluster.status(node) for node in side if node != leader]
        up = [state for state in others if state.life == "up"]
        return not steady or all(state.role == "follower" and state.leader == leader for state in up)

    def _converged(self) -> bool:
        states = [self.session.cluster.status(node) for node in nodes_up(self.session.cluster)]
        if not states or len({(state.height, state.hash) for state in states}) > 1:
            return False
        return all(state.decided == state.applied and not state.in_flight for state in states)

    def _idle(self) -> bool:
        states = [self.session.cluster.status(node) for node in nodes_up(self.session.cluster)]
        quiet = all(not state.queue and not state.pending and not state.in_flight for state in states)
        return quiet and not self.session.pending()

    def _heights_reach(self, height: int, nodes: Sequence[int]) -> bool:
        cluster = self.session.cluster
        if not nodes:
            up = nodes_up(cluster)
            side = majority_side(cluster)
            nodes = [node for node in up if node in side] or up
        return bool(nodes) and all(cluster.status(node).height >= height for node in nodes)

    def expect(self, expect: Expect, line: Line, selector: NodeSelector) -> None:
        """Retry until the fact holds, as long as the command allows."""
        session = self.session
        within_ms = expect.within_ms
        if within_ms is None:
            replicated = isinstance(
                expect.fact, HeightFact | TitlesFact | TitleFact | commands.ChainsFact | commands.LeaderFact
            )
            within_ms = DEFAULT_WITHIN_MS if replicated and not expect.negated else 0
        until = session.cluster.now_ms() + within_ms
        limit = until if expect.within_ms else None
        finding = self._find(expect, line, selector, limit) or Finding(holds=False, found=NOT_IN_TIME)
        while not finding.holds and session.cluster.now_ms() < until:
            self._await_change(min(ASK_AGAIN_MS, until - session.cluster.now_ms()))
            finding = self._find(expect, line, session.selector(), limit) or finding
        if finding.holds:
            if expect.negated and isinstance(expect.fact, commands.CheckFact):
                session.violation_expected = True  # A scenario that breaks a rule to show the consequences.
            session.output.write(f"ok: {line.text}", "good")
            return
        session.fail(line, finding.found)
        session.output.write(f"FAILED line {line.number}: {line.text}: {finding.found}", "bad")

    def _find(self, expect: Expect, line: Line, selector: NodeSelector, limit: int | None) -> Finding | None:
        """None when it could not be found until `limit`, the moment when the time that the line names is over."""
        left_ms = None if limit is None else max(0, limit - self.session.cluster.now_ms())
        try:
            return self._facts.find(expect, self._asked_nodes(expect, line, selector), self.session.last, left_ms)
        except NotFoundInTime:
            return None
        except InputError as error:  # "there is no leader now": one may come.
            return Finding(expect.negated, str(error).removesuffix("."))

    def _await_change(self, within_ms: int) -> None:
        """Wait until a chain, the leader or the newest answer changes."""
        before = self._newest()
        self.session.wait_until(lambda: self._newest() != before, within_ms)

    def _newest(self) -> object:
        states = [self.session.cluster.status(node) for node in self.session.cluster.settings.node_ids]
        last = self.session.last
        return [(state.life, state.role, state.leader, state.hash) for state in states], last is not None and last.done

    def _asked_nodes(self, expect: Expect, line: Line, selector: NodeSelector) -> tuple[int, ...]:
        """The nodes of `on`, else the line's node; when that one is not up, all that are."""
        if expect.on:
            return selector.many(expect.on)
        node = self.session.default_node if line.node is None else selector.one(line.node)
        return (node,) if self.session.cluster.status(node).life == "up" else nodes_up(self.session.cluster)


def _awaited(command: commands.WaitFor) -> str:
    match command.what:
        case "leader":
            named = "a steady leader" if command.steady else "a leader"
            return f"{named} in the majority" if command.in_majority else named
        case "converged":
            return "equal chains"
        case "idle":
            return "quiet"
        case "height":
            return f"height {command.height}"
        case "held":
            return "a message to deliver"
        case "down":
            return "the end of " + ", ".join(f"node {word}" for word in command.nodes)
        case _:
            assert_never(command.what)
