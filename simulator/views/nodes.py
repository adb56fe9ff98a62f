"""The nodes: all of them as a table, and one as a list of facts or as a panel of fixed height."""

from __future__ import annotations

from collections.abc import Sequence

from simulator.node.names import too_few_vote
from simulator.node.status import EntryView, NodeStatus
from simulator.text.counted import counted, noun
from simulator.views.palette import BAD, ODD, QUIET, ballot, condition, memory, named, node, short_hash, sign
from simulator.views.sheet import Bit, Cell, Column, Sheet, bit, facts, join

FOLLOWS = ("follower", "candidate")
"""The conditions in which the followed leader is shown."""

PANEL_HASHES = 3
PANEL_ENTRIES = 3
PANEL_LINES = 7 + PANEL_HASHES + PANEL_ENTRIES
"""The number of lines of `node_panel`."""

_COLUMNS = (
    Column("", screen=True),
    Column("node", right=True),
    Column("state"),
    Column("leader", right=True, rank=1),
    Column("ballot", right=True, rank=2),
    Column("promised", right=True, rank=4),
    Column("accepted", right=True, rank=8),
    Column("decided", right=True, rank=7),
    Column("applied", right=True, rank=9),
    Column("queue", right=True, rank=6),
    Column("pending", right=True, rank=10),
    Column("height", right=True, rank=3),
    Column("hash", rank=5, most=10),
    Column("posts", right=True, rank=11),
    Column("comments", right=True, rank=12),
    Column("newest", rank=13, room=16),
)


def status_view(states: Sequence[NodeStatus], title: str = "") -> Sheet:
    """All nodes, a row each: role, leader, and how far log and chain have come."""
    rows = tuple(_row(state) for state in states)
    notes = tuple(bit(f"node {state.node}: {state.error}", BAD) for state in states if state.error)
    notes += tuple(
        bit(f"node {state.node} is {state.memory}: {state.trouble}", ODD) for state in states if state.memory
    )
    forgetful = [state.node for state in states if state.memory in {"amnesiac", "recovering"}]
    if forgetful and 2 * (len(states) - len(forgetful)) <= len(states):
        notes += (bit(too_few_vote(forgetful), BAD),)
    return Sheet(title=title, columns=_COLUMNS, rows=rows, notes=notes)


def leader_view(states: Sequence[NodeStatus]) -> Sheet:
    """The leader in each node's view: one line when all nodes that are up agree, else a line for each opinion."""
    up = [state for state in states if state.life == "up"]
    opinions: dict[int, list[int]] = {}
    for state in up:
        opinions.setdefault(state.leader, []).append(state.node)
    if not up:
        return Sheet(notes=(bit("no node is up", BAD),))
    if len(opinions) == 1:
        only = next(iter(opinions))
        if not only:
            return Sheet(notes=(bit("no node knows a leader", ODD),))
        highest = max(state.ballot for state in up)
        return Sheet(notes=(bit(f"node {only} leads at ballot {ballot(highest)}: all nodes that are up say so"),))
    rows = tuple(
        (bit(node(leader)), bit(",".join(map(str, followers)))) for leader, followers in sorted(opinions.items())
    )
    return Sheet(columns=(Column("leader"), Column("according to nodes", room=12)), rows=rows)


def queue_view(states: Sequence[NodeStatus]) -> Sheet:
    """Requests to be proposed or forwarded, clients without an answer, and slots in flight."""
    columns = (
        Column("", screen=True),
        Column("node", right=True),
        Column("state"),
        Column("queue", right=True),
        Column("pending", right=True),
        Column("in flight", right=True),
    )
    rows = tuple(
        (sign(s), bit(s.node), named(s), _count(s.queue), _count(s.pending), _count(s.in_flight)) for s in states
    )
    return Sheet(columns=columns, rows=rows)


def node_facts(state: NodeStatus) -> Sheet:
    """Everything that one node knows of itself, one fact a line."""
    pairs = [
        ("state", join(named(state), bit(f"since ballot {ballot(state.ballot)}") if state.role == "leader" else ())),
        ("leader", bit(node(state.leader))),
        ("ballot", bit(ballot(state.ballot))),
        ("promised", bit(ballot(state.promised))),
        ("slots", bit(f"accepted {state.accepted}, decided {state.decided}, applied {state.applied}")),
        ("requests", bit(f"queue {state.queue}, pending {state.pending}, slots in flight {state.in_flight}")),
        ("chain", bit(f"height {state.height}, hash {state.hash}" if state.height else "empty")),
        ("blog", bit(f"{counted(state.posts, 'post')}, {counted(state.comments, 'comment')}")),
        ("heard", bit(",".join(map(str, state.heard)) or "-")),
        ("round trip", bit(f"{state.round_trip_ms}ms" if state.round_trip_ms else "-")),
        ("elections", bit(f"{state.elections} begun, {state.leaderships} won")),
        ("messages", bit(f"{state.messages_in} in, {state.messages_out} out")),
        ("syncs", bit(state.syncs)),
    ]
    if state.memory:
        pairs.append(("memory", join(memory(state), bit(state.trouble))))
    if state.error:
        pairs.append(("error", bit(state.error, BAD)))
    return facts(f"node {state.node}", pairs)


