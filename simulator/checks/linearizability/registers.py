"""Registers, a store of texts by key, a mutex and a set, as sequential specifications."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from simulator.checks.linearizability.model import UNKNOWN, Model, State, frozen
from simulator.errors import InputError


class Register(Model):
    """read null -> v, write v -> v."""

    name = "register"
    reads = frozenset({"read"})

    def initial(self, init: Any) -> State:
        """Any JSON value."""
        return frozen(init)

    def prepare(self, f: str, arg: Any, result: Any) -> tuple[Any, Any]:
        """See `Model`."""
        return frozen(arg), frozen(result)

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        if f == "read":
            return result is UNKNOWN or result == state, state
        return True, arg

    def blind(self, f: str) -> bool:
        """See `Model`."""
        return f == "write"

    def shown(self, f: str, arg: Any, result: Any) -> State:
        """A read shows the whole state."""
        return result if f == "read" else UNKNOWN


class CasRegister(Register):
    """A register with cas [from, to] -> [from, to], or false when it did not hold `from`."""

    name = "cas-register"

    def prepare(self, f: str, arg: Any, result: Any) -> tuple[Any, Any]:
        """See `Model`."""
        if f == "cas":
            return (frozen(arg[0]), frozen(arg[1])), result
        return frozen(arg), frozen(result)

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        if f == "cas":
            swaps = state == arg[0]
            return result is UNKNOWN or swaps is (result is not False), arg[1] if swaps else state
        if f == "read":
            return result is UNKNOWN or result == state, state
        return True, arg

    def pure(self, f: str, arg: Any, result: Any) -> bool:
        """A failed cas changes nothing."""
        return f == "read" or (f == "cas" and result is False)


class KeyValue(Model):
    """get [k, null] -> [k, s], put [k, s], append [k, s]: one text a key, "" at first. The parts are the keys."""

    name = "kv"
    keyed = True
    reads = frozenset({"get"})

    def initial(self, init: Any) -> State:
        """The text of one key."""
        if init is None:
            return ""
        if not isinstance(init, str):
            raise InputError(f"a kv starts with an object of texts, such as {{}}, not with {init!r}.")
        return init

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`. A part has one key, so the key is ignored."""
        if f == "get":
            return result is UNKNOWN or (result[1] or "") == state, state
        return True, arg[1] if f == "put" else state + arg[1]

    def blind(self, f: str) -> bool:
        """See `Model`."""
        return f == "put"

    def shown(self, f: str, arg: Any, result: Any) -> State:
        """A get shows the whole state."""
        return UNKNOWN if f != "get" or result is UNKNOWN else result[1] or ""

    def reaches(self, state: State, goal: State) -> bool:
        """Without a put, a text only grows at its end."""
        return goal.startswith(state)  # type: ignore[no-any-return]

    def part(self, f: str, arg: Any) -> Hashable:
        """The key."""
        return arg[0]  # type: ignore[no-any-return]  # A text or a number: `shapes` has checked it.

    def narrow(self, init: Any, part: Hashable) -> Any:
        """The text of one key. Keys in JSON are texts."""
        if init is None or init == {}:
            return None
        if not isinstance(init, dict):
            raise InputError(f"a kv starts with an object of texts, such as {{}}, not with {init!r}.")
        return init.get(part if isinstance(part, str) else str(part))


class Mutex(Model):
    """acquire, release: illegal when held, or free. Any process may release."""

    name = "mutex"

    def initial(self, init: Any) -> State:
        """True when it starts held. By default it starts free."""
        if init is not None and not isinstance(init, bool):
            raise InputError(f"a mutex starts with false (free) or true (held), not with {init!r}.")
        return bool(init)

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        acquires = f == "acquire"
        return state is not acquires, acquires


class ReadableSet(Model):
    """add v, remove v, read -> all elements, contains v -> whether it is in.

    An add or a remove that returns true or false tells whether it changed the set; any other result tells nothing.

    It has no parts: a read sees all elements at one moment. Elements that are correct one by one can be wrong together,
    for example when one reader sees only a, and the next only b. Without such reads each element is an object of its
    own (`independent.py`).
    """

    name = "set"
    reads = frozenset({"read", "contains"})

    def initial(self, init: Any) -> State:
        """A list of its elements."""
        if init is not None and not isinstance(init, list):
            raise InputError(f"a set starts with a list of its elements, such as [], not with {init!r}.")
        return frozenset(map(frozen, init or ()))

    def prepare(self, f: str, arg: Any, result: Any) -> tuple[Any, Any]:
        """See `Model`."""
        if f in {"add", "remove"} and result is not UNKNOWN:
            return frozen(arg), result if isinstance(result, bool) and not isinstance(arg, bool) else None
        return frozen(arg), list(map(frozen, result)) if isinstance(result, list) else result

    def pure(self, f: str, arg: Any, result: Any) -> bool:
        """An add or remove that changed nothing."""
        return f in self.reads or result is False

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        if f == "read":
            return result is UNKNOWN or (len(result) == len(state) and state == frozenset(result)), state
        there = arg in state
        if f == "contains":
            return result is UNKNOWN or result is there, state
        if f == "add":
            return result in {UNKNOWN, None} or result is not there, state if there else state | {arg}
        return result in {UNKNOWN, None} or result is there, state - {arg} if there else state
