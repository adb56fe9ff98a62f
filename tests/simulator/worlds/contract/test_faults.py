"""What every fault does to a cluster, in both worlds."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import pytest

from simulator.cluster.interface import AnswerKind, Cluster, Query
from simulator.errors import InputError
from simulator.faults.faults import (
    ClearConditions,
    Crash,
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
from simulator.faults.links import LinkRule
from simulator.node.status import after_death
from tests.simulator.worlds.contract.conftest import OpenNew
from tests.simulator.worlds.contract.driver import (
    LONG_MS,
    finish,
    follower_of,
    healthy,
    leader_of,
    make_healthy,
    new_post,
    notes,
    process_states,
    read,
    write,
)

# Nodes


def test_a_crashed_leader_is_replaced_and_catches_up(cluster: Cluster) -> None:
    """What it answered is kept. After its restart it learns what it missed."""
    old, other = leader_of(cluster), follower_of(cluster)
    before, after = new_post(), new_post()
    assert write(cluster, old, before) is AnswerKind.OK

    cluster.apply(Crash(old))
    assert cluster.status(old).life == "down"
    assert write(cluster, other, after) is AnswerKind.OK
    assert cluster.status(other).leader != old
    cluster.apply(Restart(old))
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)

    assert {before.title, after.title} <= {
        row[0]
        for row in read(cluster, old, Query(kind="all")).result  # type: ignore[attr-defined]
    }


def test_a_dead_node_shows_its_disk_and_nothing_of_its_memory(cluster: Cluster) -> None:
    """Its chain and promises stay; its role, its leader and its counters are those of a node that has just begun."""
    old = leader_of(cluster)
    write(cluster, old)
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)
    living = cluster.status(old, detail=True)
    assert living.messages_in > 0
    assert living.leaderships > 0

    cluster.apply(Crash(old))

    for dead in (cluster.status(old), cluster.status(old, detail=True)):
        assert dead == msgspec.structs.replace(after_death(dead), life="down")
        assert (dead.height, dead.hash, dead.posts) == (living.height, living.hash, living.posts)
        assert (dead.role, dead.leader, dead.messages_in, dead.leaderships) == ("follower", 0, 0, 0)


def test_all_nodes_may_crash_at_once(cluster: Cluster) -> None:
    """What was answered is there when they come back."""
    post = new_post()
    assert write(cluster, 2, post) is AnswerKind.OK

    for node in cluster.settings.node_ids:
        cluster.apply(Crash(node))
    assert set(process_states(cluster)) == {"down"}
    for node in cluster.settings.node_ids:
        cluster.apply(Restart(node))
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)

    answer = read(cluster, 3, Query(kind="title", name=post.title, linearizable=True))
    assert answer.kind is AnswerKind.OK
    assert answer.result


def test_a_paused_leader_is_replaced_and_follows_afterwards(cluster: Cluster) -> None:
    """The others go on. What it was asked meanwhile is answered after it resumes."""
    old, other = leader_of(cluster), follower_of(cluster)
    cluster.apply(Pause(old))

    waiting = cluster.submit(old, new_post())
    assert write(cluster, other) is AnswerKind.OK
    assert cluster.status(old).life == "paused"
    assert not waiting.done
    cluster.apply(Resume(old))

    assert cluster.status(old).life == "up"
    assert finish(cluster, waiting).kind is AnswerKind.OK
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)


def test_a_fault_is_observed_before_its_consequences(open_new: OpenNew) -> None:
    """In the running log and in the trace, the crash comes before the end, and the restart before the start."""
    cluster = open_new()
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)
    cluster.apply(Crash(2))
    cluster.apply(Restart(2))
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)

    log = [(event.node, event.kind) for event in cluster.events(10_000) if event.node == 2]
    kinds = [kind for _, kind in log if kind in {"fault", "down", "start"}]
    trace = [msgspec.json.decode(line) for line in cluster.trace_lines()]
    events = [line["event"] for line in trace if line.get("node") == 2 or "fault" in line]

    assert kinds == ["start", "fault", "down", "fault", "start"]
    assert [name for name in events if name in {"struck", "ended", "recovered"}] == [
        "recovered",
        "struck",
        "ended",
        "struck",
        "recovered",
    ]


# Links


def test_a_minority_has_no_majority(cluster: Cluster) -> None:
    """Its clients get no OK, the majority goes on, and after the partition heals all chains are equal."""
    old = leader_of(cluster)
    other = follower_of(cluster)
    far = next(node for node in cluster.settings.node_ids if node not in {old, other})
    passed, lost = cluster.link_counts()[old, far]

    cluster.apply(Partition(((old, other),)))
    alone = cluster.submit(old, new_post())
    assert cluster.links.is_cut((old, far))
    assert not cluster.links.is_cut((old, other))
    assert write(cluster, far) is AnswerKind.OK
    answer = finish(cluster, alone)
    counts = cluster.link_counts()[old, far]
    cluster.apply(Heal())

    assert answer.kind is AnswerKind.NO_MAJORITY
    assert counts[0] - passed <= 5  # Those that were on the link when it was cut.
    assert counts[1] > lost
    assert cluster.links.untouched
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)


def test_a_write_finds_its_way_around_a_cut_link(cluster: Cluster) -> None:
    """A node that cannot reach the leader writes through a peer."""
    leader, node = leader_of(cluster), follower_of(cluster)
    cluster.apply(CutLink(node, leader))

    assert write(cluster, node) is AnswerKind.OK


def test_a_link_may_be_cut_one_way(cluster: Cluster) -> None:
    """The way back is whole. `MendLink` undoes the cut."""
    leader, node = leader_of(cluster), follower_of(cluster)
    there, back = (leader, node), (node, leader)
    before = cluster.link_counts()

    cluster.apply(CutLink(leader, node, one_way=True))
    assert cluster.links.is_cut(there)
    assert not cluster.links.is_cut(back)
    assert write(cluster, leader) is AnswerKind.OK
    assert cluster.wait(lambda: cluster.link_counts()[there][1] > before[there][1], LONG_MS)
    after = cluster.link_counts()

    assert after[there][0] - before[there][0] <= 5  # Those that were on the link when it was cut.
    assert after[back][1] == before[back][1]
    cluster.apply(MendLink(leader, node))
    assert cluster.links.untouched


def test_a_slow_link_delays_each_message(cluster: Cluster) -> None:
    """A write needs a round trip. Messages on their way are counted."""
    cluster.apply(LinkConditions(rule=LinkRule(delay_ms=200)))
    assert cluster.links.rule((3, 4)).delay_ms == 200

    ticket = cluster.submit(leader_of(cluster), new_post())
    assert cluster.wait(lambda: cluster.in_flight() >= 4, LONG_MS)
    assert finish(cluster, ticket).kind is AnswerKind.OK

    assert ticket.answered_ms is not None
    assert ticket.answered_ms - ticket.asked_ms >= 399
    cluster.apply(ClearConditions())
    assert cluster.links.untouched


def test_conditions_may_be_those_of_one_link(cluster: Cluster) -> None:
    """A link that loses every message loses it in its direction alone."""
    leader, node = leader_of(cluster), follower_of(cluster)
    there, back = (leader, node), (node, leader)
    before = cluster.link_counts()

    cluster.apply(LinkConditions(LinkRule(drop=1.0), (there,)))
    assert write(cluster, leader) is AnswerKind.OK
    assert cluster.wait(lambda: cluster.link_counts()[there][1] > before[there][1], LONG_MS)

    assert cluster.link_counts()[back][1] == before[back][1]
    assert cluster.links.rule(there).drop == 1.0
    assert cluster.links.rule(back).clear


def test_held_messages_wait_until_they_are_delivered(cluster: Cluster) -> None:
    """One by its number, those of a link, or all. `Release` ends the holding."""
    leader = leader_of(cluster)
    cluster.apply(Hold())
    ticket = cluster.submit(leader, new_post())
    assert cluster.wait(lambda: sum(held.text.startswith("ACCEPT ") for held in cluster.held()) == 4, LONG_MS)
    accepts = [held for held in cluster.held() if held.text.startswith("ACCEPT ")]
    assert {held.source for held in accepts} == {leader}
    assert [held.number for held in cluster.held()] == sorted(held.number for held in cluster.held())
    assert accepts[-1] in cluster.held(after=accepts[0].number)
    assert accepts[0] not in cluster.held(after=accepts[0].number)
    assert cluster.held_message(accepts[1].number) == accepts[1]
    assert cluster.held_message() == cluster.held()[0]
    assert cluster.in_flight() >= len(accepts)
    assert not ticket.done

    cluster.apply(DeliverHeld(number=accepts[0].number))
    assert accepts[0].number not in {held.number for held in cluster.held()}
    with pytest.raises(InputError, match=f"No message number {accepts[0].number} is held"):
        cluster.apply(DeliverHeld(number=accepts[0].number))
    cluster.apply(DeliverHeld(link=(leader, accepts[1].target)))
    assert accepts[1].number not in {held.number for held in cluster.held()}
    assert accepts[2].number in {held.number for held in cluster.held()}
    cluster.apply(Release())

    assert finish(cluster, ticket).kind is AnswerKind.OK
    assert cluster.held() == []
    assert cluster.held_message() is None
    assert cluster.held_message(accepts[1].number) is None
    assert not cluster.links.holding


# Disks


@pytest.mark.parametrize("kind", ["full", "readonly", "failing-write", "failing-sync"])
def test_a_disk_that_refuses_stops_its_node_alone(cluster: Cluster, kind: DiskFaultKind) -> None:
    """The node's status gives the reason. With a good disk the node comes back."""
    node = follower_of(cluster)
    cluster.apply(DiskFault(node, kind))

    assert write(cluster, leader_of(cluster)) is AnswerKind.OK
    assert cluster.wait(lambda: cluster.status(node).life == "down", LONG_MS)
    assert "disk failed" in cluster.status(node).error
    make_healthy(cluster)

    assert cluster.status(node).error == ""


