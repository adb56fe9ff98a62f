"""Whole nodes as they were, so that one can take many different steps from one state.

A snapshot holds the contents of everything in a node that can change, object by object. To restore it is to put these
contents back into the same objects: that is ten times faster than to copy a node. So a node object is in one state at a
time, and whoever restores another one ends the former.
"""

from __future__ import annotations

import enum
import types
from array import array
from collections import deque
from collections.abc import Callable, Hashable, Iterable
from functools import partial
from operator import is_
from random import Random
from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

T = TypeVar("T", bound=Hashable)
Contents = Any
Put = Callable[[Any, Contents], None]


class Kind(NamedTuple):
    """How to deal with objects of a type: read their contents, put them back, and see what they refer to.

    `put` is None for what cannot change itself.
    """

    read: Callable[[Any], Contents]
    put: Put | None
    refers: Callable[[Contents], Iterable[object]]


class Snapshot(NamedTuple, Generic[T]):
    """A node as it was: itself, all of its objects that can change, and the contents of each."""

    node: T
    objects: tuple[tuple[object, Put], ...]
    contents: tuple[Contents, ...]


class Snapshots(Generic[T]):
    """`restore` makes of a node again what it was when `take` saw it."""

    def __init__(self) -> None:
        self._newest: dict[T, Snapshot[T]] = {}  # By node: what was taken or restored last.

    def take(self, node: T) -> Snapshot[T]:
        """The node, with its disk, as it is now."""
        before = self._newest.get(node)
        objects: list[tuple[object, Put]] = []
        contents: list[Contents] = []
        left: list[object] = [node]
        seen: set[int] = set()
        if before is not None:  # What did not change since then refers to nothing new.
            left, objects = [], list(before.objects)
            for (thing, _), was in zip(before.objects, before.contents, strict=True):
                seen.add(id(thing))
                kind = KINDS[type(thing)]
                assert kind is not None
                now = kind.read(thing)
                if _same(was, now):
                    contents.append(was)
                else:
                    contents.append(now)
                    left += kind.refers(now)
        passed: dict[int, object] = {}
        while left:
            thing = left.pop()
            kind = _kind(type(thing))
            if kind is None or id(thing) in seen:
                continue
            seen.add(id(thing))
            now = kind.read(thing)
            if kind.put is not None:
                objects.append((thing, kind.put))
                contents.append(now)
            else:
                passed[id(thing)] = thing  # Keep it for so long, that no other thing gets its id.
            left += kind.refers(now)
        self._newest[node] = taken = Snapshot(node, tuple(objects), tuple(contents))
        return taken

    def restore(self, snapshot: Snapshot[T]) -> T:
        """The node in the state that was taken; the state in which it was is gone."""
        for (thing, put), contents in zip(snapshot.objects, snapshot.contents, strict=True):
            put(thing, contents)
        self._newest[snapshot.node] = snapshot
        return snapshot.node


def _same(one: Contents, other: Contents) -> bool:
    """True when both hold the very same things in the same order."""
    if type(one) is not type(other) or len(one) != len(other):
        return False
    if type(one) is dict and not all(map(is_, one.values(), other.values())):
        return False
    return all(map(is_, one, other))


# What an object holds, by its type

ABSENT = object()
"""What stands for an attribute that is not set."""
PLAIN = (int, str, bytes, bool, float, type(None), range, type, BaseException, enum.Enum, types.BuiltinFunctionType)
"""Types of things that hold nothing that changes."""


def _put_dict(thing: dict[object, object], contents: dict[object, object]) -> None:
    if thing or contents:
        thing.clear()
        thing.update(contents)


def _put_list(thing: list[object], contents: tuple[object, ...]) -> None:
    if thing or contents:
        thing[:] = contents


def _put_set(thing: set[object], contents: tuple[object, ...]) -> None:
    if thing or contents:
        thing.clear()
        thing.update(contents)


def _put_deque(thing: deque[object], contents: tuple[object, ...]) -> None:
    if thing or contents:
        thing.clear()
        thing.extend(contents)


def _put_array(thing: array[Any], contents: tuple[Any, ...]) -> None:
    thing[:] = array(thing.typecode, contents)


