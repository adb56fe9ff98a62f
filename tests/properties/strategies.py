"""Strategies: hostile schedules and clients' programs as plain data, which shrink to a handful of lines.

Everything drawn here is of the types that people, scenarios and `explore` use too (`faults/faults.py`,
`explore/schedule.py`), so what fails prints as Python and as scenario lines. Strategies
are built to shrink well: fewer things, earlier, on lower nodes, simpler faults first. Damage to what a node has
promised is not among the faults.
"""

from __future__ import annotations

from typing import Any, get_args

from hypothesis import strategies as st

from blog.operations import Comment, Operation, Post, validated
from simulator.faults.faults import (
    ClearConditions,
    ClockFault,
    Crash,
    CrashPoint,
    CutLink,
    DeliverHeld,
    DiskFault,
    DiskFaultKind,
    Fault,
    Heal,
    Hold,
    LinkConditions,
    MendLink,
    Partition,
    Pause,
    Release,
    Restart,
    Resume,
)
from simulator.faults.links import Link, LinkRule
from simulator.settings import Settings
from simulator.tools.explore.schedule import Again, Call, Look, LookKind, Schedule, ScheduledFault, Write, WriteKind

LASTS_MS = 1_500
"""Faults are injected and clients call within this time; a leader is there after about 100 ms."""
USERS = ("ann", "ben")
TITLES = ("t1", "t2", "t3")
WRITE_KINDS: tuple[WriteKind, ...] = get_args(WriteKind)
LOOK_KINDS: tuple[LookKind, ...] = get_args(LookKind)
REFUSALS: tuple[DiskFaultKind, ...] = ("full", "readonly", "failing-write", "failing-sync")
MOMENTS = st.integers(0, LASTS_MS)
CLIENTS = st.integers(1, 3)


def node_numbers(nodes: int) -> st.SearchStrategy[int]:
    """One of the nodes."""
    return st.integers(1, nodes)


@st.composite
def links(draw: st.DrawFn, nodes: int) -> Link:
    """A directed link between two nodes."""
    source = draw(st.integers(1, nodes))
    target = draw(st.integers(1, nodes - 1))
    return source, target + (target >= source)


def rules() -> st.SearchStrategy[LinkRule]:
    """Link conditions, from none to a storm."""
    chances = st.sampled_from((0.0, 0.1, 0.5))
    return st.builds(
        LinkRule,
        delay_ms=st.integers(0, 200),
        jitter_ms=st.integers(0, 200),
        drop=chances,
        duplicate=chances,
        reorder=chances,
    )


@st.composite
def partitions(draw: st.DrawFn, nodes: int) -> Partition:
    """Two groups, neither of them empty, in every way."""
    side = draw(st.sets(node_numbers(nodes), min_size=1, max_size=nodes - 1))
    return Partition((tuple(sorted(side)), tuple(node for node in range(1, nodes + 1) if node not in side)))


def node_faults(nodes: int) -> st.SearchStrategy[Fault]:
    """Nodes die, at a protocol moment too, come back, and stand still."""
    some = node_numbers(nodes)
    return st.one_of(
        st.builds(Crash, some),
        st.builds(Restart, some),
        st.builds(Crash, some, st.sampled_from(get_args(CrashPoint))),
        st.builds(Pause, some),
        st.builds(Resume, some),
    )


def link_faults(nodes: int) -> st.SearchStrategy[Fault]:
    """Links are cut, mended, and slowed; messages are lost, doubled and reordered."""
    cut = st.builds(lambda link, one_way: CutLink(link[0], link[1], one_way), links(nodes), st.booleans())
    mend = st.builds(lambda link, one_way: MendLink(link[0], link[1], one_way), links(nodes), st.booleans())
    some = st.lists(links(nodes), max_size=3, unique=True).map(tuple)
    return st.one_of(
        partitions(nodes),
        st.builds(Heal),
        cut,
        mend,
        st.builds(LinkConditions, rules(), some),
        st.builds(ClearConditions),
    )


def hand_faults(nodes: int) -> st.SearchStrategy[Fault]:
    """Messages wait for a person."""
    return st.one_of(st.builds(Hold), st.builds(Release), st.builds(DeliverHeld, link=links(nodes)))


def disk_and_clock_faults(nodes: int) -> st.SearchStrategy[Fault]:
    """Disks refuse; clocks run fast or slow and jump."""
    some = node_numbers(nodes)
    return st.one_of(
        st.builds(DiskFault, some, st.sampled_from(("ok", *REFUSALS))),
        st.builds(
            ClockFault, some, st.sampled_from((100, 50, 95, 105, 200)), st.sampled_from((0, -200, -2_000, 200, 2_000))
        ),
    )