def test_a_torn_last_line_is_cut_and_damage_elsewhere_is_named_and_mended(open_new: OpenNew) -> None:
    """A node comes back from both, without a person: it says what was wrong and sets the damaged file aside."""
    cluster = open_new()
    assert write(cluster, 1) is AnswerKind.OK
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)
    node = follower_of(cluster)
    for fault, words in (
        (DiskFault(node, "tear", "paxos.txt"), "torn last line"),
        (DiskFault(node, "corrupt", "paxos.txt", 1), "paxos.txt, line 1: its checksum does not match its text"),
        (DiskFault(node, "corrupt", "blockchain.txt", 1), "set aside as blockchain.txt.damaged-1"),
        (DiskFault(node, "zero", "paxos.txt"), "paxos.txt"),
        (DiskFault(node, "wipe", "all"), f"node {node}"),
    ):
        cluster.apply(Crash(node))
        cluster.apply(fault)
        cluster.apply(Restart(node))
        assert cluster.wait(lambda: healthy(cluster), LONG_MS), fault
        assert any(words in event.text for event in cluster.events(10_000)), fault
        assert write(cluster, node) is AnswerKind.OK


def test_a_node_whose_files_are_removed_under_it_stops(open_new: OpenNew) -> None:
    """It would answer from files that no restart finds. The cluster goes on, and the node comes back."""
    cluster = open_new()
    assert write(cluster, 1) is AnswerKind.OK
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)
    node = follower_of(cluster)

    cluster.apply(DiskFault(node, "wipe", "all"))

    assert cluster.wait(lambda: cluster.status(node).life == "down", LONG_MS)
    assert "it was removed or replaced while the node ran" in cluster.status(node).error
    assert write(cluster, leader_of(cluster)) is AnswerKind.OK
    cluster.apply(Restart(node))
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)


