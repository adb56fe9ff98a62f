"""The running log: a line for each event, the newest last."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.cluster.events import ClusterEvent
from simulator.views.palette import EVENT_STYLE, QUIET
from simulator.views.sheet import Cell, Column, Sheet, bit

_COLUMNS = (
    Column("seconds", right=True),
    Column("node", right=True),
    Column("kind", rank=1),
    Column("what", room=34),
)


def clock(at_ms: int) -> str:
    """Cluster time in seconds, to the millisecond."""
    return f"{at_ms // 1000}.{at_ms % 1000:03d}"


def events_view(events: Sequence[ClusterEvent], *, header: bool = True) -> Sheet:
    """These events, a line each, in the order given."""
    if not events:
        return Sheet(notes=(bit("nothing has happened yet", QUIET),))
    return Sheet(columns=_COLUMNS, rows=tuple(_row(event) for event in events), header=header)


def touches(event: ClusterEvent, node: int) -> bool:
    """True when the event belongs to `node`."""
    return event.node == node or node in event.to


def _row(event: ClusterEvent) -> tuple[Cell, ...]:
    style = EVENT_STYLE.get(event.kind, "")
    return (
        bit(clock(event.at_ms), QUIET),
        bit(event.node or "-"),
        bit(event.kind, style),
        bit(event.text, style),
    )
