"""Queues, stacks, priority queues and counters, as sequential specifications. Each starts empty, a counter at 0."""

from __future__ import annotations

from bisect import insort
from typing import Any

from simulator.checks.linearizability.model import UNKNOWN, Model, State, frozen
from simulator.errors import InputError


class _Container(Model):
    """What the containers share. `taking` is the operation that returns an element, or null when there is none.

    A state is a tuple of elements; `_place` puts one in, and the first is the next to be taken.
    """

    taking = ""

    def initial(self, init: Any) -> State:
        """A list of the elements, in the order in which they were put in."""
        if init is not None and not isinstance(init, list):
            raise InputError(f"a {self.name} starts with a list of its elements, such as [], not with {init!r}.")
        state: State = ()
        for element in init or ():
            state = self._place(state, self._element(element))
        return state

    def prepare(self, f: str, arg: Any, result: Any) -> tuple[Any, Any]:
        """See `Model`."""
        if f != self.taking:
            return self._element(arg), result
        return None, result if result is UNKNOWN or result is None else self._element(result)

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        if f != self.taking:
            return True, self._place(state, arg)
        if not state:
            return result is UNKNOWN or result is None, state
        return result is UNKNOWN or result == state[0], state[1:]

    def pure(self, f: str, arg: Any, result: Any) -> bool:
        """Taking nothing changes nothing."""
        return f == self.taking and result is None

    def shown(self, f: str, arg: Any, result: Any) -> State:
        """Taking nothing shows that it is empty."""
        return () if self.pure(f, arg, result) else UNKNOWN

    def _element(self, value: Any) -> Any:
        return frozen(value)

    def _place(self, state: State, element: Any) -> State:
        raise NotImplementedError


class FifoQueue(_Container):
    """enqueue v; dequeue null -> v, or null when empty."""

    name = "fifo-queue"
    taking = "dequeue"

    def _place(self, state: State, element: Any) -> State:
        return (*state, element)


class Stack(_Container):
    """push v; pop null -> v, or null when empty."""

    name = "stack"
    taking = "pop"

    def _place(self, state: State, element: Any) -> State:
        return (element, *state)


class PriorityQueue(_Container):
    """insert v; delete-min null -> v, or null when empty. The elements are numbers, the least comes first."""

    name = "priority-queue"
    taking = "delete-min"

    def _element(self, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InputError(f"a priority-queue holds numbers, not {value!r}.")
        return value

    def _place(self, state: State, element: Any) -> State:
        elements = list(state)
        insort(elements, element)
        return tuple(elements)


class Counter(Model):
    """add n; read null -> n. The numbers may be negative."""

    name = "counter"
    reads = frozenset({"read"})

    def initial(self, init: Any) -> State:
        """A number; 0 by default."""
        if init is None:
            return 0
        if isinstance(init, bool) or not isinstance(init, int | float):
            raise InputError(f"a counter starts with a number, such as 0, not with {init!r}.")
        return init

    def step(self, state: State, f: str, arg: Any, result: Any) -> tuple[bool, State]:
        """See `Model`."""
        if f == "read":
            return result is UNKNOWN or result == state, state
        return True, state + arg

    def shown(self, f: str, arg: Any, result: Any) -> State:
        """A read shows the whole state."""
        return result if f == "read" else UNKNOWN
