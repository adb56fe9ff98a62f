"""The log: recovery, gaps, catch-up, and what is remembered of what was decided. Nodes 1, 2 and 3 are A, B and C."""

from __future__ import annotations

import pytest

from paxos.effects import Timer
from paxos.messages import Accept, Catchup, CatchupReply, Hints, PreVote, PreVoteReply, Request
from simulator.node.storage.chain_file import CHAIN
from tests.mutants.stage import Stage, judge, tells_of

A, B, C = 1, 2, 3


def led_by_a(rule: str | None, **settings: int) -> Stage:
    """A leads with B; C has heard nothing."""
    stage = Stage(rule, **settings)
    stage.elect(A, B)
    return stage


@tells_of("promise-hides-decided")
def test_what_is_decided_is_reported_as_decided(rule: str | None) -> None:
    """X is applied at A and B, A dies. C, who missed it all, leads through B, and must not use the slot again."""
    stage = led_by_a(rule)
    stage.write(A, "X")
    stage.flow(A, B)
    stage.crash(A)
    stage.tick()

    stage.elect(C, B)
    stage.write(C, "Y")
    stage.flow(B, C)

    judge(rule, stage.broken(), well=stage.height(C) == 2)


@tells_of("commit-by-index")
def test_a_prefix_proves_its_own_ballot_alone(rule: str | None) -> None:
    """A alone holds X in slot 1. B and C choose Y there, and A hears from C that slot 1 is decided."""
    stage = led_by_a(rule)
    stage.write(A, "X")
    stage.lose(Accept)
    stage.tick()
    stage.elect(C, B)
    stage.write(C, "Y")
    stage.lose(Accept, to=A)
    stage.flow(B, C)

    stage.deliver(source=C, to=A)

    judge(rule, stage.broken(), well=stage.height(A) == 0)


@tells_of("holes-stay")
def test_a_gap_is_filled_by_the_next_leader(rule: str | None) -> None:
    """Slot 1 never left A, slot 2 reached B, and A dies. What C is asked to write comes after both."""
    stage = led_by_a(rule)
    stage.write(A, "X")
    stage.lose(Accept)
    stage.write(A, "Z")
    stage.deliver(Accept, source=A, to=B)
    stage.crash(A)
    stage.tick()

    stage.elect(C, B)
    request = stage.write(C, "Y")
    stage.flow(B, C)

    judge(rule, stage.broken(), well=stage.answered(request))


@tells_of("acknowledge-past-a-gap")
def test_an_acknowledgement_says_nothing_of_slots_below(rule: str | None) -> None:
    """The ACCEPT of slot 1 is lost, that of slot 2 arrives and is acknowledged: slot 1 is not chosen."""
    stage = led_by_a(rule)
    stage.write(A, "X")
    stage.lose(Accept)
    stage.write(A, "Z")
    stage.accept(A, B)

    judge(rule, stage.broken(), well=stage.height(A) == 0)


@tells_of("catch-up-ships-tentative")
def test_catch_up_hands_on_what_is_decided_and_no_more(rule: str | None) -> None:
    """Of five, 1 and 2 have accepted Z after the decided X. 5 asks 2 for what it has missed."""
    stage = Stage(rule, nodes=5)
    stage.elect(1, 2, 3)
    stage.write(1, "X")
    stage.flow(1, 2, 3)
    stage.write(1, "Z")
    stage.deliver(Accept, source=1, to=2)
    stage.lose()
    stage.tick()

    stage.ring(5, Timer.ELECTION)
    stage.deliver(PreVote, source=5, to=2)
    stage.deliver(PreVoteReply, source=2, to=5)
    stage.deliver(Catchup, to=2)
    stage.deliver(CatchupReply, to=5)

    judge(rule, stage.broken(), well=stage.height(5) == 1)


@tells_of("apply-past-a-gap")
def test_slots_are_applied_in_order(rule: str | None) -> None:
    """Slot 2 is chosen and slot 1 is not: A has nothing to apply yet."""
    stage = led_by_a(rule)
    stage.write(A, "X")
    stage.lose(Accept)
    stage.write(A, "Z")
    stage.accept(A, B)

    judge(rule, stage.broken(), well=stage.height(A) == 0)


