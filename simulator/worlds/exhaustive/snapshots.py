"""Whole nodes as bytes, so that one can take many different steps from one state.

Classes, errors and frozen structs are shared, not copied: they never change, and a node with a broken rule has classes
that no module holds.
"""

from __future__ import annotations

import io
import pickle

import msgspec

from simulator.node.node import Node

COPIED = frozenset((int, str, bytes, bool, type(None), tuple, list, dict, set, frozenset))
"""Types of things that are never shared: they are asked for most often."""


class Snapshots:
    """`take` and `restore` are inverse to each other, within this process."""

    def __init__(self) -> None:
        self._shared: list[object] = []
        self._places: dict[object, int] = {}

    def take(self, node: Node) -> bytes:
        """The node, with its disk, as bytes."""
        stream = io.BytesIO()
        _Writer(stream, self._shared, self._places).dump(node)
        return stream.getvalue()

    def restore(self, snapshot: bytes) -> Node:
        """A node of its own in the state that was taken."""
        node: Node = _Reader(io.BytesIO(snapshot), self._shared).load()
        return node


class _Writer(pickle.Pickler):
    def __init__(self, stream: io.BytesIO, shared: list[object], places: dict[object, int]) -> None:
        super().__init__(stream, pickle.HIGHEST_PROTOCOL)
        self._shared = shared
        self._places = places

    def persistent_id(self, thing: object) -> int | None:
        if type(thing) in COPIED:
            return None
        fixed = isinstance(thing, (type, BaseException)) or (isinstance(thing, msgspec.Struct) and _is_frozen(thing))
        if not fixed:
            return None
        try:
            key = (type(thing), thing)
            place = self._places.get(key)
        except TypeError:
            return None  # It holds a list: copy it.
        if place is None:
            place = self._places[key] = len(self._shared)
            self._shared.append(thing)
        return place


class _Reader(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO, shared: list[object]) -> None:
        super().__init__(stream)
        self._shared = shared

    def persistent_load(self, place: int) -> object:
        return self._shared[place]


def _is_frozen(thing: msgspec.Struct) -> bool:
    return thing.__struct_config__.frozen
