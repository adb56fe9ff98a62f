"""The word, sign and colour of each state, for all views.

Word and sign carry the meaning; colour only repeats it, so that nothing is lost under NO_COLOR or for colour-blind
readers. Colours are the terminal's own sixteen, so that a person's theme is respected.
"""

from __future__ import annotations

from simulator.node.status import NodeStatus
from simulator.views.sheet import Cell, bit

NOTHING_HASH = "0" * 64
"""The H of the first block, which has no block before it."""

QUIET = "dim"
GOOD = "green"
ODD = "yellow"
BAD = "bold red"
LEADER = "bold green"

_ROLE = {"leader": ("★", LEADER), "candidate": ("?", ODD), "follower": ("·", "")}
_LIFE = {"paused": ("‖", ODD), "down": ("✕", BAD)}

SLOT_SIGN = {"applied": ("■", GOOD), "decided": ("▣", ""), "accepted": ("□", ODD)}
"""Sign and style of a slot by its state."""

EVENT_STYLE = {
    "answer": GOOD,
    "crash": BAD,
    "down": BAD,
    "fault": ODD,
    "leader": LEADER,
    "restart": ODD,
    "sent": QUIET,
    "violation": BAD,
    "error": BAD,
    "drop": ODD,
    "lost": ODD,
}
"""Style of an event by its kind; other kinds are plain."""


def condition(state: NodeStatus) -> str:
    """A node's state in one word: its role while it is up, else "paused" or "down"."""
    return state.role if state.life == "up" else state.life


def sign(state: NodeStatus) -> Cell:
    """The one-character sign of `condition`."""
    mark, style = _look(state)
    return bit(mark, style)


def named(state: NodeStatus) -> Cell:
    """The word of `condition` in its style."""
    return bit(condition(state), _look(state)[1])


def memory(state: NodeStatus) -> Cell:
    """What the state of a node's files and memory is, when there is something to say."""
    return bit(state.memory, QUIET if state.memory == "mended" else ODD) if state.memory else ()


def ballot(pair: tuple[int, int]) -> str:
    """A ballot as round.owner, "-" for none."""
    return f"{pair[0]}.{pair[1]}" if pair[0] else "-"


def node(number: int) -> str:
    """A node's number, "-" for none."""
    return str(number) if number else "-"


def short_hash(digest: str, length: int = 10) -> str:
    """The first digits of a hash, enough to compare by eye; the first block's H shows as "-"."""
    return "-" if digest == NOTHING_HASH else digest[:length]


def _look(state: NodeStatus) -> tuple[str, str]:
    return _ROLE[state.role] if state.life == "up" else _LIFE[state.life]
