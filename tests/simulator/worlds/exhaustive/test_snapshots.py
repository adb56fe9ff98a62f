"""A snapshot puts back all that a step has changed, in the same objects."""

from __future__ import annotations

from array import array
from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from functools import partial
from random import Random
from typing import Any

import msgspec
import pytest

from simulator.worlds.exhaustive.snapshots import Snapshots


class Part(msgspec.Struct):
    """A struct that can change."""

    number: int
    names: list[str]


class Box(msgspec.Struct, frozen=True):
    """A struct that cannot change, with something in it that can."""

    names: list[str]


class Slotted:
    """No dictionary of attributes."""

    __slots__ = ("one", "two")
    one: list[int]
    two: int


class Root:
    """One of each kind."""

    def __init__(self) -> None:
        self.number = 1
        self.dict: dict[str, object] = {"a": 1, "b": [1, 2]}
        self.ordered = OrderedDict([("x", 1), ("y", 2)])
        self.list: list[object] = [1, (2, [3])]
        self.set = {1, 2}
        self.deque = deque([1, 2], maxlen=3)
        self.array = array("q", [1, 2])
        self.bytes = bytearray(b"ab")
        self.part = Part(1, ["a"])
        self.box = Box(["a"])
        self.slotted = Slotted()
        self.slotted.one = [1]
        self.count = counter()
        self.later = partial(self.list.append, {"a": 1})
        self.random = Random(1)
        self.me = self

    def seen(self) -> object:
        """All of it, as text."""
        slotted = (self.slotted.one, getattr(self.slotted, "two", None))
        own = {
            name: value
            for name, value in vars(self).items()
            if name not in {"me", "count", "later", "slotted", "random"}
        }
        return repr((sorted(own.items()), slotted, self.later.args, self.random.getstate()))


def counter() -> Callable[[], int]:
    """A function with something of its own to change."""
    number = 0

    def count() -> int:
        nonlocal number
        number += 1
        return number

    return count


CHANGES: list[Callable[[Any], object]] = [
    lambda root: setattr(root, "number", 2),
    lambda root: setattr(root, "new", [1]),
    lambda root: delattr(root, "number"),
    lambda root: root.dict.pop("a"),
    lambda root: root.dict["b"].append(3),
    lambda root: root.dict.update({"c": 1}),
    lambda root: root.ordered.move_to_end("x"),
    lambda root: root.list[1][1].clear(),
    lambda root: root.list.reverse(),
    lambda root: root.set.add(3),
    lambda root: root.deque.extend([3, 4]),
    lambda root: root.array.append(3),
    lambda root: root.bytes.extend(b"c"),
    lambda root: root.part.names.append("b"),
    lambda root: setattr(root.part, "number", 2),
    lambda root: root.box.names.append("b"),
    lambda root: setattr(root.slotted, "two", 2),
    lambda root: root.slotted.one.append(2),
    lambda root: setattr(root, "list", []),
    lambda root: root.later.args[0].clear(),
    lambda root: root.random.random(),
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_was_changed_is_put_back(change: Callable[[Root], object]) -> None:
    """Whatever it was, and also when it is changed again in the state after the change."""
    root, snapshots = Root(), Snapshots[Root]()
    objects = {id(value) for value in vars(root).values()}
    first, before = snapshots.take(root), root.seen()

    change(root)
    second, after = snapshots.take(root), root.seen()
    assert after != before

    for _ in range(2):
        assert snapshots.restore(first) is root
        assert root.seen() == before
        assert {id(value) for value in vars(root).values()} == objects
        snapshots.restore(second)
        assert root.seen() == after
        root.dict["b"] = {"other": 1}
        root.part.names = ["other"]


def test_a_function_counts_on_from_where_it_was() -> None:
    """What a function has changed outside of itself is part of a snapshot."""
    root, snapshots = Root(), Snapshots[Root]()
    first = snapshots.take(root)
    assert [root.count(), root.count()] == [1, 2]
    second = snapshots.take(root)
    snapshots.restore(first)
    assert root.count() == 1
    snapshots.restore(second)
    assert root.count() == 3


def test_what_cannot_be_put_back_is_an_error() -> None:
    """A step that depends on it would not be the same each time."""

    def numbers() -> Iterator[int]:
        yield 1

    root, snapshots = Root(), Snapshots[Root]()
    root.dict["numbers"] = numbers()
    with pytest.raises(TypeError, match="generator"):
        snapshots.take(root)
