"""Draws what clients ask of which node, and when."""

from __future__ import annotations

from simulator.tools.explore.fault_kinds import Draw
from simulator.tools.explore.schedule import Again, Call, Look, LookKind, Write, WriteKind

TITLES = tuple(f"t{number}" for number in range(1, 13))
LOOKS: tuple[LookKind, ...] = ("all", "all", "user", "title")
WRITES: tuple[WriteKind, ...] = ("post", "comment")
USERS = ("ann", "ben", "cyd", "dot")


def draw_calls(draw: Draw, calls_per_s: tuple[int, int], heals_ms: int) -> tuple[Call, ...]:
    """Draw what clients ask until `heals_ms`."""
    dice = draw.dice
    clients = dice.randint(1, 8)
    every_ms = 1_000 // draw.span(*calls_per_s)
    reads, again = dice.choice((0.2, 0.5, 0.8)), dice.choice((0.0, 0.2, 0.6))
    local = dice.choice((0.1, 0.5))
    calls: list[Call] = []
    at = draw.gap(every_ms)
    while at < heals_ms:
        client, node = dice.randint(1, clients), dice.choice(draw.nodes)
        if dice.random() < reads:
            kind: LookKind = dice.choice(LOOKS)
            name = "" if kind == "all" else dice.choice(USERS if kind == "user" else TITLES)
            calls.append(Look(at, client, node, kind, name, dice.random() >= local))
        else:
            content = f"c{len(calls)}"
            calls.append(Write(at, client, node, dice.choice(WRITES), dice.choice(USERS), dice.choice(TITLES), content))
            while dice.random() < again:
                calls.append(Again(at + draw.span(5, 1_500), client, dice.choice(draw.nodes), content))
        at += draw.gap(every_ms)
    calls.sort(key=lambda call: call.at_ms)
    return tuple([call for call in calls if call.at_ms < heals_ms])