def node_summary(state: NodeStatus) -> Sheet:
    """One node in two lines: the head of an opened node on a small screen."""
    first = join(
        bit(f"node {state.node}", "bold"),
        sign(state),
        named(state),
        memory(state),
        _pair("follows", node(state.leader)) if state.role != "leader" else (),
        _pair("ballot", ballot(state.ballot)),
        _pair("promised", ballot(state.promised)),
        _pair("elections", state.elections),
        _pair("rtt", f"{state.round_trip_ms}ms"),
        gap="  ",
    )
    second = join(
        _pair("accepted", state.accepted),
        _pair("decided", state.decided),
        _pair("applied", state.applied),
        _pair("queue", state.queue),
        _pair("pending", state.pending),
        _pair("height", state.height),
        gap="  ",
    )
    return _lines((first, bit(state.error, BAD) if state.error else second))


def node_panel(state: NodeStatus) -> Sheet:
    """One node as `PANEL_LINES` lines, for a narrow panel of fixed height."""
    lines = [
        join(
            sign(state),
            named(state),
            memory(state),
            _pair("follows", node(state.leader)) if condition(state) in FOLLOWS else (),
        ),
        join(_pair("ballot", ballot(state.ballot)), _pair("promised", ballot(state.promised)), gap="  "),
        join(_pair("accepted", state.accepted), _pair("in flight", state.in_flight), gap="  "),
        join(_pair("decided", state.decided), _pair("applied", state.applied), gap="  "),
        join(_pair("queue", state.queue), _pair("pending", state.pending), gap="  "),
        join(_pair("chain", state.height), bit(noun(state.height, "block"), QUIET)),
    ]
    newest_first = list(reversed(state.hashes))[:PANEL_HASHES]
    for place in range(PANEL_HASHES):
        known = place < len(newest_first)
        lines.append(_hash_line(state.height - place, newest_first[place], place) if known else ())
    blog = f"{counted(state.posts, 'post')}, {counted(state.comments, 'comment')}"
    lines.append(_pair("blog", blog))
    entries = list(reversed(state.newest))[:PANEL_ENTRIES]
    if state.error:
        entries = entries[: PANEL_ENTRIES - 1]
        lines.append(bit(state.error, BAD))
    lines.extend(entry_line(entry) for entry in entries)
    lines.extend(() for _ in range(PANEL_LINES - len(lines)))
    return _lines(lines)


def entry_line(entry: EntryView) -> Cell:
    """A post or a comment as one line; a comment has the word "on"."""
    if entry.kind == "post":
        return join(bit(entry.username, "bold"), bit(entry.title), bit(entry.content, QUIET))
    return join(bit(entry.username, "bold"), bit(f"on {entry.title}"), bit(entry.content, QUIET))


def _row(state: NodeStatus) -> tuple[Cell, ...]:
    newest = entry_line(state.newest[-1]) if state.newest else ()
    numbers = (state.accepted, state.decided, state.applied)
    return (
        sign(state),
        bit(state.node, "bold"),
        join(named(state), memory(state)),
        bit(node(state.leader)),
        bit(ballot(state.ballot)),
        bit(ballot(state.promised)),
        *(bit(number) for number in numbers),
        _count(state.queue),
        _count(state.pending),
        bit(state.height),
        bit(state.hash if state.height else "-"),
        bit(state.posts),
        bit(state.comments),
        newest,
    )


def _lines(cells: Sequence[Cell]) -> Sheet:
    return Sheet(columns=(Column("", room=8),), rows=tuple((cell,) for cell in cells), header=False)


def _pair(name: str, value: object) -> Cell:
    return (Bit(f"{name} ", QUIET), *bit(value))


def _count(number: int) -> Cell:
    return bit(number, ODD if number else "")


def _hash_line(height: int, digest: str, place: int) -> Cell:
    # The arrow shows that each block points to the one before it, on the line below.
    pointer = "→" if height > 1 else " "
    return join(bit(f"{height:>5}"), bit(short_hash(digest, 16), "" if place == 0 else QUIET), bit(pointer, QUIET))
