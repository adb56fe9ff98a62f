"""A node's log, a line for each slot: the ballot it was accepted at, its state, and its operations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from simulator.node.status import NodeStatus, SlotView
from simulator.views.palette import QUIET, SLOT_SIGN, ballot
from simulator.views.sheet import Cell, Column, Sheet, bit, join

_COLUMNS = (
    Column("", screen=True),
    Column("slot", right=True),
    Column("ballot", right=True),
    Column("state", rank=1),
    Column("value", room=16),
)


def log_view(state: NodeStatus, *, header: bool = True) -> Sheet:
    """The slots of `state.log`, in order; empty unless the status was asked for with its details."""
    if not state.log:
        return Sheet(notes=(bit(f"the log of node {state.node} is empty", QUIET),))
    return Sheet(columns=_COLUMNS, rows=tuple(_row(slot) for slot in state.log), header=header)


def operation_words(operation: object) -> str:
    """One operation as a person would type it; `operation` is its JSON text or its decoded form."""
    if isinstance(operation, str):
        try:
            operation = msgspec.json.decode(operation)
        except msgspec.DecodeError:
            return str(operation)
    if not isinstance(operation, Mapping):
        return str(operation)
    fields = [str(operation.get(key, "")) for key in ("op", "username", "title", "content")]
    return " ".join(_quoted(word) for word in fields if word)


def value_words(operations: Sequence[object]) -> str:
    """A slot's batch: its operations with bars between, or "no-op"."""
    return " | ".join(operation_words(operation) for operation in operations) or "no-op"


def _row(slot: SlotView) -> tuple[Cell, ...]:
    mark, style = SLOT_SIGN[slot.state]
    return (
        bit(mark, style),
        bit(slot.slot),
        bit(ballot(slot.ballot)),
        bit(slot.state, style),
        join(bit(value_words(slot.value), "" if slot.value else QUIET)),
    )


def _quoted(word: str) -> str:
    if word and not any(character.isspace() or character in "\"'|#" for character in word):
        return word
    return '"' + word.replace('"', '\\"') + '"'
