"""An asciinema recording (version 2): the table of the nodes and the newest events, as the lab shows them.

Time passes as in the run, but that pauses are cut to two seconds, and that each screen stays for a tenth of a second: a
virtual run is over before anybody has seen it. Of very many screens, a thousand are kept.
"""

from __future__ import annotations

import io
from collections.abc import Iterator

import msgspec
from rich.console import Console

from simulator.analysis.event_text import event_text
from simulator.analysis.moment import Moments
from simulator.analysis.run import RecordedRun
from simulator.cluster.message_text import ROUTINE
from simulator.text.sanitize import safe
from simulator.trace.events import FaultInjected, MessageDelivered, MessageLost, MessageSent, TimerFired, TurnBegan
from simulator.trace.format import Cut, History
from simulator.views.nodes import status_view
from simulator.views.sheet import show

WIDTH, HEIGHT = 110, 30
MOST_SCREENS = 1_000
_SHORTEST_S, _LONGEST_S = 0.1, 2.0
_HOME = "\x1b[H\x1b[2J"


def cast(run: RecordedRun) -> Iterator[str]:
    """The lines of the recording."""
    title = f"paxsim, {run.header.world} world, seed {run.header.seed}"
    head = {"version": 2, "width": WIDTH, "height": HEIGHT, "title": title, "env": {"TERM": "xterm-256color"}}
    encode = msgspec.json.Encoder().encode
    yield encode(head).decode()
    moments = Moments(run)
    lines = [(index, text) for index, event in enumerate(run.events) if (text := _line(event)) is not None]
    chosen = _chosen(run, lines)
    clock_s, before_ms = 0.0, 0
    for place in chosen:
        index = lines[place][0]
        at_ms = run.events[index].at_ms
        clock_s += min(max((at_ms - before_ms) / 1000, _SHORTEST_S), _LONGEST_S)
        before_ms = at_ms
        shown = [text for _, text in lines[max(0, place + 1 - HEIGHT) : place + 1]]
        screen = _screen(moments, index, at_ms, shown)
        yield encode([round(clock_s, 3), "o", _HOME + screen.replace("\n", "\r\n")]).decode()


def _chosen(run: RecordedRun, lines: list[tuple[int, str]]) -> list[int]:
    """The last line of each millisecond, by its place in `lines`; evenly fewer if there are too many."""
    ends = [
        place
        for place, (index, _) in enumerate(lines)
        if place + 1 == len(lines) or run.events[lines[place + 1][0]].at_ms != run.events[index].at_ms
    ]
    step = max(1, -(-len(ends) // MOST_SCREENS))
    return sorted({*ends[::step], *ends[-1:]})


def _screen(moments: Moments, index: int, at_ms: int, lines: list[str]) -> str:
    out = io.StringIO()
    console = Console(file=out, width=WIDTH, height=HEIGHT, force_terminal=True, color_system="standard")
    show(status_view(moments.at(index).nodes, title=f"{at_ms / 1000:.3f} s"), console)
    table = out.getvalue()
    room = HEIGHT - table.count("\n") - 2
    return table + "\n" + "\n".join(line[:WIDTH] for line in lines[-room:])


def _line(event: object) -> str | None:
    """The line of the log for an event, or None for one that the lab does not show."""
    if isinstance(event, TimerFired | TurnBegan | History | Cut | MessageDelivered):
        return None
    if isinstance(event, MessageSent | MessageLost) and isinstance(event.message, ROUTINE):
        return None
    assert hasattr(event, "at_ms")
    where = "" if isinstance(event, FaultInjected) else f"node {event.node}  "  # type: ignore[attr-defined]
    return safe(f"{event.at_ms / 1000:9.3f} s  {where}{event_text(event)}")  # type: ignore[arg-type]
