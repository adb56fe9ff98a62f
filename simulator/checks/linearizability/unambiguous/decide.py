"""Which algorithm decides which model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from simulator.checks.linearizability.model import frozen
from simulator.checks.linearizability.operations import Operations
from simulator.checks.linearizability.unambiguous.append_list import decide_append_list
from simulator.checks.linearizability.unambiguous.conflict import Ambiguous, Conflict
from simulator.checks.linearizability.unambiguous.priority_queue import decide_priority_queue
from simulator.checks.linearizability.unambiguous.queue import decide_queue
from simulator.checks.linearizability.unambiguous.register import decide_register
from simulator.checks.linearizability.unambiguous.sets import decide_set
from simulator.checks.linearizability.unambiguous.stack import decide_stack
from simulator.checks.linearizability.unambiguous.texts import decide_texts

Decider = Callable[[Operations, Sequence[int], Any], Conflict | None]


def _elements(init: Any) -> list[Any]:
    return [frozen(element) for element in init or ()]


DECIDERS: dict[str, Decider] = {
    "register": lambda table, numbers, init: decide_register(table, numbers, frozen(init)),
    "fifo-queue": lambda table, numbers, init: decide_queue(table, numbers, _elements(init)),
    "stack": lambda table, numbers, init: decide_stack(table, numbers, _elements(init)),
    "priority-queue": lambda table, numbers, init: decide_priority_queue(table, numbers, _elements(init)),
    "kv": lambda table, numbers, init: decide_texts(table, numbers, init or ""),
    "set": lambda table, numbers, init: decide_set(table, numbers, _elements(init)),
    "append-list": lambda table, numbers, init: decide_append_list(table, numbers, _elements(init)),
}
"""For each model, what decides one part of a history: its operations without failed ones and pending reads."""

__all__ = ["DECIDERS", "Ambiguous", "Conflict", "Decider"]
