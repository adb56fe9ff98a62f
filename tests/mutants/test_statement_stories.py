"""What nodes state of their votes, their blocks and their starts. Nodes 1, 2 and 3 are A, B and C."""

from __future__ import annotations

from paxos.messages import Accept, Accepted, Catchup, CatchupReply, Decide, Forward, Heartbeat
from simulator.node.storage.journal import JOURNAL
from tests.mutants.puppets import PuppetCluster, judge, tells_of

A, B, C = 1, 2, 3


@tells_of("vote-reported-at-promise")
def test_a_vote_is_reported_at_its_own_ballot(rule: str | None) -> None:
    """B voted for X at A's ballot. It tells C so, and a vote at C's ballot is none that it gave."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.accept(A, B)
    cluster.crash(A)
    cluster.tick()

    cluster.elect(C, B)
    cluster.flow(B, C)

    judge(rule, cluster.broken(), well=cluster.height(C) == 1)


@tells_of("late-vote-replaces")
def test_an_older_vote_that_comes_late_takes_no_place(rule: str | None) -> None:
    """Y is chosen by B and C at C's ballot. A's older X comes late. A leads again, and B must report Y."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.tick()
    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.accept(C, B)
    cluster.deliver(Accept, source=A, to=B)
    cluster.lose()
    cluster.crash(A)
    cluster.crash(C)
    cluster.restart(A)
    cluster.tick()

    cluster.elect(A, B)

    judge(rule, cluster.broken())


@tells_of("torn-line-refused")
def test_a_torn_line_is_cut_off_and_no_reason_to_stay_down(rule: str | None) -> None:
    """B dies while it writes. Nobody heard of that line."""
    cluster = PuppetCluster(rule, simulated=True)
    cluster.elect(A, B)
    cluster.crash(B)
    journal = cluster.seats[B].disk.files[JOURNAL]
    journal.data += b"0123"
    journal.synced = len(journal.data)

    cluster.restart(B)

    judge(rule, cluster.broken(), well=not cluster.stopped)


@tells_of("votes-restored-at-promise")
def test_a_vote_has_after_a_restart_the_ballot_that_it_had_before(rule: str | None) -> None:
    """B voted for X at A's ballot, and promised C a higher one."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.accept(A, B)
    cluster.tick()
    cluster.elect(C, B)
    cluster.crash(B)

    cluster.restart(B)

    judge(rule, cluster.broken())


@tells_of("answer-names-the-tip")
def test_an_answer_names_the_block_of_its_write(rule: str | None) -> None:
    """X stands in block 1. Its client asks again when there are two blocks."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    request = cluster.write(A, "X")
    cluster.accept(A, B)
    cluster.write(A, "Y")
    cluster.accept(A, B)

    cluster.again(A, request)

    judge(rule, cluster.broken(), well=cluster.answers[request.id].height == 1)


@tells_of("request-dropped-on-change")
def test_a_request_that_waits_survives_a_change_of_leader(rule: str | None) -> None:
    """B's client waits for A, who dies. C leads, and B hands it the request."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.flow(A, B)
    request = cluster.write(B, "X")
    cluster.lose(Forward)
    cluster.crash(A)
    cluster.tick()
    cluster.elect(C, B)

    cluster.flow(B, C)

    judge(rule, cluster.broken(), well=cluster.answered(request))


@tells_of("block-served-changed")
def test_catch_up_hands_over_the_blocks_of_the_chain(rule: str | None) -> None:
    """X is decided by A and B. C has missed it and asks for it."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.deliver(Accept, source=A, to=B)
    cluster.lose(Accept, to=C)
    cluster.deliver(Accepted, source=B, to=A)

    cluster.deliver((Heartbeat, Decide), to=C)
    cluster.deliver(Catchup, source=C)
    cluster.deliver(CatchupReply, to=C)

    judge(rule, cluster.broken(), well=cluster.height(C) == 1)
