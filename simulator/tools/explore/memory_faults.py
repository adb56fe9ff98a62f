"""Draws losses of memory: files of a minority are wiped, damaged, or replaced by older copies, while they are down.

At most a minority of the nodes is ever chosen, so never more than that has amnesia at once: a cluster that lost the
memory of more must not go on by itself (`docs/recovery.md`). For the same reason no permanent fault takes nodes or
links away from such a run: who has amnesia needs a majority of the others to recover.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from paxos.ballot import NodeId
from simulator.faults.faults import ALL_FILES, Crash, DiskFault, DiskFaultKind, Fault, LinkConditions, Restart
from simulator.node.storage.chain_file import CHAIN
from simulator.node.storage.journal import JOURNAL
from simulator.tools.explore.schedule import ScheduledFault

LOSSES: tuple[tuple[DiskFaultKind, str], ...] = (
    ("wipe", ALL_FILES),
    ("wipe", ALL_FILES),
    ("wipe", JOURNAL),
    ("wipe", CHAIN),
    ("rollback", ALL_FILES),
    ("rollback", ALL_FILES),
    ("rollback", JOURNAL),
    ("corrupt", CHAIN),
    ("corrupt", JOURNAL),
    ("zero", CHAIN),
    ("zero", JOURNAL),
)
DOWN_MS = (1, 5, 20, 60, 200, 800)
"""How long a node is down before, and after, its files change."""


def draw_memory_faults(nodes: int, dice: Random, heals_ms: int) -> list[ScheduledFault]:
    """Draw the losses of one run, in order of time; none in a cluster of one or two."""
    minority = (nodes - 1) // 2
    if not minority:
        return []
    victims = dice.sample(range(1, nodes + 1), dice.randint(1, minority))
    every_ms = dice.choice((150, 400, 1_000))
    faults: list[ScheduledFault] = []
    at = dice.randint(1, 2 * every_ms)
    while at < heals_ms:
        together = victims if dice.random() < 0.4 else [dice.choice(victims)]
        for node in together:
            faults += [ScheduledFault(at + later, fault) for later, fault in _loss(node, dice)]
        at += dice.randint(1, 2 * every_ms)
    faults.sort(key=lambda scheduled: scheduled.at_ms)
    return [scheduled for scheduled in faults if scheduled.at_ms < heals_ms]


def without_absence(permanent: tuple[Fault, ...]) -> tuple[Fault, ...]:
    """The permanent faults that leave all nodes up and all links whole."""
    return tuple(fault for fault in permanent if isinstance(fault, LinkConditions))


def _loss(node: NodeId, dice: Random) -> Iterator[tuple[int, Fault]]:
    before, after = dice.choice(DOWN_MS), dice.choice(DOWN_MS)
    kind, file = dice.choice(LOSSES)
    yield 0, Crash(node)
    yield before, DiskFault(node, kind, file)
    yield before + after, Restart(node)
