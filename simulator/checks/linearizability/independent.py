"""Many objects in one history, as Jepsen's `independent` records them: every value is a pair of a key and a value.

An operation without an argument, such as a read, has the pair [key, null]; in a history of one object it has null. So
the form is recognised where there is such an operation and all values are pairs.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

from simulator.checks.linearizability.model import frozen
from simulator.checks.linearizability.operations import Operations

NO_ARGUMENT = frozenset({"read", "dequeue", "pop", "delete-min", "acquire", "release"})


def has_keys(operations: Operations) -> bool:
    """Whether the history is about many objects."""
    pairs = False
    for f, arg in zip(operations.f, operations.arg, strict=True):
        if not isinstance(arg, list) or len(arg) != 2 or isinstance(arg[0], list | dict):
            return False
        if f in NO_ARGUMENT:
            if arg[1] is not None:
                return False
            pairs = True
    return pairs


def split_keys(operations: Operations) -> list[Hashable]:
    """Take the keys out of arguments and results; returns the key of each operation."""
    keys: list[Hashable] = []
    for number, (key, arg) in enumerate(operations.arg):
        result = operations.result[number]
        if isinstance(result, list) and len(result) == 2 and result[0] == key:
            operations.result[number] = result[1]
        operations.arg[number] = arg
        keys.append(frozen(key))
    return keys


def narrowed(init: Any, key: Hashable) -> Any:
    """The first value of one object: of a map of values by key, its own; else the same for all."""
    return init.get(str(key)) if isinstance(init, Mapping) and key is not None else init
