"""`python -m simulator.views.demo [VIEW...]` shows views on a canned cluster; in a pipe it prints their plain form."""

from __future__ import annotations

import sys
from collections.abc import Callable

from rich.console import Console

from simulator.views import samples
from simulator.views.blogs import blog_view, entries_view
from simulator.views.chain import chain_short, chain_view
from simulator.views.checks import checks_view
from simulator.views.events import events_view
from simulator.views.figures import figures_cells
from simulator.views.held import groups_view, held_brief, held_groups, held_view
from simulator.views.network import net_small, net_view
from simulator.views.nodes import leader_view, node_facts, node_panel, node_summary, queue_view, status_view
from simulator.views.one_line import line_sheet, one_line
from simulator.views.pages import node_view
from simulator.views.sheet import View, show
from simulator.views.slots import log_view

VIEWS: dict[str, Callable[[], View]] = {
    "status": lambda: status_view(samples.states()),
    "leader": lambda: leader_view(samples.states()),
    "queue": lambda: queue_view(samples.states()),
    "panel": lambda: node_panel(samples.states()[0]),
    "summary": lambda: node_summary(samples.states()[0]),
    "facts": lambda: node_facts(samples.states()[3]),
    "node": lambda: node_view(samples.states()[0], samples.chain_lines(), samples.events()),
    "log": lambda: log_view(samples.states()[0]),
    "chain": lambda: chain_view(samples.chain_lines()),
    "chain-long": lambda: chain_view(samples.chain_lines(), boxes=False),
    "chain-short": lambda: chain_short(samples.chain_lines()),
    "net": lambda: net_view(samples.links(), 3, (), samples.states()),
    "net-held": lambda: net_view(samples.links(holding=True), 0, samples.held(), samples.states()),
    "net-counts": lambda: net_view(samples.links(), 3, (), samples.states(), counts=samples.counts()),
    "figures": lambda: line_sheet(one_line(figures_cells(samples.figures(), 31_250, 3, samples.loads()), 200)),
    "net-small": lambda: net_small(samples.links(), 3),
    "held": lambda: held_view(samples.held()),
    "held-groups": lambda: groups_view(held_groups(samples.held()), chosen=1),
    "held-brief": lambda: held_brief(samples.held(), 4),
    "events": lambda: events_view(samples.events()),
    "entries": lambda: entries_view(samples.states()[0].newest),
    "blog": lambda: blog_view("view_all", [["Hello", "alice"], ["Why Paxos?", "carol"]]),
    "blog-title": lambda: blog_view("view_title", ["alice", "first, post", [["bob", "welcome!"]]]),
    "checks": lambda: checks_view(samples.checks()),
    "checks-broken": lambda: checks_view(samples.checks(broken=True)),
}
"""Every view on canned data, by name; the golden tests compare them."""


def main(names: list[str]) -> int:
    """Show the named views, or all."""
    console = Console(highlight=False, markup=False)
    unknown = [name for name in names if name not in VIEWS]
    if unknown:
        sys.stderr.write(f"no view is called {unknown[0]}; there are: {', '.join(VIEWS)}\n")
        return 2
    for name in names or VIEWS:
        if console.is_terminal:
            console.rule(name)
        show(VIEWS[name](), console)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
