"""What the screen shows at one moment, taken from a cluster or from a trace, as plain data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulator.cluster.events import ClusterEvent, HeldMessage
from simulator.cluster.log_filter import LogFilter
from simulator.cluster.meter import Figures
from simulator.faults.links import Link, Links
from simulator.node.status import NodeStatus
from simulator.screens.dashboard.running_log import LogLines

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster

EVENTS_SHOWN = 60
BLOCKS_SHOWN = 40


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A cluster at one moment. `links` is a copy, since the cluster's own changes meanwhile."""

    now_ms: int
    world: str
    states: tuple[NodeStatus, ...]
    links: Links
    in_flight: int = 0
    held: Sequence[HeldMessage] = ()
    log: LogLines = field(default_factory=LogLines)
    figures: Figures = field(default_factory=Figures)
    counts: Mapping[Link, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Opened:
    """An opened node: its status with the log, its newest blocks, its own events."""

    state: NodeStatus
    chain: Sequence[str] = ()
    events: Sequence[ClusterEvent] = ()


@dataclass(frozen=True, slots=True)
class LabState:
    """Everything that a board draws: the cluster, the checks' verdicts, and the opened node, if any."""

    cluster: Snapshot
    checks: Mapping[str, str] = field(default_factory=dict)
    opened: Opened | None = None


def take_snapshot(cluster: Cluster, log: LogLines | None = None) -> Snapshot:
    """Read the whole cluster; it asks no node. `log` None stands for the newest lines of the whole log."""
    return Snapshot(
        now_ms=cluster.now_ms(),
        world=cluster.world,
        states=tuple(cluster.status(node) for node in cluster.settings.node_ids),
        links=copy_links(cluster.links),
        in_flight=cluster.in_flight(),
        held=tuple(cluster.held()),
        log=log or LogLines(lines=cluster.events(EVENTS_SHOWN)),
        figures=cluster.figures(),
        counts=cluster.link_counts(),
    )


def blank_snapshot(cluster: Cluster) -> Snapshot:
    """What to show before the first read: nodes of which nothing is known."""
    states = tuple(NodeStatus(node=node, life="up") for node in cluster.settings.node_ids)
    return Snapshot(now_ms=cluster.now_ms(), world=cluster.world, states=states, links=copy_links(cluster.links))


def open_node(cluster: Cluster, node: int) -> Opened:
    """Read one node closely. It asks the node itself, so it may take as long as the node needs to answer."""
    state = cluster.status(node, detail=True)
    chain = cluster.chain_lines(node, max(1, state.height - BLOCKS_SHOWN + 1), state.height)
    own = cluster.events(EVENTS_SHOWN, LogFilter("node", node))
    return Opened(state=state, chain=tuple(chain), events=tuple(own))


def copy_links(links: Links) -> Links:
    """A copy of the links."""
    copied = Links(links.nodes)
    copied.rules = dict(links.rules)
    copied.cut = set(links.cut)
    copied.groups = links.groups
    copied.hold(links.holding)  # This also computes which links the copied cuts and groups sever.
    return copied
