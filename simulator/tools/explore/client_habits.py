"""What clients do besides asking one thing after the other: see `HABITS`.

Each habit is on in some runs, with a frequency of its own, as the kinds of faults are (`swarm`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from simulator.tools.explore.draw_calls import TITLES, USERS, WRITES
from simulator.tools.explore.fault_kinds import Draw
from simulator.tools.explore.schedule import Again, Call, Write

CROWD_CLIENT = 90
"""The first number of the clients of crowds; the others have lower ones."""
CROWDS = (70, 130, 130, 200)
"""How many writes a crowd has."""
CROWD_SETTINGS: tuple[dict[str, int], ...] = (
    {"ops_per_block": 1, "window": 256},
    {"ops_per_block": 1, "window": 128},
    {"ops_per_block": 150},
    {"ops_per_block": 400},
)
"""What is changed where there is a crowd: it comes in more slots than one message carries, or in large batches."""


def many_in_one_name(calls: Iterable[Call], draw: Draw) -> Iterator[Call]:
    """Each client has one name and does not wait: its writes overtake one another, on the way through several nodes.

    Some come in bursts. Some clients lose their numbers now and then, and begin anew in a new name.
    """
    dice = draw.dice
    anew, burst = dice.choice((0.0, 0.05, 0.3)), dice.choice((0.0, 0.1, 0.3))
    sessions: dict[int, int] = {}
    for call in calls:
        if not isinstance(call, Write):
            yield call
            continue
        session = sessions[call.client] = sessions.get(call.client, 1) + (dice.random() < anew)
        write = msgspec.structs.replace(call, session=session)
        yield write
        if dice.random() < burst:
            at = call.at_ms
            for number in range(dice.randint(1, 6)):
                at += dice.choice((0, 0, 1, 2, 10))
                node, kind, content = dice.choice(draw.nodes), dice.choice(WRITES), f"{call.content}b{number}"
                yield msgspec.structs.replace(write, at_ms=at, node=node, kind=kind, content=content)


def lost_answers(calls: Iterable[Call], draw: Draw) -> Iterator[Call]:
    """Answers are lost on their way: clients send answered writes again, soon or much later, to any node."""
    dice = draw.dice
    share = dice.choice((0.1, 0.3, 0.6))
    for call in calls:
        yield call
        if isinstance(call, Write):
            at = call.at_ms
            while dice.random() < share:
                at += draw.span(10, 4_000)
                yield Again(at, call.client, dice.choice(draw.nodes), call.content, answered=True)


HABITS: tuple[Callable[[Iterable[Call], Draw], Iterator[Call]], ...] = (many_in_one_name, lost_answers)


def with_habits(calls: Iterable[Call], draw: Draw, heals_ms: int, share: float) -> list[Call]:
    """The calls of clients of which each habit is on with a chance of `share`."""
    for habit in HABITS:
        if draw.dice.random() < share:
            calls = habit(calls, draw)
    return sorted([call for call in calls if call.at_ms < heals_ms], key=lambda call: call.at_ms)


def with_crowds(calls: Iterable[Call], draw: Draw, heals_ms: int) -> list[Call]:
    """The calls and those of crowds: a hundred writes of a few clients in one moment, at one node or at all."""
    many = [write for _ in range(draw.dice.randint(1, 3)) for write in _crowd(draw, heals_ms)]
    return sorted([*calls, *many], key=lambda call: call.at_ms)


def _crowd(draw: Draw, heals_ms: int) -> list[Write]:
    dice = draw.dice
    at = dice.randint(heals_ms // 8, heals_ms - 1)
    nodes = draw.nodes if dice.random() < 0.2 else (draw.node(),)
    return [
        Write(
            at,
            CROWD_CLIENT + dice.randint(0, 2),
            dice.choice(nodes),
            dice.choice(WRITES),
            dice.choice(USERS),
            dice.choice(TITLES),
            f"crowd{at}n{number}",
            session=1,
        )
        for number in range(dice.choice(CROWDS))
    ]
