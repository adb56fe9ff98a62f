"""A sequential specification: what each operation does to an object without concurrency.

A model is a few small functions over immutable, hashable states. `tests/histories/README.md` describes the operations.
The search (`search.py`) knows nothing else about an object, so a new model is one class here.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Final

UNKNOWN: Final = object()
"""The result of a pending operation: any result would be legal."""

State = Any
"""The state of a model: immutable, hashable, and equal to another if no operation can distinguish them."""


class Model:
    """One kind of object. A subclass needs `name`, `initial` and `step`; everything else makes the search faster.

    `name` is its value of `--model`. `reads` are the operations that never change a state. `keyed` says that arguments
    name keys anyway, so that pairs in a history are no keys of many objects (see `independent.py`).
    """

    name = ""
    reads: frozenset[str] = frozenset()
    keyed = False

    def initial(self, init: Any) -> State:
        """The first state, from the JSON value of `--init` (None without it). By default that value.

        Raises:
            InputError: there is no such first state.
        """
        return frozen(init)

    def prepare(self, f: str, arg: Any, result: Any) -> tuple[Any, Any]:
        """Argument and result as `step` needs them: hashable where they become part of a state."""
        return arg, result

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """Whether operation `f` may return `result` in `state`, and the state after it.

        `result` is `UNKNOWN` for an operation of unknown fate: then any result is legal.
        """
        raise NotImplementedError

    def pure(self, f: str, arg: Any, result: Any) -> bool:
        """True when the operation with this result never changes a state. A hint: False is always correct."""
        return f in self.reads

    def blind(self, f: str) -> bool:
        """True when `f` is legal in every state and `arg` alone determines the next one. False is always correct."""
        return False

    def shown(self, f: str, arg: Any, result: Any) -> State:
        """The only state in which a pure operation can have this result. `UNKNOWN` is always correct."""
        return UNKNOWN

    def reaches(self, state: State, goal: State) -> bool:
        """False when no operations but blind ones lead from `state` to `goal`. A hint: True is always correct."""
        return True

    def part(self, f: str, arg: Any) -> Hashable:
        """The independent part of the object that the operation uses; each is checked alone (P-compositionality).

        None when the object has no parts. `initial` is called for each part, with `init` narrowed by `narrow`.
        """
        return None

    def narrow(self, init: Any, part: Hashable) -> Any:
        """The first value of one part."""
        return init


def frozen(value: Any) -> Any:
    """A JSON value as a hashable value, in which true differs from 1 (in Python they are equal)."""
    if isinstance(value, bool):
        return ("bool", value)
    if isinstance(value, list):
        return ("list", *map(frozen, value))
    if isinstance(value, dict):
        return ("dict", *sorted((key, frozen(entry)) for key, entry in value.items()))
    return value
