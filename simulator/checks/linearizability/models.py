"""Sequential specifications: what each operation does to an object without concurrency.

A model is a few small functions over immutable, hashable states. `tests/histories/README.md` describes the operations.
The search (`search.py`) knows nothing else about an object, so a new model is one class here.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final, Literal, Protocol, cast

import msgspec

from simulator.errors import InputError

UNKNOWN: Final = object()
"""The result of a pending operation: any result would be legal."""

State = Any
"""The state of a model: immutable, hashable, and equal to another if no operation can distinguish them."""


class Model(Protocol):
    """One kind of object. `name` is its value of `--model`."""

    name: str

    def initial(self, init: Any) -> State:
        """The first state, from the JSON value of `--init` (None without it).

        Raises:
            InputError: there is no such first state.
        """

    def prepare(self, f: str, arg: Any, result: Any) -> tuple[Any, Any]:
        """Argument and result as `step` needs them: hashable where they become part of a state."""

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """Whether operation `f` may return `result` in `state`, and the state after it."""

    def pure(self, f: str, arg: Any, result: Any) -> bool:
        """True when the operation with this result never changes a state. A hint: False is always correct."""

    def blind(self, f: str) -> bool:
        """True when `f` is legal in every state and `arg` alone determines the next one. False is always correct."""

    def shown(self, f: str, arg: Any, result: Any) -> State:
        """The only state in which a pure operation can have this result. `UNKNOWN` is always correct."""

    def reaches(self, state: State, goal: State) -> bool:
        """False when no operations but blind ones lead from `state` to `goal`. A hint: True is always correct."""

    def part(self, f: str, arg: Any) -> Hashable:
        """The independent part of the object that the operation uses; each is checked alone (P-compositionality).

        None when the object has no parts. `initial` is called for each part, with `init` narrowed by `narrow`.
        """

    def narrow(self, init: Any, part: Hashable) -> Any:
        """The first value of one part."""


class _Whole:
    """Defaults: no parts and no hints."""

    def prepare(self, f: str, arg: Any, result: Any) -> tuple[Any, Any]:
        return arg, result

    def pure(self, f: str, arg: Any, result: Any) -> bool:
        return f == "read"

    def blind(self, f: str) -> bool:
        return False

    def shown(self, f: str, arg: Any, result: Any) -> State:
        return UNKNOWN

    def reaches(self, state: State, goal: State) -> bool:
        return True

    def part(self, f: str, arg: Any) -> Hashable:
        return None

    def narrow(self, init: Any, part: Hashable) -> Any:
        return init


class Register(_Whole):
    """read null -> v, write v -> v."""

    name = "register"

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


class KeyValue(_Whole):
    """get [k, null] -> [k, s], put [k, s], append [k, s]: one text a key, "" at first. The parts are the keys."""

    name = "kv"

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

    def pure(self, f: str, arg: Any, result: Any) -> bool:
        """See `Model`."""
        return f == "get"

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


class Mutex(_Whole):
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


class ReadableSet(_Whole):
    """add v, remove v, read -> all elements.

    It has no parts: a read sees all elements at one moment. Elements that are correct one by one can be wrong together,
    for example when one reader sees only a, and the next only b.
    """

    name = "set"

    def initial(self, init: Any) -> State:
        """A list of its elements."""
        if init is not None and not isinstance(init, list):
            raise InputError(f"a set starts with a list of its elements, such as [], not with {init!r}.")
        return frozenset(map(frozen, init or ()))

    def prepare(self, f: str, arg: Any, result: Any) -> tuple[Any, Any]:
        """See `Model`."""
        return frozen(arg), list(map(frozen, result)) if isinstance(result, list) else result

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        if f == "read":
            return result is UNKNOWN or (len(result) == len(state) and state == frozenset(result)), state
        if f == "add":
            return True, state if arg in state else state | {arg}
        return True, state - {arg} if arg in state else state


class PlainBlog(_Whole):
    """The blog as a model for the search: correct, but far too slow on busy histories, which `blog_sweep.py` checks.

    A state is the sequence of all writes that took effect: (f, user, title, content).
    """

    name = "blog"

    def initial(self, init: Any) -> State:
        """The writes already on the chain: a list of [f, user, title, content]."""
        state: State = ()
        for f, *arg in self.writes(init):
            state = self.step(state, f, arg, UNKNOWN)[1]
        return state

    @staticmethod
    def writes(init: Any) -> list[tuple[str, str, str, str]]:
        """The writes that `init` lists.

        Raises:
            InputError: it is not such a list.
        """
        try:
            found = msgspec.convert(
                [] if init is None else init, list[tuple[Literal["post", "comment"], str, str, str]]
            )
        except msgspec.ValidationError as error:
            raise InputError(f"a blog starts with a list of writes, each [f, user, title, content]: {error}.") from None
        return cast("list[tuple[str, str, str, str]]", found)

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        if f in {"post", "comment"}:
            user, title, content = arg
            there = any(kind == "post" and title == taken for kind, _, taken, _ in state)
            if there is (f == "post"):
                refusal = "duplicate title" if there else "cannot comment"
                return result is UNKNOWN or result == refusal, state
            return result is UNKNOWN or result == "ok", (*state, (f, user, title, content))
        return result is UNKNOWN or result == self._view(state, f, arg), state

    def pure(self, f: str, arg: Any, result: Any) -> bool:
        """A view, or a write that was refused."""
        return f not in {"post", "comment"} or result in {"duplicate title", "cannot comment"}

    @staticmethod
    def _view(state: State, f: str, arg: Any) -> Any:
        if f == "view_all":
            return [[title, user] for kind, user, title, _ in state if kind == "post"]
        if f == "view_user":
            return [[kind, title, content] for kind, user, title, content in state if user == arg]
        about = [(kind, user, content) for kind, user, title, content in state if title == arg]
        if not about:
            return "not found"
        return [about[0][1], about[0][2], [[user, content] for _, user, content in about[1:]]]


MODELS: dict[str, type[Model]] = {
    "blog": PlainBlog,
    "register": Register,
    "cas-register": CasRegister,
    "kv": KeyValue,
    "mutex": Mutex,
    "set": ReadableSet,
}


def frozen(value: Any) -> Any:
    """A JSON value as a hashable value, in which true differs from 1 (in Python they are equal)."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list):
        return ("list", *map(frozen, value))
    if isinstance(value, dict):
        return ("dict", *sorted((key, frozen(entry)) for key, entry in value.items()))
    return value
