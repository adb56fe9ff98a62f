"""The log: recovery, gaps, catch-up, and what is remembered of what was decided. Nodes 1, 2 and 3 are A, B and C."""

from __future__ import annotations

from typing import Any

import pytest

from blog.operations import Post
from paxos.effects import Timer
from paxos.messages import Accept, Catchup, CatchupReply, Hints, PreVote, PreVoteReply, Request
from simulator.node.codec import operation_text
from simulator.node.storage.chain_file import CHAIN
from tests.mutants.puppets import PuppetCluster, judge, tells_of

A, B, C = 1, 2, 3


def led_by_a(rule: str | None, **settings: Any) -> PuppetCluster:
    """A leads with B; C has heard nothing."""
    cluster = PuppetCluster(rule, **settings)
    cluster.elect(A, B)
    return cluster


@tells_of("promise-hides-decided")
def test_what_is_decided_is_reported_as_decided(rule: str | None) -> None:
    """X is applied at A and B, A dies. C, who missed it all, leads through B, and must not use the slot again."""
    cluster = led_by_a(rule)
    cluster.write(A, "X")
    cluster.flow(A, B)
    cluster.crash(A)
    cluster.tick()

    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.flow(B, C)

    judge(rule, cluster.broken(), well=cluster.height(C) == 2)


@tells_of("commit-by-index")
def test_a_prefix_proves_its_own_ballot_alone(rule: str | None) -> None:
    """A alone holds X in slot 1. B and C choose Y there, and A hears from C that slot 1 is decided."""
    cluster = led_by_a(rule)
    cluster.write(A, "X")
    cluster.lose(Accept)
    cluster.tick()
    cluster.elect(C, B)
    cluster.write(C, "Y")
    cluster.lose(Accept, to=A)
    cluster.flow(B, C)

    cluster.deliver(source=C, to=A)

    judge(rule, cluster.broken(), well=cluster.height(A) == 0)


@tells_of("holes-stay")
def test_a_gap_is_filled_by_the_next_leader(rule: str | None) -> None:
    """Slot 1 never left A, slot 2 reached B, and A dies. What C is asked to write comes after both."""
    cluster = led_by_a(rule)
    cluster.write(A, "X")
    cluster.lose(Accept)
    cluster.write(A, "Z")
    cluster.deliver(Accept, source=A, to=B)
    cluster.crash(A)
    cluster.tick()

    cluster.elect(C, B)
    request = cluster.write(C, "Y")
    cluster.flow(B, C)

    judge(rule, cluster.broken(), well=cluster.answered(request))


@tells_of("acknowledge-past-a-gap")
def test_an_acknowledgement_says_nothing_of_slots_below(rule: str | None) -> None:
    """The ACCEPT of slot 1 is lost, that of slot 2 arrives and is acknowledged: slot 1 is not chosen."""
    cluster = led_by_a(rule)
    cluster.write(A, "X")
    cluster.lose(Accept)
    cluster.write(A, "Z")
    cluster.accept(A, B)

    judge(rule, cluster.broken(), well=cluster.height(A) == 0)


@tells_of("catch-up-ships-tentative")
def test_catch_up_hands_on_what_is_decided_and_no_more(rule: str | None) -> None:
    """Of five, 1 and 2 have accepted Z after the decided X. 5 asks 2 for what it has missed."""
    cluster = PuppetCluster(rule, nodes=5)
    cluster.elect(1, 2, 3)
    cluster.write(1, "X")
    cluster.flow(1, 2, 3)
    cluster.write(1, "Z")
    cluster.deliver(Accept, source=1, to=2)
    cluster.lose()
    cluster.tick()

    cluster.ring(5, Timer.ELECTION)
    cluster.deliver(PreVote, source=5, to=2)
    cluster.deliver(PreVoteReply, source=2, to=5)
    cluster.deliver(Catchup, to=2)
    cluster.deliver(CatchupReply, to=5)

    judge(rule, cluster.broken(), well=cluster.height(5) == 1)


@tells_of("apply-past-a-gap")
def test_slots_are_applied_in_order(rule: str | None) -> None:
    """Slot 2 is chosen and slot 1 is not: A has nothing to apply yet."""
    cluster = led_by_a(rule)
    cluster.write(A, "X")
    cluster.lose(Accept)
    cluster.write(A, "Z")
    cluster.accept(A, B)

    judge(rule, cluster.broken(), well=cluster.height(A) == 0)


def decided_twice(rule: str | None, *, meanwhile: str) -> PuppetCluster:
    """The same comment gets two slots: one from C, and a later one from what A alone had accepted before.

    `meanwhile` is "nothing", or "restart" for B, which has applied it once by then.
    """
    cluster = led_by_a(rule)
    cluster.write(A, "post")
    cluster.flow(A, B, C)
    cluster.write(A, "never heard of")
    comment = cluster.comment(A, "post")
    cluster.lose()  # Slots 2 and 3 are A's alone.
    cluster.tick()
    cluster.elect(C, B)
    cluster.again(C, comment)  # The client got no answer from A, and asks C: slot 2.
    cluster.flow(B, C)
    cluster.crash(C)
    if meanwhile == "restart":
        cluster.crash(B, keeps=(CHAIN,))
        cluster.restart(B)
        cluster.flow(A, B)  # B asks what others know of its chain. A does not know block 2, and C is silent.
        cluster.tick(3_000)
        cluster.ring(B, Timer.RECOVERY)
    cluster.tick()
    cluster.ring(A, Timer.HEARTBEAT)
    cluster.tick()
    cluster.elect(A, B)
    cluster.flow(A, B)
    assert cluster.checker.sometimes["requests decided twice"] or rule is not None
    return cluster


