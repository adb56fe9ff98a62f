"""The network: a matrix of directed links, the conditions on them, and held messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from simulator.cluster.events import HeldMessage
from simulator.faults.links import CLEAR, Link, LinkRule, Links
from simulator.node.status import NodeStatus
from simulator.text.units import format_ms
from simulator.views.palette import BAD, ODD, QUIET
from simulator.views.sheet import Cell, Column, Sheet, bit, join

REPEATED = frozenset({"PRE-VOTE", "PRE-VOTE-REPLY", "HEARTBEAT", "HEARTBEAT-ACK", "HINTS"})
"""Frequent messages, which a person who holds messages seldom looks for."""


def net_view(
    links: Links, in_flight: int = 0, held: Sequence[HeldMessage] = (), states: Sequence[NodeStatus] = ()
) -> Sheet:
    """Rows send, columns receive; below: the partition, the link conditions by rule, and messages under way.

    A link is `whole`, `cut`, `delayed`, `lossy` (drops, duplicates or reorders messages), `delay+loss` or, while
    messages are held, `held` with their number.
    """
    waiting = Counter((message.source, message.target) for message in held)
    life_of = {state.node: state.life for state in states}
    columns = (Column("from\\to", right=True), *(Column(str(node), room=5) for node in links.nodes), Column(""))
    rows = tuple(
        (
            bit(source, "bold"),
            *(_link(links, (source, target), waiting) for target in links.nodes),
            bit(life_of.get(source, "up"), BAD) if life_of.get(source, "up") != "up" else (),
        )
        for source in links.nodes
    )
    return Sheet(columns=columns, rows=rows, notes=tuple(_notes(links, in_flight, len(held))))


def net_small(links: Links, in_flight: int = 0, held: Sequence[HeldMessage] = ()) -> Sheet:
    """The same matrix in signs for a small place; a legend explains each sign."""
    waiting = Counter((message.source, message.target) for message in held)
    columns = (Column("→", right=True), *(Column(str(node), right=True) for node in links.nodes))
    rows = tuple(
        (bit(source, "bold"), *(_small(links, (source, target), waiting) for target in links.nodes))
        for source in links.nodes
    )
    counts = join(bit(in_flight), bit("in flight,", QUIET), bit(len(held)), bit("held", QUIET))
    legend = bit("~ slow % lossy x cut h held", QUIET)
    return Sheet(columns=columns, rows=rows, notes=(counts, legend))


def held_view(held: Sequence[HeldMessage], *, holding: bool = True) -> Sheet:
    """The held messages, oldest first, each with the number that `deliver` takes."""
    if not held:
        text = "no message waits" if holding else "messages are not held: 'hold' keeps them back"
        return Sheet(notes=(bit(text, QUIET),))
    columns = (Column("number", right=True), Column("link"), Column("message", room=16))
    rows = tuple((bit(m.number, "bold"), bit(f"{m.source}>{m.target}"), bit(m.text)) for m in held)
    return Sheet(columns=columns, rows=rows)


def held_brief(held: Sequence[HeldMessage], lines: int) -> Sheet:
    """The same for a small place: frequent messages of a link are one line with their count, and come last."""
    counts: dict[tuple[int, int, str], list[HeldMessage]] = {}
    for message in held:
        kind = message.text.split(maxsplit=1)[0]
        what = kind if kind in REPEATED else message.text
        counts.setdefault((message.source, message.target, what), []).append(message)
    kept = sorted(counts.values(), key=lambda alike: alike[0].text.split(maxsplit=1)[0] in REPEATED)
    room = lines - 1 if len(kept) < lines else lines - 2  # One line is the header, one may count what is left out.
    number, times = Column("number", right=True), Column("", right=True, rank=1)
    columns = (number, Column("link"), times, Column("message", room=16))
    rows = tuple(
        (
            bit(alike[0].number, "bold"),
            bit(f"{alike[0].source}>{alike[0].target}"),
            bit(f"x{len(alike)}" if len(alike) > 1 else "", QUIET),
            bit(alike[0].text),
        )
        for alike in kept[: max(1, room)]
    )
    left_out = len(held) - sum(len(alike) for alike in kept[: max(1, room)])
    notes = (bit(f"and {left_out} more: 'held' lists all", QUIET),) if left_out else ()
    return Sheet(columns=columns, rows=rows, notes=notes)


def rule_words(rule: LinkRule) -> str:
    """The link conditions as the `net` command would set them; "calm" for none."""
    parts = []
    if rule.delay_ms or rule.jitter_ms:
        parts.append(f"delay {format_ms(rule.delay_ms)}")
    if rule.jitter_ms:
        parts.append(f"jitter {format_ms(rule.jitter_ms)}")
    for name in ("drop", "duplicate", "reorder"):
        chance = getattr(rule, name)
        if chance:
            parts.append(f"{name} {chance * 100:.6g}%")
    return " ".join(parts) or "calm"


def _link(links: Links, link: Link, waiting: Counter[Link]) -> Cell:
    if link[0] == link[1]:
        return bit("-", QUIET)
    if links.is_cut(link):
        return bit("cut", BAD)
    if links.holding or waiting[link]:
        return bit(f"held {waiting[link]}" if waiting[link] else "held", ODD)
    rule = links.rule(link)
    if rule == CLEAR:
        return bit("whole", QUIET)
    delayed = bool(rule.delay_ms or rule.jitter_ms)
    lossy = bool(rule.drop or rule.duplicate or rule.reorder)
    return bit("delay+loss" if delayed and lossy else "delayed" if delayed else "lossy", ODD)


def _small(links: Links, link: Link, waiting: Counter[Link]) -> Cell:
    if link[0] == link[1]:
        return ()
    if links.is_cut(link):
        return bit("x", BAD)
    if links.holding or waiting[link]:
        return bit(f"h{waiting[link] or ''}", ODD)
    rule = links.rule(link)
    if rule == CLEAR:
        return bit("·", QUIET)
    slow = "~" if rule.delay_ms or rule.jitter_ms else ""
    lossy = "%" if rule.drop or rule.duplicate or rule.reorder else ""
    return bit(slow + lossy, ODD)


def _notes(links: Links, in_flight: int, held: int) -> list[Cell]:
    notes = [join(bit("in flight", QUIET), bit(f"{in_flight},"), bit("held", QUIET), bit(held))]
    if links.holding:
        notes.append(bit("messages wait for: deliver, release", ODD))
    if links.groups:
        named = {node for group in links.groups for node in group}
        rest = tuple(node for node in links.nodes if node not in named)
        groups = [*links.groups, rest] if rest else links.groups
        notes.append(bit("partition " + " / ".join(",".join(map(str, group)) for group in groups), ODD))
    by_rule: dict[LinkRule, list[Link]] = {}
    for link, rule in sorted(links.rules.items()):
        by_rule.setdefault(rule, []).append(link)
    every = len(links.nodes) * (len(links.nodes) - 1)
    for rule, on in by_rule.items():
        where = "all" if len(on) == every else " ".join(f"{a}>{b}" for a, b in on)
        notes.append(bit(f"{where}: {rule_words(rule)}", ODD))
    return notes
