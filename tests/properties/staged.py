"""Plans that bring about what random storms meet too seldom: each family varies one story by its seed.

The first leader is chosen by the links, without asking the protocol: at the start only the hub of a star reaches a
majority. So a plan knows its leader and stays plain data.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from random import Random
from typing import get_args

from simulator.faults.faults import ClockFault, Crash, CrashPoint, CutLink, Fault, Heal, MendLink, Partition, Restart
from simulator.settings import Settings
from simulator.tools.explore.schedule import Again, Call, Look, Schedule, ScheduledFault, Write

LED_MS = 300
"""By now the hub leads, and the links are whole."""


class Story:
    """A plan in the making. Times count from the moment at which node 1 leads five nodes whose links are whole."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.dice = Random(f"{name} {seed}")
        self.settings = Settings(nodes=5, data="", seed=seed, difficulty=1)
        self.faults = [ScheduledFault(0, CutLink(one, other)) for one, other in combinations(range(2, 6), 2)]
        self.faults.append(ScheduledFault(LED_MS, Heal()))
        self.calls: list[Call] = []

    def scheduled(self, at_ms: int, *faults: Fault) -> None:
        """Faults of one moment."""
        self.faults += [ScheduledFault(LED_MS + at_ms, fault) for fault in faults]

    def write(self, at_ms: int, node: int, content: str) -> None:
        """A post with a title of its own."""
        self.calls.append(Write(LED_MS + at_ms, 1, node, "post", "ann", content, content))

    def again(self, at_ms: int, node: int, content: str) -> None:
        """The client asks another node for the same post."""
        self.calls.append(Again(LED_MS + at_ms, 1, node, content))

    def look(self, at_ms: int, node: int, *, linearizable: bool) -> None:
        """A view of everything."""
        self.calls.append(Look(LED_MS + at_ms, 2, node, "all", "", linearizable))

    def schedule(self, heals_ms: int) -> Schedule:
        """The story as data."""
        faults = sorted(self.faults, key=lambda scheduled: scheduled.at_ms)
        calls = sorted(self.calls, key=lambda call: call.at_ms)
        return Schedule(
            settings=self.settings, faults=tuple(faults), calls=tuple(calls), heals_ms=LED_MS + heals_ms,
            profile=self.name,
        )  # fmt: skip


def holes(seed: int) -> Schedule:
    """A leader dies with a hole in what others accepted: one slot reached nobody, the next one node."""
    story = Story("holes", seed)
    story.scheduled(100, *(CutLink(1, other) for other in (2, 3, 4, 5)))
    story.write(101, 1, "lost")
    story.scheduled(110, MendLink(1, 2))
    story.write(111, 1, "kept")
    story.scheduled(120 + story.dice.randint(0, 30), Crash(1), Crash(3))  # So the one that accepted is in every quorum.
    return story.schedule(1_500)


def twice(seed: int) -> Schedule:
    """One request in two slots: an acceptance that a minority kept, and the client's retry with the leader in between.

    Both are decided in the end, and it takes effect once.
    """
    story = Story("twice", seed)
    story.scheduled(100, *(CutLink(1, other) for other in (3, 4, 5)))
    story.write(101, 1, "first")
    story.write(103, 1, "retried")
    story.scheduled(
        115 + story.dice.randint(0, 30), Crash(1), *(CutLink(2, other) for other in (3, 4, 5)), CutLink(4, 5)
    )
    story.again(160 + story.dice.randint(0, 100), 3, "retried")
    story.scheduled(1_200 + story.dice.randint(0, 200), Crash(3), Heal())
    return story.schedule(2_500)


def minority(seed: int) -> Schedule:
    """A leader whose clock is slow is cut off with one follower, and goes on believing while others elect another."""
    story = Story("minority", seed)
    story.scheduled(50, ClockFault(1, 50))
    story.write(90, 4, "seen by all")
    story.scheduled(100, Partition(((1, 2), (3, 4, 5))))
    for place in range(20):
        at_ms = 110 + 50 * place + story.dice.randint(0, 40)
        story.look(at_ms, story.dice.choice((1, 2)), linearizable=story.dice.random() < 0.5)
        story.write(at_ms, story.dice.choice((1, 3, 4)), f"w{place}")
    return story.schedule(9_000)  # After 6 s without a majority those who wait are told so.


def deaths(seed: int) -> Schedule:
    """The leader dies at a protocol moment while it handles a write, and again when it has come back."""
    story = Story("deaths", seed)
    points = get_args(CrashPoint)
    story.scheduled(100, Crash(1, points[seed % len(points)]))
    for place in range(4):
        story.write(101 + story.dice.randint(0, 50), story.dice.randint(1, 5), f"w{place}")
        story.again(300 + story.dice.randint(0, 300), story.dice.randint(2, 5), f"w{place}")
    story.scheduled(500 + story.dice.randint(0, 200), Restart(1))
    story.scheduled(900, Crash(story.dice.randint(1, 5), points[story.dice.randrange(len(points))]))
    story.write(901, 2, "late")
    return story.schedule(1_500)


FAMILIES: dict[str, Callable[[int], Schedule]] = {
    "holes": holes,
    "twice": twice,
    "minority": minority,
    "deaths": deaths,
}