def decided_twice(rule: str | None, *, meanwhile: str) -> Stage:
    """The same comment gets two slots: one from C, and a later one from what A alone had accepted before.

    `meanwhile` is "nothing", or "restart" for B, which has applied it once by then.
    """
    stage = led_by_a(rule)
    stage.write(A, "post")
    stage.flow(A, B, C)
    stage.write(A, "never heard of")
    comment = stage.comment(A, "post")
    stage.lose()  # Slots 2 and 3 are A's alone.
    stage.tick()
    stage.elect(C, B)
    stage.again(C, comment)  # The client got no answer from A, and asks C: slot 2.
    stage.flow(B, C)
    stage.crash(C)
    if meanwhile == "restart":
        stage.crash(B, keeps=(CHAIN,))
        stage.restart(B)
    stage.tick()
    stage.ring(A, Timer.HEARTBEAT)
    stage.tick()
    stage.elect(A, B)
    stage.flow(A, B)
    assert stage.checker.sometimes["requests decided twice"] or rule is not None
    return stage


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
    stage = led_by_a(rule)
    for title in ("one", "two"):
        stage.write(A, title)
    comment = stage.comment(A, "post")
    stage.lose()  # Slots 1 to 3 are A's alone.
    stage.tick()
    stage.elect(C, B)
    stage.again(C, comment)
    stage.flow(B, C)
    stage.write(C, "post")
    stage.flow(B, C)
    stage.crash(C)
    stage.tick()
    stage.ring(A, Timer.HEARTBEAT)
    stage.tick()
    stage.elect(A, B)
    stage.flow(A, B)

    judge(rule, stage.broken(), well=stage.height(A) >= 3)


@tells_of("answer-on-accept")
def test_nobody_is_answered_before_a_slot_is_chosen(rule: str | None) -> None:
    """A has accepted its client's write itself, and nobody else has."""
    stage = led_by_a(rule)
    request = stage.write(A, "X")

    judge(rule, stage.broken(), well=not stage.answered(request))


@tells_of("timeout-says-failed")
def test_a_time_out_is_no_refusal(rule: str | None) -> None:
    """A hears nobody for seven seconds. What its client is told leaves the fate of its write open."""
    stage = Stage(rule)
    request = stage.write(A, "X")
    stage.tick(7_000)
    stage.ring(A, Timer.FORWARD)

    judge(rule, stage.broken(), well=stage.answers[request.id].kind == "no-majority")


@tells_of("nonce-differs", "apply-reads-clock")
def test_every_node_makes_the_same_block(rule: str | None) -> None:
    """B makes its block later than A, and without a hint: both are the same, byte for byte."""
    stage = led_by_a(rule, difficulty=1)
    stage.write(A, "X")
    stage.accept(A, B)
    stage.lose(Hints)
    stage.tick(7)
    stage.flow(A, B)

    judge(rule, stage.broken())


@tells_of("self-counted-early")
def test_the_leaders_own_vote_counts_when_it_is_durable(rule: str | None) -> None:
    """A's vote and B's choose X, A answers and dies at once: its journal must hold what it counted."""
    stage = led_by_a(rule)
    request = stage.write(A, "X")
    stage.accept(A, B)
    assert stage.answered(request)
    stage.crash(A)
    stage.restart(A)

    judge(rule, stage.broken())


@tells_of("batch-half-applied")
def test_the_blog_is_made_of_the_chain_whatever_a_crash_left(rule: str | None) -> None:
    """The power fails between the two files of one slot: blockchain.txt has X, and blog.txt lacks it."""
    stage = led_by_a(rule)
    stage.write(A, "X")
    stage.flow(A, B)
    stage.crash(A, keeps=(CHAIN,))
    stage.restart(A)

    judge(rule, stage.broken(), well=stage.height(A) == 1)


@pytest.mark.parametrize("control", ["control-late-vote-stored", "control-deposed-leader-learns"])
def test_what_only_looks_wrong_is_not_reported(control: str) -> None:
    """A late vote may be stored, and a stepped down leader may count the votes of its old ballot."""
    stage = led_by_a(control)
    request: Request = stage.write(A, "X")
    stage.deliver(Accept, source=A, to=B)
    stage.tick()
    stage.ring(A, Timer.HEARTBEAT)
    stage.tick()
    stage.elect(C, B)
    stage.flow(B, C)
    stage.deliver(Accept, source=A)
    stage.flow()

    assert stage.broken() == set()
    assert stage.answered(request)