def _put_bytes(thing: bytearray, contents: bytes) -> None:
    thing[:] = contents


def _put_attributes(thing: object, contents: dict[str, object]) -> None:
    now = thing.__dict__
    now.update(contents)
    if len(now) != len(contents):
        now.clear()
        now.update(contents)


def _put_cell(thing: types.CellType, contents: tuple[object]) -> None:
    (thing.cell_contents,) = contents


def _nothing(_contents: object) -> tuple[object, ...]:
    return ()


def _itself(contents: Any) -> Iterable[object]:
    referred: tuple[object, ...] = contents
    return referred


def _values(contents: dict[object, object]) -> Iterable[object]:
    return contents.values()


KINDS: dict[type, Kind | None] = {
    dict: Kind(dict, _put_dict, lambda contents: (*contents, *contents.values())),
    list: Kind(tuple, _put_list, _itself),
    set: Kind(tuple, _put_set, _itself),
    deque: Kind(tuple, _put_deque, _itself),
    array: Kind(tuple, _put_array, _nothing),
    bytearray: Kind(bytes, _put_bytes, _nothing),
    tuple: Kind(lambda thing: thing, None, _itself),
    frozenset: Kind(tuple, None, _itself),
    types.MethodType: Kind(lambda thing: (thing.__self__,), None, _itself),
    types.FunctionType: Kind(lambda thing: thing.__closure__ or (), None, _itself),
    types.CellType: Kind(lambda thing: (thing.cell_contents,), _put_cell, _itself),
    partial: Kind(lambda thing: (thing.func, *thing.args, *thing.keywords.values()), None, _itself),
}
"""By type; None: it holds nothing that changes. Other types are added when they are first met."""


def _kind(of: type) -> Kind | None:
    if of not in KINDS:
        KINDS[of] = _new_kind(of)
    return KINDS[of]


def _new_kind(of: type) -> Kind | None:
    if issubclass(of, PLAIN) or of is object:
        return None
    if issubclass(of, Random):
        return Kind(lambda thing: thing.getstate(), lambda thing, contents: thing.setstate(contents), _nothing)
    slots, attributes = _slots(of), bool(getattr(of, "__dictoffset__", 0))
    base = next((KINDS[one] for one in (dict, list, set, deque, tuple, frozenset) if issubclass(of, one)), None)
    if base is not None and not slots:
        return _with_attributes(base) if attributes else base  # An OrderedDict, a named tuple, and the like.
    if issubclass(of, msgspec.Struct):
        frozen = of.__struct_config__.frozen
        return Kind(_reader(of.__struct_fields__), None if frozen else _writer(of.__struct_fields__), _itself)
    if base is None and attributes and not slots:
        return Kind(lambda thing: thing.__dict__.copy(), _put_attributes, _values)
    if base is None and slots and not attributes:
        return Kind(_reader(slots), _writer(slots), _itself)
    raise TypeError(f"a node holds a {of.__name__}, of which no snapshot can be taken")


def _with_attributes(base: Kind) -> Kind:
    def put(thing: Any, contents: tuple[Contents, dict[str, object]]) -> None:
        if base.put is not None:
            base.put(thing, contents[0])
        _put_attributes(thing, contents[1])

    return Kind(
        lambda thing: (base.read(thing), thing.__dict__.copy()),
        put,
        lambda contents: (*base.refers(contents[0]), *contents[1].values()),
    )


def _slots(of: type) -> tuple[str, ...]:
    names = [one.__dict__.get("__slots__", ()) for one in of.__mro__]
    return tuple(name for each in names for name in ((each,) if isinstance(each, str) else each) if name != "__dict__")


def _reader(names: tuple[str, ...]) -> Callable[[Any], Contents]:
    absent: Any = ABSENT

    def read(thing: object) -> Contents:
        return tuple([getattr(thing, name, absent) for name in names])

    return read


def _writer(names: tuple[str, ...]) -> Put:
    def put(thing: object, contents: tuple[object, ...]) -> None:
        for name, value in zip(names, contents, strict=True):
            if value is not ABSENT:
                setattr(thing, name, value)
            elif hasattr(thing, name):
                delattr(thing, name)

    return put
