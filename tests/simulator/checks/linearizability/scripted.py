"""Histories written by hand, an event a line: "PROCESS TYPE F VALUE", with the value as JSON."""

from __future__ import annotations

from typing import Any, cast

import msgspec

from simulator.cluster.history import Event


def script(*lines: str) -> list[Event]:
    """The events. A line that ends in "@N" belongs to a local read at node N."""
    events: list[Event] = []
    for line in lines:
        process, kind, f, text = line.split(maxsplit=3)
        value, _, node = text.partition(" @")
        events.append(
            Event(
                process=int(process),
                type=cast("Any", kind),
                f=f,
                value=msgspec.json.decode(value),
                read="local" if node else "",
                node=int(node or 0),
                time=len(events),
            )
        )
    return events
