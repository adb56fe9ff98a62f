"""Programs of clients for hypothesis, and a way to run them: what a property test of a concurrent object needs.

It needs hypothesis, which a test environment has.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st

from simulator.checks.linearizability.history import History
from simulator.checks.linearizability.recorder import Recorder

Operation = tuple[str, Any]
"""An operation's name and its argument."""


def programs(
    operations: st.SearchStrategy[Operation], *, clients: int = 3, most: int = 5
) -> st.SearchStrategy[list[list[Operation]]]:
    """For each of 2 to `clients` clients the operations that it calls one after the other, `most` at most."""
    return st.lists(st.lists(operations, min_size=1, max_size=most), min_size=2, max_size=clients)


def run_programs(
    clients: Sequence[Sequence[Operation]],
    perform: Callable[[str, Any], object],
    *,
    refusals: tuple[type[BaseException], ...] = (),
) -> History:
    """Run each program in a thread of its own, all at once, and record them.

    `perform(f, arg)` calls the system and returns the result. An exception of `refusals` says that nothing happened;
    any other one leaves the fate of the operation unknown and ends its program.
    """
    recorder = Recorder(refusals)
    start = threading.Barrier(len(clients))

    def run(program: Sequence[Operation]) -> None:
        start.wait()
        for f, arg in program:
            try:
                with recorder.call(f, arg) as one:
                    one.ok(perform(f, arg))
            except refusals:
                continue
            except Exception:  # noqa: BLE001  # It is in the history.
                return

    threads = [threading.Thread(target=run, args=(program,), daemon=True) for program in clients]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return recorder.history
