"""Lost memories (rule 17): who forgot must not vote before what it said is known again. Nodes 1, 2, 3 are A, B, C."""

from __future__ import annotations

from paxos.effects import Timer
from paxos.messages import Accepted, AskMemory, Decide, Memory
from tests.mutants.puppets import PuppetCluster, judge, tells_of

A, B, C = 1, 2, 3


def x_is_chosen_and_b_forgets(rule: str | None) -> PuppetCluster:
    """X is chosen by A and B in slot 1, and A's client knows it. C has heard nothing. Then B's folder is wiped."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    request = cluster.write(A, "X")
    cluster.accept(A, B)
    assert cluster.answered(request)
    cluster.lose()
    cluster.tick()
    cluster.wipe(B)
    return cluster


@tells_of("amnesiac-votes")
def test_a_wiped_node_elects_nobody(rule: str | None) -> None:
    """C campaigns, and B, which knows nothing any more, is asked for its promise: it would report no vote."""
    cluster = x_is_chosen_and_b_forgets(rule)
    cluster.lose()

    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.accept(C, B)

    judge(rule, cluster.broken(), well=not cluster.leads(C))


@tells_of("one-answer-recovers")
def test_one_answer_is_not_enough_to_vote_again(rule: str | None) -> None:
    """C answers B, and knows of nothing itself. A, which knows of X, is not heard."""
    cluster = x_is_chosen_and_b_forgets(rule)
    cluster.deliver(AskMemory, source=B, to=C)
    cluster.deliver(Memory, source=C, to=B)
    cluster.lose()

    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.accept(C, B)

    judge(rule, cluster.broken(), well=not cluster.leads(C))


@tells_of("old-era-counts")
def test_what_was_said_before_the_loss_counts_no_longer(rule: str | None) -> None:
    """B's vote for X is long under way, B forgets and asks, and A remembers that. Then the vote arrives."""
    cluster = PuppetCluster(rule)
    cluster.elect(A, B)
    cluster.write(A, "X")
    cluster.accept(A, B, answer=False)
    cluster.wipe(B)
    cluster.deliver(AskMemory, source=B)
    cluster.deliver(Memory, to=B)

    cluster.deliver(Accepted, source=B, to=A)

    well = cluster.height(A) == 0
    cluster.ring(A, Timer.RESEND)
    cluster.flow()
    cluster.tick()
    cluster.elect(C, A, B)
    cluster.flow()
    judge(rule, cluster.broken(), well=well)


def test_a_wiped_node_votes_again_with_all_that_it_needs() -> None:
    """A and C answer B; it takes over A's promise, fetches block 1, and is a voter: without A the others go on."""
    cluster = x_is_chosen_and_b_forgets(None)
    cluster.flow()
    assert cluster.height(B) == 1

    cluster.crash(A)
    cluster.lose(Decide)
    cluster.tick()
    cluster.elect(C, B)
    request = cluster.write(C, "Y")
    cluster.flow()

    assert cluster.answered(request)
    assert cluster.broken() == set()
