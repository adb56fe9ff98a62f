"""The running log: a line for each event, the newest last."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.cluster.events import ClusterEvent, Fate
from simulator.views.palette import BAD, EVENT_STYLE, ODD, QUIET
from simulator.views.sheet import Cell, Column, Sheet, bit, join

LOST = frozenset({"cut", "lost", "down"})
"""The fates of messages that never arrive."""

_COLUMNS = (
    Column("seconds", right=True),
    Column("node", right=True),
    Column("kind", rank=1),
    Column("what", room=34),
)


def clock(at_ms: int) -> str:
    """Cluster time in seconds, to the millisecond."""
    return f"{at_ms // 1000}.{at_ms % 1000:03d}"


def events_view(
    events: Sequence[ClusterEvent], *, header: bool = True, nothing: str = "nothing has happened yet"
) -> Sheet:
    """These events, a line each, in the order given; `nothing` is said when there are none."""
    if not events:
        return Sheet(notes=(bit(nothing, QUIET),))
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
        _what(event, style),
    )


def _what(event: ClusterEvent, style: str) -> Cell:
    """The text; what became of a message stands behind its targets, where a narrow screen shows it."""
    if not event.fates:
        return bit(event.text, style)
    targets, _, message = event.text.partition("  ")
    return join(bit(targets, style), *(_fate(fate) for fate in event.fates), bit(message, style))


def _fate(fate: Fate) -> Cell:
    """What became of copies of a message: "cut 4,5"."""
    return bit(f"{fate.what} {','.join(map(str, fate.to))}", BAD if fate.what in LOST else ODD)
