"""One process of PySyncObj, the usual Python library for this. It runs only where the library is installed."""

from __future__ import annotations

import logging
import time
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from simulator.tools.bench.rivals.bare import OPERATION_BYTES

SETTLES_S = 1.0
"""Seconds to wait for a stable leader: the first one often does not stay."""


def run_pysyncobj_node(
    own: str, others: list[str], options: dict[str, Any], to_parent: Connection, *, outstanding: int, seconds: float
) -> None:
    """Serve; if this process leads, keep `outstanding` commands under way and report how many were answered.

    Any other process places one write on demand, and reports when it was answered. The library ticks in its own thread
    and commands are given from its callbacks, so that nothing waits for a thread.
    """
    library = import_module("pysyncobj")
    logging.disable()
    answered = 0
    node = _node_class(library)(own, others, library.SyncObjConf(autoTick=False, commandsWaitLeader=True, **options))
    while not (node.isReady() and node.getStatus()["leader"] is not None):
        node.doTick(0.002)
    to_parent.send("ready")
    while not to_parent.poll():
        node.doTick(0.002)
    _tick(node, SETTLES_S)
    leads = str(node.getStatus()["leader"]) == own
    to_parent.recv()

    def applied(_result: object, error: object) -> None:
        nonlocal answered
        answered += not error  # Commands fail during an election; they are given again.
        node.write("x" * OPERATION_BYTES, callback=applied)

    if leads:
        for _ in range(outstanding):
            node.write("x" * OPERATION_BYTES, callback=applied)
        _tick(node, seconds / 4)
        to_parent.send("measuring")
        before, began = answered, time.perf_counter()
        _tick(node, seconds)
        to_parent.send((answered - before, time.perf_counter() - began))
    else:
        _serve(node, to_parent)
    while True:
        node.doTick(0.002)


def _serve(node: Any, to_parent: Connection) -> None:
    """On demand, repeat a write until it is answered, and report it."""
    while not to_parent.poll():
        node.doTick(0.002)
    to_parent.recv()
    given = [0]

    def applied(_result: object, error: object) -> None:
        if error:
            given[0] = 0
        else:
            to_parent.send("answered")

    while True:
        if not given[0]:
            given[0] = 1
            node.write("x" * OPERATION_BYTES, callback=applied)
        node.doTick(0.002)


def _tick(node: Any, seconds: float) -> None:
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        node.doTick(0.002)


def _node_class(library: Any) -> Any:
    class Register(library.SyncObj):  # type: ignore[misc]  # The library is not there when this is checked.
        """A replicated counter of writes: less than a blog."""

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            self.size = 0

        @library.replicated  # type: ignore[untyped-decorator]
        def write(self, text: str) -> int:
            self.size += len(text)
            return self.size

    return Register
