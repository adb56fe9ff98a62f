"""The board: the whole cluster, or one opened node, in the form that fits the screen.

It draws the state that it is given, of a running cluster or of a trace.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec
from textual.app import ComposeResult
from textual.containers import Container, Grid, Horizontal, Vertical

from simulator.cluster.events import ClusterEvent
from simulator.cluster.meter import LoadProgress
from simulator.node.status import NodeStatus
from simulator.screens.dashboard.held_pane import HeldPane
from simulator.screens.dashboard.layout import Layout, choose
from simulator.screens.dashboard.list_pane import ListPane
from simulator.screens.dashboard.log_pane import LogPane
from simulator.screens.dashboard.panes import NodePane, Pane
from simulator.screens.dashboard.snapshot import LabState, Opened, Snapshot
from simulator.views.blogs import entries_view
from simulator.views.chain import BOX_LINES, BOX_WIDTH, chain_short, chain_view
from simulator.views.checks import checks_line, checks_view
from simulator.views.events import clock, events_view
from simulator.views.figures import figures_cells
from simulator.views.network import net_small, net_view
from simulator.views.nodes import node_panel, node_summary, status_view
from simulator.views.one_line import Ranked, line_sheet, one_line
from simulator.views.palette import LEADER, ODD, condition, node
from simulator.views.sheet import Cell, Sheet, bit
from simulator.views.slots import log_view

_TITLES = {
    "table": "nodes",
    "net": "network",
    "checks": "checks",
    "slots": "log of slots",
    "blocks": "chain, newest first",
    "entries": "blog, newest first",
    "own": "recent messages",
}
_CONDITIONS = ("leader", "candidate", "follower", "paused", "down")


class Board(Container):
    """Everything above the transcript. `nodes` is how many nodes the cluster has."""

    DEFAULT_CSS = """
    Board { height: auto; }
    Board Pane { height: 1fr; width: 1fr; }
    Board #top, Board #figures { height: 1; }
    Board #top { text-style: bold; }
    Board #panels { grid-gutter: 0; }
    Board #middle { layout: horizontal; }
    Board #net { width: 28; }
    Board #events, Board #held { border-left: solid ansi_bright_black; padding-left: 1; }
    Board #checks { width: 32; }
    Board #summary { height: 2; }
    Board #details { grid-gutter: 0 1; }
    Board.-framed #net, Board.-framed #checks, Board.-framed #events, Board.-framed #held, Board.-framed #table,
    Board.-framed #details Pane { border: round ansi_bright_black; padding: 0 1; }
    Board ListPane.-in-use { border-left: heavy ansi_cyan; }
    Board.-framed ListPane.-in-use { border: heavy ansi_cyan; }
    Board.-framed #net { width: 32; }
    Board.-full #net { width: 68; }
    Board #panels NodePane { border: round ansi_default; padding: 0 1; }
    Board #panels .-leader { border: double ansi_green; }
    Board #panels .-candidate { border: heavy ansi_yellow; }
    Board #panels .-paused { border: dashed ansi_yellow; }
    Board #panels .-down { border: ascii ansi_red; }
    """

    def __init__(self, nodes: int) -> None:
        super().__init__(id="board")
        self._count = nodes
        self._panes: dict[str, Pane] = {name: Pane(id=name) for name in ("top", "figures", "summary", *_TITLES)}
        self.log_pane = LogPane(nodes)
        self.held_pane = HeldPane()
        self._panes["table"] = NodePane(0, id="table")
        self._panes.update(
            {f"panel-{number}": NodePane(number, id=f"panel-{number}") for number in range(1, nodes + 1)}
        )
        self._form: Layout | None = None
        self._opened = 0

    def compose(self) -> ComposeResult:
        """All panes of both faces; the layout shows those that have room."""
        yield self._panes["top"]
        yield self._panes["figures"]
        with Vertical(id="cluster"):
            yield self._panes["table"]
            with Grid(id="panels"):
                for number in range(1, self._count + 1):
                    yield self._panes[f"panel-{number}"]
            with Horizontal(id="middle"):
                yield self._panes["net"]
                yield self._panes["checks"]
                yield self.log_pane
                yield self.held_pane
        with Vertical(id="opened"):
            yield self._panes["summary"]
            with Grid(id="details"):
                for name in ("slots", "blocks", "entries", "own"):
                    yield self._panes[name]

    def on_mount(self) -> None:
        """Set the titles of the frames."""
        for name, title in _TITLES.items():
            self._pane(name).entitle(title)
        for number in range(1, self._count + 1):
            self._pane(f"panel-{number}").entitle(f"node {number}")

    def fit(self, width: int, height: int, opened: int) -> None:
        """Choose the forms for a screen of this size, with node `opened` open (0: none)."""
        layout = choose(width, height, self._count)
        if layout == self._form and opened == self._opened:
            return
        self._form = layout
        self._opened = opened
        self.set_class(layout.framed, "-framed")
        self.set_class(layout.net_full, "-full")
        self.query_one("#cluster").display = not opened
        self.query_one("#opened").display = bool(opened)
        table, panels = self._pane("table"), self.query_one("#panels", Grid)
        table.display, panels.display = not layout.panels, layout.panels
        table.styles.height = panels.styles.height = layout.nodes_height
        panels.styles.grid_size_columns = layout.across
        self.query_one("#middle").styles.height = layout.middle_height
        self._pane("checks").display = layout.checks
        self._pane("figures").display = layout.figures
        self.query_one("#cluster").styles.height = layout.nodes_height + layout.middle_height
        self.query_one("#opened").styles.height = layout.nodes_height + layout.middle_height
        self.query_one("#details", Grid).styles.grid_size_columns = 4 if width >= 160 else 2

    @property
    def list_pane(self) -> ListPane | None:
        """The pane in which a person may scroll and choose, if it is on the screen."""
        if self._opened or self._form is None or not self._form.middle_height:
            return None
        return self.held_pane if self.held_pane.display else self.log_pane

    def show(self, newest: LabState, loads: Sequence[LoadProgress] = (), time_words: str = "") -> None:
        """Draw what has changed. `loads` are the loads under way, `time_words` say how virtual time passes."""
        if self._form is None:
            return
        width, cluster = self.size.width, newest.cluster
        brief = not self._form.figures
        self._pane("top").show(line_sheet(top_line(newest, width, time_words, brief=brief)))
        figures = figures_cells(cluster.figures, cluster.now_ms, cluster.in_flight, loads, sparks=max(24, width // 3))
        self._pane("figures").show(line_sheet(one_line(figures, width)))
        if self._opened:
            if newest.opened is not None and newest.opened.state.node == self._opened:
                self._show_opened(newest.opened)
            return
        self._show_cluster(cluster, self._form)
        if self._form.checks:
            self._pane("checks").show(checks_view(newest.checks))

    def _show_cluster(self, cluster: Snapshot, layout: Layout) -> None:
        if layout.panels:
            for state in cluster.states:
                self._show_panel(state)
        else:
            self._pane("table").show(dataclasses.replace(status_view(cluster.states), notes=()))
        if layout.net_full:
            self._pane("net").show(
                net_view(cluster.links, cluster.in_flight, cluster.held, cluster.states, counts=cluster.counts)
            )
        else:
            self._pane("net").show(net_small(cluster.links, cluster.in_flight, cluster.held))
        # With messages held, those to deliver matter more than the log.
        holding = cluster.links.holding or bool(cluster.held)
        self.log_pane.display, self.held_pane.display = not holding, holding
        if holding:
            self.held_pane.show_held(cluster.held, still=cluster.links.holding)
        self.log_pane.show_lines(cluster.log)

    def _show_panel(self, state: NodeStatus) -> None:
        pane = self._pane(f"panel-{state.node}")
        now = condition(state)
        for name in _CONDITIONS:
            pane.set_class(name == now, f"-{name}")
        pane.show(node_panel(state))

    def _show_opened(self, opened: Opened) -> None:
        slots, blocks, entries, own = (self._pane(name) for name in ("slots", "blocks", "entries", "own"))
        self._pane("summary").show(node_summary(opened.state))
        room = max(2, slots.content_size.height) - 1  # One line is the header or the title.
        log = msgspec.structs.replace(opened.state, log=opened.state.log[-room:])
        framed = self._form is not None and self._form.framed
        slots.show(log_view(log, header=framed), title=_TITLES["slots"])
        width, height = blocks.content_size
        across, down = max(1, (width - 4) // (BOX_WIDTH + 4)), height // BOX_LINES
        if width >= BOX_WIDTH + 3 and down >= 2:
            blocks.entitle("chain, newest last")
            blocks.show(chain_view(opened.chain[-across * down :], boxes=True))
        else:
            blocks.entitle(_TITLES["blocks"])
            blocks.show(chain_short(opened.chain[-max(1, height) :]), title=_TITLES["blocks"])
        entries.show(entries_view(opened.state.newest), title=_TITLES["entries"])
        own.show(_newest(opened.events, max(2, own.content_size.height) - (not framed)), title=_TITLES["own"])

    def _pane(self, name: str) -> Pane:
        return self._panes[name]


def top_line(newest: LabState, width: int, time_words: str = "", *, brief: bool = False) -> Cell:
    """The cluster in one line of `width` columns: world, clock, leader, checks, held messages; `brief`: figures too."""
    cluster = newest.cluster
    leaders = sorted({state.node for state in cluster.states if state.life == "up" and state.role == "leader"})
    who = bit(f"leader {','.join(map(node, leaders))}", LEADER) if leaders else bit("no leader", ODD)
    seconds = bit(f"{clock(cluster.now_ms)[:-2]}s")
    cells: list[Ranked] = [(4, bit("paxsim")), (3, bit(cluster.world)), (0, seconds)]
    if time_words:
        cells.append((0, bit(time_words, ODD)))
    cells.append((0, who))
    cells.append((1, checks_line(newest.checks)))
    if brief:
        cells += [(2, cell) for _, cell in figures_cells(cluster.figures, cluster.now_ms, 0, sparks=0)[:3]]
    if cluster.links.holding:
        cells.append((0, bit(f"messages held: {len(cluster.held)}", ODD)))
    return one_line(cells, width)


def _newest(events: Sequence[ClusterEvent], room: int) -> Sheet:
    return events_view(list(events)[-room:], header=False)
