"""Models of actors that send each other messages: each delivery is a step, in every order.

A state is a tuple of small numbers: one for each actor's state, then one for each message on its way, sorted, because
the network is a bag. The states of actors and the messages are *interned*, and what an actor does is *memoised*: with
the same state and message it does the same, so each pair is computed once. Everything else is tuples and sets.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeVar

import msgspec

from simulator.worlds.exhaustive.model import Model, Spread

T = TypeVar("T", bound=Hashable)
M = TypeVar("M", bound=Hashable)

Numbers = tuple[int, ...]
Delivery = tuple[str, int, int, object]
"""("deliver", from, to, message)."""


class Interner(Generic[T]):
    """Gives each value a number, from 0, in the order in which they first come."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[T, int] = {}

    def __call__(self, value: T) -> int:
        """The number of `value`."""
        number = self._numbers.get(value)
        if number is None:
            number = self._numbers[value] = len(self.values)
            self.values.append(value)
        return number

    def take_up(self, values: Iterable[T]) -> None:
        """Have these values, in this order, instead of all others."""
        self.values[:] = values
        self._numbers = {value: number for number, value in enumerate(self.values)}


Sends = Sequence[tuple[int, M]]
"""Messages, each with the place of its receiver."""


class Actors(Model[Numbers, Delivery], Generic[T, M]):
    """Override `begin` and `receive`, which are pure functions. Actors have places from 0 to `size` - 1.

    A delivery that changes nothing is no step: the message stays where it is. A search that is kept in a folder keeps
    which deliveries were computed, in order; another process computes them again, so they must not depend on it (as the
    order of a set of words does).
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self.actors: Interner[T] = Interner()
        self.messages: Interner[tuple[int, int, M]] = Interner()
        self._computed: list[tuple[int, int]] = []  # Each message and state of its receiver, in order.
        self._names: list[Delivery] = []
        self._after: list[dict[int, tuple[int, Numbers] | None]] = []  # By message, then by state of the receiver.

    @abstractmethod
    def begin(self, place: int) -> tuple[T, Sends[M]]:
        """The first state of an actor, and what it sends first."""

    @abstractmethod
    def receive(self, place: int, state: T, source: int, message: M) -> tuple[T, Sends[M]] | None:
        """The state after a message, and what is sent; None when the message changes nothing."""

    # The model

    def first(self) -> Iterable[Numbers]:
        """See `Model`."""
        begun = [self.begin(place) for place in range(self.size)]
        sent = [number for place, (_, sends) in enumerate(begun) for number in self._send(place, sends)]
        yield (*(self.actors(state) for state, _ in begun), *sorted(sent))

    def steps(self, state: Numbers) -> Iterable[tuple[Delivery, Numbers]]:
        """See `Model`."""
        size, after, names, last = self.size, self._after, self._names, -1
        found: list[tuple[Delivery, Numbers]] = []
        for at in range(size, len(state)):
            number = state[at]
            if number == last:
                continue
            last = number
            name = names[number]
            place = name[2]
            own = state[place]
            try:
                done = after[number][own]
            except KeyError:
                done = self._deliver(number, own)
            if done is None:
                continue
            new, sent = done
            bag = state[size:at] + state[at + 1 :] + sent
            if sent:
                bag = tuple(sorted(bag))
            found.append((name, (*state[:place], new, *state[place + 1 : size], *bag)))
        return found

    def fingerprint(self, state: Numbers) -> int:
        """See `Model`."""
        return hash(state)

    def numbering(self) -> bytes:
        """See `Model`."""
        return msgspec.msgpack.encode(self._computed)

    def resume(self, numbering: bytes) -> None:
        """See `Model`."""
        computed = msgspec.msgpack.decode(numbering, type=list[tuple[int, int]])
        list(self.first())
        for number, own in computed:
            if not (0 <= number < len(self._names) and 0 <= own < len(self.actors.values)):
                raise ValueError("it names messages or actors that this model does not have")
            if own not in self._after[number]:
                self._deliver(number, own)

    # Several processes

    steps_in_parallel = True

    def work_ahead(self, states: Sequence[Numbers], spread: Spread) -> None:
        """See `Model`: the deliveries that are not yet known are found by all, and computed here, in order."""
        for part in spread(self._unknown, states):
            for number, own in msgspec.msgpack.decode(part, type=list[tuple[int, int]]):
                if own not in self._after[number]:
                    self._deliver(number, own)

    def _unknown(self, states: Sequence[Numbers]) -> bytes:
        found: dict[tuple[int, int], None] = {}
        after, names = self._after, self._names
        for state in states:
            for number in state[self.size :]:
                own = state[names[number][2]]
                if own not in after[number]:
                    found[number, own] = None
        return msgspec.msgpack.encode(list(found))

    # Reading a state

    def actor(self, state: Numbers, place: int) -> T:
        """The state of one actor."""
        return self.actors.values[state[place]]

    def on_the_way(self, state: Numbers) -> list[tuple[int, int, M]]:
        """All messages on their way: from, to, message."""
        return [self.messages.values[number] for number in state[self.size :]]

    def _deliver(self, number: int, own: int) -> tuple[int, Numbers] | None:
        source, place, message = self.messages.values[number]
        done = self.receive(place, self.actors.values[own], source, message)
        result = None if done is None else (self.actors(done[0]), tuple(self._send(place, done[1])))
        self._after[number][own] = result
        self._computed.append((number, own))
        return result

    def _send(self, source: int, sends: Sends[M]) -> list[int]:
        numbers = []
        for to, message in sends:
            number = self.messages((source, to, message))
            if number == len(self._names):
                self._names.append(("deliver", source, to, message))
                self._after.append({})
            numbers.append(number)
        return numbers
