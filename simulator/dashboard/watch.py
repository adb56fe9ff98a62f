"""`paxsim run --watch`: the same views, drawn again in place while a scenario runs, without a prompt.

`Watched` stands between the scenario and its cluster: time passes only in `wait`, so that is where it cuts waiting
into slices, draws after each, and holds virtual time back to the pace of a person's clock. All drawing happens in the
scenario's own thread; the world under it notices nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table

from simulator.dashboard.board import top_line
from simulator.dashboard.snapshot import Picture, take_snapshot
from simulator.views.events import events_view
from simulator.views.network import held_brief, net_small
from simulator.views.nodes import status_view
from simulator.views.sheet import Column, Sheet, bit

if TYPE_CHECKING:
    from simulator.cluster import Cluster

SLICE_MS = 100
_NET_WIDTH = 28
_LEAST_LOG = 3


def frame(picture: Picture, said: str = "", *, height: int = 24) -> RenderableType:
    """The whole picture in at most `height` lines: top line, nodes, network beside the log, the command under way."""
    cluster = picture.cluster
    nodes = status_view(cluster.states)
    room = max(len(cluster.states) + 3, _LEAST_LOG)
    room = max(_LEAST_LOG, min(room + 6, height - len(nodes.rows) - len(nodes.notes) - 4))
    waiting = (
        held_brief(cluster.held, room) if cluster.held else events_view(list(cluster.events)[-room:], header=False)
    )
    middle = Table.grid(padding=(0, 2))
    middle.add_column(width=_NET_WIDTH)
    middle.add_column(ratio=1)
    middle.expand = True
    middle.add_row(net_small(cluster.links, cluster.in_flight, cluster.held), waiting)
    line = Sheet(columns=(Column("", room=20),), rows=((top_line(picture),),), header=False)
    command = Sheet(columns=(Column("", room=20),), rows=((bit(f"> {said}", "bold"),),), header=False)
    return Group(line, nodes, middle, command)


class Watch:
    """The place on the terminal where pictures are drawn. A context manager; `say` shows the command under way."""

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(stderr=True)
        self._live = Live(console=self._console, auto_refresh=False, transient=False)
        self._said = ""
        self._drawn_at = 0.0

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def say(self, command: str) -> None:
        """Name the command that runs now."""
        self._said = command

    def draw(self, cluster: Cluster, checks: Mapping[str, str] | None = None, *, now: bool = False) -> None:
        """Draw the cluster, at most ten times a second unless it must be `now`."""
        if not now and time.monotonic() - self._drawn_at < SLICE_MS / 1000:
            return
        picture = Picture(cluster=take_snapshot(cluster), checks=checks or {})
        self._live.update(frame(picture, self._said, height=self._console.height), refresh=True)
        self._drawn_at = time.monotonic()


def watch_wait(cluster: Cluster, watch: Watch, condition: Callable[[], bool], within_ms: int) -> bool:
    """`cluster.wait(condition, within_ms)` in slices, with a picture after each; virtual time passes like real time."""
    until = cluster.now_ms() + within_ms
    while not condition():
        left = until - cluster.now_ms()
        if left <= 0:
            return False
        began, virtual = time.monotonic(), cluster.now_ms()
        done = cluster.wait(condition, min(left, SLICE_MS))
        watch.draw(cluster, now=done)
        if cluster.world == "virtual":
            passed_s = (cluster.now_ms() - virtual) / 1000
            time.sleep(max(0.0, passed_s - (time.monotonic() - began)))
        if done:
            return True
    return True
