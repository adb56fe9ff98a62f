"""Turns fault commands into faults, with node words resolved to numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import TYPE_CHECKING, assert_never

from simulator.errors import InputError
from simulator.faults import faults
from simulator.faults.links import LinkRule
from simulator.scenario.language import commands
from simulator.scenario.session.node_selector import GROUP_WORDS, NodeSelector

if TYPE_CHECKING:
    from simulator.cluster.events import HeldMessage
    from simulator.cluster.interface import Cluster
    from simulator.faults.links import Link

REQUIRED_LIFE = {"crash": {"up", "paused"}, "restart": {"down"}, "pause": {"up"}, "resume": {"paused"}}
"""The process states in which a node can be crashed, restarted, paused, resumed."""


def faults_of(
    command: commands.Command, cluster: Cluster, selector: NodeSelector, default_node: Callable[[], int]
) -> Sequence[faults.Fault]:
    """The faults of a command, in order; none when there is nothing to do (`restart crashed`, all up).

    Raises:
        InputError: a node word means no node now.
    """
    match command:
        case commands.NodeFault():
            return _node_faults(command, cluster, selector)
        case commands.Part():
            return [faults.Partition(groups=selector.groups(command.groups))]
        case commands.LinkFault():
            source = default_node() if command.source is None else selector.one(command.source)
            link = selector.link((source, command.target))
            kind = faults.CutLink if command.cut else faults.MendLink
            return [kind(source=link[0], target=link[1], one_way=command.one_way)]
        case commands.HealAll():
            return [faults.Heal()]
        case commands.NetConditions():
            return [_conditions(command, selector)]
        case commands.NetReset():
            return [faults.ClearConditions()]
        case commands.HoldMessages() | commands.KeepCopies() | commands.DeliverMessages() | commands.ReleaseMessages():
            return _by_hand(command, cluster, selector)
        case commands.DiskCommand():
            node = selector.one(command.node)
            return [
                faults.DiskFault(
                    node=node,
                    kind=command.kind,
                    file=command.file,
                    line_number=command.line,
                    delay_ms=command.delay_ms,
                )
            ]
        case commands.ClockCommand():
            node = selector.one(command.node)
            return [faults.ClockFault(node=node, rate_percent=command.rate_percent, jump_ms=command.jump_ms)]
        case _:
            raise AssertionError(f"no one carries out {command!r}")


def _node_faults(command: commands.NodeFault, cluster: Cluster, selector: NodeSelector) -> list[faults.Fault]:
    """A node that is named by number must be fit for the fault; of a group, only the fit ones are taken."""
    life = {node: cluster.status(node).life for node in cluster.settings.node_ids}
    nodes: list[int] = []
    for word in command.nodes:
        found = selector.many([word])
        named = word not in GROUP_WORDS
        nodes += [
            node for node in found if node not in nodes and (named or life[node] in REQUIRED_LIFE[command.action])
        ]
    match command.action:
        case "crash":
            if command.process_only:
                return [faults.Kill(node=node) for node in nodes]
            return [faults.Crash(node=node, point=command.point) for node in nodes]
        case "restart":
            return [faults.Restart(node=node) for node in nodes]
        case "pause":
            return [faults.Pause(node=node) for node in nodes]
        case "resume":
            return [faults.Resume(node=node) for node in nodes]
        case _:
            assert_never(command.action)


def _conditions(command: commands.NetConditions, selector: NodeSelector) -> faults.LinkConditions:
    rule = LinkRule(
        delay_ms=command.delay_ms,
        jitter_ms=command.jitter_ms,
        drop=command.drop,
        duplicate=command.duplicate,
        reorder=command.reorder,
    )
    return faults.LinkConditions(rule=rule, links=selector.links(command.links, command.around))


def of_kind(held: Iterable[HeldMessage], links: Collection[Link], kind: str) -> list[HeldMessage]:
    """The held messages of this kind on these links."""
    return [
        message
        for message in held
        if (message.source, message.target) in links and message.text.split(maxsplit=1)[0].lower() == kind
    ]


def _by_hand(
    command: commands.HoldMessages | commands.KeepCopies | commands.DeliverMessages | commands.ReleaseMessages,
    cluster: Cluster,
    selector: NodeSelector,
) -> Sequence[faults.Fault]:
    match command:
        case commands.HoldMessages():
            return [faults.Hold()]
        case commands.KeepCopies(kind=kind, count=count):
            return [faults.KeepCopies(kind, count)]
        case commands.DeliverMessages():
            return _deliver(command, cluster, selector)
        case commands.ReleaseMessages():
            return [faults.Release()]


def delivered_by(fault: faults.Fault, cluster: Cluster) -> list[HeldMessage]:
    """The held messages that this fault lets go."""
    if not isinstance(fault, faults.DeliverHeld):
        return []
    if fault.number is not None:
        message = cluster.held_message(fault.number)
        return [] if message is None else [message]
    return [message for message in cluster.held() if fault.link in {None, (message.source, message.target)}]


def in_short(messages: Sequence[HeldMessage]) -> str:
    """Which messages these are, in one line: one with its text, several by link and kind, equal ones with a count."""
    if len(messages) == 1:
        return f"{messages[0].source}>{messages[0].target} {messages[0].text}"
    by_link: dict[Link, Counter[str]] = {}
    for message in messages:
        kinds = by_link.setdefault((message.source, message.target), Counter())
        kinds[message.text.split(maxsplit=1)[0]] += 1
    links = (
        f"{source}>{target} " + ", ".join(f"{kind} x{count}" if count > 1 else kind for kind, count in kinds.items())
        for (source, target), kinds in by_link.items()
    )
    return f"{len(messages)} messages: " + "; ".join(links)


def _deliver(command: commands.DeliverMessages, cluster: Cluster, selector: NodeSelector) -> list[faults.DeliverHeld]:
    links = [selector.link(link) for link in command.links]
    if command.kind:
        meant = of_kind(cluster.held(), links, command.kind)
        missing = [link for link in links if link not in {(message.source, message.target) for message in meant}]
        if missing:
            raise InputError(
                f"no {command.kind.upper()} waits on {missing[0][0]}>{missing[0][1]}: 'held' lists what does."
            )
        return [faults.DeliverHeld(number=message.number) for message in meant]
    if links:
        return [faults.DeliverHeld(link=link) for link in links]
    if command.everything:
        return [faults.DeliverHeld()]
    number = command.number
    if number is None:
        oldest = cluster.held_message()
        if oldest is None:
            raise InputError("no message waits to be delivered: 'hold' makes them wait.")
        number = oldest.number
    return [faults.DeliverHeld(number=number)]
