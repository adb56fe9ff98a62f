"""What it would cost if roles returned their effects: `python -m tests.paxos.cost_of_returned_effects [WRITES]`.

The calls that one leader receives while five nodes decide writes are recorded and replayed against fresh replicas,
in turn: as they are; with a wrapper around each method that emits effects; and with a wrapper that gives each of these
calls a list of its own and adds it to the caller's. The last two differ only in the lists. `docs/decisions/0018` has
the figures.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from inspect import getmembers, isfunction
from statistics import median
from time import process_time
from typing import Any

from paxos.ballot import NO_BALLOT, NodeId
from paxos.core import Config
from paxos.effects import Effect
from paxos.replica import Replica
from paxos.waiting_requests import WaitingRequests
from tests.paxos.bench_of_replicas import Bench

ROLES = [name for name in vars(Replica) if name.endswith("_role")]
EVENTS = ("start", "submit", "read", "wake", "receive", "flush", "take_effects")
ROUNDS = 15

Calls = list[tuple[str, tuple[Any, ...]]]
Wrap = Callable[[Callable[..., Any]], Callable[..., Any]]


def record(writes: int) -> tuple[NodeId, Calls]:
    """The leader, and the calls of its replica while it and all nodes in turn get `writes` writes each."""
    calls: dict[int, Calls] = {}

    def make(config: Config, **files: Any) -> Replica:
        replica = Replica(config, **files)
        mine: Calls = []
        calls[config.node] = mine
        for name in EVENTS:
            setattr(replica, name, _recorded(name, getattr(replica, name), mine))
        return replica

    bench = Bench(make=make)
    leader = bench.leader()
    for turn in range(writes):
        bench.write(leader)
        bench.write(bench.nodes[turn % len(bench.nodes)])
        bench.run(5)
    return leader, calls[leader]


def _recorded(name: str, call: Callable[..., Any], calls: Calls) -> Callable[..., Any]:
    def recorded(*arguments: Any) -> Any:
        calls.append((name, arguments))
        return call(*arguments)

    return recorded


def variant(wrap: Wrap, chosen: Callable[[str], bool] = lambda _: True) -> type[Replica]:
    """A replica class with `wrap` around the methods of all roles whose qualified names are `chosen`."""
    roles = {}
    for attribute in ROLES:
        role = getattr(Replica, attribute)
        methods = {n: wrap(f) for n, f in getmembers(role, isfunction) if n != "__init__" and chosen(f.__qualname__)}
        roles[attribute] = type(role.__name__, (role,), methods)
    return type("Variant", (Replica,), roles)


def replay(node: NodeId, calls: Calls, replica_class: type[Replica]) -> float:
    """Seconds of processor time for these calls on a fresh replica of `node`."""
    config = Config(node=node, nodes=(1, 2, 3, 4, 5))
    replica = replica_class(
        config,
        promised=NO_BALLOT,
        opened=NO_BALLOT,
        accepted={},
        decided=0,
        applied=lambda *_: 0,
        waiting=WaitingRequests(),
    )
    bound = [(getattr(replica, name), arguments) for name, arguments in calls]
    began = process_time()
    for call, arguments in bound:
        call(*arguments)
    spent = process_time() - began
    assert replica.status().role == "leader"
    assert replica.status().decided > 0
    return spent


def main() -> None:
    """Measure and print the three variants."""
    leader, calls = record(int(sys.argv[1]) if len(sys.argv) > 1 else 2_000)
    emitting: set[str] = set()

    def noticed(method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def wrapper(self: Any, *arguments: Any) -> Any:
            before = len(self.core.effects)
            result = method(self, *arguments)
            if len(self.core.effects) > before:
                emitting.add(method.__qualname__)
            return result

        return wrapper

    def control(method: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(self: Any, *arguments: Any) -> Any:
            return method(self, *arguments)

        return wrapper

    def returning(method: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(self: Any, *arguments: Any) -> Any:
            core = self.core
            callers = core.effects
            mine: list[Effect] = []
            core.effects = mine
            result = method(self, *arguments)
            callers.extend(mine)
            core.effects = callers
            return result

        return wrapper

    replay(leader, calls, variant(noticed))
    variants: dict[str, type[Replica]] = {
        "as it is": Replica,
        "wrapped": variant(control, emitting.__contains__),
        "own lists": variant(returning, emitting.__contains__),
    }
    spent: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(ROUNDS):
        for name, replica_class in variants.items():
            spent[name].append(replay(leader, calls, replica_class))
    usual = {name: median(times) for name, times in spent.items()}
    lists = (usual["own lists"] - usual["wrapped"]) / usual["as it is"]
    lines = [
        f"{len(calls)} calls of the leader, {len(emitting)} methods that emit, median of {ROUNDS} rounds",
        *(f"{name:10} {1e6 * seconds / len(calls):6.3f} us a call" for name, seconds in usual.items()),
        f"own lists cost {lists:+.1%} of the replica's time",
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
