"""Linearizable reads: who may answer one, and when. Nodes 1, 2 and 3 are A, B and C."""

from __future__ import annotations

from paxos.messages import Accept, Heartbeat, HeartbeatAck
from tests.mutants.puppets import PuppetCluster, judge, tells_of

A, B, C = 1, 2, 3


@tells_of("old-leader-reads", "read-trusts-clock")
def test_an_old_leader_asks_before_it_answers(rule: str | None) -> None:
    """A sleeps, C leads with B and answers a write; A wakes, its clock as it was, and is asked for the blog."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.flow(A, B)
    cluster.tick(asleep=A)
    cluster.elect(C, B)
    request = cluster.write(C, "Y")
    cluster.flow(B, C)
    assert cluster.answered(request)

    number = cluster.read(A)

    judge(rule, cluster.broken(), well=number not in cluster.shown)


@tells_of("follower-reads")
def test_a_follower_does_not_answer_from_its_copy(rule: str | None) -> None:
    """X is answered at A, and B has not heard of the decision yet."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.flow(A, B)
    cluster.write(A, "X")
    cluster.accept(A, B)

    number = cluster.read(B)
    waits = number not in cluster.shown
    cluster.flow(A, B)

    judge(rule, cluster.broken(), well=waits and number in cluster.shown)


@tells_of("read-before-recovery")
def test_a_new_leader_reads_after_it_has_recovered(rule: str | None) -> None:
    """X is answered at A, and A dies. C leads with B, and is asked at once, before it knows that X is chosen."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.accept(A, B)
    cluster.lose()
    cluster.crash(A)
    cluster.tick()
    cluster.elect(C, B)

    number = cluster.read(C)
    cluster.deliver(Heartbeat, source=C, to=B)
    cluster.deliver(HeartbeatAck, source=B, to=C)
    waits = number not in cluster.shown
    assert cluster.letters_of(Accept, source=C, to=B)
    cluster.flow(B, C)

    judge(rule, cluster.broken(), well=waits and number in cluster.shown)
