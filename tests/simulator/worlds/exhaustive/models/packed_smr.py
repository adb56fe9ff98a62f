"""The replicated log of `multipaxos_smr` as the engine likes it: five small numbers, and steps worked out once.

A message names its sender, so each replica's part of the set of messages belongs to its own state; its leader is
kept apart, because that alone changes when replicas are renumbered. What a replica does depends on its own state and
few of the others' messages: prepares and accepts, or promises, or votes.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations, product
from typing import Any

from simulator.worlds.exhaustive.actors import Interner
from simulator.worlds.exhaustive.model import Model
from tests.simulator.worlds.exhaustive.models.multipaxos_smr import (
    ACCEPTING,
    COMMANDS,
    COMMITTED,
    EMPTY,
    NOTHING,
    PREPARING,
    SLOTS,
)

Numbers = tuple[int, ...]
"""What the client knows, and which answers it has; each replica; the leader of each."""
Local = tuple[str, int, int, int, tuple[Any, ...], bool, frozenset[Any]]
"""Value, slots committed, ballot prepared, highest ballot, slots, whether it has ended, and what it has sent."""
Doing = tuple[Any, int, int | None, int]
"""The step, the replica's state after it, the sender that it follows then (None: as before), and the client's part."""
KEEP = None
SHUFFLES = tuple(permutations(range(3)))


class PackedSmr(Model[Numbers, tuple[Any, ...]]):
    """See the module. `mended`: a commit notice carries its ballot."""

    def __init__(self, ballots: int = 2, *, mended: bool = False) -> None:
        self.ballots = range(1, ballots + 1)
        self.mended = mended
        self.clients: Interner[tuple[Any, ...]] = Interner()
        self.locals: Interner[Local] = Interner()
        self._kinds: tuple[Interner[Any], ...] = (Interner(), Interner(), Interner())
        self._parts: list[
            tuple[int, tuple[int, int]]
        ] = []  # By local state: its prepares and accepts; promises and votes.
        self._follows = [*product((-1, 0, 1, 2), repeat=3)]
        number = {one: at for at, one in enumerate(self._follows)}
        self._following = [
            [[number[*f[:at], to, *f[at + 1 :]] for to in range(3)] for at in range(3)] for f in self._follows
        ]
        self._leads = [[f[at] == at for at in range(3)] for f in self._follows]
        self._shuffled = [[number[_moved(f, shuffle)] for f in self._follows] for shuffle in SHUFFLES]
        self._worked_out: tuple[dict[Any, list[Doing]], dict[Any, list[Doing]]] = {}, {}
        self._work = (0, self._hear), (1, self._lead)
        self._known_as: dict[tuple[int, int, int], list[int]] = {}

    def first(self) -> Iterator[Numbers]:
        """All replicas are empty, and follow nobody."""
        empty = self._local(("", 0, 0, 0, (NOTHING,) * 2, False, frozenset()))
        yield self.clients((COMMANDS, (), frozenset())), empty, empty, empty, 0

    def steps(self, state: Numbers) -> list[tuple[tuple[Any, ...], Numbers]]:
        """What each replica may do next."""
        client, *replicas, follows = state
        parts, worked_out, over, found = self._parts, self._worked_out, self._over(client), []
        leads, following = self._leads[follows], self._following[follows]
        for at, (own, one, two) in enumerate(((0, 1, 2), (1, 0, 2), (2, 0, 1))):
            local, leader = replicas[own], leads[at]
            lone, ltwo = parts[replicas[one]], parts[replicas[two]]
            for what, work in self._work if leader or over else self._work[:1]:
                key = local, leader, client, lone[what], ltwo[what]
                doings = worked_out[what].get(key)
                if doings is None:
                    doings = worked_out[what][key] = list(work(*key))  # type: ignore[arg-type]
                for step, new, follow, then in doings:
                    after = [then, *replicas, follows]
                    after[at + 1] = new
                    if follow is not None:
                        after[4] = following[at][(own, one, two)[follow]]
                    found.append(((*step, at), tuple(after)))
        return found

    def canonical(self, state: Numbers) -> Numbers:
        """The replicas in the order of their numbers; of equal ones the order with the least leaders."""
        client, one, two, three, follows = state
        key = one, two, three
        shuffles = self._known_as.get(key)
        if shuffles is None:
            ranked = tuple(sorted(key))
            shuffles = [at for at, shuffle in enumerate(SHUFFLES) if _placed(key, shuffle) == ranked]
            self._known_as[key] = shuffles
        least = min([self._shuffled[at][follows] for at in shuffles])
        return client, *sorted(key), least

    def fingerprint(self, state: Numbers) -> int:
        """See `Model`."""
        return hash(state)

    def disagreement(self, state: Numbers) -> bool:
        """Two replicas committed different commands in one slot."""
        slots = [self.locals.values[number][4] for number in state[1:4]]
        return any(len({one[s][1] for one in slots if one[s][0] == COMMITTED}) > 1 for s in SLOTS)

    def _over(self, client: int) -> bool:
        """The client has all its answers."""
        pending, seen, _ = self.clients.values[client]
        return not pending and len(seen) == 2 * len(COMMANDS)

    # One replica

    def _hear(self, number: int, leader: bool, client: int, one: int, two: int) -> Iterator[Doing]:
        """Run for leader, or take a prepare, an accept or a commit notice."""
        value, upto, prepared, highest, slots, ended, sent = local = self.locals.values[number]
        notices = self.clients.values[client][2]
        if ended or self._over(client):
            return
        votes = tuple(slot[2] for slot in slots)
        again = tuple((PREPARING if s == ACCEPTING else s, c, v) for s, c, v in slots)
        others = [self._kinds[0].values[part] for part in (self._parts[number][0], one, two)]
        if not leader:
            for b in self.ballots:
                if b > highest and not any(("prepare", b) in part for part in others):
                    more = sent | {("prepare", b), ("prepared", b, votes)}
                    yield ("lead", b), self._local((value, upto, 0, b, again, False, more)), 0, client
        for sender, messages in enumerate(others):
            for m in sorted(messages):
                if m[0] == "prepare" and m[1] > highest:
                    more = sent | {("prepared", m[1], votes)}
                    yield (
                        ("promise", m[1]),
                        self._local((value, upto, prepared, m[1], again, False, more)),
                        sender,
                        client,
                    )
                if m[0] == "accept" and m[1] >= highest and m[1] > slots[m[2]][2][0]:
                    new = _with(slots, m[2], (ACCEPTING, m[3], (m[1], m[3])))
                    more = sent | {("accepted", m[1], m[2])}
                    yield (
                        ("accept", m[1], m[2]),
                        self._local((value, upto, prepared, m[1], new, False, more)),
                        sender,
                        client,
                    )
        for notice in sorted(notices):
            if not leader and notice[0] == upto and slots[upto][0] == ACCEPTING:
                command, ballot = slots[upto][1], slots[upto][2][0]
                if not self.mended or notice[1] == ballot:
                    committed = _with(slots, upto, (COMMITTED, *slots[upto][1:]))
                    kept = command if command == "w1" else value
                    yield (
                        ("learn", upto),
                        self._local((kept, upto + 1, *local[2:4], committed, False, sent)),
                        KEEP,
                        client,
                    )

    def _lead(
        self, number: int, leader: bool, client: int, one: tuple[int, int], two: tuple[int, int]
    ) -> Iterator[Doing]:
        """Count promises or votes, take a command, or end."""
        value, upto, prepared, highest, slots, ended, sent = local = self.locals.values[number]
        pending, seen, notices = self.clients.values[client]
        if ended:
            return
        if self._over(client):
            yield ("end",), self._local((*local[:5], True, sent)), KEEP, client
            return
        mine = self._parts[number][1]
        if leader and not prepared:
            promises = [p for part in (mine, one, two) for p in self._kinds[1].values[part[0]] if p[1] == highest]
            if len(promises) >= 2:
                best = [max(p[2][s] for p in promises)[1] for s in SLOTS]
                taken = tuple(
                    (ACCEPTING if s == PREPARING or (s == EMPTY and c) else s, c, v)
                    for (s, _, v), c in zip(slots, best, strict=True)
                )
                more = sent | {("accept", highest, s, taken[s][1]) for s in SLOTS if taken[s][0] == ACCEPTING}
                yield ("prepared", highest), self._local((value, upto, highest, highest, taken, False, more)), 0, client
        if not leader or not prepared == highest > 0:
            return
        empty = [s for s in SLOTS if slots[s][0] == EMPTY]
        unseen = [c for c in pending if c not in {slot[1] for slot in slots}]
        if empty and unseen:
            s, command = empty[0], unseen[0]
            new = _with(slots, s, (ACCEPTING, command, (highest, command)))
            more = sent | {("accept", highest, s, command), ("accepted", highest, s)}
            then = self.clients((pending, _noted(seen, ("asked", command)), notices))
            yield ("take", command), self._local((value, upto, highest, highest, new, False, more)), KEEP, then
        if upto < len(SLOTS) and slots[upto][0] == ACCEPTING:
            vote = ("accepted", highest, upto)
            if sum(vote in self._kinds[2].values[part[1]] for part in (mine, one, two)) < 2:
                return
            command = slots[upto][1]
            new = _with(slots, upto, (COMMITTED, *slots[upto][1:]))
            kept = command if command == "w1" else value
            then = self.clients((
                tuple(c for c in pending if c != command),
                _noted(seen, ("answered", command, value)),
                notices | {(upto, highest) if self.mended else (upto,)},
            ))  # fmt: skip
            yield ("commit", upto), self._local((kept, upto + 1, highest, highest, new, False, sent)), KEEP, then

    def _local(self, local: Local) -> int:
        number = self.locals(local)
        if number == len(self._parts):
            kinds = (("prepare", "accept"), ("prepared",), ("accepted",))
            one, two, three = (
                intern(frozenset(m for m in local[6] if m[0] in kind))
                for intern, kind in zip(self._kinds, kinds, strict=True)
            )
            self._parts.append((one, (two, three)))
        return number


def _placed(values: tuple[int, ...], shuffle: tuple[int, ...]) -> tuple[int, ...]:
    moved = [0] * 3
    for at, value in enumerate(values):
        moved[shuffle[at]] = value
    return tuple(moved)


def _moved(follows: tuple[int, ...], shuffle: tuple[int, ...]) -> tuple[int, ...]:
    return _placed(tuple(shuffle[one] if one >= 0 else -1 for one in follows), shuffle)


def _noted(seen: tuple[Any, ...], event: Any) -> tuple[Any, ...]:
    return seen if event in seen else (*seen, event)


def _with(values: tuple[Any, ...], at: int, new: Any) -> tuple[Any, ...]:
    return (*values[:at], new, *values[at + 1 :])
