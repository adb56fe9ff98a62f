"""The network: a matrix of directed links, the conditions on them, and held messages."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from simulator.cluster.events import HeldMessage
from simulator.faults.links import CLEAR, Link, LinkRule, Links
from simulator.node.status import NodeStatus
from simulator.text.units import format_ms
from simulator.views.palette import BAD, ODD, QUIET
from simulator.views.sheet import Cell, Column, Sheet, bit, join


def net_view(
    links: Links,
    in_flight: int = 0,
    held: Sequence[HeldMessage] = (),
    states: Sequence[NodeStatus] = (),
    *,
    counts: Mapping[Link, tuple[int, int]] | None = None,
) -> Sheet:
    """Rows send, columns receive; below: the partition, the link conditions by rule, and messages under way.

    A link is `whole`, `cut`, `delayed`, `lossy` (drops, duplicates or reorders messages), `delay+loss` or, while
    messages are held, `held` with their number. With `counts`, a link that is whole shows how many messages it has
    passed, and one with a cut or other conditions how many it has lost.
    """
    waiting = Counter((message.source, message.target) for message in held)
    life_of = {state.node: state.life for state in states}
    columns = (Column("from\\to", right=True), *(Column(str(node), room=5) for node in links.nodes), Column(""))
    rows = tuple(
        (
            bit(source, "bold"),
            *(_link(links, (source, target), waiting, counts) for target in links.nodes),
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


def _link(
    links: Links, link: Link, waiting: Counter[Link], counts: Mapping[Link, tuple[int, int]] | None = None
) -> Cell:
    if link[0] == link[1]:
        return bit("-", QUIET)
    passed, lost = counts.get(link, (0, 0)) if counts else (0, 0)
    losses = bit(f"-{short_count(lost)}", QUIET) if lost else ()
    if links.is_cut(link):
        return join(bit("cut", BAD), losses)
    if links.holding or waiting[link]:
        return bit(f"held {waiting[link]}" if waiting[link] else "held", ODD)
    rule = links.rule(link)
    if rule == CLEAR:
        return bit("whole" if counts is None else short_count(passed) if passed else "·", QUIET)
    delayed = bool(rule.delay_ms or rule.jitter_ms)
    lossy = bool(rule.drop or rule.duplicate or rule.reorder)
    return join(bit("delay+loss" if delayed and lossy else "delayed" if delayed else "lossy", ODD), losses)


def short_count(number: int) -> str:
    """A number in four characters at most: 973, 12k, 3M."""
    for unit, size in (("M", 1_000_000), ("k", 1_000)):
        if number >= size:
            return f"{number // size}{unit}"
    return str(number)


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
