"""Lamport's Paxos with a set of messages that only grows, written as the engine likes it: an example, and a benchmark.

Three acceptors, two values, quorums of two. A message names its sender, so the set is split among those who send: what
a leader has sent is one part of a state, and what an acceptor has sent belongs to the state of that acceptor. Each part
is interned, so a state is four small numbers. What a part does next depends on few others, and is worked out once.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from simulator.worlds.exhaustive.actors import Interner
from simulator.worlds.exhaustive.model import Model, Property, always

VALUES = (0, 1)
NONE = (-1, -1)

Vote = tuple[int, int]
"""Ballot and value."""
Leader = tuple[frozenset[int], frozenset[Vote]]
"""The ballots of the 1a messages, and the ballots and values of the 2a messages."""
Acceptor = tuple[int, Vote, frozenset[tuple[int, Vote]], frozenset[Vote]]
"""The highest ballot seen, the last vote, the votes that 1b messages told at which ballot, and those of 2b messages."""
Numbers = tuple[int, int, int, int]
Step = tuple[str, int, int, int]
"""The phase, the acceptor (-1: the leader), the ballot, and the value (-1: none)."""


class LamportPaxos(Model[Numbers, Step]):
    """A state is the number of what was sent by leaders, and of each acceptor."""

    def __init__(self, ballots: int) -> None:
        self.ballots = range(ballots)
        self.leaders: Interner[Leader] = Interner()
        self.acceptors: Interner[Acceptor] = Interner()
        self._answers: Interner[frozenset[tuple[int, Vote]]] = Interner()
        self._answer_of: list[int] = []  # By the number of an acceptor: that of its 1b messages.
        self._led: dict[Numbers, list[tuple[Step, int]]] = {}
        self._heard: list[tuple[_Heard, _Heard, _Heard]] = []  # By the number of the leader.
        self._agrees: dict[Numbers, bool] = {}
        self._votes: Interner[frozenset[Vote]] = Interner()
        self._votes_of: list[int] = []  # By the number of an acceptor: that of its 2b messages.

    def first(self) -> Iterator[Numbers]:
        """Nothing is sent."""
        empty = self._acceptor((-1, NONE, frozenset(), frozenset()))
        yield self._leader((frozenset(), frozenset())), empty, empty, empty

    def steps(self, state: Numbers) -> list[tuple[Step, Numbers]]:
        """What a leader sends, and what each acceptor does with one message."""
        leader, one, two, three = state
        led, heard = self._led_in(state), self._heard[leader]
        found = [(step, (new, one, two, three)) for step, new in led] if led else []
        if those := heard[0][one]:
            found += [(step, (leader, new, two, three)) for step, new in those]
        if those := heard[1][two]:
            found += [(step, (leader, one, new, three)) for step, new in those]
        if those := heard[2][three]:
            found += [(step, (leader, one, two, new)) for step, new in those]
        return found

    def states_after(self, state: Numbers) -> list[Numbers]:
        """The same without the names of the steps."""
        leader, one, two, three = state
        led, heard = self._led_in(state), self._heard[leader]
        found = [(new, one, two, three) for _, new in led] if led else []
        if those := heard[0][one]:
            found += [(leader, new, two, three) for _, new in those]
        if those := heard[1][two]:
            found += [(leader, one, new, three) for _, new in those]
        if those := heard[2][three]:
            found += [(leader, one, two, new) for _, new in those]
        return found

    fingerprint = staticmethod(hash)  # type: ignore[assignment]

    def properties(self) -> list[Property[Numbers]]:
        """No two values are chosen."""
        return [always("agreement", self.agrees)]

    def agrees(self, state: Numbers) -> bool:
        """True when no two values are chosen, each by the votes of two acceptors at one ballot."""
        of = self._votes_of
        key = 0, of[state[1]], of[state[2]], of[state[3]]
        known = self._agrees.get(key)
        if known is None:
            votes = [self._votes.values[number] for number in key[1:]]
            chosen = {value for one, other in combinations(votes, 2) for _, value in one & other}
            known = self._agrees[key] = len(chosen) < 2
        return known

    def _led_in(self, state: Numbers) -> list[tuple[Step, int]]:
        leader, one, two, three = state
        of = self._answer_of
        key = leader, of[one], of[two], of[three]
        led = self._led.get(key)
        if led is None:
            led = self._led[key] = list(self._lead(key))
        return led

    def _acceptor(self, acceptor: Acceptor) -> int:
        number = self.acceptors(acceptor)
        if number == len(self._answer_of):
            self._answer_of.append(self._answers(acceptor[2]))
            self._votes_of.append(self._votes(acceptor[3]))
        return number

    def _leader(self, leader: Leader) -> int:
        number = self.leaders(leader)
        if number == len(self._heard):
            self._heard.append((_Heard(self, 0, number), _Heard(self, 1, number), _Heard(self, 2, number)))
        return number

    def _lead(self, key: Numbers) -> Iterator[tuple[Step, int]]:
        """Phases 1a and 2a: one 2a message a ballot, with a value that a quorum's answers allow."""
        asked, proposed = self.leaders.values[key[0]]
        answers = [dict(self._answers.values[number]) for number in key[1:]]
        for ballot in self.ballots:
            if ballot not in asked:
                yield ("1a", -1, ballot, -1), self._leader((asked | {ballot}, proposed))
            if any(at == ballot for at, _ in proposed):
                continue
            quorums = [pair for pair in combinations(answers, 2) if all(ballot in one for one in pair)]
            last = [max(one[ballot] for one in pair) for pair in quorums]
            for value in VALUES:
                if any(vote in {NONE, (vote[0], value)} for vote in last):
                    yield ("2a", -1, ballot, value), self._leader((asked, proposed | {(ballot, value)}))

    def hear(self, place: int, leader: int, number: int) -> Iterator[tuple[Step, int]]:
        """Phases 1b and 2b: an acceptor takes one of the leader's messages."""
        asked, proposed = self.leaders.values[leader]
        highest, vote, answers, votes = self.acceptors.values[number]
        for ballot in sorted(asked):
            if ballot > highest:
                after = ballot, vote, answers | {(ballot, vote)}, votes
                yield ("1b", place, ballot, -1), self._acceptor(after)
        for ballot, value in sorted(proposed):
            if ballot >= highest and (ballot, value) not in votes:
                after = ballot, (ballot, value), answers, votes | {(ballot, value)}
                yield ("2b", place, ballot, value), self._acceptor(after)


class _Heard(dict[int, list[tuple[Step, int]]]):
    """What an acceptor does when so much is sent by leaders, by its own number."""

    def __init__(self, model: LamportPaxos, place: int, leader: int) -> None:
        super().__init__()
        self._model, self._place, self._leader = model, place, leader

    def __missing__(self, number: int) -> list[tuple[Step, int]]:
        found = self[number] = list(self._model.hear(self._place, self._leader, number))
        return found
