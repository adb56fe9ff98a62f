"""Objects with keys, as sequential specifications: lists that grow, and registers read and written together."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from simulator.checks.linearizability.model import UNKNOWN, Model, State, frozen
from simulator.errors import InputError


class AppendList(Model):
    """append [k, v]; read [k, null] -> [k, [v, ...]]: one list a key, empty at first. The parts are the keys."""

    name = "append-list"
    keyed = True
    reads = frozenset({"read"})

    def initial(self, init: Any) -> State:
        """The list of one key."""
        if init is None:
            return ()
        if not isinstance(init, list):
            raise InputError(f"an append-list starts with an object of lists, such as {{}}, not with {init!r}.")
        return tuple(map(frozen, init))

    def prepare(self, f: str, arg: Any, result: Any) -> tuple[Any, Any]:
        """See `Model`. A part has one key, so the key is left out."""
        if f == "append":
            return frozen(arg[1]), result
        return None, result if result is UNKNOWN else tuple(map(frozen, result[1] or ()))

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        if f == "append":
            return True, (*state, arg)
        return result is UNKNOWN or result == state, state

    def shown(self, f: str, arg: Any, result: Any) -> State:
        """A read shows the whole state."""
        return result if f == "read" else UNKNOWN

    def reaches(self, state: State, goal: State) -> bool:
        """A list only grows at its end."""
        return goal[: len(state)] == state  # type: ignore[no-any-return]

    def part(self, f: str, arg: Any) -> Hashable:
        """The key."""
        return arg[0]  # type: ignore[no-any-return]  # A text or a number: `shapes` has checked it.

    def narrow(self, init: Any, part: Hashable) -> Any:
        """The list of one key. Keys in JSON are texts."""
        if init is None:
            return None
        if not isinstance(init, dict):
            raise InputError(f"an append-list starts with an object of lists, such as {{}}, not with {init!r}.")
        return init.get(part if isinstance(part, str) else str(part))


class MultiRegister(Model):
    """txn [["read" or "write", k, v or null], ...] -> the same with the values read. A key reads null at first.

    Some clients call a transaction that only reads a read, and one that only writes a write.

    All steps of a transaction take effect at one moment, in their order. A state is the tuple of (key, value) pairs of
    all keys whose value is not null, sorted.
    """

    name = "multi-register"

    def initial(self, init: Any) -> State:
        """An object of values by key."""
        if init is None:
            return ()
        if not isinstance(init, dict):
            raise InputError(f"a multi-register starts with an object of values, such as {{}}, not with {init!r}.")
        return _sorted({key: frozen(value) for key, value in init.items()})

    def prepare(self, f: str, arg: Any, result: Any) -> tuple[Any, Any]:
        """See `Model`."""
        return _steps(arg), result if result is UNKNOWN else _steps(result)

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        values = dict(state)
        for at, (kind, key, value) in enumerate(arg):
            if kind == "write":
                values[key] = value
            elif result is not UNKNOWN and result[at][2] != values.get(key):
                return False, state
        return True, _sorted(values)

    def pure(self, f: str, arg: Any, result: Any) -> bool:
        """A transaction that only reads."""
        return all(step[0] in _READS for step in arg)


_READS = ("read", "r")


def _steps(steps: Any) -> tuple[tuple[str, str, Any], ...]:
    """Each step as (kind, key, value); "r" and "w" are Jepsen's short forms. Keys in JSON objects are texts."""
    return tuple(("read" if kind in _READS else "write", str(key), frozen(value)) for kind, key, value in steps)


def _sorted(values: dict[str, Any]) -> State:
    return tuple(sorted((item for item in values.items() if item[1] is not None), key=lambda item: item[0]))
