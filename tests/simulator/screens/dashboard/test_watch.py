"""Watching a run: the frame fits the terminal, and waiting in slices ends like one wait."""

from __future__ import annotations

import io
from collections.abc import Callable

from rich.console import Console

from simulator.cluster.meter import Figures
from simulator.faults.links import Link, Links
from simulator.node.status import NodeStatus
from simulator.screens.dashboard.demo import CannedSource
from simulator.screens.dashboard.watch import SLICE_MS, Watch, frame, watch_wait
from simulator.settings import Settings
from simulator.views.sheet import bit


class _Clockwork:
    """The part of a cluster that waiting needs: a virtual clock that advances in `wait`."""

    world = "virtual"

    def __init__(self) -> None:
        self.settings = Settings(nodes=1)
        self.links = Links((1,))
        self.time_ms = 0
        self.waits: list[int] = []

    def now_ms(self) -> int:
        return self.time_ms

    def wait(self, condition: Callable[[], bool], within_ms: int) -> bool:
        self.waits.append(within_ms)
        for _ in range(within_ms):
            if condition():
                return True
            self.time_ms += 1
        return condition()

    def status(self, node: int) -> NodeStatus:
        return NodeStatus(node=node)

    def in_flight(self) -> int:
        return 0

    def held(self) -> list[object]:
        return []

    def events(self, last: int) -> list[object]:
        return []

    def figures(self) -> Figures:
        return Figures()

    def link_counts(self) -> dict[Link, tuple[int, int]]:
        return {}


def test_the_frame_fits_an_80_by_24_terminal() -> None:
    """The frame has at most 24 lines of 80 columns; the running command is the last."""
    file = io.StringIO()
    console = Console(file=file, width=80, height=24, force_terminal=True, color_system=None)

    console.print(
        frame(CannedSource().newest(), [bit(f"line {n}") for n in range(30)] + [bit("> wait leader within 5s")])
    )

    lines = file.getvalue().splitlines()
    assert len(lines) <= 24
    assert all(len(line.rstrip()) <= 80 for line in lines)
    assert lines[0].startswith("paxsim · canned")
    assert lines[-1].startswith("> wait leader within 5s")


def test_output_stands_below_the_cluster() -> None:
    """Remarks, commands and results are shown below the cluster; a long remark is wrapped, not cut."""
    file = io.StringIO()

    with Watch(Console(file=file, force_terminal=True, width=80, height=30, color_system=None)) as watch:
        watch.write("# " + "a remark that is longer than a line of this terminal, as many remarks are, " * 2 + "ends.")
        watch.write("> crash leader", "quiet")
        watch.draw(_Clockwork(), now=True)  # type: ignore[arg-type]

    text = file.getvalue()
    assert "# a remark that is longer" in text
    assert "ends." in text
    assert "> crash leader" in text


def test_waiting_in_slices_ends_when_the_condition_holds() -> None:
    """A watched wait uses slices of 100 ms and stops at the millisecond when the condition holds."""
    cluster = _Clockwork()

    with Watch(Console(file=io.StringIO(), force_terminal=True, width=80)) as watch:
        assert watch_wait(cluster, watch, lambda: cluster.time_ms >= 250, 10_000)  # type: ignore[arg-type]

    assert cluster.time_ms == 250
    assert cluster.waits == [SLICE_MS] * 3


def test_waiting_in_slices_gives_up_in_time() -> None:
    """A wait whose condition never holds ends at its timeout, not a slice later."""
    cluster = _Clockwork()

    with Watch(Console(file=io.StringIO(), force_terminal=True, width=80)) as watch:
        assert not watch_wait(cluster, watch, lambda: False, 130)  # type: ignore[arg-type]

    assert cluster.time_ms == 130
