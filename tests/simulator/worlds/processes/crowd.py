"""Clients who write one after the other, each as soon as the last answer is there."""

from __future__ import annotations

from random import Random

from blog.operations import Comment, Operation, Post
from simulator.cluster.interface import AnswerKind, Ticket
from simulator.worlds.processes.cluster import ProcessCluster


class Crowd:
    """`clients` of them, each at a node that is up. `tickets` are all that have ended; `answered` those with OK."""

    def __init__(self, cluster: ProcessCluster, clients: int, dice: Random) -> None:
        self.tickets: list[Ticket] = []
        self.answered: list[Ticket] = []
        self._cluster = cluster
        self._dice = dice
        self._open: list[Ticket | None] = [None] * clients
        self._count = 0

    def pump(self, *, more: bool = True) -> int:
        """Take the answers that came, and write again unless there shall be no more; how many have ended so far."""
        for client, ticket in enumerate(self._open):
            if ticket is not None and ticket.answer is not None:
                self._open[client] = None
                self.tickets.append(ticket)
                if ticket.answer.kind is AnswerKind.OK:
                    self.answered.append(ticket)
            if more and self._open[client] is None:
                node = self._dice.choice(self.up() or list(self._cluster.settings.node_ids))
                self._open[client] = self._cluster.submit(node, self._operation(client), process=client)
        return len(self.tickets)

    def reaches(self, count: int) -> bool:
        """Go on; true when `count` requests have ended."""
        return self.pump() >= count

    def idle(self) -> bool:
        """Write no more; true when nothing is open."""
        self.pump(more=False)
        return self._open == [None] * len(self._open)

    def up(self) -> list[int]:
        """Nodes that are up."""
        return [node for node in self._cluster.settings.node_ids if self._cluster.pid(node) is not None]

    def _operation(self, client: int) -> Operation:
        self._count += 1
        if self._count > 1 and self._dice.random() < 0.3:
            return Comment(f"user {client}", f"title {self._dice.randint(1, self._count - 1)}", "so it is")
        return Post(f"user {client}", f"title {self._count}", "x" * self._dice.randint(1, 300))
