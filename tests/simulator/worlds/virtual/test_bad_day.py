"""A bad day of five nodes: elections, crashes and a partition, after which no answered write is missing."""

from __future__ import annotations

import pytest

from blog.operations import Post
from simulator.cluster.interface import AnswerKind, Ticket
from simulator.faults.faults import Crash, Heal, Partition, Restart
from simulator.settings import Settings
from simulator.worlds.virtual.cluster import VirtualCluster

WITHIN_MS = 60_000


class BadDay:
    """An election, writes anywhere, the leader's crash, a partition with the leader on the smaller side, healing."""

    def __init__(self, seed: int) -> None:
        self.cluster = VirtualCluster(Settings(data="", seed=seed, difficulty=1))
        self.answered: list[str] = []
        self.asked = 0
        self.pass_by()

    def pass_by(self) -> None:
        """Let the day happen."""
        cluster, nodes = self.cluster, self.cluster.settings.node_ids
        first = self.leader()
        for node in nodes:
            self.write(node)

        lost = self.submit(first)
        cluster.apply(Crash(first))
        self.write(next(node for node in nodes if node != first))
        assert lost.answer is not None
        assert lost.answer.kind is AnswerKind.TIMEOUT
        cluster.apply(Restart(first))

        second = self.leader()
        majority = tuple(node for node in nodes if node not in (first, second))
        cluster.apply(Partition((tuple(sorted({first, second})), majority)))
        minority = self.submit(second)
        self.write(majority[0])
        assert cluster.wait(lambda: minority.done, WITHIN_MS)
        assert minority.answer is not None
        assert minority.answer.kind is AnswerKind.NO_MAJORITY

        cluster.apply(Heal())
        self.write(first)
        assert cluster.wait(lambda: len({cluster.status(node).hash for node in nodes}) == 1, WITHIN_MS)

    def submit(self, node: int) -> Ticket:
        """A post with a title of its own."""
        self.asked += 1
        return self.cluster.submit(node, Post("ann", f"title {self.asked}", "text"))

    def write(self, node: int) -> None:
        """A post that must be answered."""
        ticket = self.submit(node)
        assert self.cluster.wait(lambda: ticket.done, WITHIN_MS)
        assert ticket.answer is not None
        assert ticket.answer.kind is AnswerKind.OK
        self.answered.append(f"title {self.asked}")

    def leader(self) -> int:
        """The leader with the highest ballot, once there is one."""
        found: list[int] = []

        def there_is_one() -> bool:
            states = [self.cluster.status(node) for node in self.cluster.settings.node_ids]
            leading = [(state.ballot, state.node) for state in states if state.role == "leader" and state.life == "up"]
            found[:] = [node for _, node in sorted(leading)][-1:]
            return bool(found)

        assert self.cluster.wait(there_is_one, WITHIN_MS)
        return found[0]

    def chains(self) -> list[list[str]]:
        """The chain file of each node."""
        return [self.cluster.chain_lines(node, 1, 1_000) for node in self.cluster.settings.node_ids]


@pytest.mark.parametrize("seed", range(5))
def test_answered_writes_survive_crashes_and_partitions(seed: int) -> None:
    """For each seed, no answered write is lost, all five chains are equal, and every invariant holds."""
    day = BadDay(seed)

    chains = day.chains()
    text = "\n".join(chains[0])
    assert all(chain == chains[0] for chain in chains)
    assert len(day.answered) == 8
    assert all(f'"title":"{title}"' in text for title in day.answered)
    assert set(day.cluster.check().values()) == {"ok"}


def test_the_same_seed_gives_the_same_day() -> None:
    """The same chains at the same time; another seed gives another day."""
    one, two, other = BadDay(7), BadDay(7), BadDay(8)

    assert (one.chains(), one.cluster.now_ms()) == (two.chains(), two.cluster.now_ms())
    assert other.cluster.now_ms() != one.cluster.now_ms()
