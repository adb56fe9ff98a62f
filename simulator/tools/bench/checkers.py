"""How fast histories are judged: blogs with and without the decided order, objects right and with an old result."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import cache, lru_cache, partial
from random import Random

import msgspec

from simulator.checks.history_generator import Generated, busy_blog
from simulator.checks.linearizability.judge import judge
from simulator.checks.object_histories import busy_object
from simulator.cluster.history import Event
from simulator.tools.bench.case import Case, Effort

SIZES = (1_000, 10_000, 100_000)
CLIENTS = (5, 20, 50)
QUICK_SIZE = 500
REGISTER_OPERATIONS = 9_000
REGISTER_CLIENTS = 5
TAKES = {"register": "read", "fifo-queue": "dequeue", "stack": "pop", "priority-queue": "delete-min", "set": "read"}
"""For each object the operation that shows a value."""
OBJECT_SIZES = (1_000, 100_000)
OBJECT_CLIENTS = (5, 20, 50, 200)
STALE_BY = 200


@cache
def _blog(operations: int, clients: int) -> Generated:
    return busy_blog(operations, clients, seed=1)


@cache
def _register(operations: int) -> list[Event]:
    """A history of a register; each operation takes effect at a moment between its call and its return."""
    dice, value = Random("busy register"), 0
    events: list[Event] = []
    called: dict[int, tuple[str, object]] = {}
    done: dict[int, tuple[str, object]] = {}
    left = operations
    while left or called or done:
        process = dice.randrange(REGISTER_CLIENTS)
        if process in done:
            f, result = done.pop(process)
            events.append(Event(process=process, type="ok", f=f, value=result))
        elif process in called:
            f, argument = called.pop(process)
            value = argument if f == "write" and isinstance(argument, int) else value
            done[process] = f, value
        elif left:
            left -= 1
            f = dice.choice(("read", "write"))
            called[process] = f, dice.randrange(5) if f == "write" else None
            events.append(Event(process=process, type="invoke", f=f, value=called[process][1]))
    return events


@lru_cache(maxsize=1)
def _object(model: str, operations: int, clients: int, *, stale: bool) -> list[Event]:
    """A history of an object whose values are distinct; `stale` gives one result that of some operations before."""
    events = busy_object(model, operations=operations, clients=clients, seed=1)
    if stale:
        shown = [at for at, one in enumerate(events) if one.type == "ok" and one.f == TAKES[model]]
        late = len(shown) // 2
        old = events[shown[max(0, late - STALE_BY)]].value
        events[shown[late]] = msgspec.structs.replace(events[shown[late]], value=old)
    return events


def judge_object(effort: Effort, *, model: str, operations: int, clients: int, stale: bool) -> Sequence[float]:
    """Seconds to judge a history of an object; of a violation the shortest failing prefix is found, too."""
    events = _object(model, effort.pick(operations, min(operations, QUICK_SIZE)), clients, stale=stale)
    began = time.process_time()
    verdict = judge(events, model)
    took = time.process_time() - began
    if not stale and verdict.verdict != "ok":
        raise RuntimeError(f"a history that is linearizable was judged {verdict.verdict}: {verdict.why}")
    return [took]


def judge_blog(effort: Effort, *, operations: int, clients: int, probed: bool) -> Sequence[float]:
    """Seconds to find that a history is linearizable."""
    made = _blog(effort.pick(operations, min(operations, QUICK_SIZE)), clients)
    began = time.process_time()
    verdict = judge(made.events, "blog", witness=made.witness if probed else None)
    took = time.process_time() - began
    if verdict.verdict != "ok":
        raise RuntimeError(f"a history that is linearizable was judged {verdict.verdict}: {verdict.why}")
    return [took]


def judge_register(effort: Effort) -> Sequence[float]:
    """Seconds to find that a register's history is linearizable."""
    events = _register(effort.pick(REGISTER_OPERATIONS, QUICK_SIZE))
    began = time.process_time()
    verdict = judge(events, "register", init=0)
    took = time.process_time() - began
    if verdict.verdict != "ok":
        raise RuntimeError(f"a history that is linearizable was judged {verdict.verdict}: {verdict.why}")
    return [took]


CASES = [
    *(
        Case(
            name=f"checkers/blog-{operations}/{clients}-clients/{'witness' if probed else 'no-witness'}",
            story=f"{operations} blog operations of {clients} busy clients judged, "
            + ("the decided order at hand" if probed else "nothing but the history at hand"),
            unit="s",
            better="lower",
            measure=partial(judge_blog, operations=operations, clients=clients, probed=probed),
            settings={"operations": operations, "clients": clients, "witness": probed, "clock": "processor"},
        )
        for operations in SIZES
        for clients in CLIENTS
        for probed in (True, False)
    ),
    Case(
        name=f"checkers/register-{REGISTER_OPERATIONS}",
        story=f"{REGISTER_OPERATIONS} operations on one register judged by search",
        unit="s",
        better="lower",
        measure=judge_register,
        settings={"operations": REGISTER_OPERATIONS, "clients": REGISTER_CLIENTS},
    ),
    *(
        Case(
            name=f"checkers/{model}-{operations}/{clients}-clients/{'stale' if stale else 'right'}",
            story=f"{operations} operations of {clients} busy clients on a {model} judged, "
            + ("one result an old one" if stale else "all results right"),
            unit="s",
            better="lower",
            measure=partial(judge_object, model=model, operations=operations, clients=clients, stale=stale),
            settings={"operations": operations, "clients": clients, "stale": stale, "clock": "processor"},
        )
        for model in TAKES
        for operations in OBJECT_SIZES
        for clients in OBJECT_CLIENTS
        for stale in (False, True)
    ),
]