def faults(nodes: int) -> st.SearchStrategy[Fault]:
    """Everything that may be injected at a node which is to vote again afterwards."""
    return st.one_of(node_faults(nodes), link_faults(nodes), hand_faults(nodes), disk_and_clock_faults(nodes))


def in_time(what: Any) -> int:
    """The key by which a schedule's faults and calls are sorted."""
    at_ms: int = what.at_ms
    return at_ms


def schedules(kinds: st.SearchStrategy[Fault], *, most: int = 12) -> st.SearchStrategy[tuple[ScheduledFault, ...]]:
    """Faults of these kinds, in order of time."""
    return st.lists(st.builds(ScheduledFault, MOMENTS, kinds), max_size=most).map(
        lambda faults: tuple(sorted(faults, key=in_time))
    )


@st.composite
def writes(draw: st.DrawFn, nodes: int) -> Write:
    """A post or a comment, still without the content by which it is known."""
    at_ms, client, node = draw(MOMENTS), draw(CLIENTS), draw(node_numbers(nodes))
    kind, user, title = draw(st.sampled_from(WRITE_KINDS)), draw(st.sampled_from(USERS)), draw(st.sampled_from(TITLES))
    return Write(at_ms, client, node, kind, user, title, "")


@st.composite
def looks(draw: st.DrawFn, nodes: int) -> Look:
    """A read of any kind."""
    at_ms, client, node = draw(MOMENTS), draw(CLIENTS), draw(node_numbers(nodes))
    kind = draw(st.sampled_from(LOOK_KINDS))
    name = draw(st.sampled_from({"all": ("",), "user": USERS, "title": TITLES}[kind]))
    return Look(at_ms, client, node, kind, name, draw(st.booleans()))


@st.composite
def programs(draw: st.DrawFn, nodes: int, *, most: int = 12) -> tuple[Call, ...]:
    """What up to three clients do: posts and comments of few users under few titles, so that they meet; reads; retries.

    Retries go to any node, also while the first attempt may still come through.
    """
    calls: list[Call] = []
    for call in sorted(draw(st.lists(writes(nodes) | looks(nodes), max_size=most)), key=in_time):
        if isinstance(call, Write):
            content = f"c{len(calls) + 1}"
            calls.append(Write(call.at_ms, call.client, call.node, call.kind, call.user, call.title, content))
            moments = st.integers(call.at_ms + 1, call.at_ms + 500)
            again = st.builds(Again, moments, st.just(call.client), node_numbers(nodes), st.just(content))
            calls += draw(st.lists(again, max_size=2))
        else:
            calls.append(call)
    return tuple(sorted(calls, key=in_time))


@st.composite
def plans(
    draw: st.DrawFn,
    *,
    sizes: tuple[int, ...] = (3, 5),
    kinds: Any = faults,
    most_faults: int = 12,
    most_calls: int = 12,
    break_rule: str | None = None,
) -> Schedule:
    """A run: settings, faults of `kinds(nodes)` and clients. It heals when the last of them has come."""
    nodes = draw(st.sampled_from(sizes))
    settings = Settings(
        nodes=nodes,
        data="",
        seed=draw(st.integers(0, 1_000)),
        difficulty=draw(st.sampled_from((1, 0, 2))),
        ops_per_block=draw(st.sampled_from((1, 4))),
        window=draw(st.sampled_from((256, 1, 4))),
        break_rule=break_rule,
    )
    calls = draw(programs(nodes, most=most_calls))
    faults = draw(schedules(kinds(nodes), most=most_faults))
    last = max((what.at_ms for what in (*faults, *calls)), default=0)
    return Schedule(settings=settings, faults=faults, calls=calls, heals_ms=last + 100, profile="hypothesis")


# Text and operations, for the pure packages.

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
"""Whatever UTF-8 can hold: quotes, newlines, emoji, and what looks like markup."""
LABELS = TEXTS.filter(lambda text: bool(text.strip()))


def operations() -> st.SearchStrategy[Operation]:
    """Posts and comments with text of any kind, as they pass the blog's gate."""
    return (st.builds(Post, LABELS, LABELS, TEXTS) | st.builds(Comment, LABELS, LABELS, TEXTS)).map(validated)


def meeting_operations() -> st.SearchStrategy[Operation]:
    """Posts and comments that meet: few users, few titles."""
    users, titles, contents = st.sampled_from(USERS), st.sampled_from(TITLES), st.sampled_from(("", "x", "y"))
    return st.builds(Post, users, titles, contents) | st.builds(Comment, users, titles, contents)
