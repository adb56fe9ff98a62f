"""A cluster at one interesting moment, made by hand: for demonstrations, screenshots and tests of views.

Node 1 leads, node 3 is paused and behind, node 4 is down, node 5 is cut off and campaigns in vain; messages are held,
links are slow and lossy, and a title contains an escape sequence.
"""

from __future__ import annotations

import hashlib

import msgspec

from simulator.cluster.events import ClusterEvent, HeldMessage
from simulator.cluster.meter import Figures, LoadProgress
from simulator.faults.links import Link, LinkRule, Links
from simulator.node.status import EntryView, NodeStatus, SlotView

_WRITES = (
    ("POST", "alice", "Hello", "first, post"),
    ("COMMENT", "bob", "Hello", "welcome!"),
    ("POST", "carol", "Why Paxos?", "because machines fail one at a time, and at the worst moment"),
    ("POST", "dave", "\x1b[31mred\x1b[0m [bold]not bold[/]", "escape\x07 me"),
    ("COMMENT", "李雷", "Why Paxos?", "多数派 never forgets 🙂"),
    ("COMMENT", "alice", "Why Paxos?", "and nobody need be trusted with the clock"),
    ("POST", "erin", "Quorums", "any two majorities meet"),
)


def _operation(height: int) -> str:
    op, user, title, content = _WRITES[(height - 1) % len(_WRITES)]
    fields = {"op": op, "username": user, "title": title, "content": content, "id": f"c{height}:1"}
    return msgspec.json.encode(fields).decode()


def chain_lines(blocks: int = 7) -> list[str]:
    """A valid chain of this many blocks, as `blockchain.txt` holds it (difficulty 1, so that it takes no time)."""
    lines: list[str] = []
    previous = "0" * 64
    for height in range(1, blocks + 1):
        text = f"[{_operation(height)}]" if height != 5 else "[]"  # The fifth is a no-op.
        nonce = 0
        while not (digest := hashlib.sha256(f"{previous}{text}{nonce}".encode()).hexdigest()).startswith("0"):
            nonce += 1
        lines.append(f'{{"height":{height},"H":"{previous}","T":{text},"N":{nonce},"hash":"{digest}"}}')
        previous = digest
    return lines


def _hashes(height: int) -> tuple[str, ...]:
    return tuple(msgspec.json.decode(line)["hash"] for line in chain_lines(height))[-5:]


def _entries(height: int) -> tuple[EntryView, ...]:
    return tuple(
        EntryView(kind="post" if op == "POST" else "comment", username=user, title=title, content=content)
        for op, user, title, content in _WRITES[:height]
    )[-8:]


def _log(height: int, ballot: tuple[int, int]) -> tuple[SlotView, ...]:
    done = [
        SlotView(
            slot=slot,
            ballot=(1, 5) if slot < 3 else ballot,
            state="applied",
            value=() if slot == 5 else (_operation(slot),),
        )
        for slot in range(1, height + 1)
    ]
    ahead = SlotView(slot=height + 2, ballot=ballot, state="decided", value=(_operation(1), _operation(2)))
    return (*done, SlotView(slot=height + 1, ballot=ballot, state="accepted", value=(_operation(3),)), ahead)


def _state(number: int, height: int, **changes: object) -> NodeStatus:
    hashes = _hashes(height)
    plain = NodeStatus(
        node=number,
        life="up",
        role="follower",
        ballot=(2, 1),
        promised=(2, 1),
        leader=1,
        accepted=height + 2,
        decided=height,
        applied=height,
        height=height,
        hash=hashes[-1],
        hashes=hashes,
        posts=4,
        comments=3,
        newest=_entries(height),
        heard=(1, 2),
        round_trip_ms=12,
        elections=1,
        messages_in=1804,
        messages_out=1790,
        syncs=212,
    )
    return msgspec.structs.replace(plain, **changes)


