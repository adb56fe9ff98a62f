"""The events of each model: its operations, with the types of their arguments and results."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Literal

import msgspec

from simulator.checks.linearizability.independent import are_pairs
from simulator.checks.linearizability.models import MODELS
from simulator.cluster.history import Event

_Text3 = tuple[str, str, str]
_PutAppend = (tuple[str | int, str], Any)
_Steps = list[tuple[Literal["read", "write", "r", "w"], str | int, Any]]

SHAPES: dict[str, dict[str, tuple[Any, Any]]] = {
    "register": {"read": (Any, Any), "write": (Any, Any)},
    "cas-register": {
        "read": (Any, Any),
        "write": (Any, Any),
        "cas": (tuple[Any, Any], bool | tuple[Any, Any]),
    },
    "kv": {
        "get": (tuple[str | int, Any], tuple[str | int, str | None]),
        "put": _PutAppend,
        "append": _PutAppend,
    },
    "mutex": {"acquire": (Any, Any), "release": (Any, Any)},
    "fifo-queue": {"enqueue": (Any, Any), "dequeue": (Any, Any)},
    "stack": {"push": (Any, Any), "pop": (Any, Any)},
    "priority-queue": {"insert": (int | float, Any), "delete-min": (Any, int | float | None)},
    "counter": {"add": (int | float, Any), "read": (Any, int | float)},
    "append-list": {
        "append": (tuple[str | int, Any], Any),
        "read": (tuple[str | int, Any], tuple[str | int, list[Any] | None]),
    },
    "multi-register": {"txn": (_Steps, _Steps), "read": (_Steps, _Steps), "write": (_Steps, _Steps)},
    "set": {"add": (Any, Any), "remove": (Any, Any), "read": (Any, list[Any]), "contains": (Any, bool)},
    "blog": {
        "post": (_Text3, Literal["ok", "duplicate title"]),
        "comment": (_Text3, Literal["ok", "cannot comment"]),
        "view_all": (Any, list[tuple[str, str]]),
        "view_user": (str, list[tuple[Literal["post", "comment"], str, str]]),
        "view_title": (str, Literal["not found"] | tuple[str, str, list[tuple[str, str]]]),
    },
}
"""For each model and operation the types of its argument and its result, as JSON gives them (a tuple is a list)."""


def all_misshapen(events: Sequence[Event], model: str) -> Iterator[tuple[int, str]]:
    """Each event that is none of this model: its position, and what is wrong. Pairs of a key and a value are opened."""
    keyed = not MODELS[model].keyed and are_pairs((one.f, one.value) for one in events if one.type == "invoke")
    for position, event in enumerate(events):
        wrong = misshapen(event, model)
        if wrong and keyed and isinstance(event.value, list) and len(event.value) == 2:
            wrong = misshapen(msgspec.structs.replace(event, value=event.value[1]), model)
        if wrong:
            yield position, wrong


def misshapen(event: Event, model: str) -> str:
    """What is wrong with one event as an event of this model, or ""."""
    shape = SHAPES[model].get(event.f)
    if shape is None:
        others = [f"--model {other}" for other, shapes in SHAPES.items() if event.f in shapes]
        known = " or ".join(others) or f"one of {', '.join(SHAPES[model])}"
        return f"{event.f!r} is no operation of a {model}: write {known}"
    if event.type not in {"invoke", "ok"}:
        return ""
    called = event.type == "invoke"
    wanted = shape[0 if called else 1]
    if wanted is Any:
        return ""
    try:
        msgspec.convert(event.value, wanted)
    except (msgspec.ValidationError, RecursionError) as error:
        return f"{'the argument' if called else 'the result'} of {event.f!r} is not what it should be: {error}"
    return ""