def test_a_node_can_be_given_its_older_files(open_new: OpenNew) -> None:
    """They are those of its last start. A node that runs keeps its files."""
    cluster = open_new()
    node = follower_of(cluster)
    assert write(cluster, node) is AnswerKind.OK
    with pytest.raises(InputError, match=f"Node {node} is alive"):
        cluster.apply(DiskFault(node, "rollback"))
    cluster.apply(Crash(node))

    cluster.apply(DiskFault(node, "rollback"))

    assert len(cluster.chain_lines(node, 1, 9)) == 0
    cluster.apply(Restart(node))
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)


def test_a_slow_disk_delays_its_node_alone(open_new: OpenNew) -> None:
    """Writes are answered by the others meanwhile, and the node follows."""
    cluster = open_new()
    assert write(cluster, 1) is AnswerKind.OK
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)
    node = follower_of(cluster)
    cluster.apply(DiskFault(node, "slow", delay_ms=100))

    assert write(cluster, leader_of(cluster)) is AnswerKind.OK
    assert cluster.wait(lambda: cluster.status(node).height == 2, LONG_MS)
    cluster.apply(DiskFault(node, "ok"))
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)


def test_a_wiped_file_is_gone(open_new: OpenNew) -> None:
    """A blog file is derived from the chain: the node writes it anew."""
    cluster = open_new()
    assert write(cluster, 1) is AnswerKind.OK
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)
    cluster.apply(Crash(3))
    cluster.apply(DiskFault(3, "wipe", "blog.txt"))
    with cluster.files() as directory:
        assert not (directory / "node-3" / "blog.txt").exists()

    cluster.apply(Restart(3))
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)

    with cluster.files() as directory:
        assert (directory / "node-3" / "blog.txt").read_bytes() == (directory / "node-1" / "blog.txt").read_bytes()


