"""What happens to node programs, as lines of a scenario: those of a file, or drawn by the seed.

Only commands that mean something without a blog are taken: faults of nodes and links, `load`, `sleep` and `at`.
"""

from __future__ import annotations

from random import Random
from typing import Any

import msgspec

from simulator.errors import InputError
from simulator.scenario.language import commands
from simulator.scenario.language.commands import Line
from simulator.scenario.language.parser import parse_scenario
from simulator.scenario.session.library import load_scenario

TAKEN = (
    commands.NodeFault,
    commands.Part,
    commands.LinkFault,
    commands.HealAll,
    commands.NetConditions,
    commands.NetReset,
    commands.Sleep,
    commands.Load,
    commands.SetKey,
)
UNKNOWN_HERE = {"leader", "follower", "majority", "minority"}
"""Words for nodes that depend on who leads, which a program of another language does not tell."""
DRAWN = "drawn by the seed"


def read_timetable(name: str, nodes: int) -> tuple[Line, ...]:
    """The lines of the scenario `name`.

    Raises:
        InputError: it cannot be read, or holds what has no meaning for node programs; all such lines are named.
    """
    scenario = load_scenario(name, nodes=nodes)
    wrong = [f"{name}, line {line.number}: {why}" for line in scenario.lines if (why := _refusal(line))]
    if wrong:
        raise InputError("\n".join(wrong))
    return scenario.lines


def drawn_timetable(seed: int, nodes: int) -> tuple[Line, ...]:
    """Ten seconds of load with slow, lossy links, partitions, cut links and pauses; nothing is killed.

    A killed program starts again without what it kept in memory, and many a first Raft keeps all of it there.
    """
    dice = Random(f"{seed}/timetable")
    rows = ["net delay 2ms jitter 8ms drop 2% duplicate 2% reorder 5%", "load 100/s for 10s clients 10 &"]
    for second in range(1, 9, 2):
        rows += [f"at {second}s {row}" for row in _trouble(dice, nodes)]
        rows += [f"at {second + 1}s {row}" for row in ("heal", "net delay 2ms jitter 8ms drop 2% duplicate 2%")]
    rows.append("at 10s heal")
    return tuple(parse_scenario("\n".join(rows), nodes=nodes))


def _trouble(dice: Random, nodes: int) -> list[str]:
    order = dice.sample(range(1, nodes + 1), nodes)
    kind = dice.choice(("partition", "partition", "pause", "cut", "slow")) if nodes > 1 else "pause"
    if kind == "partition":
        few = order[: dice.randint(1, max(1, (nodes - 1) // 2))]
        return [f"partition {','.join(map(str, few))}"]
    if kind == "pause":
        return [f"pause {order[0]}"]
    if kind == "cut":
        return [f"faillink {order[0]} {other} --one-way" for other in order[1:]]
    return ["net delay 150ms jitter 100ms drop 10% duplicate 10%"]


def _refusal(line: Line) -> str:
    command = line.command
    verb = line.text.split()[0]
    if not isinstance(command, TAKEN) or line.node is not None:
        return f"{verb!r} means nothing to node programs: write faults of nodes and links, load, sleep and at."
    if line.at_step is not None:
        return "node programs have no steps that could be counted: write 'at TIME'."
    if isinstance(command, commands.NodeFault) and command.point is not None:
        return "a moment of our protocol means nothing to node programs: leave it out."
    words = UNKNOWN_HERE & set(_words(msgspec.to_builtins(command)))
    return f"who is {min(words)!r} only our own nodes tell: write a number or random." if words else ""


def _words(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [word for one in value.values() for word in _words(one)]
    if isinstance(value, list | tuple):
        return [word for one in value for word in _words(one)]
    return [value] if isinstance(value, str) else []
