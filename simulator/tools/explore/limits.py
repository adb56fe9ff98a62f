"""Draws the limits of a cluster, so that what takes hours of load in a real one happens in seconds.

Compaction, deferred votes, full messages, catch-up in many replies and answers in parts: each has a limit, and each
limit is small in some seeds. Every other seed has the usual ones, as real clusters do.
"""

from __future__ import annotations

from random import Random

import msgspec

from simulator.settings import Limits, Settings

SMALL: dict[str, tuple[int, ...]] = {
    "compact_bytes": (300, 1_000, 1_000, 4_000),
    "defer_cost": (1, 17, 34),
    "slots_a_message": (1, 2, 5),
    "requests_a_message": (1, 2, 7),
    "catchup_slots": (1, 2, 8),
    "reply_bytes": (1, 400, 2_000),
    "part_cost": (1, 17, 60),
}
"""The small values of each limit, drawn evenly."""
USUAL_SHARE = 0.5
"""The share of runs with the usual limits."""


def draw_limits(settings: Settings, dice: Random) -> Settings:
    """The settings with each limit small by a chance of its own, or all limits as usual."""
    if dice.random() < USUAL_SHARE:
        return settings
    share = dice.choice((0.3, 0.6, 1.0))
    small = {name: dice.choice(values) for name, values in SMALL.items() if dice.random() < share}
    return msgspec.structs.replace(settings, limits=Limits(**small))