@tells_of("no-dedupe")
def test_a_request_that_is_decided_twice_takes_effect_once(rule: str | None) -> None:
    """The comment stands in slots 2 and 3, and once in the blog."""
    judge(rule, decided_twice(rule, meanwhile="nothing").broken())


@tells_of("dedupe-forgotten")
def test_a_restart_forgets_no_request(rule: str | None) -> None:
    """B has applied the comment and restarts before it is decided again."""
    judge(rule, decided_twice(rule, meanwhile="restart").broken())


@tells_of("refusal-forgotten")
def test_what_was_refused_stays_refused(rule: str | None) -> None:
    """A comment is refused, since its post comes one slot later; the same comment is decided again after the post."""
    cluster = led_by_a(rule)
    for title in ("one", "two"):
        cluster.write(A, title)
    comment = cluster.comment(A, "post")
    cluster.lose()  # Slots 1 to 3 are A's alone.
    cluster.tick()
    cluster.elect(C, B)
    cluster.again(C, comment)
    cluster.flow(B, C)
    cluster.write(C, "post")
    cluster.flow(B, C)
    cluster.crash(C)
    cluster.tick()
    cluster.ring(A, Timer.HEARTBEAT)
    cluster.tick()
    cluster.elect(A, B)
    cluster.flow(A, B)

    judge(rule, cluster.broken(), well=cluster.height(A) >= 3)


@tells_of("newest-number-only")
def test_a_write_that_was_overtaken_takes_effect(rule: str | None) -> None:
    """A client has two writes under way in one name, and the second is decided first."""
    cluster = led_by_a(rule)
    second, first = (Request("c", seq, operation_text(Post("ann", f"title {seq}", "text"), "c", seq)) for seq in (2, 1))

    cluster.again(A, second)
    cluster.flow(A, B, C)
    cluster.again(A, first)
    cluster.flow(A, B, C)

    judge(rule, cluster.broken(), well=cluster.answered(first) and cluster.answered(second))


@tells_of("answer-on-accept")
def test_nobody_is_answered_before_a_slot_is_chosen(rule: str | None) -> None:
    """A has accepted its client's write itself, and nobody else has."""
    cluster = led_by_a(rule)
    request = cluster.write(A, "X")

    judge(rule, cluster.broken(), well=not cluster.answered(request))


@tells_of("timeout-says-failed")
def test_a_time_out_is_no_refusal(rule: str | None) -> None:
    """A hears nobody for seven seconds. What its client is told leaves the fate of its write open."""
    cluster = PuppetCluster(rule)
    request = cluster.write(A, "X")
    cluster.tick(7_000)
    cluster.ring(A, Timer.FORWARD)

    judge(rule, cluster.broken(), well=cluster.answers[request.id].kind == "no-majority")


@tells_of("nonce-differs", "apply-reads-clock")
def test_every_node_makes_the_same_block(rule: str | None) -> None:
    """B makes its block later than A, and without a hint: both are the same, byte for byte."""
    cluster = led_by_a(rule, difficulty=1)
    cluster.write(A, "X")
    cluster.accept(A, B)
    cluster.lose(Hints)
    cluster.tick(7)
    cluster.flow(A, B)

    judge(rule, cluster.broken())


@tells_of("self-counted-early")
def test_the_leaders_own_vote_counts_when_it_is_durable(rule: str | None) -> None:
    """A's vote and B's choose X, A answers and dies at once: its journal must hold what it counted."""
    cluster = led_by_a(rule)
    request = cluster.write(A, "X")
    cluster.accept(A, B)
    assert cluster.answered(request)
    cluster.crash(A)
    cluster.restart(A)

    judge(rule, cluster.broken())


@tells_of("batch-half-applied")
def test_the_blog_is_made_of_the_chain_whatever_a_crash_left(rule: str | None) -> None:
    """The power fails between the two files of one slot: blockchain.txt has X, and blog.txt lacks it."""
    cluster = led_by_a(rule)
    cluster.write(A, "X")
    cluster.flow(A, B)
    cluster.crash(A, keeps=(CHAIN,))
    cluster.restart(A)

    judge(rule, cluster.broken(), well=cluster.height(A) == 1)


@pytest.mark.parametrize("control", ["control-late-vote-stored", "control-deposed-leader-learns"])
def test_what_only_looks_wrong_is_not_reported(control: str) -> None:
    """A late vote may be stored, and a stepped down leader may count the votes of its old ballot."""
    cluster = led_by_a(control)
    request: Request = cluster.write(A, "X")
    cluster.deliver(Accept, source=A, to=B)
    cluster.tick()
    cluster.ring(A, Timer.HEARTBEAT)
    cluster.tick()
    cluster.elect(C, B)
    cluster.flow(B, C)
    cluster.deliver(Accept, source=A)
    cluster.flow()

    assert cluster.broken() == set()
    assert cluster.answered(request)
