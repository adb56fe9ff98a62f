"""Histories drawn from a seed: clients of one correct object, with some results replaced by wrong ones.

Names are few, so that titles collide, comments are equal and stale views are plausible. Operations end as pending,
fail, or never return. A wrong result is one that a plausible bug would give (a stale view, two entries swapped, a wrong
refusal). It may or may not be a violation: the checkers decide.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random
from typing import Any

from simulator.cluster.history import Event
from tests.simulator.checks.linearizability.brute import ANY, STEPS

_OPERATIONS = {
    "register": ("read", "write", "write"),
    "cas-register": ("read", "write", "cas"),
    "set": ("read", "add", "remove"),
    "fifo-queue": ("dequeue", "enqueue", "enqueue"),
    "stack": ("pop", "push", "push"),
    "priority-queue": ("delete-min", "insert", "insert"),
}
"""For each model with one kind of argument: the operation without one, and two with one."""


@dataclass
class Drawn:
    """A history, and the writes in the order of effect (a witness if no result was replaced)."""

    events: list[Event] = field(default_factory=list)
    order: list[tuple[str, str, str, str]] = field(default_factory=list)
    lies: int = 0


def draw(model: str, seed: int, *, most: int, local: bool = False, distinct: bool = False) -> Drawn:
    """A history of 2 to `most` operations.

    With `local`, some of its views are local reads. With `distinct`, no value is written twice.
    """
    return _World(model, seed, most, local=local, distinct=distinct).run()


class _World:
    def __init__(self, model: str, seed: int, most: int, *, local: bool, distinct: bool) -> None:
        self.dice = dice = Random(f"{model} {seed}")
        self.model, self.step, self.local = model, STEPS[model], local
        self.left = dice.randint(2, most)
        self.crash = dice.choice([0, 0.1, 0.3, 0.5])
        self.lie = dice.choice([0, 0, 0.1, 0.3])
        self.names = [[f"{kind}{n}" for n in range(dice.randint(1, 3))] for kind in "utc"]
        self.states: list[Any] = [{"mutex": False, "register": 0, "cas-register": 0}.get(model)]
        self.drawn = Drawn()
        self.processes = dice.randint(1, 5)
        self.node_states = {1: 0, 2: 0}
        self.repeats = not distinct
        self.elements = 0
        self.order = dice.sample(range(100, 200), 100)

    def run(self) -> Drawn:
        dice, idle = self.dice, list(range(self.processes))
        called: list[Event] = []
        done: list[Event] = []
        while (idle and self.left) or called or done:
            steps = ["call"] * 2 * bool(idle and self.left) + ["effect"] * bool(called) + ["return"] * 2 * bool(done)
            match dice.choice(steps):
                case "call":
                    called.append(self.call(idle.pop(dice.randrange(len(idle)))))
                case "effect":
                    call = called.pop(dice.randrange(len(called)))
                    end = self.effect(call)
                    if end is not None:
                        done.append(end)
                    else:  # It never returns.
                        idle.append(self.newcomer())
                case _:
                    end = done.pop(dice.randrange(len(done)))
                    self.drawn.events.append(end)
                    idle.append(self.newcomer() if end.type == "info" else end.process)
        return self.drawn

    def newcomer(self) -> int:
        self.processes += 1
        return self.processes - 1

    def call(self, process: int) -> Event:
        self.left -= 1
        f, arg = self.operation()
        local = self.local and f.startswith("view") and self.dice.random() < 0.6
        node = self.dice.randint(1, 2) if local else 0
        event = Event(process=process, type="invoke", f=f, value=arg, read="local" if local else "", node=node)
        self.drawn.events.append(event)
        return event

    def operation(self) -> tuple[str, Any]:
        dice, draw = self.dice, self.dice.random()
        value = self.element()
        key = dice.choice("ab")
        match self.model:
            case "blog":
                return self.blog_operation(draw)
            case "kv":
                text = dice.choice("xyz") if self.repeats else f"{value} "
                return ("get", [key, None]) if draw < 0.4 else ("append" if draw < 0.8 else "put", [key, text])
            case "append-list":
                return ("read", [key, None]) if draw < 0.4 else ("append", [key, value])
            case "mutex":
                return dice.choice(["acquire", "release"]), None
            case "counter":
                return ("read", None) if draw < 0.4 else ("add", dice.choice([1, 1, 1, 2, -1]))
            case "multi-register":
                return "txn", [self.transaction_step() for _ in range(dice.randint(1, 3))]
        takes, puts, rest = _OPERATIONS[self.model]
        if draw < 0.4:
            return takes, None
        f = puts if draw < 0.7 else rest
        return f, [value, self.element()] if f == "cas" else value

    def blog_operation(self, draw: float) -> tuple[str, Any]:
        dice = self.dice
        if draw < 0.6:
            return "post" if draw < 0.3 else "comment", [dice.choice(names) for names in self.names]
        if draw < 0.75:
            return "view_title", dice.choice(self.names[1])
        return ("view_user", dice.choice(self.names[0])) if draw < 0.9 else ("view_all", None)

    def element(self) -> int:
        """A value that is used once, or with `repeats` one of few."""
        self.elements += 1
        return self.dice.randrange(3) if self.repeats else self.order[self.elements % len(self.order)]

    def transaction_step(self) -> list[Any]:
        kind = self.dice.choice(["read", "write"])
        return [kind, self.dice.choice("ab"), None if kind == "read" else self.element()]

    def effect(self, call: Event) -> Event | None:
        """Apply it now or never; returns how it ends, None when it never returns."""
        dice, f, arg = self.dice, call.f, call.value
        fate = dice.random()
        if fate < self.crash:
            if dice.random() < 0.5:
                self.apply(f, arg)
            return self.end(call, "info", None) if dice.random() < 0.5 else None
        if fate < self.crash + 0.05:
            return self.end(call, "fail", None)
        state = self.states[-1]
        if call.read:
            at = dice.randint(self.node_states[call.node], len(self.states) - 1)
            self.node_states[call.node], state = at, self.states[at]
        elif dice.random() < self.lie:
            state = dice.choice(self.states)
            self.drawn.lies += 1
        result = self.result(state, f, arg)
        if result is ANY:
            return self.end(call, "fail", None)
        if not call.read:
            self.apply(f, arg)
        return self.end(call, "ok", self.lied(f, result))

    def end(self, call: Event, kind: Any, value: Any) -> Event:
        return Event(process=call.process, type=kind, f=call.f, value=value, read=call.read, node=call.node)

    def apply(self, f: str, arg: Any) -> None:
        legal, state = self.step(self.states[-1], f, arg, ANY)
        if self.model == "blog" and f in {"post", "comment"}:
            self.drawn.order.append((f, *arg))
        if legal and state != self.states[-1]:
            self.states.append(state)

    def result(self, state: Any, f: str, arg: Any) -> Any:
        """The result of an operation in a state; `ANY` when it is illegal there."""
        if self.model == "blog" and not f.startswith("view"):
            answers = ["ok", "duplicate title" if f == "post" else "cannot comment"]
            return next(result for result in answers if self.step(state, f, arg, result)[0])
        if self.model == "blog":
            return _view(state, f, arg)
        match f:
            case "get":
                return [arg[0], dict(state or ()).get(arg[0], "")]
            case "cas":
                return list(arg) if state == arg[0] else False
            case "read":
                return self.read(state, arg)
            case "dequeue" | "pop" | "delete-min":
                return state[0] if state else None
            case "txn":
                values, result = dict(state or ()), []
                for kind, key, value in arg:
                    if kind == "write":
                        values[key] = value
                    result.append([kind, key, values.get(key)])
                return result
        return arg if self.step(state, f, arg, ANY)[0] else ANY

    def read(self, state: Any, arg: Any) -> Any:
        """The result of `read`, for the models that have one."""
        match self.model:
            case "set":
                return sorted(state or ())
            case "append-list":
                return [arg[0], [element for key, element in state or () if key == arg[0]]]
            case "counter":
                return state or 0
        return state

    def lied(self, f: str, result: Any) -> Any:
        dice = self.dice
        if dice.random() >= self.lie:
            return result
        self.drawn.lies += 1
        if isinstance(result, list) and f != "view_title" and len(result) > 1 and f.startswith("view"):
            at = dice.randrange(len(result) - 1)
            return [*result[:at], result[at + 1], result[at], *result[at + 2 :]]
        if f in {"post", "comment"}:
            return dice.choice(["ok", "duplicate title" if f == "post" else "cannot comment"])
        if f == "read" and self.model in {"register", "cas-register", "counter"}:
            return dice.randrange(3) if self.repeats else self.order[dice.randrange(self.elements + 1)]
        if f in {"dequeue", "pop", "delete-min"}:
            return dice.choice([None, 0 if self.repeats else self.order[dice.randrange(self.elements + 1)]])
        if f in {"read", "txn"} and result:
            return self.garbled(result)
        if f == "cas":
            return dice.choice([False, result or [0, 0]])
        return [result[0], str(result[1]) + dice.choice("xyz")] if f == "get" else result

    def garbled(self, result: list[Any]) -> list[Any]:
        """A list with one of its elements left out, or a pair with such a list."""
        if self.model == "append-list":
            return [result[0], self.dice.sample(result[1], max(0, len(result[1]) - 1))]
        if self.model == "multi-register":
            return [[kind, key, None if kind == "read" else value] for kind, key, value in result]
        return [one for one in result if self.dice.random() < 0.7]


def _view(state: Any, f: str, arg: Any) -> Any:
    posts, comments, entries = state or ((), (), ())
    if f == "view_all":
        return [[title, user] for title, user, _ in posts]
    if f == "view_user":
        return [list(entry) for user, *entry in entries if user == arg]
    for title, user, content in posts:
        if title == arg:
            return [user, content, [[who, text] for who, about, text in comments if about == arg]]
    return "not found"
