"""Try every order: the reference for all checkers on small histories. Shares no code with them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from simulator.cluster.history import Event

Step = Callable[[Any, str, Any, Any], tuple[bool, Any]]
ANY = object()
"""The result of an operation of unknown fate."""


class _Operation:
    def __init__(self, event: Event, call: int) -> None:
        self.f, self.arg, self.process = event.f, event.value, event.process
        self.local, self.node = event.read == "local", event.node
        self.call, self.ret, self.result = call, 10**9, ANY


def linearizable(events: Sequence[Event], step: Step, state: Any) -> bool:
    """True when some order of the operations explains every result and respects real time.

    Real time orders a local read only after earlier local reads of its node.
    """
    left = [operation for operation in _operations(events) if operation.ret >= 0]
    return _explained([one for one in left if not (one.local and one.result is ANY)], step, state)


def _operations(events: Sequence[Event]) -> list[_Operation]:
    found: list[_Operation] = []
    open_now: dict[int, _Operation] = {}
    for at, event in enumerate(events):
        if event.type == "invoke":
            open_now[event.process] = _Operation(event, at)
            found.append(open_now[event.process])
        else:
            operation = open_now.pop(event.process)
            if event.type == "ok":
                operation.ret, operation.result = at, event.value
            elif event.type == "fail":
                operation.ret = -1
    return found


def _explained(left: list[_Operation], step: Step, state: Any) -> bool:
    if all(one.result is ANY for one in left):
        return True
    for one in left:
        if any(_before(other, one) for other in left if other is not one):
            continue
        legal, after = step(state, one.f, one.arg, one.result)
        if legal and _explained([other for other in left if other is not one], step, after):
            return True
    return False


def _before(first: _Operation, second: _Operation) -> bool:
    if second.local and not (first.local and first.node == second.node):
        return False
    return first.ret < second.call


def blog_step(state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:
    """The blog, written independently; `state` is three tuples: posts, comments, and the entries of all users."""
    posts, comments, entries = state or ((), (), ())
    titles = [title for title, _, _ in posts]
    if f in {"post", "comment"}:
        user, title, content = arg
        if (title in titles) is (f == "post"):
            refusal: Any = "duplicate title" if f == "post" else "cannot comment"
            return result in {ANY, refusal}, state
        if f == "post":
            posts = (*posts, (title, user, content))
        else:
            comments = (*comments, (user, title, content))
        return result in {ANY, "ok"}, (posts, comments, (*entries, (user, f, title, content)))
    if result is ANY:
        return True, state
    if f == "view_all":
        seen: Any = [[title, user] for title, user, _ in posts]
    elif f == "view_user":
        seen = [list(entry) for user, *entry in entries if user == arg]
    elif arg not in titles:
        seen = "not found"
    else:
        _, author, text = posts[titles.index(arg)]
        seen = [author, text, [[user, content] for user, title, content in comments if title == arg]]
    return seen == result, state


def register_step(state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:
    """A register, with cas."""
    if f == "write":
        return True, arg
    if f == "cas":
        if state == arg[0]:
            return result is ANY or result is not False, arg[1]
        return result is ANY or result is False, state
    return result is ANY or result == state, state


def kv_step(state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:
    """Texts by key; `state` is a tuple of (key, text)."""
    texts = dict(state or ())
    key, text = arg
    if f == "get":
        return result is ANY or result[1] == texts.get(key, ""), state
    texts[key] = text if f == "put" else texts.get(key, "") + text
    return True, tuple(sorted(texts.items()))


def mutex_step(state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:  # noqa: ARG001  A `Step`.
    """A lock."""
    return bool(state) is (f == "release"), f == "acquire"


def set_step(state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:
    """A set; `state` is a sorted tuple."""
    have = set(state or ())
    if f == "read":
        return result is ANY or result == sorted(have), state
    (have.add if f == "add" else have.discard)(arg)
    return True, tuple(sorted(have))


def queue_step(state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:
    """A queue; `state` is a tuple, the oldest first."""
    return _container(state, (*(state or ()), arg), put=f == "enqueue", result=result)


def stack_step(state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:
    """A stack; `state` is a tuple, the newest first."""
    return _container(state, (arg, *(state or ())), put=f == "push", result=result)


def priority_queue_step(state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:
    """A priority queue; `state` is a sorted tuple."""
    grown = tuple(sorted((*(state or ()), arg))) if f == "insert" else ()
    return _container(state, grown, put=f == "insert", result=result)


def _container(state: Any, grown: Any, *, put: bool, result: Any) -> tuple[bool, Any]:
    if put:
        return True, grown
    first, rest = (state[0], state[1:]) if state else (None, state)
    return result is ANY or result == first, rest


def counter_step(state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:
    """A number."""
    if f == "add":
        return True, (state or 0) + arg
    return result is ANY or result == (state or 0), state


def append_list_step(state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:
    """Lists by key; `state` is a tuple of (key, element), in the order of the appends."""
    state, (key, element) = state or (), arg
    if f == "append":
        return True, (*state, (key, element))
    return result is ANY or result == [key, [one for name, one in state if name == key]], state


def multi_register_step(state: Any, f: str, arg: Any, result: Any) -> tuple[bool, Any]:  # noqa: ARG001  A `Step`.
    """Registers by key, read and written by transactions; `state` is a sorted tuple of (key, value)."""
    values = dict(state or ())
    for at, (kind, key, value) in enumerate(arg):
        if kind == "write":
            values[key] = value
        elif result is not ANY and result[at] != [kind, key, values.get(key)]:
            return False, state
    return True, tuple(sorted(values.items()))


STEPS: dict[str, Step] = {
    "blog": blog_step,
    "register": register_step,
    "cas-register": register_step,
    "kv": kv_step,
    "mutex": mutex_step,
    "set": set_step,
    "fifo-queue": queue_step,
    "stack": stack_step,
    "priority-queue": priority_queue_step,
    "counter": counter_step,
    "append-list": append_list_step,
    "multi-register": multi_register_step,
}
