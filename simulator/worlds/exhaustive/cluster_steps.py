"""The steps from a state of a cluster: everything is looked up, in tables that are filled when they are asked for.

That is done some ten times a state. It is compiled where it can be (`_steps.c`), unless PAXSIM_PURE is set. The
function in Python is the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from simulator.worlds.exhaustive.cluster_outcomes import Action, Fetches, Numbers, OutcomesByLocal
from simulator.worlds.exhaustive.local_states import Parcel
from simulator.worlds.exhaustive.symmetry import Likenesses, Orders, Symmetry

__all__ = ["FORM", "Tables", "in_python", "known_states_after", "states_after", "steps_of", "way_to_states_after"]


MOST_NODES, IN_ORDER = 15, 3
"""The largest cluster that the compiled form takes, and how many nodes it puts in order."""


class Tables(NamedTuple):
    """All that is known of steps.

    `by_used` and `fetches` are by what is used of the budgets; `heights`, `servers` and `judged` by local state (see
    `LocalStates`). `right` holds what was judged together and found right. `without_crashes` gives the local state when
    nobody may crash any more. `look` judges a state, and says what is used in it: there it notes what is wrong.
    `likenesses`, `orders` and `orders_by` are of `Symmetry`; there are no likenesses where states are not put in order.
    """

    by_used: list[OutcomesByLocal]
    fetches: list[Fetches]
    heights: list[int]
    servers: list[int]
    judged: list[int]
    right: set[Numbers]
    without_crashes: Parcel
    look: Callable[[Numbers, Numbers | None, str], int]
    likenesses: Likenesses | None
    orders: list[Orders | None]
    orders_by: Callable[[Sequence[int]], Orders]


def steps_of(tables: Tables, state: Numbers) -> Iterator[tuple[Action, Numbers]]:
    """Each step, and the state after it. The tables are asked in the order in which the steps come."""
    by_local, fetches = tables.by_used[state[-1]], tables.fetches[state[-1]]
    heights, judged, right = tables.heights, tables.judged, tables.right
    highest = max([heights[local] for local in state[:-1]])
    for place, local in enumerate(state[:-1]):
        keys: list[tuple[int, int]] = []
        if heights[local] < highest:
            keys = [(local, tables.servers[peer]) for peer in state[:-1] if heights[peer] > heights[local]]
        for number in range(-1, len(keys)):
            outcomes = by_local[local] if number < 0 else fetches[keys[number]]
            for action, new, parcels, used, judge, last_crash, why in outcomes:
                after = list(state)
                after[place] = new
                for other, parcel in parcels:
                    after[other] = parcel[after[other]]
                after[-1] = used
                if last_crash:
                    last = tables.without_crashes
                    after[:-1] = [last[each] for each in after[:-1]]
                if why:
                    after[-1] = tables.look(tuple(after), None, why)
                elif judge:
                    key = tuple([judged[each] for each in after[:-1]])
                    if key not in right:
                        after[-1] = tables.look(tuple(after), key, "")
                yield action, tuple(after)


def in_python(tables: Tables, state: Numbers, symmetry: Symmetry | None) -> list[Numbers]:
    """The states after it, each as the one that stands for it and its images."""
    if symmetry is None:
        return [after for _, after in steps_of(tables, state)]
    return [symmetry.canonical(after) for _, after in steps_of(tables, state)]


known_states_after: Callable[[Tables, Numbers], list[Numbers] | None] | None
states_after: Callable[[Tables, Numbers], list[Numbers]] | None
try:
    from simulator.worlds.exhaustive._steps import FORM, known_states_after, states_after
except ImportError:
    FORM, known_states_after, states_after = "Python", None, None


def way_to_states_after(tables: Tables, symmetry: Symmetry | None, nodes: int) -> Callable[[Numbers], list[Numbers]]:
    """The function that gives the states after a state. It is the compiled one unless many nodes are put in order."""
    if states_after is None or nodes > MOST_NODES or (symmetry is not None and nodes != IN_ORDER):
        return lambda state: in_python(tables, state, symmetry)
    return partial(states_after, tables)
