"""What the tests of the contract do with a cluster, through its face alone."""

from __future__ import annotations

from itertools import count

from blog.operations import Operation, Post
from simulator.cluster.interface import Answer, AnswerKind, Cluster, Query, Ticket
from simulator.faults.faults import DiskFault, Heal, Release, Restart, Resume

LONG_MS = 60_000
_titles = count(1)


def make_healthy(cluster: Cluster) -> None:
    """Undo every fault; wait for a leader and equal chains."""
    if cluster.links.holding:
        cluster.apply(Release())
    if not cluster.links.untouched:
        cluster.apply(Heal())
    for node in cluster.settings.node_ids:
        match cluster.status(node).life:
            case "paused":
                cluster.apply(Resume(node))
            case "down":
                cluster.apply(DiskFault(node, "ok"))
                cluster.apply(Restart(node))
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)


def healthy(cluster: Cluster) -> bool:
    """All nodes are up, one leads, all follow it, and their chains are equal."""
    nodes = [cluster.status(node) for node in cluster.settings.node_ids]
    leaders = {node.leader for node in nodes}
    return (
        all(node.life == "up" for node in nodes)
        and len(leaders) == 1
        and [node.node for node in nodes if node.role == "leader"] == list(leaders)
        and len({node.hash for node in nodes}) == 1
    )


def leader_of(cluster: Cluster) -> int:
    """The node that leads, as the first node that is up knows; 0 if it knows none."""
    return next(status.leader for node in cluster.settings.node_ids if (status := cluster.status(node)).life == "up")


def follower_of(cluster: Cluster) -> int:
    """The lowest node that is up and does not lead."""
    leader = leader_of(cluster)
    return next(node for node in cluster.settings.node_ids if node != leader and cluster.status(node).life == "up")


def new_post(title: str = "") -> Post:
    """A post whose title no earlier post has."""
    return Post(username="alice", title=title or f"title {next(_titles)}", content="text")


def finish(cluster: Cluster, ticket: Ticket) -> Answer:
    """Wait for the answer."""
    assert cluster.wait(lambda: ticket.done, LONG_MS)
    assert ticket.answer is not None
    return ticket.answer


def write(cluster: Cluster, node: int, operation: Operation | None = None) -> AnswerKind:
    """Submit an operation, or a new post, and wait for its answer."""
    return finish(cluster, cluster.submit(node, operation or new_post())).kind


def read(cluster: Cluster, node: int, query: Query) -> Answer:
    """Read, and wait for the answer."""
    return finish(cluster, cluster.read(node, query))


def process_states(cluster: Cluster) -> list[str]:
    """Whether each node is up, paused or down."""
    return [cluster.status(node).life for node in cluster.settings.node_ids]


def notes(cluster: Cluster, last: int = 10_000) -> list[str]:
    """The kinds of the newest lines of the running log that are no message and no answer."""
    return [event.kind for event in cluster.events(last) if event.kind not in {"sent", "answer"}]
