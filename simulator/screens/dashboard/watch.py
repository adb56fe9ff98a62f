"""`paxsim run --watch`: the same views, refreshed in place while a scenario runs, without a prompt.

`Watched` stands between the scenario and its cluster. Time passes only in `wait`, so it cuts waits into slices, draws
after each, and slows virtual time down to real time. All drawing happens in the scenario's thread.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table

from simulator.scenario.session.rich_output import STYLES
from simulator.screens.dashboard.board import top_line
from simulator.screens.dashboard.snapshot import LabState, take_snapshot
from simulator.views.events import events_view
from simulator.views.held import held_brief
from simulator.views.network import net_small
from simulator.views.nodes import status_view
from simulator.views.one_line import line_sheet
from simulator.views.sheet import Cell, Column, Sheet, bit

if TYPE_CHECKING:
    from simulator.cluster.interface import Cluster
    from simulator.scenario.session.output import Tone

SLICE_MS = 100
_NET_WIDTH = 28
_LEAST_LOG = 3
_MOST_LINES = 12
CHECK_EVERY_S = 1.0
REST_S = 0.4
"""How long, in seconds, each line of a scenario is shown in virtual time."""


def frame(newest: LabState, lines: Sequence[Cell] = (), *, width: int = 80, height: int = 24) -> RenderableType:
    """The screen in at most `height` lines of `width`: top line, nodes, network beside the log, newest of `lines`."""
    cluster = newest.cluster
    nodes = status_view(cluster.states)
    fixed = 2 + len(nodes.rows) + len(nodes.notes)  # The top line, and the nodes with their header.
    net = len(cluster.states) + 3
    room = max(_LEAST_LOG, net, min(net + 6, height - fixed - _MOST_LINES - 1))
    waiting = held_brief(cluster.held, room) if cluster.held else events_view(cluster.log.lines[-room:], header=False)
    middle = Table.grid(padding=(0, 2))
    middle.add_column(width=_NET_WIDTH)
    middle.add_column(ratio=1)
    middle.expand = True
    middle.add_row(net_small(cluster.links, cluster.in_flight, cluster.held), waiting)
    line = line_sheet(top_line(newest, width))
    shown = max(1, min(_MOST_LINES, height - fixed - max(room, net) - 1))  # The last line is for the cursor.
    words = Sheet(columns=(Column("", room=20),), rows=tuple((cell,) for cell in lines[-shown:]), header=False)
    return Group(line, nodes, middle, words)


class Watch:
    """The place on the terminal where the cluster is rendered. A context manager; output appears below it."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=False)
        self._items: deque[Cell] = deque(maxlen=_MOST_LINES)
        self._rendered_at = 0.0
        self._checks: Mapping[str, str] = {}
        self._checked_at = time.monotonic()

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def write(self, text: str, tone: Tone = "plain") -> None:
        """Put lines below the drawing; the oldest go."""
        for line in text.split("\n"):
            self._items.extend(bit(part, STYLES[tone]) for part in wrap(line, self._console.width - 1) or [""])

    def rest(self, cluster: Cluster) -> None:
        """In virtual time, show each line for a moment; virtual time stands still meanwhile."""
        self.draw(cluster, now=True)
        if cluster.world == "virtual" and self._console.is_terminal:
            time.sleep(REST_S)

    def draw(self, cluster: Cluster, checks: Mapping[str, str] | None = None, *, now: bool = False) -> None:
        """Draw the cluster, at most ten times a second unless it must be `now`."""
        if not now and time.monotonic() - self._rendered_at < SLICE_MS / 1000:
            return
        if checks is not None:
            self._checks = checks
        elif time.monotonic() - self._checked_at > CHECK_EVERY_S:
            self._checks, self._checked_at = cluster.check(), time.monotonic()
        newest = LabState(cluster=take_snapshot(cluster), checks=self._checks)
        self._live.update(
            frame(newest, list(self._items), width=self._console.width, height=self._console.height), refresh=True
        )
        self._rendered_at = time.monotonic()


def watch_wait(cluster: Cluster, watch: Watch, condition: Callable[[], bool], within_ms: int) -> bool:
    """`cluster.wait(condition, within_ms)` in slices, drawing after each.

    Time that passes in waits alone passes like real time.
    """
    until = cluster.now_ms() + within_ms
    while not condition():
        left = until - cluster.now_ms()
        if left <= 0:
            return False
        began, virtual = time.monotonic(), cluster.now_ms()
        done = cluster.wait(condition, min(left, SLICE_MS))
        watch.draw(cluster, now=done)
        if cluster.world == "virtual" or cluster.links.holding:
            passed_s = (cluster.now_ms() - virtual) / 1000
            time.sleep(max(0.0, passed_s - (time.monotonic() - began)))
        if done:
            return True
    return True
