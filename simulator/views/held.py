"""Held messages: each with its number, or grouped by link and kind so that a person can choose among them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from simulator.cluster.events import HeldMessage
from simulator.faults.links import Link
from simulator.views.palette import QUIET
from simulator.views.sheet import Cell, Column, Sheet, bit

ROUTINE = frozenset({"HEARTBEAT", "HEARTBEAT-ACK", "HINTS", "LINK-STATES"})
"""Kinds that nodes send all the time. They come last."""
REPEATED = ROUTINE | {"PRE-VOTE", "PRE-VOTE-REPLY"}
"""Kinds that nodes repeat: those of one link are one line."""
MOST_ALIKE = 8
"""More messages of one link and kind than these are one line too, whatever they say."""

NOTHING_WAITS = "no message waits, and time stands still: 'wait held' lets it pass until one does"


class HeldGroup(NamedTuple):
    """Held messages that are one line: of one link and kind, with the text of the oldest. `numbers` ascend.

    `all_of_kind` is true when no other message of its link and kind waits.
    """

    link: Link
    kind: str
    text: str
    numbers: tuple[int, ...]
    all_of_kind: bool

    @property
    def key(self) -> tuple[Link, str, str]:
        """What the group is known by while messages come and go."""
        return self.link, self.kind, "" if self.all_of_kind else self.text

    @property
    def order(self) -> str:
        """The line of the console that delivers the group, or its oldest message if no line means the group alone."""
        source, target = self.link
        if len(self.numbers) == 1 or not self.all_of_kind:
            return f"deliver {self.numbers[0]}"
        return f"deliver {source}>{target} {self.kind.lower()}"


def held_groups(held: Sequence[HeldMessage]) -> list[HeldGroup]:
    """Held messages by link and kind; kinds that are often repeated come behind the others, routine comes last."""
    by_kind: dict[tuple[Link, str], list[HeldMessage]] = {}
    for message in held:
        kind = message.text.split(maxsplit=1)[0]
        by_kind.setdefault(((message.source, message.target), kind), []).append(message)
    groups: list[HeldGroup] = []

    def place(key: tuple[Link, str]) -> tuple[object, ...]:
        return key[1] in ROUTINE, key[1] in REPEATED, key[0], by_kind[key][0].number

    for link, kind in sorted(by_kind, key=place):
        alike = by_kind[link, kind]
        texts: dict[str, list[HeldMessage]] = {}
        for message in alike:
            texts.setdefault(message.text, []).append(message)
        parts = [alike] if kind in REPEATED or len(texts) > MOST_ALIKE else list(texts.values())
        for part in parts:
            numbers = tuple(message.number for message in part)
            groups.append(HeldGroup(link, kind, part[0].text, numbers, all_of_kind=len(parts) == 1))
    return groups


def held_view(held: Sequence[HeldMessage], *, holding: bool = True) -> Sheet:
    """The held messages, oldest first, each with the number that `deliver` takes."""
    if not held:
        text = "no message waits" if holding else "messages are not held: 'hold' keeps them back"
        return Sheet(notes=(bit(text, QUIET),))
    columns = (Column("number", right=True), Column("link"), Column("message", room=16))
    rows = tuple((bit(m.number, "bold"), bit(f"{m.source}>{m.target}"), bit(m.text)) for m in held)
    return Sheet(columns=columns, rows=rows)


def groups_view(groups: Sequence[HeldGroup], chosen: int = -1) -> Sheet:
    """A line for each group; the one at the place `chosen` is marked."""
    if not groups:
        return Sheet(notes=(bit(NOTHING_WAITS, QUIET),))
    columns = (
        Column("", screen=True),
        Column("number", right=True),
        Column("link"),
        Column("", right=True, rank=1),
        Column("message", room=16),
    )
    return Sheet(columns=columns, rows=tuple(_row(group, place == chosen) for place, group in enumerate(groups)))


def held_brief(held: Sequence[HeldMessage], lines: int) -> Sheet:
    """The groups for a place of a few lines, of which nothing can be chosen; what is left out is counted."""
    groups = held_groups(held)
    room = max(1, lines - 1 if len(groups) < lines else lines - 2)  # One line is the header, one the note.
    left_out = sum(len(group.numbers) for group in groups[room:])
    notes = (bit(f"and {left_out} more: 'held' lists all", QUIET),) if left_out else ()
    view = groups_view(groups[:room])
    return Sheet(columns=view.columns, rows=view.rows, notes=notes or view.notes)


def _row(group: HeldGroup, chosen: bool) -> tuple[Cell, ...]:  # A row is chosen or not.
    style = "reverse" if chosen else ""
    count = len(group.numbers)
    return (
        bit("▸" if chosen else ""),
        bit(group.numbers[0], "bold"),
        bit("{}>{}".format(*group.link)),
        bit(f"x{count}" if count > 1 else "", QUIET),
        bit(group.text, style),
    )
