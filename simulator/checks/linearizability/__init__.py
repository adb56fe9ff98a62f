"""Linearizability: does one order of the operations explain every result and respect real-time order?

The names listed in `__all__` are for other people's programs, and `docs/judge.md` shows how to use them. Inside,
`judge` decides. `operations` pairs calls with returns, `models` says what an operation does, `unambiguous` decides
histories with distinct values, and `search` checks any model, part by part (`parts`). The `blog_*` modules check the
blog without a search. `prefix` finds the shortest prefix of a history that fails, and `shapes` describes the events of
each model. No module knows nodes; only `budget` and `recorder` read a clock.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from simulator.checks.linearizability.api import assert_linearizable, check
    from simulator.checks.linearizability.client_programs import programs, run_programs
    from simulator.checks.linearizability.history import History
    from simulator.checks.linearizability.judge import Verdict
    from simulator.checks.linearizability.model import UNKNOWN, Model
    from simulator.checks.linearizability.points import Point, linearization
    from simulator.checks.linearizability.recorder import Recorder
    from simulator.cluster.history import Event

_HOMES = {
    "Event": "simulator.cluster.history",
    "History": "simulator.checks.linearizability.history",
    "Model": "simulator.checks.linearizability.model",
    "Point": "simulator.checks.linearizability.points",
    "Recorder": "simulator.checks.linearizability.recorder",
    "UNKNOWN": "simulator.checks.linearizability.model",
    "Verdict": "simulator.checks.linearizability.judge",
    "assert_linearizable": "simulator.checks.linearizability.api",
    "check": "simulator.checks.linearizability.api",
    "linearization": "simulator.checks.linearizability.points",
    "programs": "simulator.checks.linearizability.client_programs",
    "run_programs": "simulator.checks.linearizability.client_programs",
}

__all__ = [
    "UNKNOWN",
    "Event",
    "History",
    "Model",
    "Point",
    "Recorder",
    "Verdict",
    "assert_linearizable",
    "check",
    "linearization",
    "programs",
    "run_programs",
]


def __getattr__(name: str) -> Any:
    """Load a name when it is first asked for: a node needs none of them, and hypothesis may be absent."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)
