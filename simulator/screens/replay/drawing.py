"""What the screen of a replay shows at one place: a pure function of the place, so that it looks the same again."""

from __future__ import annotations

from pathlib import Path

from rich.console import Group, RenderableType
from rich.text import Text

from simulator.analysis.event_text import event_text
from simulator.screens.replay.player import Player
from simulator.text.sanitize import safe
from simulator.trace.events import Event, FaultInjected
from simulator.views.nodes import status_view

KEYS = "← → event  ⇧← ⇧→ 100  space play  + - speed  e d f r v jump (capitals: back)  g go to  / search  w why  q quit"


def title_line(player: Player) -> Text:
    """Where one is."""
    total_ms = player.times[-1] if player.times else 0
    state = f"playing {player.speed:g}x" if player.playing else f"paused ({player.speed:g}x)"
    line = (
        f"{player.moment.at_ms / 1000:.3f} s of {total_ms / 1000:.3f} s · event {player.index + 1} of "
        f"{len(player.times)} · {state} · replay of {Path(player.run.name).name}"
    )
    return Text(safe(line), style="bold", no_wrap=True, overflow="ellipsis")


def time_bar(player: Player, width: int) -> Text:
    """Three lines: who led, what happened (x a fault, ! a violation), and where one is."""
    end_ms = max(player.times[-1] if player.times else 0, 1)
    events = player.run.events

    def column(at_ms: float) -> int:
        return min(width - 1, int(at_ms * (width - 1) / end_ms))

    leaders, marks, place = ["·"] * width, ["─"] * width, [" "] * width
    for span in player.timeline.spans:
        if span.kind == "leader":
            last = events[span.end].at_ms if span.end >= 0 else end_ms
            for at in range(column(events[span.begin].at_ms), column(last) + 1):
                leaders[at] = str(span.node)
    for kind, sign in (("fault", "x"), ("violation", "!")):
        for index in player.marks[kind]:
            marks[column(events[index].at_ms)] = sign
    place[column(player.moment.at_ms)] = "▲"
    bar = Text(no_wrap=True)
    bar.append("".join(leaders) + "\n", style="dim")
    for sign in marks:
        bar.append(sign, style="bold red" if sign in "x!" else "")
    bar.append("\n" + "".join(place), style="bold")
    return bar


def events_here(player: Player, lines: int, width: int) -> Text:
    """The events around the place: those before it, the present one, and a few that follow, pale."""
    after = max(1, lines // 4)
    first = max(0, player.index + 1 - (lines - after))
    text = Text(no_wrap=True, overflow="ellipsis")
    for index in range(first, min(len(player.times), first + lines)):
        style = "bold reverse" if index == player.index else "dim" if index > player.index else ""
        text.append(_line(player.run.events[index])[:width] + "\n", style=style)
    return text


def whole(player: Player, width: int, height: int, note: str = "") -> RenderableType:
    """The screen."""
    table = status_view(player.moment.nodes)
    room = max(3, height - len(player.run.nodes) - 8)
    below = Text(safe(note) or KEYS, style="bold" if note else "dim", no_wrap=True, overflow="ellipsis")
    return Group(title_line(player), time_bar(player, width), table, Text(""), events_here(player, room, width), below)


def _line(event: Event) -> str:
    node = "" if isinstance(event, FaultInjected) or not event.node else f"node {event.node} "
    return safe(f"{event.at_ms / 1000:9.3f} s  {node}{event_text(event)}")
