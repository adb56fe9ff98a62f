"""Shows answers and inspections: views for people, JSON documents for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from simulator.cluster.interface import AnswerKind, Ticket
from simulator.cluster.log_filter import LogFilter
from simulator.scenario.language.commands import Inspect, ShowLog, View
from simulator.scenario.session.output import Output

if TYPE_CHECKING:
    from simulator.node.status import NodeStatus
    from simulator.scenario.session.session import Session
    from simulator.views.sheet import View as AnyView

BLOCKS_OF_A_NODE = 20
EVENTS_OF_A_NODE = 400
LINES_OF_THE_LOG = 20


def show_answer(output: Output, ticket: Ticket, view: View | None, heading: str = "") -> None:
    """Show the answer to a request that is done; `view` is the command that asked, None for a write."""
    answer = ticket.answer
    assert answer is not None
    good = answer.kind is AnswerKind.OK
    rows = answer.result
    if view is None or not good or not rows or not isinstance(rows, Sequence) or isinstance(rows, str):
        # A write's answer, or a read that shows nothing: BLOG EMPTY, NO POST, POST NOT FOUND.
        output.write(heading + answer.text, "plain" if good or answer.kind is AnswerKind.REFUSED else "bad")
    else:
        from simulator.views.blogs import blog_view, whole_view  # noqa: PLC0415

        assert answer.shown
        whole = answer.shown == "view_all" and not view.brief
        sheet = whole_view(rows) if whole else blog_view(answer.shown, rows)
        output.show(replace(sheet, title=heading + answer.text))


def show_inspected(session: Session, command: Inspect, node: int | None) -> None:
    """Show what the command asks for; `node` None means all nodes."""
    if command.json:
        session.output.document(_document(session, command, node))
    else:
        session.output.show(_view(session, command, node))


def show_log(session: Session, command: ShowLog, node: int) -> None:
    """Show a part of the running log: in its place on the screen, or its newest lines when their number is given."""
    wanted = LogFilter(command.what, node)
    if session.screen is not None and command.count is None and not command.json:
        session.screen.show_log(wanted)
        return
    events = list(session.cluster.events(command.count or LINES_OF_THE_LOG, wanted))
    if command.json:
        session.output.document(events)
        return
    from simulator.views.events import events_view  # noqa: PLC0415

    session.output.show(events_view(events, nothing=f"the log has nothing of {wanted.title}"))


def _document(session: Session, command: Inspect, node: int | None) -> object:
    cluster = session.cluster
    match command.what:
        case "status":
            return _states(session)
        case "leader":
            return {str(state.node): state.leader for state in _states(session) if state.life == "up"}
        case "queue":
            states = _states(session) if node is None else [cluster.status(node)]
            return [{"node": s.node, "queue": s.queue, "pending": s.pending, "in_flight": s.in_flight} for s in states]
        case "net":
            links = cluster.links
            return {
                "groups": links.groups,
                "cut": sorted(links.cut),
                "rules": [{"link": link, "rule": rule} for link, rule in sorted(links.rules.items())],
                "holding": links.holding,
                "held": cluster.held(),
                "in_flight": cluster.in_flight(),
            }
        case "held":
            return cluster.held()
        case "events":
            return list(cluster.events(command.count))
        case _:
            assert node is not None
            if command.what == "chain":
                return [_raw(line) for line in _chain(session, node)]
            return cluster.status(node, detail=True)


def _view(session: Session, command: Inspect, node: int | None) -> AnyView:
    # Views import Rich (0.1 s), which is loaded with the first line that shows one.
    from simulator.views.chain import chain_view  # noqa: PLC0415
    from simulator.views.events import events_view  # noqa: PLC0415
    from simulator.views.held import held_view  # noqa: PLC0415
    from simulator.views.network import net_view  # noqa: PLC0415
    from simulator.views.nodes import leader_view, queue_view, status_view  # noqa: PLC0415
    from simulator.views.pages import node_view  # noqa: PLC0415
    from simulator.views.slots import log_view  # noqa: PLC0415

    cluster = session.cluster
    match command.what:
        case "status":
            return status_view(_states(session))
        case "leader":
            return leader_view(_states(session))
        case "queue":
            return queue_view(_states(session) if node is None else [cluster.status(node)])
        case "net":
            return net_view(cluster.links, cluster.in_flight(), cluster.held())
        case "held":
            return held_view(cluster.held(), holding=cluster.links.holding)
        case "events":
            return events_view(list(cluster.events(command.count)))
        case _:
            assert node is not None
            if command.what == "chain":
                return chain_view(_chain(session, node))
            state = cluster.status(node, detail=True)
            if command.what == "log":
                return log_view(state)
            chain = cluster.chain_lines(node, max(1, state.height - BLOCKS_OF_A_NODE + 1), state.height)
            return node_view(state, chain, list(cluster.events(EVENTS_OF_A_NODE)))


def _states(session: Session) -> list[NodeStatus]:
    return [session.cluster.status(node) for node in session.cluster.settings.node_ids]


def _chain(session: Session, node: int) -> list[str]:
    return session.cluster.chain_lines(node, 1, session.cluster.status(node).height)


def _raw(line: str) -> object:
    import msgspec  # noqa: PLC0415

    return msgspec.Raw(line.encode())
