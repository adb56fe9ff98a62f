"""Linearizable reads: who may answer one, and when. Nodes 1, 2 and 3 are A, B and C."""

from __future__ import annotations

from paxos.messages import Accept, Heartbeat, HeartbeatAck
from tests.mutants.stage import Stage, judge, tells_of

A, B, C = 1, 2, 3


@tells_of("old-leader-reads", "read-trusts-clock")
def test_an_old_leader_asks_before_it_answers(rule: str | None) -> None:
    """A sleeps, C leads with B and answers a write; A wakes, its clock as it was, and is asked for the blog."""
    stage = Stage(rule)
    stage.elect(A, B)
    stage.flow(A, B)
    stage.tick(asleep=A)
    stage.elect(C, B)
    request = stage.write(C, "Y")
    stage.flow(B, C)
    assert stage.answered(request)

    number = stage.read(A)

    judge(rule, stage.broken(), well=number not in stage.shown)


@tells_of("follower-reads")
def test_a_follower_does_not_answer_from_its_copy(rule: str | None) -> None:
    """X is answered at A, and B has not heard of the decision yet."""
    stage = Stage(rule)
    stage.elect(A, B)
    stage.flow(A, B)
    stage.write(A, "X")
    stage.accept(A, B)

    number = stage.read(B)
    waits = number not in stage.shown
    stage.flow(A, B)

    judge(rule, stage.broken(), well=waits and number in stage.shown)


@tells_of("read-before-recovery")
def test_a_new_leader_reads_after_it_has_recovered(rule: str | None) -> None:
    """X is answered at A, and A dies. C leads with B, and is asked at once, before it knows that X is chosen."""
    stage = Stage(rule)
    stage.elect(A, B)
    stage.write(A, "X")
    stage.accept(A, B)
    stage.lose()
    stage.crash(A)
    stage.tick()
    stage.elect(C, B)

    number = stage.read(C)
    stage.deliver(Heartbeat, source=C, to=B)
    stage.deliver(HeartbeatAck, source=B, to=C)
    waits = number not in stage.shown
    assert stage.letters_of(Accept, source=C, to=B)
    stage.flow(B, C)

    judge(rule, stage.broken(), well=waits and number in stage.shown)
