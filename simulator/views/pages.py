"""Combined views: one opened node with everything that is known about it."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import msgspec

from simulator.cluster.events import ClusterEvent
from simulator.node.status import NodeStatus
from simulator.views.blogs import entries_view
from simulator.views.chain import chain_view
from simulator.views.events import events_view, touches
from simulator.views.nodes import node_facts
from simulator.views.sheet import Page, Sheet
from simulator.views.slots import log_view

_SHOWN = 10


def node_view(state: NodeStatus, chain_lines: Sequence[str] = (), events: Sequence[ClusterEvent] = ()) -> Page:
    """What `node N` prints: its facts, its newest slots, blocks, blog entries and events, as far as they are given."""
    sheets = [node_facts(state)]
    if state.log:
        sheets.append(_titled("log", log_view(_newest(state))))
    if chain_lines:
        sheets.append(_titled("chain", chain_view(chain_lines[-_SHOWN:], boxes=False)))
    if state.newest:
        sheets.append(_titled("newest in the blog", entries_view(state.newest)))
    own = [event for event in events if touches(event, state.node)]
    if own:
        sheets.append(_titled("recent messages and events", events_view(own[-_SHOWN:], header=False)))
    return Page(tuple(sheets))


def _newest(state: NodeStatus) -> NodeStatus:
    return msgspec.structs.replace(state, log=state.log[-_SHOWN:])


def _titled(title: str, sheet: Sheet) -> Sheet:
    return dataclasses.replace(sheet, title=title)
