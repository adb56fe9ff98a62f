"""Multi-Paxos as a replicated log of one write and one read: `models.md`, MultiPaxos-SMR, small.

Three replicas choose slots for commands; messages are a set that only grows. A commit notice names the slot only, so a
follower commits what it has accepted there, at whatever ballot: `mended` lets the notice carry the ballot too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations
from typing import Any

from simulator.worlds.exhaustive.model import Model

REPLICAS = (0, 1, 2)
SLOTS = (0, 1)
COMMANDS = ("w1", "r1")
EMPTY, PREPARING, ACCEPTING, COMMITTED = range(4)
NOTHING = (EMPTY, "", (0, ""))
"""A slot: its status, its command, and the last vote as (ballot, command)."""
SHUFFLES = tuple(permutations(REPLICAS))

Slot = tuple[int, str, tuple[int, str]]
Replica = tuple[int, str, int, int, int, tuple[Slot, ...], bool]
"""Leader (-1: none), value, slots committed, ballot prepared, highest ballot, slots, and whether it has ended."""
State = tuple[tuple[Replica, ...], frozenset[Any], tuple[str, ...], tuple[Any, ...]]
"""Replicas, messages, commands still to be done, what the client has seen."""


class MultiPaxosSmr(Model[State, tuple[Any, ...]]):
    """A replica's step takes one message, or enough of a kind."""

    def __init__(self, ballots: int = 2, *, mended: bool = False) -> None:
        self.ballots = range(1, ballots + 1)
        self.mended = mended

    def first(self) -> Iterator[State]:
        """All replicas are empty."""
        yield ((-1, "", 0, 0, 0, (NOTHING,) * 2, False),) * 3, frozenset(), COMMANDS, ()

    def steps(self, state: State) -> Iterator[tuple[tuple[Any, ...], State]]:
        """What each replica may do next."""
        replicas, sent, pending, seen = state
        ended = not pending and len(seen) == 2 * len(COMMANDS)
        for at, replica in enumerate(replicas):
            if replica[6]:
                continue
            if ended:
                yield ("end", at), (_with(replicas, at, (*replica[:6], True)), sent, pending, seen)
                continue
            for name, new, more in self._hear(at, replica, sent):
                yield (*name, at), (_with(replicas, at, new), sent.union(more), pending, seen)
            if replica[0] == at and replica[3] == replica[4] > 0:
                yield from self._lead(at, state)

    def _hear(self, at: int, replica: Replica, sent: frozenset[Any]) -> Iterator[tuple[Any, Replica, list[Any]]]:
        leader, value, upto, prepared, highest, slots, _ = replica
        votes = tuple(slot[2] for slot in slots)
        again = tuple((PREPARING if s == ACCEPTING else s, c, v) for s, c, v in slots)
        if leader != at:
            for b in self.ballots:
                if b > highest and not any(m[:2] == ("prepare", b) for m in sent):
                    more = [("prepare", b, at), ("prepared", b, at, votes)]
                    yield ("lead", b), (at, value, upto, 0, b, again, False), more
        for m in sent:
            if m[0] == "prepare" and m[1] > highest:
                new = (m[2], value, upto, prepared, m[1], again, False)
                yield ("promise", m[1]), new, [("prepared", m[1], at, votes)]
            if m[0] == "accept" and m[1] >= highest and m[1] > slots[m[3]][2][0]:
                slot = (ACCEPTING, m[4], (m[1], m[4]))
                new = (m[2], value, upto, prepared, m[1], _with(slots, m[3], slot), False)
                yield ("accept", m[1], m[3]), new, [("accepted", m[1], at, m[3])]
            if m[0] == "committed" and leader != at and m[1] == upto and slots[upto][0] == ACCEPTING:
                command, ballot = slots[upto][1], slots[upto][2][0]
                if not self.mended or m[2] == ballot:
                    committed = _with(slots, upto, (COMMITTED, *slots[upto][1:]))
                    kept = command if command == "w1" else value
                    yield ("learn", upto), (leader, kept, upto + 1, prepared, highest, committed, False), []
        if leader == at and not prepared:
            answers = [m for m in sent if m[:2] == ("prepared", highest)]
            if len(answers) >= 2:
                best = [max(m[3][s] for m in answers)[1] for s in SLOTS]
                taken = tuple(
                    (ACCEPTING if s == PREPARING or (s == EMPTY and c) else s, c, v)
                    for (s, _, v), c in zip(slots, best, strict=True)
                )
                more = [("accept", highest, at, s, taken[s][1]) for s in SLOTS if taken[s][0] == ACCEPTING]
                yield ("prepared", highest), (at, value, upto, highest, highest, taken, False), more

    def _lead(self, at: int, state: State) -> Iterator[tuple[tuple[Any, ...], State]]:
        replicas, sent, pending, seen = state
        _, value, upto, ballot, _, slots, _ = replicas[at]
        empty = [s for s in SLOTS if slots[s][0] == EMPTY]
        unseen = [c for c in pending if c not in {slot[1] for slot in slots}]
        if empty and unseen:
            s, command = empty[0], unseen[0]
            new = _with(slots, s, (ACCEPTING, command, (ballot, command)))
            more = {("accept", ballot, at, s, command), ("accepted", ballot, at, s)}
            yield (
                ("take", command, at),
                (
                    _with(replicas, at, (at, value, upto, ballot, ballot, new, False)),
                    sent | more,
                    pending,
                    _noted(seen, ("asked", command)),
                ),
            )
        if upto < len(SLOTS) and slots[upto][0] == ACCEPTING:
            if sum(m[:2] == ("accepted", ballot) and m[3] == upto for m in sent) < 2:
                return
            command = slots[upto][1]
            new = _with(slots, upto, (COMMITTED, *slots[upto][1:]))
            kept = command if command == "w1" else value
            notice = ("committed", upto, ballot) if self.mended else ("committed", upto)
            yield (
                ("commit", upto, at),
                (
                    _with(replicas, at, (at, kept, upto + 1, ballot, ballot, new, False)),
                    sent | {notice},
                    tuple(c for c in pending if c != command),
                    _noted(seen, ("answered", command, value)),
                ),
            )

    def canonical(self, state: State) -> State:
        """The least of the ways to number the replicas: in the order of what they are, and if equal, the least."""
        replicas, sent, pending, seen = state
        own = [(*replica[1:], replica[0] == at) for at, replica in enumerate(replicas)]
        ranked = sorted(own)
        shuffles = [s for s in SHUFFLES if all(ranked[s[at]] == own[at] for at in REPLICAS)]
        replicas, sent = min((_renumbered(replicas, sent, shuffle) for shuffle in shuffles), key=_order)
        return replicas, sent, pending, seen


def disagreement(state: State) -> bool:
    """Two replicas committed different commands in one slot."""
    return any(len({r[5][s][1] for r in state[0] if r[5][s][0] == COMMITTED}) > 1 for s in SLOTS)


def _renumbered(replicas: Any, sent: Any, shuffle: tuple[int, ...]) -> Any:
    moved: list[Any] = [None] * 3
    for at, (leader, *rest) in enumerate(replicas):
        moved[shuffle[at]] = (shuffle[leader] if leader >= 0 else -1, *rest)
    messages = frozenset(m if m[0] == "committed" else (m[0], m[1], shuffle[m[2]], *m[3:]) for m in sent)
    return tuple(moved), messages


def _order(renumbered: Any) -> Any:
    return renumbered[0], sorted(map(repr, renumbered[1]))


def _noted(seen: tuple[Any, ...], event: Any) -> tuple[Any, ...]:
    return seen if event in seen else (*seen, event)


def _with(values: tuple[Any, ...], at: int, new: Any) -> tuple[Any, ...]:
    return (*values[:at], new, *values[at + 1 :])
