"""The messages of a long trace lie in a file, and are found there."""

from __future__ import annotations

from io import BytesIO
from random import Random

from paxos.ballot import Ballot
from paxos.messages import AnyMessage, Decide
from simulator.trace.message_store import MessageStore


def message(number: int) -> AnyMessage:
    """A message that no other number has."""
    return Decide(sender=1, ballot=Ballot(number, 1), decided=number)


def test_old_messages_are_found_in_the_file() -> None:
    """In any order, again and again; a number that was never sent is nowhere."""
    store, dice = MessageStore(BytesIO(), newest=3), Random(1)
    numbers = [*range(1, 40), 90, 60]
    for number in numbers:
        store.put(number, message(number))

    for number in dice.choices(numbers, k=100):
        assert store.get(number) == message(number)
    assert [store.get(number) for number in (0, 41, 91, -1, 1 << 52)] == [None] * 5


def test_the_newest_message_of_a_number_counts() -> None:
    """A trace from anybody may give a number twice."""
    store = MessageStore(BytesIO(), newest=2)
    for number, sent in ((1, 1), (2, 2), (3, 3), (1, 7), (4, 4), (5, 5), (6, 6)):
        store.put(number, message(sent))

    assert store.get(1) == message(7)


def test_a_number_far_above_the_others_takes_no_room() -> None:
    """An index up to it would take petabytes."""
    store = MessageStore(BytesIO(), newest=1)
    for number in (1 << 52, -5, 1, 2):
        store.put(number, message(7))

    assert [store.get(number) for number in (1 << 52, -5, 1, 2, 3)] == [message(7)] * 4 + [None]
