"""Outgoing messages of one node: it counts them and sends none to the node itself."""

from __future__ import annotations

from paxos.ballot import NodeId
from paxos.messages import AnyMessage
from simulator.node.host import Host
from simulator.node.inspection import Counters


class Outbox:
    """Passes messages for peers to the host."""

    def __init__(self, me: NodeId, host: Host, counters: Counters) -> None:
        self._me = me
        self._host = host
        self._counters = counters
        self._peers: dict[tuple[NodeId, ...], tuple[NodeId, ...]] = {}  # Receivers, and those of them that are peers.

    def send(self, to: tuple[NodeId, ...], message: AnyMessage) -> None:
        """Send `message` to each node of `to` except this one. The host may hold it until `push`."""
        peers = self._peers.get(to)
        if peers is None:
            peers = self._peers[to] = tuple(node for node in to if node != self._me)
        if peers:
            self._counters.messages_out += len(peers)
            self._host.send(peers, message)
