"""Ctrl-C at every point of a wait: it is a KeyboardInterrupt for the caller, and the cluster goes on."""

from __future__ import annotations

import ast
import dis
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import simulator
from simulator.cli.failures import INTERRUPTED, explain
from simulator.cluster.interface import AnswerKind
from simulator.faults.faults import Hold, Release
from simulator.worlds.processes.cluster import ProcessCluster
from tests.simulator.worlds.processes.conftest import Start
from tests.simulator.worlds.processes.test_cluster import write

WAITS: dict[str, Callable[[ProcessCluster], object]] = {
    "a wait": lambda cluster: cluster.wait(lambda: False, 20),
    "an inspection": lambda cluster: cluster.status(1),
    "a wait while time stands still": lambda cluster: cluster.wait(lambda: False, 3),
}


class Interrupt:
    """A trace function that raises KeyboardInterrupt at one of the points where Python looks for signals.

    CPython does so when it enters a function, after a call, and when it jumps back. Other libraries are left out: what
    the garbage collector happens to call swallows what is raised there.
    """

    def __init__(self, point: int) -> None:
        self.left = point
        self.place = ""

    def __call__(self, frame: FrameType, event: str, arg: Any) -> Interrupt | None:
        """See `sys.settrace`."""
        name = frame.f_code.co_filename
        if name != threading.__file__ and "simulator" not in name:
            return None
        frame.f_trace_opcodes = True
        if event == "call" or (event == "opcode" and _after_call(frame)):
            self.left -= 1
            if self.left == -1:
                self.place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                raise KeyboardInterrupt
        return self


def _after_call(frame: FrameType) -> bool:
    code = frame.f_code.co_code
    before = frame.f_lasti - 2
    while before >= 0 and dis.opname[code[before]] == "CACHE":
        before -= 2
    return before >= 0 and dis.opname[code[before]].startswith(("CALL", "JUMP_BACKWARD"))


@pytest.mark.parametrize("kind", WAITS)
def test_an_interrupt_at_any_point_leaves_the_lock_as_it_was(start: Start, kind: str) -> None:
    """Python's own condition fails at three of them."""
    cluster = start(nodes=1)
    assert write(cluster, 1) is AnswerKind.OK
    if "still" in kind:
        cluster.apply(Hold())
    point = unbroken = 0
    places = set()
    while unbroken < 3:
        interrupt = Interrupt(point)
        sys.settrace(interrupt)
        try:
            WAITS[kind](cluster)
            sys.settrace(None)
            unbroken += 1
        except KeyboardInterrupt:
            sys.settrace(None)
            unbroken = 0
        finally:
            sys.settrace(None)
        assert not cluster._supervisor.lock._is_owned(), interrupt.place  # type: ignore[attr-defined]
        places.add(interrupt.place)
        point += 9 if "still" in kind else 1  # Time that stands still passes in many steps, all alike.
    if "still" in kind:
        cluster.apply(Release())
    assert len(places) > 15
    assert write(cluster, 1) is AnswerKind.OK


def test_an_interrupt_of_a_look_at_what_is_known_leaves_the_lock_free(start: Start) -> None:
    """Where a `return` inside `with` ends with a call, nothing guards the moment after that call.

    Found in a run of all tests on a busy machine, in which the test above took this way.
    """
    cluster = start(nodes=1)
    assert write(cluster, 1) is AnswerKind.OK
    places = set()
    for point in range(12):
        cluster._statuses.stale.clear()
        interrupt = Interrupt(point)
        sys.settrace(interrupt)
        with suppress(KeyboardInterrupt):
            cluster.status(1)
        sys.settrace(None)
        assert not cluster._supervisor.lock._is_owned(), interrupt.place  # type: ignore[attr-defined]
        places.add(interrupt.place)

    assert len(places) >= 4


def test_no_lock_is_held_while_a_call_is_returned() -> None:
    """The same moment everywhere: what a call gives is kept, and returned after the `with`."""
    found = []
    for path in sorted(Path(simulator.__file__).parent.rglob("*.py")):
        for block in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            items = block.items if isinstance(block, ast.With) else []
            if any(ast.unparse(each.context_expr).endswith("lock") for each in items):
                returns = [one for one in ast.walk(block) if isinstance(one, ast.Return)]
                calls = [one for one in returns if any(isinstance(part, ast.Call) for part in ast.walk(one))]
                found += [f"{path.name}:{one.lineno}" for one in calls]
    assert not found


def test_an_interrupt_inside_pythons_own_waits_is_no_bug_of_ours() -> None:
    """An Event takes a plain lock; one that is free cannot be released."""
    found = []
    for point in range(30):
        event = threading.Event()
        sys.settrace(Interrupt(point))
        try:
            event.wait(0.001)
        except (KeyboardInterrupt, RuntimeError) as error:
            found.append(error)
        finally:
            sys.settrace(None)

    assert {type(error) for error in found} == {KeyboardInterrupt, RuntimeError}
    assert {explain(error, ["run"]).status for error in found} == {INTERRUPTED}
