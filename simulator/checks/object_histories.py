"""Busy histories of a register, queue, stack, priority queue or set: linearizable by construction, and no value twice.

As in `history_generator.py`, the seed alone draws when each operation takes effect, and clients do not think.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Callable
from random import Random
from typing import Any

from simulator.cluster.history import Event

Perform = Callable[[str, Any], Any]

_MOST_ADDED = 20


def busy_object(
    model: str, operations: int, clients: int, seed: int = 0, *, crashes: float = 0.0, writes: float = 0.5
) -> list[Event]:
    """A history of `operations` operations by `clients` clients, each with one operation pending at all times.

    `writes` is the share of operations that put a value in. `crashes` is the probability that an operation's outcome
    stays unknown; half of those take effect. Its client then continues as a new process.

    Raises:
        KeyError: there is no generator for this model.
    """
    dice = Random(f"busy {model} {seed}")
    return _Clients(model, operations, dice, crashes=crashes, writes=writes).run(clients)


class _Clients:
    def __init__(self, model: str, operations: int, dice: Random, *, crashes: float, writes: float) -> None:
        self._dice, self._left, self._crashes, self._writes = dice, operations, crashes, writes
        self._put, self._take, perform = _OBJECTS[model]
        self._perform = perform()
        self._added: list[Any] = []
        self._processes = 0
        self._values = dice.sample(range(operations), operations)
        self._events: list[Event] = []

    def run(self, clients: int) -> list[Event]:
        """Call, take effect and return, in an order drawn from the dice."""
        dice = self._dice
        called: list[tuple[int, str, Any]] = []
        done: list[tuple[int, str, Any]] = []
        self._processes = clients
        for process in range(clients):
            self._call(process, called)
        while called or done:
            at = dice.randrange(len(called) + len(done))
            if at < len(called):
                self._take_effect(called, at, done)
            else:
                process, f, result = done.pop(at - len(called))
                self._events.append(Event(process=process, type="ok", f=f, value=result))
                self._call(process, called)
        return self._events

    def _call(self, process: int, called: list[tuple[int, str, Any]]) -> None:
        if not self._left:
            return
        self._left -= 1
        f, arg = self._draw()
        self._events.append(Event(process=process, type="invoke", f=f, value=arg))
        called.append((process, f, arg))

    def _draw(self) -> tuple[str, Any]:
        """The next operation. A set holds some 20 elements; each is removed once, by half of what is no add."""
        if self._dice.random() < self._writes and len(self._added) < _MOST_ADDED:
            return self._put, self._values[self._left]
        if self._put == "add" and self._added and self._dice.random() < 0.5:
            return "remove", self._added.pop(self._dice.randrange(len(self._added)))
        return self._take, None

    def _take_effect(self, called: list[tuple[int, str, Any]], at: int, done: list[tuple[int, str, Any]]) -> None:
        process, f, arg = called.pop(at)
        if f == "add":
            self._added.append(arg)
        crashed = self._dice.random() < self._crashes
        if not crashed:
            done.append((process, f, self._perform(f, arg)))
            return
        if self._dice.random() < 0.5:
            self._perform(f, arg)
        self._events.append(Event(process=process, type="info", f=f))
        self._processes += 1
        self._call(self._processes - 1, called)


def _register() -> Perform:
    held: list[Any] = [None]

    def perform(f: str, arg: Any) -> Any:
        if f == "write":
            held[0] = arg
        return held[0]

    return perform


def _queue() -> Perform:
    elements: deque[Any] = deque()
    return lambda f, arg: elements.append(arg) if f == "enqueue" else elements.popleft() if elements else None


def _stack() -> Perform:
    elements: list[Any] = []
    return lambda f, arg: elements.append(arg) if f == "push" else elements.pop() if elements else None


def _priority_queue() -> Perform:
    elements: list[Any] = []
    return lambda f, arg: (
        heapq.heappush(elements, arg) if f == "insert" else heapq.heappop(elements) if elements else None
    )


def _set() -> Perform:
    elements: set[Any] = set()

    def perform(f: str, arg: Any) -> Any:
        if f == "read":
            return sorted(elements)
        if f == "add":
            elements.add(arg)
        else:
            elements.discard(arg)
        return None

    return perform


_OBJECTS: dict[str, tuple[str, str, Callable[[], Perform]]] = {
    "register": ("write", "read", _register),
    "fifo-queue": ("enqueue", "dequeue", _queue),
    "stack": ("push", "pop", _stack),
    "priority-queue": ("insert", "delete-min", _priority_queue),
    "set": ("add", "read", _set),
}
