"""Lamport's Voting, and Paxos with a set of messages that only grows: three acceptors, two values (`models.md`)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

from simulator.worlds.exhaustive.model import Model

ACCEPTORS = (0, 1, 2)
VALUES = (0, 1)
QUORUMS = tuple(combinations(ACCEPTORS, 2))

Votes = tuple[frozenset[tuple[int, int]], ...]


class Voting(Model[tuple[Votes, tuple[int, ...]], tuple[Any, ...]]):
    """A state is the votes of each acceptor, as (ballot, value), and its highest ballot."""

    def __init__(self, ballots: int) -> None:
        self.ballots = range(ballots)

    def first(self) -> Iterator[tuple[Votes, tuple[int, ...]]]:
        """No votes."""
        yield (frozenset(),) * 3, (-1,) * 3

    def steps(self, state: tuple[Votes, tuple[int, ...]]) -> Iterator[Any]:
        """An acceptor raises its highest ballot, or votes."""
        votes, highest = state
        for acceptor, ballot in product(ACCEPTORS, self.ballots):
            if ballot > highest[acceptor]:
                yield ("raise", acceptor, ballot), (votes, _with(highest, acceptor, ballot))
            if ballot < highest[acceptor] or any(voted == ballot for voted, _ in votes[acceptor]):
                continue
            for value in VALUES:
                others = {v for one in votes for b, v in one if b == ballot}
                if others <= {value} and any(self.shows_safe(state, quorum, ballot, value) for quorum in QUORUMS):
                    after = _with(votes, acceptor, votes[acceptor] | {(ballot, value)})
                    yield ("vote", acceptor, ballot, value), (after, _with(highest, acceptor, ballot))

    @staticmethod
    def shows_safe(state: Any, quorum: tuple[int, ...], ballot: int, value: int) -> bool:
        """All in the quorum are at this ballot, and at the highest one at which any has voted, it was for `value`."""
        votes, highest = state
        if any(highest[acceptor] < ballot for acceptor in quorum):
            return False
        below = [vote for acceptor in quorum for vote in votes[acceptor] if vote[0] < ballot]
        return not below or (max(below)[0], value) in below


class PaxosTiny(Model[tuple[Any, ...], tuple[Any, ...]]):
    """A state is (highest ballot, ballot voted, value voted) of each acceptor, and the messages."""

    def __init__(self, ballots: int) -> None:
        self.ballots = range(ballots)

    def first(self) -> Iterator[tuple[Any, ...]]:
        """No messages."""
        yield ((-1, -1, -1),) * 3, frozenset()

    def steps(self, state: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], tuple[Any, ...]]]:
        """Phases 1a, 2a, 1b and 2b."""
        acceptors, sent = state
        for ballot in self.ballots:
            yield ("1a", ballot), (acceptors, sent | {("1a", ballot)})
            if not any(message[:2] == ("2a", ballot) for message in sent):
                for value in VALUES:
                    if any(self.may_propose(sent, quorum, ballot, value) for quorum in QUORUMS):
                        yield ("2a", ballot, value), (acceptors, sent | {("2a", ballot, value)})
        for message, number in product(sent, ACCEPTORS):
            highest, voted, value = acceptors[number]
            kind, ballot = message[:2]
            if kind == "1a" and ballot > highest:
                answer = ("1b", ballot, number, voted, value)
                yield ("1b", number, ballot), (_with(acceptors, number, (ballot, voted, value)), sent | {answer})
            if kind == "2a" and ballot >= highest:
                after = _with(acceptors, number, (ballot, ballot, message[2]))
                yield ("2b", number, ballot), (after, sent | {("2b", ballot, number, message[2])})

    @staticmethod
    def may_propose(sent: frozenset[Any], quorum: tuple[int, ...], ballot: int, value: int) -> bool:
        """All in the quorum have answered, and the value is that of the highest ballot voted, or none voted."""
        answers = [m for m in sent if m[0] == "1b" and m[1] == ballot and m[2] in quorum]
        if {m[2] for m in answers} != set(quorum):
            return False
        voted = [m[3:] for m in answers if m[3] >= 0]
        return not voted or (max(voted)[0], value) in voted


def _with(values: tuple[Any, ...], at: int, new: Any) -> tuple[Any, ...]:
    return (*values[:at], new, *values[at + 1 :])
