"""What the numbers in the states of `ClusterModel` stand for, as bytes: so that a search goes on in another process.

It holds numbers, words and bytes only. Nodes are not among them: they come to their states again by the steps that
first led there, when they are asked for, and the digest of a state says whether they do. What is read is checked before
it is used: its form when it is decoded, then that each number stands for something.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain

import msgspec

from simulator.worlds.exhaustive.driven_node import Event
from simulator.worlds.exhaustive.local_states import KeptDead
from simulator.worlds.exhaustive.node_states import DIGEST_BYTES
from simulator.worlds.exhaustive.node_steps import KeptSteps
from simulator.worlds.exhaustive.orbits import KeptOrbits
from simulator.worlds.exhaustive.renamings import KeptOrbit
from simulator.worlds.exhaustive.symmetry import Likeness

BUDGETS = 6
"""How many numbers say what is used of the budgets."""
EVENTS = {"deliver": 2, "write": 3, "campaign": 2, "campaign again": 1, "fetch": 2}
"""The events of a node, and how many words each has."""


class Numbering(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """All of it. `orbits` is missing when the search is one without symmetry."""

    nodes: int
    steps: KeptSteps
    orbits: KeptOrbits | None
    likenesses: tuple[Likeness, ...]
    dead: tuple[KeptDead, KeptDead]
    local_states: tuple[tuple[int, tuple[int, ...], bool], ...]
    used: tuple[tuple[int, ...], ...]
    invariants: tuple[str, ...]
    sentences: tuple[tuple[tuple[int, ...], str], ...]

    def encoded(self) -> bytes:
        """As bytes."""
        return msgspec.msgpack.encode(self)


def decoded(data: bytes, nodes: int, *, symmetry: bool) -> Numbering:
    """What was encoded.

    Raises:
        ValueError: it is none, or not of such a search.
    """
    try:
        numbering = msgspec.msgpack.decode(data, type=Numbering)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise ValueError(f"it is no numbering of a cluster: {error}") from None
    if numbering.nodes != nodes:
        raise ValueError(f"it is of {numbering.nodes} nodes, not {nodes}")
    if (numbering.orbits is not None) != symmetry:
        raise ValueError(f"it is of a search {'without' if symmetry else 'with'} symmetry of nodes")
    wrong = _wrong_in(numbering)
    if wrong:
        raise ValueError(f"{wrong} in it stand for nothing")
    return numbering


def _wrong_in(numbering: Numbering) -> str:
    """Which numbers stand for nothing; empty: none."""
    steps, orbits = numbering.steps, numbering.orbits
    states, messages, locals_ = len(steps.rows), len(steps.messages), len(numbering.local_states)
    node = range(1, numbering.nodes + 1)
    checks = {
        "states of nodes": all(
            row.owner in node and {len(row.known), len(row.durable), len(row.serves)} == {DIGEST_BYTES} and row.opened
            for row in steps.rows
        )
        and _different(row.known + row.durable for row in steps.rows),
        "steps of nodes": len(steps.origins) == len(steps.after) == states
        and all(
            (origin is None and steps.firsts.get(steps.rows[state].owner) == state)
            or (origin is not None and _is_origin(origin[:2], state, messages))
            for state, origin in enumerate(steps.origins)
        )
        and all(_below(states, (after for after, _ in each)) for each in steps.after)
        and all(owner in node and 0 <= state < states for owner, state in steps.firsts.items()),
        "messages": len(steps.message_origins) == messages
        and _different(steps.messages)
        and all(source in node and to in node for source, to, _ in steps.messages)
        and all(_is_origin(origin, states, messages) for origin in steps.message_origins),
        "images": orbits is None
        or (
            _different(orbits.ways)
            and all(sorted(names) == list(node) for names in orbits.ways)
            and orbits.ways[:1] == (tuple(node),)
            and _is_orbit(orbits.states, states, len(orbits.ways))
            and _is_orbit(orbits.messages, messages, len(orbits.ways))
        ),
        "likenesses": _different(numbering.likenesses),
        "dead messages": all(
            _below(states, chain((state for state, _ in each.dead), (state for state, _, _ in each.verdicts)))
            and _below(messages, chain(*(those for _, those in each.dead), (one for _, one, _ in each.verdicts)))
            for each in numbering.dead
        ),
        "local states": _different(numbering.local_states)
        and all(0 <= state < states and _below(messages, inbox) for state, inbox, _ in numbering.local_states),
        "budgets": _different(numbering.used)
        and all(len(used) == BUDGETS and min(used) >= 0 for used in numbering.used)
        and all(used[-1] < len(numbering.invariants) for used in numbering.used),
        "invariants": numbering.invariants[:1] == ("",) and _different(numbering.invariants),
        "sentences": all(
            len(state) == numbering.nodes + 1
            and _below(locals_, state[:-1])
            and _below(len(numbering.used), state[-1:])
            for state, _ in numbering.sentences
        ),
    }
    return next((what for what, right in checks.items() if not right), "")


def _is_origin(origin: tuple[int, Event], states: int, messages: int) -> bool:
    """True for an event in a state below `states`, of which the numbers stand for something."""
    state, event = origin
    if event[:1] == ("crash",) and len(event) > 1:
        event = event[1:]
    if not 0 <= state < states or event == ("crash",):
        return 0 <= state < states
    what, *numbers = event or ("",)
    if EVENTS.get(str(what)) != len(event) or not all(isinstance(one, int) and one >= 0 for one in numbers):
        return False
    limit = {"deliver": messages, "fetch": states}.get(str(what))
    return limit is None or _below(limit, numbers)


def _is_orbit(orbit: KeptOrbit, limit: int, ways: int) -> bool:
    places, images = orbit
    firsts = {first for first, _, _ in images}
    return all(_below(limit, place[:2]) and _below(ways, place[2:]) and place[1] in firsts for place in places) and all(
        len(those) == len(own) and _below(ways, those) and _below(limit, (first, *own)) for first, those, own in images
    )


def _below(limit: int, numbers: Iterable[int | str]) -> bool:
    return all(isinstance(number, int) and 0 <= number < limit for number in numbers)


def _different(values: Iterable[object]) -> bool:
    all_of_them: Sequence[object] = list(values)
    return len(set(all_of_them)) == len(all_of_them)
