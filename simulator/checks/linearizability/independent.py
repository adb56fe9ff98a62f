"""Histories of many objects: each is judged alone, because a history is linearizable if and only if each object's is.

Jepsen's `independent` records them as pairs: every value is a pair of a key and a value. An operation without an
argument, such as a read, has the pair [key, null]; in a history of one object it has null. So the form is recognised
where there is such an operation and all values are pairs.

A set whose elements are asked for one by one, and which is never read as a whole, is many objects too: its elements. So
are registers that no transaction uses together.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from enum import Enum
from typing import Any

from simulator.checks.linearizability.keyed import MultiRegister
from simulator.checks.linearizability.model import Model, frozen
from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.registers import ReadableSet

NO_ARGUMENT = frozenset({"read", "dequeue", "pop", "delete-min", "acquire", "release"})


class Objects(Enum):
    """What the objects of a history are."""

    PARTS = "the parts that the model names"
    KEYS = "the keys of pairs"
    ELEMENTS = "the elements of a set"
    REGISTERS = "registers that transactions use together"

    @staticmethod
    def of(operations: Operations, model: Model) -> Objects:
        """How a history of this model is split."""
        if not model.keyed and has_keys(operations):
            return Objects.KEYS
        if type(model) is ReadableSet and "read" not in operations.f:
            return Objects.ELEMENTS
        return Objects.REGISTERS if type(model) is MultiRegister else Objects.PARTS

    def split(self, operations: Operations) -> list[Hashable] | None:
        """The object of each operation; None for the parts of the model. Keys are taken out of the operations."""
        if self is Objects.KEYS:
            return split_keys(operations)
        if self is Objects.ELEMENTS:
            return list(map(frozen, operations.arg))
        return together(operations) if self is Objects.REGISTERS else None

    def first(self, model: Model, init: Any, part: Hashable) -> Any:
        """The first value of one object."""
        if self in {Objects.PARTS, Objects.REGISTERS} or part is None:
            return model.narrow(init, part)
        if self is Objects.KEYS:
            return init.get(str(part)) if isinstance(init, Mapping) else init
        model.initial(init)
        return [one for one in init or () if frozen(one) == part]


def has_keys(operations: Operations) -> bool:
    """Whether the history is about many objects."""
    return are_pairs(zip(operations.f, operations.arg, strict=True))


def are_pairs(calls: Iterable[tuple[str, Any]]) -> bool:
    """Whether the arguments of these operations are pairs of a key and the argument proper."""
    pairs = False
    for f, arg in calls:
        if not isinstance(arg, list) or len(arg) != 2 or isinstance(arg[0], list | dict):
            return False
        if f in NO_ARGUMENT:
            if arg[1] is not None:
                return False
            pairs = True
        elif f == "txn":
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


def together(operations: Operations) -> list[Hashable]:
    """For each transaction one of the registers that are used together with its own, the same for all of them."""
    linked: dict[str, str] = {}

    def root_of(key: str) -> str:
        root = key
        while linked.setdefault(root, root) != root:
            root = linked[root]
        while linked[key] != root:
            linked[key], key = root, linked[key]
        return root

    for steps in operations.arg:
        for step in steps[1:]:
            linked[root_of(str(step[1]))] = root_of(str(steps[0][1]))
    return [root_of(str(steps[0][1])) if steps else "" for steps in operations.arg]