# Refusals


@pytest.mark.parametrize(
    ("fault", "why"),
    [
        (Crash(2), "Node 2 is down."),
        (Pause(2), "Node 2 is down."),
        (Resume(2), "Node 2 is down."),
        (Restart(1), "Node 1 is up: only a node that is down can be restarted."),
        (Resume(1), "Node 1 is not paused."),
        (Crash(9), "There is no node 9: this cluster has nodes 1 to 5."),
        (Restart(9), "There is no node 9"),
        (Pause(9), "There is no node 9"),
        (CutLink(1, 1), "There is no link from node 1 to itself."),
        (MendLink(1, 8), "There is no node 8"),
        (LinkConditions(LinkRule(drop=0.5), ((1, 7),)), "There is no node 7"),
        (Partition(((1, 2), (2,))), "Node 2 stands twice"),
        (Partition(((1, 6),)), "There is no node 6"),
        (DeliverHeld(number=1_000_000), "No message number 1000000 is held."),
        (DiskFault(9, "ok"), "There is no node 9"),
        (DiskFault(1, "wipe", "diary.txt"), "Node 1 has no file 'diary.txt'."),
        (DiskFault(1, "tear", "paxos.txt"), "Node 1 is alive"),
        (DiskFault(2, "corrupt", "paxos.txt", 1_000_000), "and so no line 1000000"),
    ],
)
def test_an_impossible_fault_changes_nothing(cluster: Cluster, fault: Fault, why: str) -> None:
    """It is refused in one sentence, and no line of the running log tells of it."""
    cluster.apply(Crash(2))
    faults = notes(cluster).count("fault")

    with pytest.raises(InputError) as refusal:
        cluster.apply(fault)

    assert why in str(refusal.value)
    assert process_states(cluster) == ["up", "down", "up", "up", "up"]
    assert cluster.links.untouched
    assert notes(cluster).count("fault") == faults


def test_every_fault_is_a_line_of_the_running_log(cluster: Cluster) -> None:
    """The line is that of a scenario, at the node that the fault names."""
    faults: list[Fault] = [Pause(3), Resume(3), Hold(), Release(), CutLink(1, 2), Heal(), Crash(4), Restart(4)]
    for fault in faults:
        cluster.apply(fault)

    lines = [(event.node, event.text) for event in cluster.events(10_000) if event.kind == "fault"][-len(faults) :]

    assert lines == [
        (3, "pause 3"),
        (3, "resume 3"),
        (0, "hold"),
        (0, "release"),
        (0, "faillink 1 2"),
        (0, "heal"),
        (4, "crash 4"),
        (4, "restart 4"),
    ]
    assert all(a.at_ms <= b.at_ms for a, b in pairwise(cluster.events(10_000)))