def states() -> list[NodeStatus]:
    """The statuses of the five nodes, in order."""
    damage = "paxos.txt line 12: the checksum is wrong; what was right is 3fa9c1"
    log = _log(7, (2, 1))
    alone = _log(2, (1, 5))
    return [
        _state(1, 7, role="leader", queue=3, pending=2, in_flight=2, leaderships=1, log=log),
        _state(2, 7, log=log),
        _state(3, 4, life="paused", promised=(1, 5), ballot=(1, 5), leader=5, log=_log(4, (1, 5))),
        _state(4, 6, life="down", error=damage),
        _state(5, 2, role="candidate", ballot=(7, 5), promised=(7, 5), leader=0, heard=(), elections=6, log=alone),
    ]


def links(*, holding: bool = False) -> Links:
    """Links: a partition that cuts node 5 off, a one-way cut, and three kinds of link conditions."""
    network = Links(range(1, 6))
    network.partition(((1, 2, 3, 4), (5,)))
    network.cut_links([(2, 3)])
    network.set_rule([(1, 2), (2, 1)], LinkRule(delay_ms=3000, jitter_ms=500))
    network.set_rule([(1, 3)], LinkRule(drop=0.3))
    network.set_rule([(1, 4), (4, 1)], LinkRule(delay_ms=20, duplicate=0.05))
    network.hold(holding)
    return network


def held() -> list[HeldMessage]:
    """Three messages of two rival campaigns."""
    return [
        HeldMessage(number=1, source=1, target=2, text="prepare ballot 3.1 from slot 8"),
        HeldMessage(number=2, source=3, target=2, text="prepare ballot 3.3 from slot 5"),
        HeldMessage(number=5, source=2, target=1, text="promise ballot 3.1, 1 acceptance"),
    ]


def events() -> list[ClusterEvent]:
    """Half a minute of events."""
    entries = (
        (4, 1, "leader", "leads at ballot 2.1"),
        (812, 1, "send", "1>2 accept ballot 2.1 slot 7"),
        (814, 2, "send", "2>1 accepted ballot 2.1 slots 7 to 7"),
        (815, 1, "answer", "#12 NEW POST Quorums from erin"),
        (2930, 0, "fault", "partition 1,2,3,4 / 5"),
        (4100, 3, "pause", "paused"),
        (5012, 4, "down", "the node stopped: paxos.txt line 12: the checksum is wrong"),
        (31007, 5, "drop", "5>1 pre-vote lost: the link is cut"),
    )
    return [ClusterEvent(at_ms=at, node=node, kind=kind, text=text) for at, node, kind, text in entries]


def figures() -> Figures:
    """Some forty answers a second, more and more of them, since node 1 was elected."""
    per_second = (0, 3, 11, 25, 31, 30, 38, 44, 41, 40)
    return Figures(rate=41.7, per_second=per_second, latency_ms=6, late_ms=31, waiting=2, elections=1, elected_ms=4)


def loads() -> list[LoadProgress]:
    """A load that has come two thirds of its way."""
    return [LoadProgress(number=1, passed_ms=6_600, for_ms=10_000, sent=268, answered=266, total=400)]


def counts() -> dict[Link, tuple[int, int]]:
    """Messages that passed each link, and those that were lost."""
    every = [(source, target) for source in range(1, 6) for target in range(1, 6) if source != target]
    return {link: (97 * link[0] * link[1], 12 if link == (2, 3) else 0) for link in every}


def checks(*, broken: bool = False) -> dict[str, str]:
    """What `Cluster.check` returns: all ok, or one violation."""
    names = (
        "agreement", "validity", "promise", "one value", "one leader", "chain", "blog", "durability", "once",
        "linearizability", "progress",
    )  # fmt: skip
    results = dict.fromkeys(names, "ok")
    if broken:
        results["agreement"] = "slot 3 was decided twice: node 1 decided POST alice Hello, node 5 a no-op"
    return results
