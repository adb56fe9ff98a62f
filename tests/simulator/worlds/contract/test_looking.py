"""What a cluster shows of itself, in both worlds: status, chains, the running log, files, checks and traces."""

from __future__ import annotations

from pathlib import Path

import msgspec

from blog.operations import Comment
from simulator.checks.audit import verify_directory
from simulator.checks.trace_check import check_trace
from simulator.cluster.events import Fate
from simulator.cluster.interface import AnswerKind, Cluster
from simulator.cluster.log_filter import LogFilter
from simulator.faults.faults import CutLink, Heal, Partition
from tests.simulator.worlds.contract.driver import LONG_MS, finish, follower_of, healthy, leader_of, new_post, write


def settle(cluster: Cluster, writes: int = 3) -> None:
    """Some writes at different nodes, applied everywhere."""
    for number in range(writes):
        assert write(cluster, number % cluster.settings.nodes + 1) is AnswerKind.OK
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)


def test_a_cluster_names_its_world(cluster: Cluster, world: str) -> None:
    """Only the virtual world has abilities of a simulation."""
    assert cluster.world == world
    assert (cluster.simulated is None) == (world == "processes")
    assert cluster.links.untouched


def test_the_log_of_a_node_is_shown_on_request(cluster: Cluster) -> None:
    """A status has slots with `detail` alone; the newest are the newest of the chain."""
    settle(cluster)

    plain, detailed = cluster.status(2), cluster.status(2, detail=True)

    assert plain.log == ()
    assert detailed.log[-1].slot == detailed.applied
    assert detailed.log[-1].state == "applied"
    assert (detailed.node, detailed.life, detailed.height) == (2, "up", plain.height)


def test_chain_lines_are_cut_to_the_blocks_that_there_are(cluster: Cluster) -> None:
    """Both ends are included. Heights count from 1."""
    settle(cluster)
    height = cluster.status(1).height
    lines = cluster.chain_lines(1, 1, height)

    assert len(lines) == height
    assert cluster.chain_lines(1, 2, 3) == lines[1:3]
    assert cluster.chain_lines(1, -5, 1_000_000) == lines
    assert cluster.chain_lines(1, height, height) == lines[-1:]
    assert cluster.chain_lines(1, height + 1, height + 9) == []


def test_the_running_log_holds_messages_and_answers_on_request(cluster: Cluster) -> None:
    """The newest lines are given, oldest first. Messages name their source and targets."""
    leader = leader_of(cluster)
    cluster.watch_messages(on=True)
    ticket = cluster.submit(leader, new_post())
    answer = finish(cluster, ticket)
    log = cluster.events(10_000)
    accept = [event for event in log if event.kind == "sent" and "  ACCEPT " in event.text][-1]

    others = tuple(node for node in cluster.settings.node_ids if node != leader)
    assert (accept.node, accept.to) == (leader, others)
    assert accept.text.startswith(f"→ {','.join(map(str, others))}  ACCEPT ballot ")
    assert (leader, "answer", f"[{ticket.number}] {answer.text}") in [(e.node, e.kind, e.text) for e in log]
    assert [event.at_ms for event in log] == sorted(event.at_ms for event in log)
    assert len(cluster.events(3)) == 3
    assert list(cluster.events(0)) == []

    cluster.watch_messages(on=False)
    answers = [event for event in cluster.events(10_000) if event.kind == "answer"]
    write(cluster, leader)
    assert [event for event in cluster.events(10_000) if event.kind == "answer"] == answers
    cluster.watch_messages(on=True)


def test_the_running_log_says_what_became_of_a_message(cluster: Cluster) -> None:
    """A message into a cut link does not look as if it had arrived; its other copies went their way."""
    leader, cut_off = leader_of(cluster), follower_of(cluster)
    cluster.watch_messages(on=True)

    cluster.apply(CutLink(source=leader, target=cut_off, one_way=True))
    assert write(cluster, leader) is AnswerKind.OK
    log = cluster.events(1_000, LogFilter("messages"))
    cluster.apply(Heal())

    accept = [event for event in log if "  ACCEPT " in event.text][-1]
    assert accept.fates == (Fate("cut", (cut_off,)),)
    assert cut_off in accept.to


def test_elections_are_found_after_many_answers_and_figures_count_them(cluster: Cluster) -> None:
    """The part of the log without messages has every election; figures tell when the last one was."""
    cluster.watch_messages(on=True)
    leader = leader_of(cluster)
    settle(cluster)

    log = cluster.events(1_000, LogFilter("elections"))
    mark, news = cluster.news((0, 0, 0), LogFilter("elections"))
    figures = cluster.figures()

    won = [event for event in log if event.kind == "leader"]
    assert won[-1].node == leader
    assert list(news) == list(log)
    assert cluster.news(mark, LogFilter("elections"))[1] == []
    assert (figures.elections, figures.elected_ms) == (len(won), won[-1].at_ms)
    assert figures.latency_ms is not None


def test_the_checks_judge_a_cluster_that_has_been_through_faults(cluster: Cluster) -> None:
    """Each invariant has a name and is ok, also when asked twice."""
    cluster.apply(Partition(((leader_of(cluster), follower_of(cluster)),)))
    write(cluster, next(n for n in cluster.settings.node_ids if cluster.links.is_cut((n, leader_of(cluster)))))
    cluster.apply(Heal())
    assert cluster.wait(lambda: healthy(cluster), LONG_MS)

    verdicts = cluster.check()

    assert verdicts
    assert verdicts == dict.fromkeys(verdicts, "ok")
    assert cluster.check() == verdicts
    assert "linearizability" in verdicts


def test_a_trace_holds_the_run_and_can_be_judged(cluster: Cluster, tmp_path: Path) -> None:
    """Its header names the world; the checks of traces accept it."""
    settle(cluster)

    lines = list(cluster.trace_lines())
    path = tmp_path / "run.trace"
    path.write_text("".join(line.rstrip("\n") + "\n" for line in lines), encoding="utf-8")

    assert msgspec.json.decode(lines[0])["world"] == cluster.world
    assert set(check_trace(path).verdicts().values()) == {"ok"}
    kinds = {msgspec.json.decode(line)["event"] for line in lines[1:]}
    assert {"asked", "told", "sent", "delivered", "recovered", "recorded", "synced", "applied", "history"} <= kinds


def test_the_files_of_all_nodes_pass_the_audit(cluster: Cluster) -> None:
    """They are those of the nodes, or a copy of what is on simulated disks."""
    post = new_post()
    assert write(cluster, 1, post) is AnswerKind.OK
    assert write(cluster, 2, Comment("bob", post.title, "well said")) is AnswerKind.OK
    settle(cluster)
    heights = [cluster.status(node).height for node in cluster.settings.node_ids]

    with cluster.files() as directory:
        report = verify_directory(directory, cluster.settings.difficulty)
        names = sorted(path.name for path in directory.glob("node-*"))

    assert names == [f"node-{node}" for node in cluster.settings.node_ids]
    assert report.ok
    assert [node.height for node in report.nodes] == heights


def test_links_are_counted_in_both_directions(cluster: Cluster) -> None:
    """Each count is what passed and what was lost; only pairs of different nodes have one."""
    settle(cluster)
    leader, node = leader_of(cluster), follower_of(cluster)

    counts = cluster.link_counts()

    assert all(source != target for source, target in counts)
    assert counts[leader, node][0] > 0
    assert counts[node, leader][0] > 0
